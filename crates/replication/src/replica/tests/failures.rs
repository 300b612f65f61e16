//! What goes wrong on the way to the stream: in each phase, and by silence too.

use super::check;

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
        pass 500
        > Notice: Connecting to MASTER h:1
        > connect h:1
        > Notice: MASTER <-> REPLICA sync started
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
