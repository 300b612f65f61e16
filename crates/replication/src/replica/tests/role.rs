//! Continuing, promotion, the guard against an empty primary.

use super::check;

/// After a loss, from where we are; the same id.
#[test]
fn continues() {
    check(
        r#"
        synced <a> 100
        < "GETSET"
        > apply "GETSET"
        applied 103
        pass 1000
        > -> REPLCONF ACK 103
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Reconnecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        info
        > state=connecting transfer=- down=0 read=106 io=0 input=true refused=0
        handshake
        > Notice: Trying a partial resynchronization (request <a>:104).
        > -> PSYNC <a> 104
        < +CONTINUE <a>
        > Notice: Successful partial resynchronization with master.
        > resume
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        info
        > state=connected transfer=- down=- read=103 io=0 input=true refused=0
        < "SET"
        > apply "SET"
        closed Connection reset by peer
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <a>:104).
        > -> PSYNC <a> 104
        < +CONTINUE
        > Notice: Successful partial resynchronization with master.
        > resume
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        "#,
    );
}

/// The primary was promoted meanwhile, or replaced: our replicas hear of it.
#[test]
fn continues_under_a_new_id() {
    check(
        r#"
        synced <a> 100
        applied 150
        replicaof other 2
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Connecting to MASTER other:2
        > connect other:2
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF other:2 enabled (user request from 'id=3')
        handshake
        > Notice: Trying a partial resynchronization (request <a>:151).
        > -> PSYNC <a> 151
        < +CONTINUE <b>
        > Notice: Successful partial resynchronization with master.
        > Notice: Master replication ID changed to <b>
        > drop replicas
        > history <b> (<a> 151)
        > resume
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        "#,
    );
}

/// After a start from an RDB that says where it stands.
#[test]
fn continues_from_a_file() {
    check(
        r#"
        positioned
        applied 500
        keys 3
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <z>:501).
        > -> PSYNC <z> 501
        < +CONTINUE <z>
        > Notice: Successful partial resynchronization with master.
        > resume
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        "#,
    );
}

/// A full resync instead; a shorter history is logged.
#[test]
fn can_not_continue() {
    check(
        r#"
        synced <a> 100
        applied 150
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <a>:151).
        > -> PSYNC <a> 151
        < +FULLRESYNC <a> 120
        > Notice: Full resync from master: <a>:120
        > Warning: The master's history ends 30 bytes before ours (offset 120, ours 150): what it doesn't have will be gone
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 1
        > Notice: Discarding previously cached master state.
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 120 of <a>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 120
        "#,
    );
}

/// By a client: the history shifts, and our replicas ask again.
#[test]
fn promoted() {
    check(
        r#"
        synced <a> 100
        applied 150
        no-one
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Discarding previously cached master state.
        > Notice: Setting secondary replication ID to <a>, valid up to offset: 151. New replication ID is <1>
        > drop replicas
        > become primary <1> (<a> 151)
        > Notice: MASTER MODE enabled (user request from 'id=3')
        no-one
        info
        > state=none transfer=- down=- read=100 io=0 input=true refused=0
        applied 170
        replicaof h 1
        > Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF h:1 enabled (user request from 'id=3')
        handshake
        > Notice: Trying a partial resynchronization (request <1>:171).
        > -> PSYNC <1> 171
        "#,
    );
}

/// PSYNC FAILOVER, while nothing is synchronized.
#[test]
fn promoted_by_a_failover() {
    check(
        r#"
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        failover
        > disconnect
        > Notice: Setting secondary replication ID to <z>, valid up to offset: 1. New replication ID is <1>
        > drop replicas
        > become primary <1> (<z> 1)
        > Notice: MASTER MODE enabled (failover request from 'id=4')
        "#,
    );
}

/// It asks for a continuation of its own history.
#[test]
fn a_primary_turns_replica() {
    check(
        r#"
        applied 70
        replicaof h 1
        > Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF h:1 enabled (user request from 'id=3')
        handshake
        > Notice: Trying a partial resynchronization (request <z>:71).
        > -> PSYNC <z> 71
        < +FULLRESYNC <a> 100
        > Notice: Full resync from master: <a>:100
        < $10
        > Notice: MASTER <-> REPLICA sync: receiving 10 bytes from master
        > payload of Some(10), Disk
        < "ABC"
        > payload "ABC"
        replicaof other 2
        > discard
        > disconnect
        > Notice: Connecting to MASTER other:2
        > connect other:2
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF other:2 enabled (user request from 'id=3')
        no-one
        > disconnect
        > Notice: Discarding previously cached master state.
        > Notice: Setting secondary replication ID to <z>, valid up to offset: 71. New replication ID is <1>
        > drop replicas
        > become primary <1> (<z> 71)
        > Notice: MASTER MODE enabled (user request from 'id=3')
        "#,
    );
}

/// The same primary is back, empty and with an unknown id.
#[test]
fn refuses_to_be_emptied() {
    check(
        r#"
        synced <a> 100
        applied 150
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <a>:151).
        > -> PSYNC <a> 151
        < +FULLRESYNC <b> 0
        > Notice: Full resync from master: <b>:0
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 0
        > Warning: MASTER h:1 came back empty and with an unknown replication ID, while this replica holds 5 keys. Its empty data set is refused, since it was probably restarted without its data. To follow it anyway: CONFIG SET replica-refuse-empty-primary no, or REPLICAOF h 1 again. To keep the data: REPLICAOF NO ONE here.
        > discard
        > disconnect
        info
        > state=connect transfer=- down=1000 read=100 io=0 input=true refused=1
        pass 5000
        pass 5000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <a>:151).
        > -> PSYNC <a> 151
        < +FULLRESYNC <b> 0
        > Notice: Full resync from master: <b>:0
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        set replica-refuse-empty-primary no
        staged 0
        > Notice: Discarding previously cached master state.
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 0 of <b>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 0
        "#,
    );
}

/// Whoever names the empty primary anew is heard; a known id and a filled one are too.
#[test]
fn a_new_replicaof_means_it() {
    check(
        r#"
        synced <a> 100
        applied 150
        replicaof h 1
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF h:1 enabled (user request from 'id=3')
        handshake
        > Notice: Trying a partial resynchronization (request <a>:151).
        > -> PSYNC <a> 151
        < +FULLRESYNC <b> 0
        > Notice: Full resync from master: <b>:0
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 0
        > Notice: Discarding previously cached master state.
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 0 of <b>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 0
        keys 4
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <b>:1).
        > -> PSYNC <b> 1
        < +FULLRESYNC <b> 9
        > Notice: Full resync from master: <b>:9
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 0
        > Notice: Discarding previously cached master state.
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 9 of <b>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 9
        keys 4
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <b>:10).
        > -> PSYNC <b> 10
        < +FULLRESYNC <c> 9
        > Notice: Full resync from master: <c>:9
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 1
        > Notice: Discarding previously cached master state.
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 9 of <c>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 9
        "#,
    );
}

/// The link stops; nothing is skipped.
#[test]
fn a_stream_that_can_not_be_applied() {
    check(
        r#"
        synced <a> 100
        applied 150
        stream-failed the primary sent the command 'foo', which this server doesn't know
        > Warning: Replication stopped at offset 150: the primary sent the command 'foo', which this server doesn't know. Nothing was skipped; trying again later
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        pass 1000
        pass 9000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        "#,
    );
}
