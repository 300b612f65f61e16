//! What a primary tells its replicas: the bytes of the stream, compared between redis-server and Greylag.

use testkit::client::{Client, encode};
use testkit::differential::accepted::{Accepted, FILE};
use testkit::differential::runner::Pair;
use testkit::differential::stream::{self, Form, Past};
use testkit::fake_replica::{Ask, FakeReplica};
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis};
use testkit::value::quoted;

type Command = (Vec<Vec<u8>>, Vec<u8>);

const BEGINNING: [&str; 3] = ["SET", "beginning-of-the-test", "1"];
const END: [&str; 3] = ["SET", "end-of-the-test", "1"];

fn start(kind: Kind) -> Server {
    // No PING between the commands, no key that expires by itself.
    let server = Server::of(kind).args("--repl-ping-replica-period 1000").start();
    server.run("DEBUG SET-ACTIVE-EXPIRE 0");
    server
}

/// A primary and one that listens.
struct Heard {
    kind: Kind,
    server: Server,
    replica: FakeReplica,
}

impl Heard {
    #[track_caller]
    fn start(kind: Kind) -> Self {
        let server = start(kind);
        let mut replica = FakeReplica::attach(server.port(), Ask::Full).expect("is served");
        // A FLUSHALL that comes too early would end the transfer.
        begin(&mut server.client(), &mut replica);
        Self { kind, server, replica }
    }

    /// What the replica hears of these lines, said over one connection to an empty server.
    #[track_caller]
    fn of(&mut self, lines: &[&str]) -> Vec<Command> {
        let mut client = self.server.client();
        client.run("FLUSHALL");
        client.run("CONFIG SET lazyfree-lazy-expire no");
        begin(&mut client, &mut self.replica);
        for line in lines {
            client.run(line);
        }
        self.server.client().command(&END).expect("is answered");
        let commands = self.replica.commands_until(&END);
        without_end(commands.unwrap_or_else(|error| panic!("{:?} {lines:?}: {error}", self.kind)))
    }
}

/// Until the stream flows; the last word is in a database of its own, so that what follows begins with a SELECT.
#[track_caller]
fn begin(client: &mut Client, replica: &mut FakeReplica) {
    client.run("SELECT 9");
    client.command(&BEGINNING).expect("is answered");
    client.run("SELECT 0");
    replica.commands_until(&BEGINNING).expect("the stream goes on");
}

/// Without the SELECT of the last word, if it needed one.
fn without_end(mut commands: Vec<Command>) -> Vec<Command> {
    let last_is_select = commands.last().is_some_and(|(argv, _)| argv[0] == b"SELECT");
    if last_is_select {
        commands.pop();
    }
    commands
}

fn text(commands: &[Command]) -> String {
    let line = |(argv, _): &Command| {
        let plain = |word: &Vec<u8>| word.iter().all(u8::is_ascii_graphic);
        let word = |word: &Vec<u8>| {
            if plain(word) { String::from_utf8_lossy(word).into_owned() } else { quoted(word) }
        };
        argv.iter().map(word).collect::<Vec<_>>().join(" ")
    };
    commands.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Lines said, and what a replica hears of them. Times are absolute, so that every byte counts.
const SCRIPTS: &[(&[&str], &str)] = &[
    (&["SET a 1", "SET b 2"], "SELECT 0\nSET a 1\nSET b 2"),
    (&["set a 1", "SeT b 2"], "SELECT 0\nset a 1\nSeT b 2"),
    (&["SET a 1 PXAT 4200000000000"], "SELECT 0\nSET a 1 PXAT 4200000000000"),
    (&["SET a 1 EXAT 4200000000"], "SELECT 0\nSET a 1 PXAT 4200000000000"),
    (&["set a 1 nx exat 4200000000"], "SELECT 0\nSET a 1 PXAT 4200000000000"),
    (&["SET a 1", "SET a 2 KEEPTTL GET"], "SELECT 0\nSET a 1\nSET a 2 KEEPTTL"),
    (&["SET a 1 GET", "SET a 2 NX", "SET b 1 XX"], "SELECT 0\nSET a 1"),
    (&["SETNX a 1", "SETNX a 2"], "SELECT 0\nSETNX a 1"),
    (&["SET a 1", "GETSET a 2"], "SELECT 0\nSET a 1\nSET a 2"),
    (&["SET a 1", "GETDEL a", "GETDEL a"], "SELECT 0\nSET a 1\nDEL a"),
    (&["SET a 1", "GETEX a EXAT 4200000000"], "SELECT 0\nSET a 1\nPEXPIREAT a 4200000000000"),
    (
        &["SET a 1 PXAT 4200000000000", "GETEX a PERSIST", "GETEX a PERSIST"],
        "SELECT 0\nSET a 1 PXAT 4200000000000\nPERSIST a",
    ),
    (&["SET a 1", "GETEX a EXAT 1"], "SELECT 0\nSET a 1\nDEL a"),
    (&["SET a 1", "GETEX a"], "SELECT 0\nSET a 1"),
    (&["SET a 1", "EXPIREAT a 4200000000"], "SELECT 0\nSET a 1\nPEXPIREAT a 4200000000000"),
    (&["SET a 1", "PEXPIREAT a 4200000000000 NX"], "SELECT 0\nSET a 1\nPEXPIREAT a 4200000000000 NX"),
    (&["SET a 1", "EXPIREAT a 4200000000 XX", "EXPIRE b 100"], "SELECT 0\nSET a 1"),
    (&["SET a 1", "EXPIRE a -1"], "SELECT 0\nSET a 1\nDEL a"),
    (&["SET a 1", "EXPIREAT a 1"], "SELECT 0\nSET a 1\nDEL a"),
    (&["CONFIG SET lazyfree-lazy-expire yes", "SET a 1", "EXPIREAT a 1"], "SELECT 0\nSET a 1\nUNLINK a"),
    (&["SET a 1", "PERSIST a"], "SELECT 0\nSET a 1"),
    (&["SET a 10.5", "INCRBYFLOAT a 0.1"], "SELECT 0\nSET a 10.5\nSET a 10.6 KEEPTTL"),
    (
        &["INCR a", "INCRBY a 5", "DECR a", "DECRBY a 2", "INCR x y"],
        "SELECT 0\nINCR a\nINCRBY a 5\nDECR a\nDECRBY a 2",
    ),
    (&["SET a x", "INCR a", "APPEND a y", "APPEND a "], "SELECT 0\nSET a x\nAPPEND a y\nAPPEND a "),
    (&["SETRANGE a 3 x", "SETRANGE a 0 ", "SETRANGE none 0 "], "SELECT 0\nSETRANGE a 3 x"),
    (&["MSET a 1 b 2", "MSETNX a 1 c 2", "MSETNX c 1 d 2"], "SELECT 0\nMSET a 1 b 2\nMSETNX c 1 d 2"),
    (&["MSET a 1 b 2", "DEL a x b", "DEL a", "UNLINK b"], "SELECT 0\nMSET a 1 b 2\nDEL a x b"),
    (
        &["SET a 1", "RENAME a b", "RENAMENX b b", "RENAMENX b c", "RENAME x y"],
        "SELECT 0\nSET a 1\nRENAME a b\nRENAMENX b c",
    ),
    (
        &["SET a 1", "COPY a b", "COPY a b", "COPY a b REPLACE", "COPY a b DB 3"],
        "SELECT 0\nSET a 1\nCOPY a b\nCOPY a b REPLACE\nCOPY a b DB 3",
    ),
    (
        &["SET a 1", "MOVE a 3", "MOVE a 3", "SELECT 3", "GET a", "SET b 1"],
        "SELECT 0\nSET a 1\nMOVE a 3\nSELECT 3\nSET b 1",
    ),
    (
        &["SELECT 5", "SET a 1", "SELECT 6", "SELECT 5", "SET b 1", "SELECT 0", "SET c 1"],
        "SELECT 5\nSET a 1\nSET b 1\nSELECT 0\nSET c 1",
    ),
    (
        &["SET a 1", "SWAPDB 0 1", "SWAPDB 1 1", "SET b 1"],
        "SELECT 0\nSET a 1\nSWAPDB 0 1\nSWAPDB 1 1\nSET b 1",
    ),
    (
        &["SET a 1", "FLUSHDB", "FLUSHDB ASYNC", "FLUSHALL", "FLUSHALL SYNC"],
        "SELECT 0\nSET a 1\nFLUSHDB\nFLUSHDB ASYNC\nFLUSHALL\nFLUSHALL SYNC",
    ),
    (&["TOUCH a", "GET a", "EXISTS a", "OBJECT ENCODING a", "DBSIZE", "PING"], ""),
    (&["MULTI", "SET a 1", "SET b 2", "EXEC"], "SELECT 0\nMULTI\nSET a 1\nSET b 2\nEXEC"),
    (&["MULTI", "SET a 1", "EXEC"], "SELECT 0\nSET a 1"),
    (&["MULTI", "GET a", "EXEC", "MULTI", "EXEC"], ""),
    (&["MULTI", "GET a", "SET a 1", "GET a", "INCR a", "EXEC"], "SELECT 0\nMULTI\nSET a 1\nINCR a\nEXEC"),
    (&["MULTI", "SET a x", "INCR a", "SET b 1", "EXEC"], "SELECT 0\nMULTI\nSET a x\nSET b 1\nEXEC"),
    (&["MULTI", "SET a 1", "DISCARD", "SET b 1"], "SELECT 0\nSET b 1"),
    (&["MULTI", "SET a 1", "NOSUCH", "EXEC", "SET b 1"], "SELECT 0\nSET b 1"),
    (
        &["SELECT 2", "MULTI", "SET a 1", "SELECT 3", "SET b 1", "SELECT 2", "SET c 1", "EXEC"],
        "SELECT 2\nMULTI\nSET a 1\nSELECT 3\nSET b 1\nSELECT 2\nSET c 1\nEXEC",
    ),
    (&["MULTI", "SELECT 4", "EXEC", "SET a 1"], "SELECT 4\nSET a 1"),
    (&["WATCH a", "SET a 1", "MULTI", "SET a 2", "EXEC", "SET b 1"], "SELECT 0\nSET a 1\nSET b 1"),
    (
        &["MULTI", "EXPIREAT a 1", "SET a 1", "EXPIREAT a 1", "SET b 1 EXAT 4200000000", "EXEC"],
        "SELECT 0\nMULTI\nSET a 1\nDEL a\nSET b 1 PXAT 4200000000000\nEXEC",
    ),
    // Lists.
    (
        &[
            "RPUSH l 3 1 2",
            "SORT l",
            "SORT l desc STORE m LIMIT 0 2",
            "SORT none STORE m",
            "SORT none STORE m",
            "SORT m STORE x y",
        ],
        "SELECT 0\nRPUSH l 3 1 2\nSORT l desc STORE m LIMIT 0 2\nSORT none STORE m",
    ),
    (
        &["SADD s b a 10", "SET w_b 1 PXAT 1", "SORT s BY w_* GET # STORE m ALPHA"],
        "SELECT 0\nSADD s b a 10\nSET w_b 1 PXAT 1\nMULTI\nDEL w_b\nSORT s BY w_* GET # STORE m ALPHA\nEXEC",
    ),
    (
        &["RPUSH l a b c", "LPUSHX none a", "LPUSHX l x y", "LPOP l", "RPOP l 2", "LPOP l 0", "LPOP none 3"],
        "SELECT 0\nRPUSH l a b c\nLPUSHX l x y\nLPOP l\nRPOP l 2",
    ),
    (
        &["RPUSH l a b c", "LMPOP 2 none l RIGHT COUNT 2", "LMPOP 1 l LEFT COUNT 9", "LMPOP 1 l LEFT"],
        "SELECT 0\nRPUSH l a b c\nRPOP l 2\nLPOP l 1",
    ),
    (
        &["RPUSH l a b", "RPOPLPUSH l m", "LMOVE l m LEFT RIGHT", "RPOPLPUSH l m", "LMOVE m m LEFT RIGHT"],
        "SELECT 0\nRPUSH l a b\nRPOPLPUSH l m\nLMOVE l m LEFT RIGHT\nLMOVE m m LEFT RIGHT",
    ),
    (
        &["RPUSH l a b c a", "LTRIM l 0 -1", "LREM l 0 z", "LREM l -1 a", "LTRIM l 1 1", "LTRIM l 1 0"],
        "SELECT 0\nRPUSH l a b c a\nLREM l -1 a\nLTRIM l 1 1\nLTRIM l 1 0",
    ),
    (
        &[
            "RPUSH l a",
            "LINSERT l BEFORE z b",
            "LINSERT l AFTER a b",
            "LSET l 0 x",
            "LSET l 9 x",
            "LREM l 0 x",
        ],
        "SELECT 0\nRPUSH l a\nLINSERT l AFTER a b\nLSET l 0 x\nLREM l 0 x",
    ),
    (&["RPUSH l a", "WATCH l", "LTRIM l 0 -1", "MULTI", "SET a 1", "EXEC"], "SELECT 0\nRPUSH l a"),
    // Bits and HyperLogLogs.
    (
        &[
            "BITFIELD b GET u8 0",
            "BITFIELD b SET u8 0 5",
            "BITFIELD b SET u8 0 5",
            "bitfield b INCRBY u8 0 1",
        ],
        "SELECT 0\nBITFIELD b SET u8 0 5\nbitfield b INCRBY u8 0 1",
    ),
    (
        &["PFADD h", "PFADD h", "PFADD h a", "PFCOUNT h", "PFCOUNT h", "PFADD h a", "PFCOUNT h none"],
        "SELECT 0\nPFADD h\nPFADD h a\nPFCOUNT h",
    ),
    (
        &["PFADD h a", "PFMERGE d", "PFMERGE d h", "PFCOUNT d h", "PFDEBUG GETREG h", "PFDEBUG TODENSE h"],
        "SELECT 0\nPFADD h a\nPFMERGE d\nPFMERGE d h\nPFDEBUG GETREG h",
    ),
    // Places.
    (
        &[
            "GEOADD g 1 1 a 2 2 b",
            "GEORADIUS g 1 1 1 km STORE s",
            "GEOSEARCHSTORE s g FROMLONLAT 1 1 BYBOX 1 1 km STOREDIST",
            "GEORADIUS g 9 9 1 km STORE s",
            "GEORADIUS g 9 9 1 km STORE s",
            "GEORADIUSBYMEMBER none x 1 km STOREDIST g",
        ],
        "SELECT 0\nzadd g 3377822707026402 a 3378191666521995 b\nGEORADIUS g 1 1 1 km STORE s\nGEOSEARCHSTORE s g FROMLONLAT 1 1 BYBOX 1 1 km STOREDIST\nGEORADIUS g 9 9 1 km STORE s\nGEORADIUSBYMEMBER none x 1 km STOREDIST g",
    ),
    // Hashes.
    (
        &["HSET h a 1 b 2", "HSET h a 1", "HMSET h c 3", "HSETNX h a 4", "HSETNX h d 4", "HGETALL h"],
        "SELECT 0\nHSET h a 1 b 2\nHSET h a 1\nHMSET h c 3\nHSETNX h d 4",
    ),
    (
        &["HSET h a 1 b 2", "HDEL h x", "HDEL none x", "HDEL h a x a", "HDEL h b", "HDEL h b"],
        "SELECT 0\nHSET h a 1 b 2\nHDEL h a x a\nHDEL h b",
    ),
    (
        &["HINCRBY h n 5", "HINCRBY h n x", "HINCRBYFLOAT h n 0.5", "hincrbyfloat h n 1e3", "HINCRBY h n 1"],
        "SELECT 0\nHINCRBY h n 5\nHSET h n 5.5\nHSET h n 1005.5",
    ),
    (&["HSET h a 1", "PEXPIREAT h 1", "HSET h b 1"], "SELECT 0\nHSET h a 1\nDEL h\nHSET h b 1"),
    // Streams.
    (
        &["XADD s 1-1 a 1", "xadd s 2-* a 2", "XADD s NOMKSTREAM 2-* a 3", "XADD n NOMKSTREAM * a 1"],
        "SELECT 0\nXADD s 1-1 a 1\nxadd s 2-0 a 2\nXADD s NOMKSTREAM 2-1 a 3",
    ),
    (
        &[
            "XADD s 1 a 1",
            "XADD s 2 a 2",
            "XADD s maxlen ~ 1 LIMIT 5 3 a 3",
            "XADD s MINID ~ 2 4-* a 4",
            "XADD s MAXLEN = 2 5 a 5",
        ],
        "SELECT 0\nXADD s 1 a 1\nXADD s 2 a 2\nXADD s maxlen = 3 LIMIT 5 3 a 3\nXADD s MINID = 1-0 4-0 a 4\nXADD s MAXLEN = 2 5 a 5",
    ),
    (
        &[
            "XADD s 1 a 1",
            "XTRIM s MAXLEN ~ 1",
            "XTRIM s MAXLEN ~ 0",
            "XTRIM s MAXLEN 0",
            "XADD s 2 a 1",
            "XTRIM s MINID ~ 3",
        ],
        "SELECT 0\nXADD s 1 a 1\nXTRIM s MAXLEN = 0\nXADD s 2 a 1\nXTRIM s MINID = 18446744073709551615-18446744073709551615",
    ),
    (
        &["XADD s 1 a 1", "XDEL s 2", "XDEL s 1 2", "XSETID s 5 ENTRIESADDED 9", "XSETID s x"],
        "SELECT 0\nXADD s 1 a 1\nXDEL s 1 2\nXSETID s 5 ENTRIESADDED 9",
    ),
    (
        &[
            "XGROUP CREATE s g $ MKSTREAM",
            "XGROUP CREATE s g 0",
            "XGROUP SETID s g $",
            "XGROUP CREATECONSUMER s g c",
            "XGROUP CREATECONSUMER s g c",
            "XGROUP DELCONSUMER s g x",
            "XGROUP DELCONSUMER s g c",
            "XGROUP DESTROY s g",
            "XGROUP DESTROY s g",
        ],
        "SELECT 0\nXGROUP CREATE s g $ MKSTREAM\nXGROUP SETID s g $\nXGROUP CREATECONSUMER s g c\nXGROUP DELCONSUMER s g c\nXGROUP DESTROY s g",
    ),
    (
        &["XGROUP CREATE s g $ MKSTREAM", "XCLAIM s g c 0 1 LASTID 7-7"],
        "SELECT 0\nXGROUP CREATE s g $ MKSTREAM\nXGROUP SETID s g 7-7 ENTRIESREAD -1",
    ),
    // A key whose time has passed goes when it is met.
    (&["SET a 1 PXAT 1", "GET a", "GET a"], "SELECT 0\nSET a 1 PXAT 1\nDEL a"),
];

/// redis-server's bytes and Greylag's are those of the table.
#[test]
fn scripts_are_heard_as_written() {
    let kinds = if has_redis("scripts_are_heard_as_written") { vec![Redis, Greylag] } else { vec![Greylag] };
    for kind in kinds {
        let mut heard = Heard::start(kind);
        for (lines, expected) in SCRIPTS {
            let commands = heard.of(lines);
            assert_eq!(text(&commands), *expected, "{kind:?} {lines:?}");
            for (argv, bytes) in &commands {
                assert_eq!(quoted(bytes), quoted(&encode(argv)), "{kind:?} {lines:?}");
            }
        }
    }
}

/// What is heard of groups, and what 7.0.15 tells otherwise: it leaves out how far a group has read where claims say
/// the last id, and makes no consumer where nothing is read. Times are the clock's.
#[test]
fn groups_are_heard_as_7_2_tells_them() {
    const MASKED: &str = "0";
    let begin = ["XADD s 1-1 a 1", "XADD s 2-1 a 2", "XGROUP CREATE s g 0"];
    let begin_heard = "SELECT 0\nXADD s 1-1 a 1\nXADD s 2-1 a 2\nXGROUP CREATE s g 0";
    let claim = |consumer: &str, id: &str, count: u64, last: &str| {
        format!("XCLAIM s g {consumer} 0 {id} TIME 0 RETRYCOUNT {count} FORCE JUSTID LASTID {last}")
    };
    let (first, second) = (claim("c", "1-1", 1, "1-1"), claim("c", "2-1", 1, "2-1"));
    let setid = "XGROUP SETID s g 2-1 ENTRIESREAD 2";
    let made = "XGROUP CREATECONSUMER s g c";
    let unit = |lines: &[&str]| format!("MULTI\n{}\nEXEC", lines.join("\n"));
    let read = "XREADGROUP GROUP g c STREAMS s >";
    let read_both = unit(&[&first, &second, setid]);
    let claims = format!("{}\n{}", claim("d", "2-1", 2, "0-0"), claim("e", "2-1", 2, "2-1"));
    let cases: [(&[&str], String, String); 6] = [
        (&[read], unit(&[&first, &second]), read_both.clone()),
        (&["XREADGROUP GROUP g c NOACK STREAMS s >"], unit(&[made, setid]), unit(&[made, setid])),
        (&["XREADGROUP GROUP g c STREAMS s 0"], String::new(), String::new()),
        (
            &["XGROUP SETID s g $", "XREADGROUP GROUP g c NOACK STREAMS s >"],
            "XGROUP SETID s g $".into(),
            format!("XGROUP SETID s g $\n{made}"),
        ),
        (
            &[read, "XREADGROUP GROUP g c STREAMS s 0", "XACK s g 1-1", "XDEL s 2-1", "XAUTOCLAIM s g d 0 0"],
            format!(
                "{}\nXACK s g 1-1\nXDEL s 2-1\n{}",
                unit(&[&first, &second]),
                claim("c", "2-1", 2, "2-1")
            ),
            format!("{read_both}\nXACK s g 1-1\nXDEL s 2-1\n{}", claim("c", "2-1", 2, "2-1")),
        ),
        (&["XCLAIM s g d 0 2-1 1 FORCE", "XCLAIM s g e 0 1-1 2-1 JUSTID LASTID 2-1"], claims.clone(), claims),
    ];
    let name = "groups_are_heard_as_7_2_tells_them";
    let kinds = if has_redis(name) { vec![Redis, Greylag] } else { vec![Greylag] };
    for kind in kinds {
        let mut heard = Heard::start(kind);
        for (lines, of_7_0, of_7_2) in &cases {
            let all: Vec<&str> = begin.iter().chain(*lines).copied().collect();
            let mut commands = heard.of(&all);
            for (argv, _) in &mut commands {
                if let Some(at) = argv.iter().position(|word| word == b"TIME") {
                    argv[at + 1] = MASKED.into();
                }
            }
            let wanted = if kind.is_redis() { of_7_0 } else { of_7_2 };
            let wanted = [begin_heard, wanted].join("\n");
            assert_eq!(text(&commands), wanted.trim_end(), "{kind:?} {lines:?}");
        }
    }
}

/// Relative times come as the moments that they mean, by the primary's clock.
#[test]
fn relative_times_become_moments() {
    let lines = [
        "SET a 1 EX 1000",
        "SET a 1 PX 1000000",
        "SETEX a 1000 1",
        "PSETEX a 1000000 1",
        "EXPIRE a 1000",
        "PEXPIRE a 1000000 GT",
        "GETEX a EX 1000",
        "GETEX a PX 1000000",
    ];
    let gt = ["GT".to_string()];
    let names = ["SET", "SET", "SET", "SET", "PEXPIREAT", "PEXPIREAT", "PEXPIREAT", "PEXPIREAT"];
    let kinds = if has_redis("relative_times_become_moments") { vec![Redis, Greylag] } else { vec![Greylag] };
    for kind in kinds {
        let now = || {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .expect("it is later")
                .as_millis()
        };
        let mut heard = Heard::start(kind);
        let before = now();
        // PEXPIRE GT may find the same millisecond; then it has no effect, and nothing is heard of it.
        let commands = heard.of(&lines);
        let after = now();
        assert_eq!(text(&commands[..1]), "SELECT 0");
        let heard: Vec<&Command> = commands[1..].iter().collect();
        assert!(
            names.len() - 1 <= heard.len() && heard.len() <= names.len(),
            "{kind:?}: {}",
            text(&commands)
        );
        for (argv, _) in &heard {
            let form: Vec<String> =
                argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            let at = if form[0] == "SET" { &form[4] } else { &form[2] };
            let at: u128 = at.parse().expect("is a moment");
            assert!(before + 1_000_000 <= at && at <= after + 1_000_000, "{kind:?}: {}", text(&commands));
            match form[0].as_str() {
                "SET" => assert_eq!(form[..4], ["SET", "a", "1", "PXAT"]),
                "PEXPIREAT" => assert_eq!(
                    (form[1].as_str(), &form[3..]),
                    ("a", if 3 < form.len() { &gt[..] } else { &[] })
                ),
                other => panic!("{kind:?}: {other}"),
            }
        }
    }
}

/// The same stream for every way to ask for it, and a continuation from the middle has the same bytes.
fn ways_to_ask(kind: Kind) {
    let server = start(kind);
    server.run("SET before sync");
    let mut replicas: Vec<FakeReplica> = [Ask::Sync, Ask::FullByLength, Ask::Full]
        .into_iter()
        .map(|ask| FakeReplica::attach(server.port(), ask).expect("is served"))
        .collect();
    for replica in &replicas {
        assert!(replica.payload.starts_with(b"REDIS00"), "{kind:?}");
        assert!(replica.payload.windows(6).any(|bytes| bytes == b"before"), "{kind:?}");
    }
    let offset = replicas[2].offset();
    for line in ["SET a 1", "MSET b 2 c 3", "DEL b"] {
        server.run(line);
    }
    server.client().command(&END).expect("is answered");
    let heard: Vec<String> = replicas
        .iter_mut()
        .map(|replica| text(&replica.commands_until(&END).expect("the stream goes on")))
        .collect();
    for heard in &heard {
        assert!(heard.ends_with("SET a 1\nMSET b 2 c 3\nDEL b"), "{kind:?}: {heard}");
    }
    let repl_id = server.info_field("replication", "master_replid");
    let ask = Ask::From { repl_id: &repl_id, offset: offset + 1 };
    let mut again = FakeReplica::attach(server.port(), ask).expect("is served");
    assert_eq!(again.answer, format!("+CONTINUE {repl_id}"), "{kind:?}");
    assert_eq!(text(&again.commands_until(&END).expect("the stream goes on")), heard[2], "{kind:?}");
    let end: u64 = server.info_field("replication", "master_repl_offset").parse().expect("is a number");
    assert_eq!((again.offset(), replicas[2].offset()), (end, end), "{kind:?}");
    // From the future, and of another history: a full sync.
    for ask in [
        Ask::From { repl_id: &repl_id, offset: end + 100 },
        Ask::From { repl_id: &"f".repeat(40), offset: 1 },
    ] {
        let replica = FakeReplica::attach(server.port(), ask).expect("is served");
        assert_eq!(replica.answer, format!("+FULLRESYNC {repl_id} {end}"), "{kind:?}");
    }
}

#[test]
fn ways_to_ask_greylag() {
    ways_to_ask(Greylag);
}

#[test]
fn ways_to_ask_redis() {
    if has_redis("ways_to_ask_redis") {
        ways_to_ask(Redis);
    }
}

/// Random commands to both: their replicas hear the same.
#[test]
fn random_commands_are_heard_alike() {
    if !has_redis("random_commands_are_heard_alike") {
        return;
    }
    const SEED: u64 = 77;
    const COUNT: usize = 20_000;
    let mut pair = Pair::start(Redis, Greylag);
    pair.reset().expect("both answer");
    for server in pair.servers() {
        server.run("CONFIG SET repl-ping-replica-period 1000 repl-backlog-size 64mb");
    }
    let mut replicas =
        pair.servers().map(|server| FakeReplica::attach(server.port(), Ask::Full).expect("is served"));
    for (server, replica) in pair.servers().iter().zip(&mut replicas) {
        begin(&mut server.client(), replica);
        server.run("DEBUG SET-ACTIVE-EXPIRE 0");
    }
    let mut ops = stream::generate(SEED, COUNT, Past::Never);
    // A reload has no place here; ROLE would show how far each replica is just now, CLIENT KILL would end it.
    // Reads of groups are heard otherwise since 7.2: see `groups_are_heard_as_7_2_tells_them`.
    // So are consumers, which 7.2 makes for whoever asks.
    let left_out = ["role", "client", "debug", "xreadgroup"];
    let of_consumers = |op: &stream::Op| {
        let sub = op.argv.get(1).map(|word| word.to_ascii_lowercase());
        op.is_named("xgroup") && sub.is_some_and(|sub| sub.ends_with(b"consumer"))
    };
    ops.retain(|op| {
        op.form != Form::Reload && !left_out.iter().any(|name| op.is_named(name)) && !of_consumers(op)
    });
    stream::leave_out(&mut ops, &std::env::var("DIFF_SKIP").unwrap_or_default());
    let outcome = pair.run(&ops, &Accepted::read(FILE));
    assert!(outcome.is_ok(), "DIFF_SEED={SEED}: replies differ already: {outcome:?}");
    let heard = [0, 1].map(|side| {
        pair.servers()[side].client().command(&END).expect("is answered");
        replicas[side].commands_until(&END).expect("the stream goes on")
    });
    for (at, (one, two)) in heard[0].iter().zip(&heard[1]).enumerate() {
        let from = at.saturating_sub(5);
        assert!(
            same(&one.0, &two.0),
            "DIFF_SEED={SEED}, command {at} of the stream\nredis-server:\n{}\nGreylag:\n{}",
            text(&heard[0][from..=at]),
            text(&heard[1][from..=at])
        );
    }
    assert_eq!(heard[0].len(), heard[1].len());
    assert!(COUNT / 10 < heard[0].len(), "the stream had writes");
}

/// Word by word; moments may be a minute apart, since both were asked one after the other.
fn same(one: &[Vec<u8>], two: &[Vec<u8>]) -> bool {
    let is_moment = |at: usize| {
        let before = one[at - 1].to_ascii_uppercase();
        let third = [&b"PEXPIREAT"[..], b"RESTORE", b"RESTORE-ASKING"]
            .iter()
            .any(|name| one[0].eq_ignore_ascii_case(name));
        before == b"PXAT" || before == b"TIME" || (at == 2 && third)
    };
    let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<i64>().ok();
    one.len() == two.len()
        && one.iter().zip(two).enumerate().all(|(at, (a, b))| {
            let near = |a: i64, b: i64| a.abs_diff(b) < 60_000;
            a == b || (0 < at && is_moment(at) && number(a).zip(number(b)).is_some_and(|(a, b)| near(a, b)))
        })
}
