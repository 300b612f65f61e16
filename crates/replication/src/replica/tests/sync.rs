//! From connecting to the stream, and what goes wrong on the way.

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

/// AUTH's error ends it; again at the next second.
#[test]
fn a_wrong_password() {
    check(
        r#"
        set masterauth secret
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
        > -> AUTH secret
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        < -WRONGPASS invalid username-password pair or user is disabled.
        > Warning: Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.
        > disconnect
        pass 500
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        pass 500
        "#,
    );
}

/// What counts as alive.
#[test]
fn answers_to_ping() {
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
        < -NOPERM this user has no permissions to run the 'ping' command
        > Notice: Master replied to PING, replication can continue...
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        closed
        > Warning: Failed to read response from the server: connection lost
        > Warning: Master did not respond to command during SYNC handshake
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < -ERR operation not permitted
        > Notice: Master replied to PING, replication can continue...
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        closed
        > Warning: Failed to read response from the server: connection lost
        > Warning: Master did not respond to command during SYNC handshake
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < -MISCONF x
        > Warning: Error reply to PING from master: '-MISCONF x'
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < -LOADING Redis is loading the dataset in memory
        > Warning: Error reply to PING from master: '-LOADING Redis is loading the dataset in memory'
        > disconnect
        "#,
    );
}

/// Each second again.
#[test]
fn no_connection() {
    check(
        r#"
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connect-failed Connection refused
        > Warning: Error condition on socket for SYNC: Connection refused
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connect-failed Connection refused
        > Warning: Error condition on socket for SYNC: Connection refused
        > disconnect
        pass 400
        pass 600
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        closed Connection reset by peer
        > Warning: Error condition on socket for SYNC: Connection reset by peer
        > disconnect
        "#,
    );
}

/// In each phase.
#[test]
fn a_primary_that_closes() {
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
        closed
        > Warning: Failed to read response from the server: connection lost
        > Warning: Master did not respond to command during SYNC handshake
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        < +PONG
        > Notice: Master replied to PING, replication can continue...
        > -> REPLCONF listening-port 6380
        > -> REPLCONF capa eof capa psync2
        < +OK
        closed Connection reset by peer
        > Warning: Failed to read response from the server: Connection reset by peer
        > Warning: Master did not respond to command during SYNC handshake
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        closed
        > Warning: Failed to read response from the server: connection lost
        > Warning: Master did not reply to PSYNC, will try later
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        closed
        > Warning: I/O error reading bulk count from MASTER: connection lost
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < $10
        > Notice: MASTER <-> REPLICA sync: receiving 10 bytes from master
        > payload of Some(10), Disk
        < "ABC"
        > payload "ABC"
        pass 5000
        > -> "\n"
        closed Connection reset by peer
        > Warning: I/O error trying to sync with MASTER: Connection reset by peer
        > discard
        > disconnect
        > Notice: Reconnecting to MASTER h:1 after failure
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        "#,
    );
}

/// repl-timeout, in each phase.
#[test]
fn a_silent_primary() {
    check(
        r#"
        set repl-timeout 5
        configured h 1
        > become replica
        > link up: false
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        pass 5000
        pass 1000
        > Warning: Timeout connecting to the MASTER...
        > disconnect
        > Notice: Reconnecting to MASTER h:1 after failure
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        connected
        > Notice: Non blocking connect for SYNC fired the event.
        > -> PING
        pass 6000
        > Warning: Timeout connecting to the MASTER...
        > disconnect
        > Notice: Reconnecting to MASTER h:1 after failure
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        pass 6000
        > Warning: Timeout connecting to the MASTER...
        > disconnect
        > Notice: Reconnecting to MASTER h:1 after failure
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        pass 4000
        < "\n"
        pass 4000
        pass 2000
        > Warning: Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value.
        > disconnect
        > Notice: Reconnecting to MASTER h:1 after failure
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < $3
        > Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master
        > payload of Some(3), Disk
        < "ABC"
        > payload "ABC"
        > end of payload
        pass 60000
        > -> "\n"
        staged 1
        > Notice: MASTER <-> REPLICA sync: Flushing old data
        > Notice: MASTER <-> REPLICA sync: Loading DB in memory
        > drop replicas
        > install at 1 of <a>, db 0 (<0> -1)
        > link up: true
        > Notice: MASTER <-> REPLICA sync: Finished with success
        > -> REPLCONF ACK 1
        pass 5000
        > -> REPLCONF ACK 1
        < "x"
        > apply "x"
        pass 5000
        > -> REPLCONF ACK 1
        pass 1000
        > Warning: MASTER timeout: no data nor PING received...
        > Notice: Connection with master lost.
        > Notice: Caching the disconnected master state.
        > link up: false
        > disconnect
        > Notice: Reconnecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
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

/// An error, or nonsense, where the payload should be.
#[test]
fn no_payload() {
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
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < -ERR BGSAVE failed, replication can't continue
        > Warning: MASTER aborted replication with an error: ERR BGSAVE failed, replication can't continue
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < HTTP/1.1 400 Bad Request
        > Warning: Bad protocol from MASTER, the first byte is not '$' (we received 'HTTP/1.1 400 Bad Request'), are you sure the host and port are right?
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < $-1
        > Warning: Bad protocol from MASTER, the first byte is not '$' (we received '$-1'), are you sure the host and port are right?
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < $EOF:short
        > Warning: Bad protocol from MASTER, the first byte is not '$' (we received '$EOF:short'), are you sure the host and port are right?
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        handshake
        > Notice: Partial resynchronization not possible (no cached master)
        > -> PSYNC ? -1
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < $0
        > Notice: MASTER <-> REPLICA sync: receiving 0 bytes from master
        > payload of Some(0), Disk
        > end of payload
        stage-failed Unexpected EOF reading RDB file
        > Warning: Failed trying to load the MASTER synchronization DB from disk: Unexpected EOF reading RDB file
        > discard
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
        "#,
    );
}

/// Nonsense of any length.
#[test]
fn a_line_without_end() {
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
        < "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        > Warning: Master did not respond to command during SYNC handshake
        > disconnect
        pass 1000
        > Notice: Connecting to MASTER h:1
        > connect h:1
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
        < +FULLRESYNC <a> 1
        > Notice: Full resync from master: <a>:1
        < "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        > Warning: Bad protocol from MASTER, the first byte is not '$' (we received 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'), are you sure the host and port are right?
        > disconnect
        "#,
    );
}
