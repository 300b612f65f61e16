//! Scripts against the interpreter alone: a script in, a reply out. What they say was tried on redis-server 7.0.15.

use base::rng::Rng;
use resp::{Args, OwnedArgs, Proto, Reply};
use scripting::{Host, Interpreter, LogLevel, Pulse, Ran, Refused, Run, Scripts};

/// A server of a few commands.
struct TestHost {
    rng: Rng,
    log: Vec<String>,
    replicates: bool,
    /// Looks at the time until it is up.
    pulses_left: Option<u32>,
}

impl TestHost {
    fn new() -> Self {
        Self { rng: Rng::new(1), log: Vec::new(), replicates: true, pulses_left: None }
    }
}

impl Host for TestHost {
    fn call(&mut self, args: Args, proto: Proto, out: &mut Vec<u8>) -> Result<(), Refused> {
        let mut reply = Reply::new(out, proto);
        match args.name().to_ascii_lowercase().as_slice() {
            b"echo" => reply.bulk(args.at(1)),
            b"ok" => reply.ok(),
            b"int" => reply.int(-7),
            b"nil" => reply.nil(),
            b"nilarray" => reply.nil_array(),
            b"err" => reply.error_line(b"WRONGTYPE bad kind"),
            b"array" => {
                reply.array(3);
                reply.bulk(b"a");
                reply.nil();
                reply.array(1);
                reply.int(1);
            }
            b"map" => {
                reply.map(1);
                reply.bulk(b"k");
                reply.int(1);
            }
            b"set" => {
                reply.set(1);
                reply.bulk(b"m");
            }
            b"double" => reply.double(1.5),
            b"bool" => reply.boolean(true),
            b"big" => reply.big_number(b"123456789012345678901234567890"),
            b"text" => reply.verbatim("txt", b"some"),
            _ => return Err(Refused("Unknown Redis command called from script".into())),
        }
        Ok(())
    }

    fn may_run(&mut self, args: Args) -> Option<bool> {
        (args.name() != b"nope").then_some(true)
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.log.push(format!("{level:?} {}", text.escape_ascii()));
    }

    fn set_replicates(&mut self, on: bool) {
        self.replicates = on;
    }

    fn pulse(&mut self) -> Pulse {
        match &mut self.pulses_left {
            None => Pulse::GoOn,
            Some(0) => Pulse::Kill("Script killed by user with SCRIPT KILL."),
            Some(left) => {
                *left -= 1;
                Pulse::GoOn
            }
        }
    }

    fn cpu_seconds(&mut self) -> f64 {
        1.25
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }
}

struct Bench {
    interpreter: Interpreter,
    scripts: Scripts,
    host: TestHost,
}

impl Bench {
    fn new() -> Self {
        Self {
            interpreter: Interpreter::new().expect("starts"),
            scripts: Scripts::default(),
            host: TestHost::new(),
        }
    }

    fn eval(&mut self, body: &str, keys: &[&[u8]], argv: &[&[u8]], proto: Proto) -> String {
        let runnable = match self.interpreter.script(&self.scripts, body.as_bytes()) {
            Ok(runnable) => runnable,
            Err(line) => return format!("-{line}"),
        };
        let (keys, argv) = (OwnedArgs::from_slices(keys), OwnedArgs::from_slices(argv));
        let mut out = b"before".to_vec();
        let ran = self.interpreter.run(
            &mut self.host,
            &Run::Script(&runnable),
            keys.as_args(),
            argv.as_args(),
            &mut Reply::new(&mut out, proto),
        );
        assert!(out.starts_with(b"before"), "what was there stays");
        match ran {
            Ran::Done(_) => out[6..].escape_ascii().to_string(),
            Ran::Failed { line, .. } => {
                assert_eq!(out, b"before", "a failed script leaves no half reply");
                // The sum is left out.
                let line = String::from_utf8_lossy(&line).into_owned();
                match line.split_once(" script: ") {
                    Some((text, place)) => {
                        format!("-{text} |{}", place.split_once(", on ").map_or("", |p| p.1))
                    }
                    None => format!("-{line}"),
                }
            }
        }
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let mut bench = Bench::new();
    for (body, wanted) in cases {
        assert_eq!(bench.eval(body, &[], &[], Proto::Resp2), *wanted, "{body}");
    }
}

#[test]
fn values_become_replies() {
    check(&[
        ("return 1", r":1\r\n"),
        ("return -3.99", r":-3\r\n"),
        ("return 1e300", r":-9223372036854775808\r\n"),
        ("return 'a\\0b'", r"$3\r\na\x00b\r\n"),
        ("return true", r":1\r\n"),
        ("return false", r"$-1\r\n"),
        ("return nil", r"$-1\r\n"),
        ("", r"$-1\r\n"),
        ("return {1,'a',{2},nil,3}", r"*3\r\n:1\r\n$1\r\na\r\n*1\r\n:2\r\n"),
        ("return {ok='fi\\nne'}", r"+fi ne\r\n"),
        ("return {err='MY x'}", r"-MY x\r\n"),
        ("return {double=3.5}", r"$3\r\n3.5\r\n"),
        ("return {double=-134}", r"$4\r\n-134\r\n"),
        ("return {map={a=1}}", r"*2\r\n$1\r\na\r\n:1\r\n"),
        ("return {set={a=true}}", r"*1\r\n$1\r\na\r\n"),
        ("return {big_number='12\\n3'}", r"$4\r\n12 3\r\n"),
        ("return {verbatim_string={format='txt',string='abc'}}", r"$3\r\nabc\r\n"),
        ("return function() end", r"$-1\r\n"),
        ("return redis.status_reply('x y')", r"+x y\r\n"),
        ("return redis.error_reply('x y')", r"-x y\r\n"),
        ("return redis.error_reply('-x y')", r"-x y\r\n"),
        ("return redis.error_reply('x')", r"-ERR x\r\n"),
        ("return redis.error_reply(1)", r"-ERR wrong number or type of arguments\r\n"),
    ]);
}

#[test]
fn replies_become_values() {
    check(&[
        ("return redis.call('echo','x')", r"$1\r\nx\r\n"),
        ("return redis.call('echo',12)", r"$2\r\n12\r\n"),
        ("return redis.call('echo',1e15)", r"$16\r\n1000000000000000\r\n"),
        ("return redis.call('ok').ok", r"$2\r\nOK\r\n"),
        ("return type(redis.call('int'))", r"$6\r\nnumber\r\n"),
        ("return tostring(redis.call('nil'))", r"$5\r\nfalse\r\n"),
        ("return tostring(redis.call('nilarray'))", r"$5\r\nfalse\r\n"),
        ("return redis.call('array')", r"*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:1\r\n"),
        ("return redis.call('map')", r"*2\r\n$1\r\nk\r\n:1\r\n"),
        ("redis.setresp(3) return redis.call('map').map.k", r":1\r\n"),
        ("redis.setresp(3) return tostring(redis.call('set').set.m)", r"$4\r\ntrue\r\n"),
        ("redis.setresp(3) return redis.call('double').double * 2", r":3\r\n"),
        ("redis.setresp(3) return tostring(redis.call('bool'))", r"$4\r\ntrue\r\n"),
        ("redis.setresp(3) return tostring(redis.call('nil'))", r"$3\r\nnil\r\n"),
        (
            "redis.setresp(3) return redis.call('big').big_number",
            r"$30\r\n123456789012345678901234567890\r\n",
        ),
        (
            "redis.setresp(3) local t = redis.call('text').verbatim_string return t.format .. t.string",
            r"$7\r\ntxtsome\r\n",
        ),
        ("return redis.pcall('err').err", r"$18\r\nWRONGTYPE bad kind\r\n"),
        ("return redis.pcall('err')", r"-WRONGTYPE bad kind\r\n"),
        // A run begins with RESP2, whatever the one before it chose.
        ("return redis.call('double')", r"$3\r\n1.5\r\n"),
    ]);
    let mut bench = Bench::new();
    for (body, wanted) in [
        ("return {map={a=true}}", r"%1\r\n$1\r\na\r\n:1\r\n"),
        ("redis.setresp(3) return {map={a=true}}", r"%1\r\n$1\r\na\r\n#t\r\n"),
        (
            "redis.setresp(3) return {redis.call('set'), redis.call('double'), false}",
            r"*3\r\n~1\r\n$1\r\nm\r\n,1.5\r\n#f\r\n",
        ),
        ("return nil", r"_\r\n"),
        ("return {verbatim_string={format='m',string='abc'}}", r"=7\r\nm  :abc\r\n"),
    ] {
        assert_eq!(bench.eval(body, &[], &[], Proto::Resp3), wanted, "{body}");
    }
}

#[test]
fn errors_name_the_place() {
    check(&[
        ("error('abc')", "-ERR user_script:1: abc |@user_script:1."),
        ("\n\nerror('abc')", "-ERR user_script:3: abc |@user_script:3."),
        ("error({err='FOO bar'})", "-FOO bar |@user_script:1."),
        ("error()", "-ERR nil |@user_script:1."),
        (
            "local x return x.y",
            "-ERR user_script:1: attempt to index local 'x' (a nil value) |@user_script:1.",
        ),
        ("\nreturn redis.call('err')", "-WRONGTYPE bad kind |@user_script:2."),
        ("return redis.call('what')", "-ERR Unknown Redis command called from script |@user_script:1."),
        (
            "return redis.call()",
            "-ERR Please specify at least one argument for this redis lib call |@user_script:1.",
        ),
        (
            "return redis.call('echo', {})",
            "-ERR Lua redis lib command arguments must be strings or integers |@user_script:1.",
        ),
        (
            "for k in pairs(nil) do end",
            "-ERR user_script:1: bad argument #1 to 'pairs' (table expected, got nil) |@user_script:1.",
        ),
        ("local x = redis.log(1)", "-ERR redis.log() requires two arguments or more. |@user_script:1."),
        ("x y", "-ERR Error compiling script (new function): user_script:1: '=' expected near 'y'"),
        ("#!lua", "-ERR Invalid script shebang"),
        ("#!lua flags=what\nreturn 1", "-ERR Unexpected flag in script shebang: what"),
        ("#!lua flags=no-writes,allow-oom\nreturn 1", r":1\r\n"),
        ("return coroutine.wrap(function() redis.call('err') end)()", "-WRONGTYPE bad kind |@user_script:1."),
        (
            "local function f(n) return f(n+1)+1 end return f(1)",
            "-ERR user_script:1: stack overflow |@user_script:1.",
        ),
    ]);
}

#[test]
fn errors_are_caught_as_strings_and_tables() {
    check(&[
        (
            "return {pcall(function() error('in') end)}",
            r"*2\r\n$-1\r\n$18\r\nuser_script:1: in\r\n".replace("18", "17").leak(),
        ),
        ("local _, e = pcall(redis.call, 'err') return e", r"$18\r\nWRONGTYPE bad kind\r\n"),
        ("local _, e = pcall(function() error({err='in', x=1}) end) return e", r"$2\r\nin\r\n"),
        (
            "local _, e = xpcall(function() redis.call('err') end, function(e) return e end) return type(e) .. e.err",
            r"$23\r\ntableWRONGTYPE bad kind\r\n",
        ),
        (
            "local _, e = pcall(cjson.decode, '{') return e",
            r"$60\r\nExpected object key string but found T_END at character 2\r\n"
                .replace("60", "57")
                .leak(),
        ),
        (
            "local co = coroutine.create(function() redis.call('err') end) local _, e = coroutine.resume(co) return e",
            r"$18\r\nWRONGTYPE bad kind\r\n",
        ),
        ("return pcall(pcall)", r"$-1\r\n"),
    ]);
}

/// Whoever may run scripts may not leave the sandbox, nor leave anything in it for others.
#[test]
fn the_sandbox_holds() {
    let readonly = |body: &str| {
        let mut bench = Bench::new();
        let reply = bench.eval(body, &[], &[], Proto::Resp2);
        assert!(reply.contains("Attempt to modify a readonly table"), "{body}: {reply}");
    };
    for body in [
        "x = 1",
        "redis = 1",
        "redis.call = 1",
        "string.foo = 1",
        "string.sub = nil",
        "KEYS = {}",
        "_G.x = 1",
        "_G._G = 1",
        "cjson.encode = nil",
        "getmetatable('').__index = {}",
        "getmetatable('').__index.upper = nil",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "rawset(_G, 'x', 1)",
        "rawset(string, 'x', 1)",
        "local m = getmetatable(_G) m.__index = nil",
        "math.random = 1",
        "table.x = 1",
        "coroutine.x = 1",
        "bit.x = 1",
        "struct.x = 1",
        "cmsgpack.x = 1",
    ] {
        readonly(body);
    }
    for name in [
        "os.execute",
        "io",
        "require",
        "dofile",
        "loadfile",
        "package",
        "debug",
        "print",
        "newproxy",
        "module",
        "getfenv",
        "setfenv",
        "arg",
    ] {
        let mut bench = Bench::new();
        let reply = bench.eval(&format!("return tostring({name})"), &[], &[], Proto::Resp2);
        let refused = reply.contains("nonexistent global variable") || reply == r"$3\r\nnil\r\n";
        assert!(refused, "{name}: {reply}");
    }
    check(&[
        ("return loadstring(string.dump(function() return 1 end))", r"$-1\r\n"),
        ("return load(function() return nil end)()", r"$-1\r\n"),
        (
            "local n = 0 return load(function() n = n + 1 if n == 1 then return 'return ' elseif n == 2 then return '7' end end)()",
            r":7\r\n",
        ),
        ("return loadstring('return redis.call(\"int\")')()", r":-7\r\n"),
        (
            "loadstring('x = 1')()",
            "-ERR Attempt to modify a readonly table |@user_script:1."
                .replace("-ERR ", "-ERR [string \"x = 1\"]:1: ")
                .replace("@user_script", "x = 1")
                .leak(),
        ),
        // What goes past a front is gone after the run.
        ("table.insert(redis, 'left') return 1", r":1\r\n"),
        ("return redis[1]", r"$-1\r\n"),
        ("table.setn = nil", "-ERR user_script:1: Attempt to modify a readonly table |@user_script:1."),
        ("local n = 0 for k in pairs(string) do n = n + 1 end return n", r":15\r\n"),
        ("return next(redis) ~= nil", r":1\r\n"),
        ("return _G.redis == redis and rawget(_G, 'redis') == redis and ('x').rep == string.rep", r":1\r\n"),
        ("return redis.foo", r"$-1\r\n"),
        ("return os.clock()", r":1\r\n"),
        (
            "local t = setmetatable({}, {__index = function(_, k) return 'q' .. k end}) return t.abc",
            r"$4\r\nqabc\r\n",
        ),
    ]);
}

#[test]
fn keys_and_arguments() {
    let mut bench = Bench::new();
    let reply =
        bench.eval("return {#KEYS, KEYS[1], ARGV[1], ARGV[2]}", &[b"k"], &[b"a\0", b""], Proto::Resp2);
    assert_eq!(reply, r"*4\r\n:1\r\n$1\r\nk\r\n$2\r\na\x00\r\n$0\r\n\r\n");
    assert_eq!(bench.eval("return {#KEYS, #ARGV}", &[], &[], Proto::Resp2), r"*2\r\n:0\r\n:0\r\n");
    let many: Vec<&[u8]> = vec![b"x"; 7000];
    let reply = bench.eval("return #{redis.call('echo', unpack(ARGV))}", &[], &many, Proto::Resp2);
    assert_eq!(reply, r":1\r\n");
}

/// A script that is to stop can't go on by catching the error, and the next one runs.
#[test]
fn a_kill_cannot_be_caught() {
    for body in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() pcall(f) return f() end f()",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "while true do local co = coroutine.create(function() while true do end end) coroutine.resume(co) end",
        "while true do coroutine.wrap(function() while true do pcall(function() while true do end end) end end)() end",
        "while true do pcall(string.gsub, ('x'):rep(100), '.', function() while true do end end) end",
        "local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(function() return t.x end) end",
    ] {
        let mut bench = Bench::new();
        bench.host.pulses_left = Some(3);
        let reply = bench.eval(body, &[], &[], Proto::Resp2);
        assert!(reply.starts_with("-ERR Script killed by user with SCRIPT KILL."), "{body}: {reply}");
        bench.host.pulses_left = None;
        assert_eq!(
            bench.eval("local n = 0 for i = 1, 300000 do n = n + 1 end return n", &[], &[], Proto::Resp2),
            r":300000\r\n"
        );
    }
}

#[test]
fn memory_has_a_limit() {
    let mut bench = Bench::new();
    let reply = bench.eval("return #string.rep('x', 2000000000)", &[], &[], Proto::Resp2);
    assert!(reply.starts_with("-ERR not enough memory"), "{reply}");
    let reply = bench.eval(
        "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000000) .. i end",
        &[],
        &[],
        Proto::Resp2,
    );
    assert!(reply.starts_with("-ERR not enough memory"), "{reply}");
    assert_eq!(bench.eval("return 1", &[], &[], Proto::Resp2), r":1\r\n");
}

#[test]
fn what_a_script_asks_of_its_host() {
    let mut bench = Bench::new();
    for (body, wanted) in [
        ("redis.log(redis.LOG_WARNING, 'a', 1, 'b')", r"$-1\r\n"),
        ("redis.set_repl(redis.REPL_NONE)", r"$-1\r\n"),
        ("return redis.acl_check_cmd('set', 'x')", r":1\r\n"),
        (
            "return redis.acl_check_cmd('nope')",
            "-ERR Invalid command passed to redis.acl_check_cmd() |@user_script:1.",
        ),
        ("return redis.sha1hex('')", r"$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"),
        ("return redis.replicate_commands()", r":1\r\n"),
        ("return redis.breakpoint()", r"$-1\r\n"),
        ("return redis.REDIS_VERSION .. redis.REDIS_VERSION_NUM", r"$11\r\n7.2.4459268\r\n"),
        (
            "redis.set_repl(9)",
            "-ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE. |@user_script:1.",
        ),
        (
            "math.randomseed(5) return {tostring(math.random()), math.random(10), math.random(5, 9)}",
            r"*3\r\n$16\r\n0.52483957937213\r\n:3\r\n:8\r\n",
        ),
    ] {
        assert_eq!(bench.eval(body, &[], &[], Proto::Resp2), wanted, "{body}");
    }
    assert_eq!(bench.host.log, ["Warning a 1 b"]);
    assert!(!bench.host.replicates);
}

#[test]
fn the_cache_forgets() {
    let mut bench = Bench::new();
    assert_eq!(bench.eval("return 1", &[], &[], Proto::Resp2), r":1\r\n");
    assert_eq!(bench.scripts.len(), 1);
    let sha = scripting::Sha::of(b"return 1");
    assert_eq!(sha.as_str(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    assert!(bench.interpreter.script_by_sha(&bench.scripts, &sha).is_some());
    bench.scripts.flush();
    assert!(bench.scripts.is_empty());
    assert_eq!(bench.scripts.bytes(), 0);
    assert!(bench.interpreter.script_by_sha(&bench.scripts, &sha).is_none());
}
