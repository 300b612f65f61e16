//! From connecting to the stream, by every way that Redis knows.

use super::check;

/// The session of a replica: its lines are those of a Redis session.
#[test]
fn a_full_sync_by_file() {
    check(
        r#"
        configured 127.0.0.1 6379
        > become replica
        > link up: false
        > Notice: Connecting to MASTER 127.0.0.1:6379
        > connect 127.0.0.1:6379
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < +PONG
        > Notice: Master replied to PING, replication can continue...
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        < +OK
        < +OK
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < "\n"
        < +FULLRESYNC <a> 100
        > Notice: Full resync from master: <a>:100
        info
        > state=sync transfer=0/0 down=- read=0 io=0 input=true refused=0
        < "\n"
        < $5
        > Notice: MASTER <-> REPLICA sync: receiving 5 bytes from master
        > payload of Some(5), Disk
        pass 1000
        > -> "\n"
        < "ABC"
        > payload "ABC"
        info
        > state=sync transfer=3/5 down=- read=0 io=0 input=true refused=0
        < "DEFGH"
        > payload "DE"
        > end of payload
        info
        > state=sync transfer=5/5 down=- read=0 io=0 input=false refused=0
        staged 2 3
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 100 of <a>, db 3 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 100
        > apply "FGH"
        info
        > state=connected transfer=- down=- read=103 io=0 input=true refused=0
        < "*1\r\n$4\r\nPING\r\n"
        > apply PING
        applied 117
        pass 1000
        > -> REPLCONF ACK 117
        ack-wanted
        > -> REPLCONF ACK 117
        set fsynced 110
        ack-wanted
        > -> REPLCONF ACK 117 FACK 110
        info
        > state=connected transfer=- down=- read=117 io=1000 input=true refused=0
        "#,
    );
}

/// The mark may be cut anywhere; what follows it is the stream. With an empty data set, by the parser.
#[test]
fn a_full_sync_by_socket() {
    check(
        r#"
        set repl-diskless-load on-empty-db
        replicaof 127.0.0.1 6379
        > Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
        > become replica
        > link up: false
        > Notice: Connecting to MASTER 127.0.0.1:6379
        > connect 127.0.0.1:6379
        > Notice: MASTER <-> REPLICA sync started
        > Notice: REPLICAOF 127.0.0.1:6379 enabled (user request from 'id=3')
        handshake
        > Notice: Trying a partial resynchronization (request <z>:1).
        > -> PSYNC <z> 1
        < +FULLRESYNC <a> 7
        > Notice: Full resync from master: <a>:7
        < $EOF:<m>
        > Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > payload of None, Parser
        < "xyz"
        < "mmmm"
        < "nmmmmmmmmmmmmmmmmmmmm"
        info
        > state=sync transfer=0/0 down=- read=0 io=0 input=true refused=0
        < "mmmmmmmmmmmmmmmmmmmmPING"
        > payload "xyzmmmmn"
        > end of payload
        info
        > state=sync transfer=8/0 down=- read=0 io=0 input=false refused=0
        staged 1
        > Notice: Discarding previously cached master state.
        > drop replicas
        > install at 7 of <a>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 7
        > apply "PING"
        info
        > state=connected transfer=- down=- read=11 io=0 input=true refused=0
        "#,
    );
}

/// repl-diskless-load swapdb; then with data, on-empty-db is as disabled.
#[test]
fn a_payload_to_be_swapped() {
    check(
        r#"
        set repl-diskless-load swapdb
        keys 5
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 7
        > Notice: Full resync from master: <a>:7
        < "$EOF:<m>\r\nabc<m>"
        > Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > payload of None, Parser
        > payload "abc"
        > end of payload
        staged 9
        > Notice: MASTER <-> REPLICA sync: Swapping active DB with loaded DB
        > drop replicas
        > install at 7 of <a>, db 0 (<0> -1)
        > Notice: MASTER <-> REPLICA sync: Discarding old DB in background
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 7
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        set repl-diskless-load on-empty-db
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Trying a partial resynchronization (request <a>:8).
        > -> PSYNC <a> 8
        < +FULLRESYNC <b> 7
        > Notice: Full resync from master: <b>:7
        < $EOF:<m>
        > Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk
        > payload of None, Disk
        stage-failed Wrong signature
        > Warning: Failed trying to load the MASTER synchronization DB from disk: Wrong signature
        > discard
        > disconnect
        "#,
    );
}

/// Replies in pieces, and several at once.
#[test]
fn lines_may_be_cut_anywhere() {
    check(
        r#"
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < "+PO"
        < "NG\r"
        < "\n+OK\r\n+O"
        > Notice: Master replied to PING, replication can continue...
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        < "K\r\n"
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < "+FULLRESYNC <a> 1\r\n$2\r\nABC"
        > Notice: Full resync from master: <a>:1
        > Notice: MASTER <-> REPLICA sync: receiving 2 bytes from master
        > payload of Some(2), Disk
        > payload "AB"
        > end of payload
        staged 1
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 1 of <a>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 1
        > apply "C"
        "#,
    );
}

/// All in one go, replies in order; errors of REPLCONF are tolerated.
#[test]
fn passwords_and_addresses() {
    check(
        r#"
        set masterauth secret
        set masteruser joe
        set replica-announce-ip 10.0.0.7
        set replica-announce-port 7000
        set version 7.2.4
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < -NOAUTH Authentication required.
        > Notice: Master replied to PING, replication can continue...
        > -> AUTH joe secret
        > -> REPLCONF listening-port 7000
        > -> REPLCONF ip-address 10.0.0.7
        > -> REPLCONF capa eof capa psync2
        > -> REPLCONF version 7.2.4
        < +OK
        < -ERR Unrecognized REPLCONF option: listening-port
        > Notice: (Non critical) Master does not understand REPLCONF listening-port: -ERR Unrecognized REPLCONF option: listening-port
        < -ERR Unrecognized REPLCONF option: ip-address
        > Notice: (Non critical) Master does not understand REPLCONF ip-address: -ERR Unrecognized REPLCONF option: ip-address
        < -ERR x
        > Notice: (Non critical) Master does not understand REPLCONF capa: -ERR x
        < -ERR y
        > Notice: (Non critical) Master does not understand REPLCONF version: -ERR y
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        "#,
    );
}

/// Later, or by SYNC.
#[test]
fn answers_to_psync() {
    check(
        r#"
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < -NOMASTERLINK Can't SYNC while not connected with my master
        > Notice: Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK Can't SYNC while not connected with my master
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < -LOADING Redis is loading the dataset in memory
        > Notice: Master is currently unable to PSYNC but should be in the future: -LOADING Redis is loading the dataset in memory
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +CONTINUE
        > Warning: Unexpected reply to PSYNC from master: +CONTINUE
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC short 1
        > Warning: Master replied with wrong +FULLRESYNC syntax.
        < -ERR no
        > Warning: MASTER aborted replication with an error: ERR no
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < -NOPERM no
        > Warning: Unexpected reply to PSYNC from master: -NOPERM no
        > Notice: Retrying with SYNC...
        > -> "SYNC\r\n"
        < "$3\r\nABC"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 1
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 0 of <1>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        pass 1000
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Reconnecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        "#,
    );
}

/// SYNC: no id, no acknowledgement, and no partial resync after it.
#[test]
fn an_old_primary() {
    check(
        r#"
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < -ERR unknown command 'PSYNC'
        > Notice: Master does not support PSYNC or is in error state (reply: -ERR unknown command 'PSYNC')
        > Notice: Retrying with SYNC...
        > -> "SYNC\r\n"
        < "\n"
        < "$3\r\nABCD"
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        > payload "ABC"
        > end of payload
        staged 1
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 0 of <1>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > apply "D"
        ack-wanted
        pass 2000
        closed
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Reconnecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        "#,
    );
}
