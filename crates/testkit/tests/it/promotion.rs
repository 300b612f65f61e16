//! A replica becomes the primary: its siblings and its own replicas go on without a full sync.

use crate::tree::{Writers, fill, follow, offset, syncs, wait_equal, wait_link_up};
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis};

/// The primary dies, one replica is promoted, its sibling follows it: partially, by the second id. The old primary
/// comes back as a replica.
fn sibling_follows(top: Kind, promoted: Kind, sibling: Kind) {
    let mut top = Server::of(top).start();
    let (promoted, sibling) = (Server::of(promoted).start(), Server::of(sibling).start());
    fill(&top, 5000);
    for replica in [&promoted, &sibling] {
        follow(replica, top.port());
        wait_link_up(replica);
    }
    let writers = Writers::start(&top, 1);
    writers.wait_for_more(200);
    writers.stop();
    wait_equal(&[&top, &promoted, &sibling]);
    let old_id = top.info_field("replication", "master_replid");
    top.kill();
    let at = offset(&promoted);
    assert_eq!(promoted.run("SLAVEOF NO ONE").to_string(), "OK");
    let info = promoted.info("replication");
    assert_eq!(info["master_replid2"], old_id);
    assert_ne!(info["master_replid"], old_id);
    // The first offset that the new history does not share.
    let second: u64 = info["second_repl_offset"].parse().expect("is a number");
    assert_eq!(second, at + 1);
    follow(&sibling, promoted.port());
    promoted.wait_for("a sync", || syncs(&promoted) != (0, 0));
    wait_link_up(&sibling);
    promoted.run("SET after promotion");
    wait_equal(&[&promoted, &sibling]);
    assert_eq!(syncs(&promoted), (0, 1), "{}", promoted.log_tail());
    let info = sibling.info("replication");
    assert_eq!(info["master_replid"], promoted.info_field("replication", "master_replid"));
    assert_eq!(info["master_replid2"], old_id);

    top.start_again();
    follow(&top, promoted.port());
    wait_link_up(&top);
    wait_equal(&[&promoted, &sibling, &top]);
}

#[test]
fn sibling_follows_among_greylags() {
    sibling_follows(Greylag, Greylag, Greylag);
}

#[test]
fn sibling_follows_with_redis() {
    if has_redis("sibling_follows_with_redis") {
        sibling_follows(Redis, Greylag, Redis);
        sibling_follows(Greylag, Redis, Greylag);
        sibling_follows(Redis, Greylag, Greylag);
    }
}

/// The middle of a chain is promoted: its own replica stays connected or comes back partially, and follows the new
/// history.
fn middle_is_promoted(top: Kind, middle: Kind, bottom: Kind) {
    let (top, middle, bottom) =
        (Server::of(top).start(), Server::of(middle).start(), Server::of(bottom).start());
    fill(&top, 2000);
    follow(&middle, top.port());
    wait_link_up(&middle);
    follow(&bottom, middle.port());
    wait_link_up(&bottom);
    wait_equal(&[&top, &middle, &bottom]);
    let full_before = syncs(&middle).0;
    assert_eq!(middle.run("REPLICAOF NO ONE").to_string(), "OK");
    middle.run("SET after promotion");
    let id = middle.info_field("replication", "master_replid");
    bottom.wait_for("the new history", || bottom.info_field("replication", "master_replid") == id);
    wait_link_up(&bottom);
    wait_equal(&[&middle, &bottom]);
    assert_eq!(syncs(&middle).0, full_before);
    // The old top becomes the bottom: its history is a prefix of the new one, so that continues too.
    follow(&top, bottom.port());
    wait_link_up(&top);
    wait_equal(&[&middle, &bottom, &top]);
}

#[test]
fn middle_is_promoted_among_greylags() {
    middle_is_promoted(Greylag, Greylag, Greylag);
}

#[test]
fn middle_is_promoted_with_redis() {
    if has_redis("middle_is_promoted_with_redis") {
        middle_is_promoted(Redis, Greylag, Redis);
        middle_is_promoted(Greylag, Redis, Greylag);
    }
}

/// Both changed places: the old primary wrote what the new one never had, so a full sync brings it back in line.
fn diverged(old: Kind, new: Kind) {
    let (old, new) = (Server::of(old).start(), Server::of(new).start());
    fill(&old, 500);
    follow(&new, old.port());
    wait_link_up(&new);
    old.run("SET one more");
    wait_equal(&[&old, &new]);
    assert_eq!(new.run("REPLICAOF NO ONE").to_string(), "OK");
    old.run("SET only here");
    new.run("SET only there");
    new.run("SET more there");
    follow(&old, new.port());
    wait_link_up(&old);
    wait_equal(&[&old, &new]);
    assert_eq!(old.run("GET only").to_string(), "\"there\"");
    assert_eq!(syncs(&new), (1, 0));
}

#[test]
fn diverged_greylags() {
    diverged(Greylag, Greylag);
}

#[test]
fn diverged_with_redis_on_either_side() {
    if has_redis("diverged_with_redis_on_either_side") {
        diverged(Redis, Greylag);
        diverged(Greylag, Redis);
    }
}
