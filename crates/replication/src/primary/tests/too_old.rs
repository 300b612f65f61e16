//! Replicas that can't load hashes whose fields expire.

use super::Node;

/// A full resynchronization over a connection of its own, up to where the payload is sent; what is logged of it is
/// left out.
fn full(node: &mut Node, conn: u64, snapshot: u64, field_expiries: bool) {
    for line in ["REPLCONF listening-port 7000", "PSYNC ? -1"] {
        node.run(&format!("{conn} {line}"));
    }
    if field_expiries {
        node.run(&format!("field-expiries {snapshot}"));
    }
    node.run(&format!("cut {snapshot} 100"));
    node.run(&format!("ready {snapshot} 1000"));
    node.run(&format!("{conn} sent"));
}

fn ask(node: &mut Node, conn: u64, request: &str) -> Vec<String> {
    node.run(&format!("{conn} REPLCONF listening-port 7000"));
    node.run(&format!("{conn} {request}"))
}

const REFUSED: &str = "refuse {}: -NOMASTERLINK Hashes with field expiration can't be sent to a replica that is older than Redis 7.4";

#[test]
fn a_replica_that_breaks_off_again_and_again_is_refused_for_a_while() {
    let mut node = Node::new();
    for round in 0..3 {
        full(&mut node, 1 + round, round, true);
        let lines = node.run(&format!("{} closed", 1 + round));
        let warned = lines.iter().any(|line| line.contains("it is probably older than Redis 7.4"));
        assert_eq!(warned, round == 2, "{lines:?}");
    }
    for request in ["PSYNC ? -1", "SYNC", "PSYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 1"] {
        assert_eq!(ask(&mut node, 5, request), [REFUSED.replace("{}", "5")]);
    }
    // What the log still has needs no file, and others are not concerned.
    let lines = ask(&mut node, 6, "PSYNC aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 51");
    assert!(lines.iter().any(|line| line.contains("+CONTINUE")), "{lines:?}");
    node.run("6 closed");
    node.run("7 REPLCONF listening-port 7001");
    let lines = node.run("7 PSYNC ? -1");
    assert!(lines.iter().any(|line| line.starts_with("snapshot 3")), "{lines:?}");
    node.run("cut 3 100");
    node.run("ready 3 10");
    node.run("7 closed");
    // A minute later it is tried again, once; then the pause is longer.
    node.run("pass 60000");
    full(&mut node, 8, 4, true);
    let lines = node.run("8 closed");
    assert!(lines.iter().any(|line| line.ends_with("for 120 seconds")), "{lines:?}");
    node.run("pass 60000");
    assert_eq!(ask(&mut node, 9, "PSYNC ? -1"), [REFUSED.replace("{}", "9")]);
    node.run("pass 60000");
    // Another server at its address, or other data: it acknowledges, and all is forgotten.
    full(&mut node, 10, 5, true);
    node.run("10 says REPLCONF ACK 100");
    node.run("10 closed");
    full(&mut node, 11, 6, true);
    let lines = node.run("11 closed");
    assert!(!lines.iter().any(|line| line.contains("probably older")), "{lines:?}");
}

#[test]
fn who_breaks_off_for_other_reasons_is_not_refused() {
    let mut node = Node::new();
    // Without such hashes.
    for round in 0..4 {
        full(&mut node, 1 + round, round, false);
        let lines = node.run(&format!("{} closed", 1 + round));
        assert!(!lines.iter().any(|line| line.contains("probably older")), "{lines:?}");
    }
    // Before anything was sent.
    for round in 4..8 {
        ask(&mut node, 1 + round, "PSYNC ? -1");
        node.run(&format!("field-expiries {round}"));
        node.run(&format!("cut {round} 100"));
        let lines = node.run(&format!("{} closed", 1 + round));
        assert!(!lines.iter().any(|line| line.contains("probably older")), "{lines:?}");
        node.run(&format!("ready {round} 10"));
    }
    // redis-cli --replica never acknowledges.
    for round in 8..12 {
        node.run(&format!("{} SYNC", 1 + round));
        node.run(&format!("field-expiries {round}"));
        node.run(&format!("cut {round} 100"));
        node.run(&format!("ready {round} 10"));
        node.run(&format!("{} sent", 1 + round));
        let lines = node.run(&format!("{} closed", 1 + round));
        assert!(!lines.iter().any(|line| line.contains("probably older")), "{lines:?}");
    }
    let lines = ask(&mut node, 20, "PSYNC ? -1");
    assert!(lines.iter().any(|line| line.starts_with("snapshot")), "{lines:?}");
}
