//! Scripts and libraries between Greylag and redis-server: what one does, the other has.

use testkit::process::Kind::{Greylag, Redis};
use testkit::process::{Kind, Server, has_redis};

fn load(server: &Server, code: &str) {
    let reply = server.client().command(&["FUNCTION", "LOAD", "REPLACE", code]).expect("is answered");
    assert!(!reply.is_error(), "{reply:?}");
}

fn eval(server: &Server, script: &str) {
    let reply = server.client().command(&["EVAL", script, "0"]).expect("is answered");
    assert!(!reply.is_error(), "{script}: {reply:?}");
}

/// Libraries by full sync and in the stream, effects of scripts and functions, in either direction.
#[track_caller]
fn pair(primary: Kind, replica: Kind) {
    let primary = Server::of(primary).args("--repl-diskless-sync-delay 0").start();
    load(
        &primary,
        "#!lua name=early\nredis.register_function('early', function() return redis.call('incr', 'n') end)",
    );
    eval(&primary, "redis.call('set', 'before', '1')");
    let follows = format!("--replicaof 127.0.0.1 {}", primary.port());
    let replica = Server::of(replica).args(&follows).start();
    replica.wait_for("the link is up", || replica.info_field("replication", "master_link_status") == "up");
    load(
        &primary,
        "#!lua name=late\nredis.register_function{function_name='late', callback=function() return 7 end, flags={'no-writes'}}",
    );
    load(&primary, "#!lua name=gone\nredis.register_function('gone', function() end)");
    primary.run("FUNCTION DELETE gone");
    primary.run("FCALL early 0");
    eval(
        &primary,
        "redis.call('set', 'a', ARGV[1] or 'x', 'ex', 1000) redis.call('sadd', 's', 1, 2, 3) redis.call('spop', 's') \
         redis.call('select', 3) redis.call('set', 'in3', 1) redis.call('incrbyfloat', 'f', 1.5)",
    );
    primary.run("SET end 1");
    replica.wait_for("the replica has it all", || replica.run("GET end") == primary.run("GET end"));
    assert_eq!(replica.run("FCALL_RO late 0"), primary.run("FCALL_RO late 0"));
    assert!(replica.run("FCALL_RO gone 0").is_error());
    let digest = |server: &Server| match server.kind() {
        Greylag => server.run("DEBUG DIGEST 7.0"),
        Redis => server.run("DEBUG DIGEST"),
    };
    assert_eq!(digest(&replica), digest(&primary));
}

#[test]
fn of_greylag_to_redis() {
    if has_redis("of_greylag_to_redis") {
        pair(Greylag, Redis);
    }
}

#[test]
fn of_redis_to_greylag() {
    if has_redis("of_redis_to_greylag") {
        pair(Redis, Greylag);
    }
}

#[test]
fn of_greylag_to_greylag() {
    pair(Greylag, Greylag);
}
