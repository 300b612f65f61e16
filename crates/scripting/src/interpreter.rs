//! An interpreter: one thread's state of Lua, what it has compiled, and running it.
//!
//! A run's reply goes straight into the connection's output. Errors that a script did not catch become one line that
//! names the script and the place.

use crate::host::{Host, Pulse, lend, with_host};
use crate::library::{Function, Loaded};
use crate::raise::{Counted, Raised, end_kill, kill, killed, raised, raised_at, uncover};
use crate::result::{Results, c_string};
use crate::sandbox::{Sandbox, Unlimited};
use crate::scripts::{Script, Scripts, Sha};
use crate::{libs, redis};
use foldhash::fast::RandomState;
use mlua::{HookTriggers, Lua, Table, Value, VmState};
use resp::{Args, Reply};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Instructions between two looks at the time and at orders to stop.
const INSTRUCTIONS_PER_PULSE: u32 = 100_000;
/// Scripts that are kept compiled. Beyond them all are dropped, and compiled again when they are met: who makes so
/// many different ones uses each of them once.
const COMPILED_MAX: usize = 10_000;
/// Longer bodies are found by their sum only.
const BODY_KEY_BYTES_MAX: usize = 16 * 1024;

pub struct Interpreter {
    pub(crate) sandbox: Sandbox,
    pub(crate) handler: mlua::Function,
    results: Results,
    failure: Rc<RefCell<Option<Failure>>>,
    by_sha: HashMap<Sha, Rc<Runnable>, RandomState>,
    by_body: HashMap<Box<[u8]>, Rc<Runnable>, RandomState>,
    /// Of the cache that they belong to.
    generation: u64,
    pub(crate) loaded: Loaded,
}

/// A script that is compiled.
pub struct Runnable {
    pub script: Arc<Script>,
    body: mlua::Function,
}

/// What is run.
pub enum Run<'r> {
    Script(&'r Runnable),
    Function(&'r Function),
}

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    /// The reply is written. Error lines in it that nobody has counted yet.
    Done(Vec<Vec<u8>>),
    /// The reply is this error line.
    Failed { line: Vec<u8>, counted: bool },
}

/// An error that the script did not catch.
struct Failure {
    line: Vec<u8>,
    counted: Counted,
    place: Option<(String, i64)>,
}

impl Interpreter {
    pub fn new() -> mlua::Result<Self> {
        let sandbox = Sandbox::new()?;
        let failure = Rc::new(RefCell::new(None));
        let slot = failure.clone();
        let handler = sandbox.lua.create_function(move |lua, value: Value| {
            *slot.borrow_mut() = Some(Failure::of(lua, value)?);
            Ok(())
        })?;
        watch(&sandbox.lua, INSTRUCTIONS_PER_PULSE)?;
        Ok(Self {
            results: Results::new(&sandbox.lua)?,
            sandbox,
            handler,
            failure,
            by_sha: HashMap::default(),
            by_body: HashMap::default(),
            generation: 0,
            loaded: Loaded::default(),
        })
    }

    /// What this thread's Lua holds.
    pub fn memory_bytes(&self) -> usize {
        self.sandbox.lua.used_memory()
    }

    /// The script with that text, compiled, and known to `scripts` from here on. The error is a line.
    pub fn script(&mut self, scripts: &Scripts, body: &[u8]) -> Result<Rc<Runnable>, String> {
        self.forget_flushed(scripts);
        if let Some(known) = self.by_body.get(body) {
            return Ok(known.clone());
        }
        let script = match scripts.get(&Sha::of(body)) {
            Some(script) => script,
            None => Arc::new(Script::new(body)?),
        };
        let runnable = self.compiled(&script)?;
        scripts.add(&script);
        if body.len() <= BODY_KEY_BYTES_MAX {
            self.by_body.insert(body.into(), runnable.clone());
        }
        Ok(runnable)
    }

    /// The script with that sum, if `scripts` knows it.
    pub fn script_by_sha(&mut self, scripts: &Scripts, sha: &Sha) -> Option<Rc<Runnable>> {
        self.forget_flushed(scripts);
        if let Some(known) = self.by_sha.get(sha) {
            return Some(known.clone());
        }
        // It compiled when it was added, and so it does here.
        self.compiled(&scripts.get(sha)?).ok()
    }

    fn compiled(&mut self, script: &Arc<Script>) -> Result<Rc<Runnable>, String> {
        if let Some(known) = self.by_sha.get(&script.sha) {
            return Ok(known.clone());
        }
        let body = self.sandbox.compile(script.code(), "@user_script").map_err(|why| {
            // A character for a byte, as the server writes lines.
            let why: String = why.iter().map(|&byte| byte as char).collect();
            format!("ERR Error compiling script (new function): {why}")
        })?;
        if COMPILED_MAX <= self.by_sha.len() {
            self.by_sha.clear();
            self.by_body.clear();
        }
        let runnable = Rc::new(Runnable { script: script.clone(), body });
        self.by_sha.insert(script.sha, runnable.clone());
        Ok(runnable)
    }

    fn forget_flushed(&mut self, scripts: &Scripts) {
        let generation = scripts.generation();
        if self.generation != generation {
            self.generation = generation;
            self.by_sha.clear();
            self.by_body.clear();
            // What fails here is collected later.
            let _ = self.sandbox.lua.gc_collect();
        }
    }

    /// Runs to the end. `keys` and `argv` are what the script gets; the reply goes to `out`.
    pub fn run(&mut self, host: &mut dyn Host, run: &Run, keys: Args, argv: Args, out: &mut Reply) -> Ran {
        let mark = out.mark();
        self.failure.take();
        redis::begin_run();
        libs::random::seed(host.rng().next_u64() as i32);
        let called = self.call(host, run, keys, argv);
        let ran = match called {
            Ok((true, value)) => {
                let mut errors = Vec::new();
                let _unlimited = Unlimited::new(&self.sandbox.lua);
                match self.results.write(&value, redis::script_proto(), out, &mut errors) {
                    Ok(()) => Ran::Done(errors),
                    Err(error) => self.failed(run, Value::Error(Box::new(error))),
                }
            }
            Ok((false, value)) => self.failed(run, value),
            Err(error) => self.failed(run, Value::Error(Box::new(error))),
        };
        if let Ran::Failed { .. } = ran {
            out.rewind(mark);
        }
        self.tidy(run);
        ran
    }

    fn call(&self, host: &mut dyn Host, run: &Run, keys: Args, argv: Args) -> mlua::Result<(bool, Value)> {
        let handler = &self.handler;
        let (start, body) = match run {
            Run::Script(script) if keys.is_empty() && argv.is_empty() => {
                return lend(host, || self.sandbox.run_bare.call((&script.body, handler)));
            }
            Run::Script(script) => (&self.sandbox.run, &script.body),
            Run::Function(function) => (&self.sandbox.run_function, &function.body),
        };
        let (keys, argv) = (self.sequence(keys)?, self.sequence(argv)?);
        lend(host, || start.call((body, handler, keys, argv)))
    }

    fn sequence(&self, args: Args) -> mlua::Result<Table> {
        let _unlimited = Unlimited::new(&self.sandbox.lua);
        self.sandbox.lua.create_sequence_from(args.iter().map(mlua::LuaString::wrap))
    }

    /// The line of an error that the script did not catch.
    fn failed(&self, run: &Run, value: Value) -> Ran {
        let failure = self.failure.take();
        let failure = match failure {
            Some(failure) => failure,
            // The handler was not called, or failed itself: out of memory, or of stack.
            None => match Failure::read(&self.sandbox.lua, value) {
                Ok(failure) => failure,
                Err(error) => Failure {
                    line: format!("ERR {}", crate::raise::message(&error)).into_bytes(),
                    counted: Counted::No,
                    place: None,
                },
            },
        };
        let mut line = c_string(&failure.line).to_vec();
        if let Some((source, at)) = failure.place {
            let name = match run {
                Run::Script(script) => script.script.sha.as_str().as_bytes(),
                Run::Function(function) => &function.name,
            };
            line.extend_from_slice(b" script: ");
            line.extend_from_slice(name);
            line.extend_from_slice(format!(", on {source}:{at}.").as_bytes());
        }
        Ran::Failed { line, counted: failure.counted == Counted::Yes }
    }

    /// What a library's code raised, as text. No script is named.
    pub(crate) fn load_failure(&self, value: Value) -> Vec<u8> {
        let read = self.failure.take().map(Ok).unwrap_or_else(|| Failure::read(&self.sandbox.lua, value));
        read.map_or_else(|error| crate::raise::message(&error).into_bytes(), |failure| failure.line)
    }

    /// Puts in order what a run may leave behind.
    fn tidy(&self, run: &Run) {
        let sweeps = match run {
            Run::Script(script) => script.script.sweeps,
            Run::Function(_) => true,
        };
        if sweeps {
            // It can't fail but for memory, and then the next run's does it.
            let _ = self.sandbox.sweep.call::<()>(());
        }
        if end_kill() {
            let _ = watch(&self.sandbox.lua, INSTRUCTIONS_PER_PULSE);
        }
    }
}

impl Failure {
    /// In the error handler: what was raised, and where.
    fn of(lua: &Lua, value: Value) -> mlua::Result<Self> {
        Ok(Self { place: raised_at(lua), ..Self::read(lua, value)? })
    }

    fn read(lua: &Lua, value: Value) -> mlua::Result<Self> {
        if let Value::Error(error) = &value
            && let Some(Raised::Reply { line, counted }) = raised(error)
        {
            return Ok(Self { line: line.clone(), counted: *counted, place: None });
        }
        let (line, counted) = match uncover(lua, value)? {
            Value::Table(table) => {
                let counted = table.raw_get::<Value>("ignore_error_stats_update")?;
                let counted = if counted == Value::Boolean(true) { Counted::Yes } else { Counted::No };
                match lua.coerce_string(table.raw_get("err")?)? {
                    Some(text) => (text.as_bytes().to_vec(), counted),
                    None => (b"ERR unknown error".to_vec(), counted),
                }
            }
            Value::String(text) => ([b"ERR ", &*text.as_bytes()].concat(), Counted::No),
            other => (format!("ERR {}", other.to_string()?).into_bytes(), Counted::No),
        };
        Ok(Self { line, counted, place: None })
    }
}

/// Looks at the host every so many instructions. Once a script is to stop, at each one: what it does in a function
/// that runs when it has stopped (an error handler, a metamethod) stops as well.
fn watch(lua: &Lua, every: u32) -> mlua::Result<()> {
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(every), |lua, _| {
        if let Some(error) = killed() {
            return Err(error);
        }
        let Some(Pulse::Kill(text)) = with_host(|host| host.pulse()) else { return Ok(VmState::Continue) };
        watch(lua, 1)?;
        Err(kill(text))
    })
}
