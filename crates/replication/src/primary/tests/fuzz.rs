//! Random events never panic, and every action is about something that was asked.

use super::*;
use std::collections::HashSet;

/// Bytes that a replica might say, or not.
fn noise(rng: &mut Rng) -> Vec<u8> {
    const PIECES: [&[u8]; 10] = [
        b"\r\n",
        b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n",
        b"50\r\n",
        b"REPLCONF ACK 99999999999999999999\r\n",
        b"replconf ack -5 fack 7\r\n",
        b"REPLCONF GETACK *\r\n",
        b"*-1\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\xff\x00\"",
        b"PSYNC",
    ];
    (0..1 + rng.below(4)).flat_map(|_| PIECES[rng.below(10) as usize].to_vec()).collect()
}

fn event<'a>(rng: &mut Rng, node: &Node, bytes: &'a [u8]) -> Event<'a> {
    let conn = ConnId(rng.below(6));
    let id = SnapshotId(rng.below(8).min(node.primary.next_snapshot));
    match rng.below(16) {
        0 => Event::Closed { conn },
        1 => Event::SnapshotCut { id, offset: node.log_end, replid: node.history.id },
        2 => Event::SnapshotCut { id, offset: Offset(3), replid: ReplId::ZERO },
        3 if rng.one_in(2) => Event::SnapshotHasFieldExpiries { id },
        3 => Event::SnapshotBusy { id },
        4 | 5 => Event::SnapshotReady { id, bytes: rng.next_u64() },
        6 => Event::SnapshotFailed { id, error: "x".into() },
        7 | 8 => Event::PayloadSent { conn },
        9 => Event::PayloadProgress { conn },
        10 => Event::Tick,
        11 if rng.one_in(8) => Event::DropReplicas,
        11 => Event::AckWanted,
        12 => Event::Received { conn, bytes },
        _ => {
            let facts = Facts {
                capa_eof: rng.one_in(2),
                rdb_only: rng.one_in(8),
                rdb_without_data: rng.one_in(8),
                ..Facts::default()
            };
            let wanted = [None, Some(-1), Some(i64::MIN), Some(i64::MAX), Some(rng.below(200) as i64)];
            let request = SyncRequest::Psync {
                id: [node.history.id.as_bytes(), b"?", b"", b"\xff"][rng.below(4) as usize].to_vec(),
                wanted: wanted[rng.below(5) as usize],
                failover: rng.one_in(10),
            };
            let request = if rng.one_in(8) { SyncRequest::Sync } else { request };
            Event::Sync { conn, request, facts, peer: Peer { ip: None, client_id: conn.0 } }
        }
    }
}

#[test]
fn random_events() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut node = Node::new();
        // Connections that the machine holds, as the actions say.
        let mut streaming = HashSet::new();
        for step in 0..300 {
            node.now_ms += rng.below(2000) as i64;
            node.log_end += rng.below(20);
            node.settings.diskless = rng.one_in(2);
            node.role = [Role::Primary, Role::Replica { link_up: rng.one_in(2) }][rng.below(2) as usize];
            let bytes = noise(&mut rng);
            let event = event(&mut rng, &node, &bytes);
            if let Event::Closed { conn } = event {
                streaming.remove(&conn);
            }
            for action in node.actions(event) {
                match action {
                    Action::Stream { to, from } => {
                        assert!(streaming.insert(to), "seed {seed}, step {step}: {to:?} streams twice");
                        assert!(from <= node.log_end, "seed {seed}, step {step}: beyond the log");
                    }
                    Action::Close { conn, .. } => {
                        streaming.remove(&conn);
                    }
                    _ => {}
                }
            }
            let infos = node.primary.replicas(node.now_ms);
            for conn in &streaming {
                assert!(
                    infos.iter().any(|info| info.conn == *conn),
                    "seed {seed}, step {step}: {conn:?} is forgotten"
                );
            }
            let running = node.primary.snapshot.is_some();
            let waits = node.primary.replicas.iter().any(|replica| replica.phase == Phase::InSnapshot);
            assert!(
                running || !waits,
                "seed {seed}, step {step}: a replica waits for a snapshot that is over"
            );
        }
    }
}
