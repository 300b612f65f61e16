//! Function libraries: what FUNCTION LOAD makes of a library's code, and what a thread has compiled of them.
//!
//! The data set holds their code (`engine::functions`). Each thread runs the code of a library once before it first
//! calls one of its functions: that registers them.

use crate::interpreter::Interpreter;
use crate::raise::{message, raise_reply};
use crate::redis;
use crate::shebang::FlagSet;
use engine::functions::{Functions, Source, Sources};
use mlua::{Lua, MultiValue, Table, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A function that a library registered.
#[derive(Clone)]
pub struct Function {
    pub name: Vec<u8>,
    pub description: Option<Vec<u8>>,
    pub flags: FlagSet,
    pub(crate) body: mlua::Function,
}

/// A library that ran here.
pub struct Library {
    pub source: Arc<Source>,
    pub functions: Vec<Rc<Function>>,
}

/// What a thread has of the libraries.
#[derive(Default)]
pub(crate) struct Loaded {
    version: u64,
    libraries: Vec<Rc<Library>>,
    /// By name in lower case.
    by_name: HashMap<Vec<u8>, Rc<Function>>,
    /// Such as ran here and are not, or not yet, the data set's.
    recent: Vec<Rc<Library>>,
}

/// Why a library is none.
#[derive(Debug, PartialEq, Eq)]
pub enum LoadError {
    MissingMetadata,
    InvalidMetadata,
    SecondName,
    UnknownMetadata(Vec<u8>),
    NoName,
    BadName,
    UnknownEngine(Vec<u8>),
    Exists(Vec<u8>),
    Compiling(Vec<u8>),
    Registering(Vec<u8>),
    NoFunctions,
    FunctionExists(Vec<u8>),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A byte of a request is a character of a line.
        let text = |bytes: &[u8]| bytes.iter().map(|&byte| byte as char).collect::<String>();
        match self {
            Self::MissingMetadata => f.write_str("ERR Missing library metadata"),
            Self::InvalidMetadata => f.write_str("ERR Invalid library metadata"),
            Self::SecondName => {
                f.write_str("ERR Invalid metadata value, name argument was given multiple times")
            }
            Self::UnknownMetadata(word) => write!(f, "ERR Invalid metadata value given: {}", text(word)),
            Self::NoName => f.write_str("ERR Library name was not given"),
            Self::BadName => write!(f, "ERR {BAD_NAME}"),
            Self::UnknownEngine(name) => write!(f, "ERR Engine '{}' not found", text(name)),
            Self::Exists(name) => write!(f, "ERR Library '{}' already exists", text(name)),
            Self::Compiling(why) => write!(f, "ERR Error compiling function: {}", text(why)),
            Self::Registering(why) => write!(f, "ERR Error registering functions: {}", text(why)),
            Self::NoFunctions => f.write_str("ERR No functions registered"),
            Self::FunctionExists(name) => write!(f, "ERR Function {} already exists", text(name)),
        }
    }
}

const BAD_NAME: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Reads the first line of a library: its name, and where the code begins.
pub(crate) fn metadata(code: &[u8]) -> Result<(Vec<u8>, usize), LoadError> {
    if !code.starts_with(b"#!") {
        return Err(LoadError::MissingMetadata);
    }
    let end = code.iter().position(|&c| c == b'\n').ok_or(LoadError::InvalidMetadata)?;
    let words = resp::line::split_args(&code[..end]).map_err(|_| LoadError::InvalidMetadata)?;
    let (engine, options) = words.split_first().ok_or(LoadError::InvalidMetadata)?;
    let mut name = None;
    for option in options {
        match option.get(..5) {
            Some(key) if key.eq_ignore_ascii_case(b"name=") => {
                if name.replace(option[5..].to_vec()).is_some() {
                    return Err(LoadError::SecondName);
                }
            }
            _ => return Err(LoadError::UnknownMetadata(option.clone())),
        }
    }
    let name = name.ok_or(LoadError::NoName)?;
    if !is_name(&name) {
        return Err(LoadError::BadName);
    }
    let engine = &engine[2..];
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(LoadError::UnknownEngine(engine.to_vec()));
    }
    Ok((name, end))
}

/// The name that a library's first line gives it.
pub fn library_name(code: &[u8]) -> Result<Vec<u8>, LoadError> {
    Ok(metadata(code)?.0)
}

impl Interpreter {
    /// Makes the libraries of this thread those of the data set.
    pub fn sync(&mut self, functions: &Functions) {
        let version = functions.version();
        if version == self.loaded.version {
            return;
        }
        let sources = functions.all();
        // Should one not run here that ran where it was loaded, its functions are not found.
        let libraries: Vec<_> = sources.iter().filter_map(|source| self.library_of(source).ok()).collect();
        self.loaded.recent.clear();
        self.loaded.libraries.clear();
        self.loaded.by_name.clear();
        libraries.into_iter().for_each(|library| self.keep(library));
        self.loaded.version = version;
    }

    fn keep(&mut self, library: Rc<Library>) {
        for function in &library.functions {
            self.loaded.by_name.entry(function.name.to_ascii_lowercase()).or_insert_with(|| function.clone());
        }
        self.loaded.libraries.push(library);
    }

    /// The libraries, by name; after [`Interpreter::sync`].
    pub fn libraries(&self) -> &[Rc<Library>] {
        &self.loaded.libraries
    }

    /// A function, in any case of letters.
    pub fn function(&self, name: &[u8]) -> Option<Rc<Function>> {
        self.loaded.by_name.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Adds a library to `sources`, if it is one and shares no name with the others. It runs here, which registers its
    /// functions; [`Interpreter::sync`] finds it once the data set has it.
    pub fn add_library(&mut self, code: &[u8], sources: &mut Sources) -> Result<(), LoadError> {
        let (name, _) = metadata(code)?;
        if sources.iter().any(|other| *other.name == *name) {
            return Err(LoadError::Exists(name));
        }
        let functions = self.run_library(code)?;
        for other in sources.iter() {
            let other = self.library_of(other)?;
            let taken = |function: &&Rc<Function>| {
                other.functions.iter().any(|known| known.name.eq_ignore_ascii_case(&function.name))
            };
            if let Some(function) = functions.iter().find(taken) {
                return Err(LoadError::FunctionExists(function.name.clone()));
            }
        }
        let source = Arc::new(Source { name: name.into(), code: code.into(), functions: functions.len() });
        sources.push(source.clone());
        self.loaded.recent.push(Rc::new(Library { source, functions }));
        Ok(())
    }

    /// A library as it ran here, now if it has not yet.
    fn library_of(&mut self, source: &Arc<Source>) -> Result<Rc<Library>, LoadError> {
        let known = self.loaded.libraries.iter().chain(&self.loaded.recent);
        if let Some(library) = known.into_iter().find(|library| Arc::ptr_eq(&library.source, source)) {
            return Ok(library.clone());
        }
        let functions = self.run_library(&source.code)?;
        let library = Rc::new(Library { source: source.clone(), functions });
        self.loaded.recent.push(library.clone());
        Ok(library)
    }

    fn run_library(&mut self, code: &[u8]) -> Result<Vec<Rc<Function>>, LoadError> {
        let (_, code_at) = metadata(code)?;
        let lua = self.sandbox.lua.clone();
        let body = self.sandbox.compile(&code[code_at..], "@user_function").map_err(LoadError::Compiling)?;
        let registered = Rc::new(RefCell::new(Some(Vec::new())));
        let failed = |error: mlua::Error| LoadError::Registering(message(&error).into_bytes());
        let table = load_api(&lua, &registered).map_err(failed)?;
        let (ok, value): (bool, Value) =
            self.sandbox.load_library.call((body, &self.handler, table)).map_err(failed)?;
        // Whoever kept the table registers nothing any more.
        let functions = registered.take().unwrap_or_default();
        if !ok {
            return Err(LoadError::Registering(self.load_failure(value)));
        }
        if functions.is_empty() {
            return Err(LoadError::NoFunctions);
        }
        Ok(functions)
    }
}

type Registered = Rc<RefCell<Option<Vec<Rc<Function>>>>>;

/// `redis` while a library is loaded.
fn load_api(lua: &Lua, registered: &Registered) -> mlua::Result<Table> {
    let table = redis::load_api(lua)?;
    let registered = registered.clone();
    let register = move |lua: &Lua, args: MultiValue| {
        let function = read_function(lua, &args).map_err(|why| raise_reply(why.as_bytes()))?;
        let mut registered = registered.borrow_mut();
        let Some(functions) = registered.as_mut() else {
            return Err(raise_reply(b"redis.register_function can only be called on FUNCTION LOAD command"));
        };
        if functions.iter().any(|other| other.name == function.name) {
            return Err(raise_reply(b"Function already exists in the library"));
        }
        functions.push(Rc::new(function));
        Ok(())
    };
    table.raw_set("register_function", lua.create_function(register)?)?;
    Ok(table)
}

fn read_function(lua: &Lua, args: &MultiValue) -> Result<Function, &'static str> {
    let function = match args.len() {
        1 => match &args[0] {
            Value::Table(named) => read_named(lua, named)?,
            _ => {
                return Err(
                    "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
                );
            }
        },
        2 => {
            let name =
                text(lua, &args[0]).ok_or("first argument to redis.register_function must be a string")?;
            let Value::Function(body) = &args[1] else {
                return Err("second argument to redis.register_function must be a function");
            };
            Function { name, description: None, flags: FlagSet::NONE, body: body.clone() }
        }
        _ => return Err("wrong number of arguments to redis.register_function"),
    };
    if is_name(&function.name) { Ok(function) } else { Err(BAD_NAME) }
}

fn text(lua: &Lua, value: &Value) -> Option<Vec<u8>> {
    let text = lua.coerce_string(value.clone()).ok().flatten()?;
    Some(text.as_bytes().to_vec())
}

fn read_named(lua: &Lua, named: &Table) -> Result<Function, &'static str> {
    let (mut name, mut description, mut body, mut flags) = (None, None, None, FlagSet::NONE);
    for pair in named.pairs::<Value, Value>() {
        let Ok((key, value)) = pair else { return Err("unknown argument given to redis.register_function") };
        let key =
            text(lua, &key).ok_or("named argument key given to redis.register_function is not a string")?;
        match key.to_ascii_lowercase().as_slice() {
            b"function_name" => {
                let why = "function_name argument given to redis.register_function must be a string";
                name = Some(text(lua, &value).ok_or(why)?);
            }
            b"description" => {
                let why = "description argument given to redis.register_function must be a string";
                description = Some(text(lua, &value).ok_or(why)?);
            }
            b"callback" => match value {
                Value::Function(function) => body = Some(function),
                _ => return Err("callback argument given to redis.register_function must be a function"),
            },
            b"flags" => match value {
                Value::Table(names) => flags = read_flags(&names)?,
                _ => {
                    return Err(
                        "flags argument to redis.register_function must be a table representing function flags",
                    );
                }
            },
            _ => return Err("unknown argument given to redis.register_function"),
        }
    }
    Ok(Function {
        name: name.ok_or("redis.register_function must get a function name argument")?,
        body: body.ok_or("redis.register_function must get a callback argument")?,
        description,
        flags,
    })
}

fn read_flags(names: &Table) -> Result<FlagSet, &'static str> {
    let mut flags = FlagSet::NONE;
    for i in 1.. {
        match names.raw_get::<Value>(i) {
            Ok(Value::Nil) => break,
            Ok(Value::String(name)) => {
                flags = flags | FlagSet::by_name(&name.as_bytes()).ok_or("unknown flag given")?;
            }
            _ => return Err("unknown flag given"),
        }
    }
    Ok(flags)
}
