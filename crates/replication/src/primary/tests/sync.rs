//! Full and partial resyncs, by file and by socket.

use super::check;

/// The session of a first replica, to disk: the lines are those of a Redis session.
#[test]
fn a_full_sync_by_file() {
    check(
        r#"
        log none 0
        1 REPLCONF listening-port 6380
        1 REPLCONF capa eof capa psync2
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6380 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6380
        > create backlog <1> -1
        > Verbose: Replication backlog created, my new replication IDs are '<1>' and '<0>'
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        cut 0 0
        > 1 <- "+FULLRESYNC <1> 0\r\n"
        info
        > ip=127.0.0.1,port=6380,state=wait_bgsave,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=0
        log 0 37
        pass 1000
        > 1 <- "\n"
        ready 0 175
        > Notice: Background saving terminated with success
        > 1 <- "$175\r\n" and the file of snapshot 0
        > release snapshot 0
        info
        > ip=127.0.0.1,port=6380,state=send_bulk,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=0
        1 sent
        > Notice: Synchronization with replica 127.0.0.1:6380 succeeded
        > 1 <- log after 0
        info
        > ip=127.0.0.1,port=6380,state=online,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=1
        1 says REPLCONF ACK 37
        1 says REPLCONF ACK 30
        pass 2000
        info
        > ip=127.0.0.1,port=6380,state=online,offset=37,lag=2
        > full=1 partial_ok=0 partial_err=0 good=1
        1 closed
        > Notice: Connection with replica 127.0.0.1:6380 lost.
        info
        > full=1 partial_ok=0 partial_err=0 good=0
        "#,
    );
}

/// By socket: after the delay, framed by a mark, and the log waits for the first ACK.
#[test]
fn a_full_sync_by_socket() {
    check(
        r#"
        set repl-diskless-sync yes
        1 REPLCONF listening-port 6380 capa eof
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6380 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6380
        > Notice: Delay next BGSAVE for diskless SYNC
        pass 1000
        > 1 <- "\n"
        pass 3000
        > 1 <- "\n"
        pass 1000
        > 1 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1]
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 1 <- "$EOF:<1>\r\n"
        info
        > ip=127.0.0.1,port=6380,state=wait_bgsave,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=0
        pass 1000
        ready 0 175
        > Notice: Diskless rdb transfer, done reading from pipe, 1 replicas still up.
        > Notice: Background RDB transfer terminated with success
        > 1 <- end of payload "<1>"
        > release snapshot 0
        info
        > ip=127.0.0.1,port=6380,state=wait_bgsave,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=0
        1 sent
        > Notice: Streamed RDB transfer with replica 127.0.0.1:6380 succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        > Notice: Synchronization with replica 127.0.0.1:6380 succeeded
        info
        > ip=127.0.0.1,port=6380,state=online,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=1
        1 says REPLCONF ACK 100
        > 1 <- log after 100
        1 says REPLCONF ACK 100
        "#,
    );
}

/// The replica has found the mark before the driver says that it is written.
#[test]
fn an_ack_before_we_know_that_the_payload_is_sent() {
    check(
        r#"
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 0
        1 REPLCONF capa eof
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1]
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 1 <- "$EOF:<1>\r\n"
        ready 0 175
        > Notice: Diskless rdb transfer, done reading from pipe, 1 replicas still up.
        > Notice: Background RDB transfer terminated with success
        > 1 <- end of payload "<1>"
        > release snapshot 0
        1 says REPLCONF ACK 100
        1 sent
        > Notice: Streamed RDB transfer with replica 127.0.0.1:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        > Notice: Synchronization with replica 127.0.0.1:<unknown-replica-port> succeeded
        > 1 <- log after 100
        "#,
    );
}

/// A replica that doesn't know the mark gets a file even if diskless is on, at once.
#[test]
fn without_eof_a_snapshot_goes_to_disk() {
    check(
        r#"
        set repl-diskless-sync yes
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        "#,
    );
}

/// repl-diskless-sync-max-replicas.
#[test]
fn enough_replicas_end_the_delay() {
    check(
        r#"
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 30
        set repl-diskless-sync-max-replicas 2
        1 REPLCONF capa eof
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Delay next BGSAVE for diskless SYNC
        pass 1000
        > 1 <- "\n"
        2 REPLCONF capa eof
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Delay next BGSAVE for diskless SYNC
        pass 1000
        > 1 <- "\n"
        > 2 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1, 2]
        "#,
    );
}

/// Partial resyncs: by our id, within the log.
#[test]
fn continues() {
    check(
        r#"
        log 40 100
        1 REPLCONF listening-port 6380 capa psync2
        1 PSYNC <a> 41
        > Notice: Replica 127.0.0.1:6380 asks for synchronization
        > 1 <- "+CONTINUE <a>\r\n"
        > 1 <- log after 40
        > Notice: Partial resynchronization request from 127.0.0.1:6380 accepted. Sending 60 bytes of backlog starting from offset 41.
        2 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 2 <- "+CONTINUE\r\n"
        > 2 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        3 PSYNC <a> 40
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Unable to partial resync with replica 127.0.0.1:<unknown-replica-port> for lack of backlog (Replica request was: 40).
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [3]
        cut 0 100
        > 3 <- "+FULLRESYNC <a> 100\r\n"
        4 PSYNC <a> 102
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Unable to partial resync with replica 127.0.0.1:<unknown-replica-port> for lack of backlog (Replica request was: 102).
        > Warning: Warning: replica 127.0.0.1:<unknown-replica-port> tried to PSYNC with an offset that is greater than the master replication offset.
        > 4 joins snapshot 0
        > 4 <- "+FULLRESYNC <a> 100\r\n"
        > Notice: Waiting for end of BGSAVE for SYNC
        5 PSYNC <b> 50
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '<b>', my replication IDs are '<a>' and '<0>')
        > 5 joins snapshot 0
        > 5 <- "+FULLRESYNC <a> 100\r\n"
        > Notice: Waiting for end of BGSAVE for SYNC
        info
        > ip=127.0.0.1,port=6380,state=online,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=online,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > full=3 partial_ok=2 partial_err=3 good=2
        "#,
    );
}

/// The second id is good up to the promotion.
#[test]
fn continues_after_a_promotion() {
    check(
        r#"
        promoted <b>
        log 0 200
        1 REPLCONF capa psync2
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE <b>\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 100 bytes of backlog starting from offset 101.
        2 PSYNC <a> 102
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Partial resynchronization not accepted: Requested offset for second ID was 102, but I can reply up to 101
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [2]
        3 PSYNC <b> 201
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 3 <- "+CONTINUE\r\n"
        > 3 <- log after 200
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 201.
        info
        > ip=127.0.0.1,port=0,state=online,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > ip=127.0.0.1,port=0,state=online,offset=0,lag=0
        > full=1 partial_ok=2 partial_err=1 good=2
        "#,
    );
}

/// SYNC: no reply line, never timed out, and the log follows the file.
#[test]
fn sync_is_old() {
    check(
        r#"
        1 SYNC
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        cut 0 100
        pass 1000
        > 1 <- "\n"
        ready 0 175
        > Notice: Background saving terminated with success
        > 1 <- "$175\r\n" and the file of snapshot 0
        > release snapshot 0
        1 sent
        > Notice: Synchronization with replica 127.0.0.1:<unknown-replica-port> succeeded
        > 1 <- log after 100
        pass 61000
        > log <- ping
        info
        > ip=127.0.0.1,port=0,state=online,offset=0,lag=61
        > full=1 partial_ok=0 partial_err=0 good=0
        "#,
    );
}

/// It shares the file and the log from its offset.
#[test]
fn a_second_replica_joins_a_file() {
    check(
        r#"
        1 REPLCONF listening-port 6380 capa eof capa psync2
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6380 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6380
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        2 REPLCONF listening-port 6381 capa eof capa psync2
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6381 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6381
        > 2 joins snapshot 0
        > Notice: Waiting for end of BGSAVE for SYNC
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        log 0 150
        3 REPLCONF listening-port 6382 capa eof capa psync2
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6382 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6382
        > 3 joins snapshot 0
        > 3 <- "+FULLRESYNC <a> 100\r\n"
        > Notice: Waiting for end of BGSAVE for SYNC
        4 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        ready 0 175
        > Notice: Background saving terminated with success
        > 1 <- "$175\r\n" and the file of snapshot 0
        > 2 <- "$175\r\n" and the file of snapshot 0
        > 3 <- "$175\r\n" and the file of snapshot 0
        > release snapshot 0
        1 sent
        > Notice: Synchronization with replica 127.0.0.1:6380 succeeded
        > 1 <- log after 100
        3 sent
        > Notice: Synchronization with replica 127.0.0.1:6382 succeeded
        > 3 <- log after 100
        pass 1000
        > 4 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [4]
        cut 1 150
        > 4 <- "+FULLRESYNC <a> 150\r\n"
        "#,
    );
}

/// Who comes while a snapshot goes to sockets waits for the next.
#[test]
fn nobody_joins_a_socket() {
    check(
        r#"
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 0
        1 REPLCONF capa eof
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1]
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 1 <- "$EOF:<1>\r\n"
        2 REPLCONF capa eof
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC
        pass 1000
        > 2 <- "\n"
        ready 0 175
        > Notice: Diskless rdb transfer, done reading from pipe, 1 replicas still up.
        > Notice: Background RDB transfer terminated with success
        > 1 <- end of payload "<1>"
        > release snapshot 0
        1 sent
        > Notice: Streamed RDB transfer with replica 127.0.0.1:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming
        > Notice: Synchronization with replica 127.0.0.1:<unknown-replica-port> succeeded
        pass 1000
        > 2 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 1 to Sockets for [2]
        "#,
    );
}

/// A transfer by socket to nobody stops; a file is made to its end.
#[test]
fn the_last_one_gone_ends_a_transfer() {
    check(
        r#"
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 0
        1 REPLCONF capa eof
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1]
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 1 <- "$EOF:<1>\r\n"
        1 closed
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > Notice: Diskless rdb transfer, last replica dropped, killing fork child.
        > abort snapshot 0
        set repl-diskless-sync no
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [2]
        cut 1 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        2 closed
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        ready 1 175
        > Notice: Background saving terminated with success
        > release snapshot 1
        pass 1000
        > 3 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 2 to Disk for [3]
        "#,
    );
}

/// Before the cut the replicas are told; after it they can only be dropped.
#[test]
fn a_snapshot_that_fails() {
    check(
        r#"
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        failed 0 No space left on device
        > Warning: BGSAVE for replication failed: No space left on device
        > 1 <- "-ERR BGSAVE failed, replication can\'t continue\r\n"
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1 after its output
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [2]
        cut 1 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        failed 1 No space left on device
        > Warning: Background saving error: No space left on device
        > Warning: SYNC failed. BGSAVE child returned an error
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 2
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 0
        3 REPLCONF capa eof
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 2 to Sockets for [3]
        cut 2 100
        > 3 <- "+FULLRESYNC <a> 100\r\n"
        > 3 <- "$EOF:<1>\r\n"
        failed 2 cancelled
        > Warning: Background transfer error: cancelled
        > Warning: SYNC failed. BGSAVE child returned an error
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 3
        ready 2 100
        failed 2 again
        "#,
    );
}

/// As many snapshots run as can: tried again each second.
#[test]
fn a_snapshot_that_has_to_wait() {
    check(
        r#"
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        busy 0
        > Notice: No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed
        info
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > full=1 partial_ok=0 partial_err=0 good=0
        pass 1000
        > 1 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [1]
        cut 0 100
        cut 1 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        "#,
    );
}
