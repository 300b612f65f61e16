//! What replicas may say, who is refused, and what happens by itself.

use super::check;

/// What is refused makes no replica.
#[test]
fn refusals() {
    check(
        r#"
        role link down
        1 PSYNC ? -1
        > refuse 1: -NOMASTERLINK Can't SYNC while not connected with my master
        role primary
        2 REPLCONF rdb-filter-only functions
        2 PSYNC ? -1
        > refuse 2: -ERR Filtered replica requires EOF capability
        3 PSYNC ? x
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Warning: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization but with a wrong offset
        > refuse 3: -ERR value is not an integer or out of range
        4 PSYNC <a> 1 FAILOVER
        > Notice: Failover request received for replid <a>.
        > refuse 4: -ERR PSYNC FAILOVER can't be sent to a master.
        role link up
        5 PSYNC <b> 1 FAILOVER
        > Notice: Failover request received for replid <b>.
        > refuse 5: -ERR PSYNC FAILOVER replid must match my replid.
        6 PSYNC <a> 1 failover
        > Notice: Failover request received for replid <a>.
        > promote, then 6
        info
        > full=0 partial_ok=0 partial_err=0 good=0
        "#,
    );
}

/// A filtered snapshot goes to sockets even if diskless is off, and not with others.
#[test]
fn a_snapshot_of_functions() {
    check(
        r#"
        1 REPLCONF capa eof
        1 REPLCONF rdb-filter-only functions
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [1] without data
        2 REPLCONF capa eof
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        > 1 <- "$EOF:<1>\r\n"
        ready 0 20
        > Notice: Diskless rdb transfer, done reading from pipe, 1 replicas still up.
        > Notice: Background RDB transfer terminated with success
        > 1 <- end of payload "<1>"
        > release snapshot 0
        pass 1000
        > 2 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [2]
        "#,
    );
}

/// Who wants the file only is done with it.
#[test]
fn rdb_only() {
    check(
        r#"
        1 REPLCONF rdb-only 1
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        cut 0 100
        > 1 <- "+FULLRESYNC <a> 100\r\n"
        ready 0 175
        > Notice: Background saving terminated with success
        > 1 <- "$175\r\n" and the file of snapshot 0
        > release snapshot 0
        1 sent
        > Notice: RDB transfer completed, rdb only replica (127.0.0.1:<unknown-replica-port>) should be disconnected asap
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1 after its output
        pass 1000
        > 2 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [2]
        "#,
    );
}

/// Announced addresses, IPv6, unknown ports, unix sockets.
#[test]
fn names() {
    check(
        r#"
        1 SYNC
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        2 REPLCONF ip-address 10.0.0.7 listening-port 7000
        2 SYNC
        > Notice: Replica 10.0.0.7:7000 asks for synchronization
        > 2 joins snapshot 0
        > Notice: Waiting for end of BGSAVE for SYNC
        3 REPLCONF ip-address ::1 listening-port 7000
        3 SYNC
        > Notice: Replica [::1]:7000 asks for synchronization
        > 3 joins snapshot 0
        > Notice: Waiting for end of BGSAVE for SYNC
        99 SYNC
        > Notice: Replica client id #99 asks for synchronization
        > 99 joins snapshot 0
        > Notice: Waiting for end of BGSAVE for SYNC
        "#,
    );
}

/// What would be answered ends the connection; what is silent does not.
#[test]
fn replicas_ask_nothing() {
    check(
        r#"
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        2 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 2 <- "+CONTINUE\r\n"
        > 2 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        3 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 3 <- "+CONTINUE\r\n"
        > 3 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        4 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 4 <- "+CONTINUE\r\n"
        > 4 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        1 says PING
        > Warning: Replica generated a reply to command 'ping', disconnecting it: 127.0.0.1:<unknown-replica-port>
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1
        2 says REPLCONF listening-port 1
        > Warning: Replica generated a reply to command 'replconf', disconnecting it: 127.0.0.1:1
        > Notice: Connection with replica 127.0.0.1:1 lost.
        > close 2
        3 says REPLCONF GETACK *
        3 says PSYNC ? -1
        3 says REPLCONF ACK x
        3 says "\r\n"
        3 says REPLCONF capa eof ACK 7 FACK 5
        3 says "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r"
        3 says "\n90\r\n"
        3 says "replconf ack 95\r\n"
        3 PSYNC ? -1
        4 says "*1\r\n:1\r\n"
        > Warning: Protocol error (expected '$', got ':') from replica: 127.0.0.1:<unknown-replica-port>
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 4
        info
        > ip=127.0.0.1,port=0,state=online,offset=95,lag=0
        > full=0 partial_ok=4 partial_err=0 good=1
        "#,
    );
}

/// repl-timeout: in the stream, and for one that takes nothing of a transfer by socket.
#[test]
fn silence() {
    check(
        r#"
        set repl-timeout 10
        1 REPLCONF listening-port 6380
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:6380 asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:6380 accepted. Sending 0 bytes of backlog starting from offset 101.
        pass 10000
        > log <- ping
        1 says REPLCONF ACK 100
        pass 10000
        > log <- ping
        pass 1000
        > Warning: Disconnecting timedout replica (streaming sync): 127.0.0.1:6380
        > Notice: Connection with replica 127.0.0.1:6380 lost.
        > close 1
        set repl-diskless-sync yes
        set repl-diskless-sync-delay 0
        2 REPLCONF listening-port 6381 capa eof
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:6381 asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:6381
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 0 to Sockets for [2]
        cut 0 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        > 2 <- "$EOF:<1>\r\n"
        3 REPLCONF capa eof
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC
        pass 9000
        > log <- ping
        > 3 <- "\n"
        2 progress
        pass 9000
        > 3 <- "\n"
        pass 2000
        > log <- ping
        > 3 <- "\n"
        > Warning: Disconnecting timedout replica (full sync): 127.0.0.1:6381
        > Notice: Connection with replica 127.0.0.1:6381 lost.
        > Notice: Diskless rdb transfer, last replica dropped, killing fork child.
        > abort snapshot 0
        > close 2
        > Notice: Starting BGSAVE for SYNC with target: replicas sockets
        > snapshot 1 to Sockets for [3]
        "#,
    );
}

/// Only a primary adds PINGs, and only for replicas.
#[test]
fn pings() {
    check(
        r#"
        pass 10000
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        pass 9000
        pass 1000
        > log <- ping
        1 says REPLCONF ACK 100
        role link up
        pass 10000
        ack-wanted
        role primary
        ack-wanted
        > log <- REPLCONF GETACK *
        "#,
    );
}

/// repl-backlog-ttl: only at a primary, only without replicas, and under a new id.
#[test]
fn the_backlog_ends() {
    check(
        r#"
        set repl-backlog-ttl 5
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        pass 6000
        1 closed
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        role link up
        pass 6000
        role primary
        drop
        pass 5000
        pass 1000
        > free backlog <1> -1
        > Notice: Replication backlog freed after 5 seconds without connected replicas.
        pass 6000
        2 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '<a>', my replication IDs are '<1>' and '<0>')
        > create backlog <2> -1
        > Verbose: Replication backlog created, my new replication IDs are '<2>' and '<0>'
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [2]
        cut 0 100
        > 2 <- "+FULLRESYNC <2> 100\r\n"
        "#,
    );
}

/// min-replicas-to-write and min-replicas-max-lag.
#[test]
fn min_replicas() {
    check(
        r#"
        set min-replicas-max-lag 3
        set min-replicas-to-write 1
        > few replicas: true
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        > few replicas: false
        pass 3000
        pass 1000
        > few replicas: true
        1 says REPLCONF ACK 100
        pass 1000
        > few replicas: false
        1 closed
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > few replicas: true
        role link up
        > few replicas: false
        role primary
        > few replicas: true
        set min-replicas-max-lag 0
        > few replicas: false
        "#,
    );
}

/// A new history: all have to ask again, and nobody joins the snapshot of the old one.
#[test]
fn dropped_together() {
    check(
        r#"
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [2]
        cut 0 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        drop
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 2
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        ready 0 175
        > Notice: Background saving terminated with success
        > release snapshot 0
        pass 1000
        > 3 <- "\n"
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 1 to Disk for [3]
        "#,
    );
}

/// A replica with its link up serves replicas, from its primary's history.
#[test]
fn a_chained_replica() {
    check(
        r#"
        role link up
        1 REPLCONF capa psync2
        1 PSYNC <a> 51
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE <a>\r\n"
        > 1 <- log after 50
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 50 bytes of backlog starting from offset 51.
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [2]
        cut 0 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        role link down
        3 PSYNC <a> 51
        > refuse 3: -NOMASTERLINK Can't SYNC while not connected with my master
        pass 1000
        > 2 <- "\n"
        "#,
    );
}

/// A snapshot that was cut under another history than now.
#[test]
fn cut_before_a_role_change() {
    check(
        r#"
        1 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [1]
        cut-before 0 <b>
        > abort snapshot 0
        > Warning: BGSAVE for replication failed: the replication history changed
        > 1 <- "-ERR BGSAVE failed, replication can\'t continue\r\n"
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1 after its output
        "#,
    );
}

/// Our history changed, and the event that says so is yet to come: who was told the old one is dropped at once, who
/// waits is not.
#[test]
fn strangers() {
    check(
        r#"
        1 PSYNC <a> 101
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > 1 <- "+CONTINUE\r\n"
        > 1 <- log after 100
        > Notice: Partial resynchronization request from 127.0.0.1:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
        2 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Starting BGSAVE for SYNC with target: disk
        > snapshot 0 to Disk for [2]
        cut 0 100
        > 2 <- "+FULLRESYNC <a> 100\r\n"
        3 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > 3 joins snapshot 0
        > 3 <- "+FULLRESYNC <a> 100\r\n"
        > Notice: Waiting for end of BGSAVE for SYNC
        4 REPLCONF capa eof rdb-filter-only functions
        4 PSYNC ? -1
        > Notice: Replica 127.0.0.1:<unknown-replica-port> asks for synchronization
        > Notice: Full resync requested by replica 127.0.0.1:<unknown-replica-port>
        > Notice: Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC
        promoted <b>
        1 says REPLCONF ACK 100
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 1
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 2
        > Notice: Connection with replica 127.0.0.1:<unknown-replica-port> lost.
        > close 3
        2 sent
        info
        > ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0
        > full=3 partial_ok=1 partial_err=0 good=0
        "#,
    );
}
