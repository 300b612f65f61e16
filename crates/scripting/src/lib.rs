//! Lua scripts and function libraries.
//!
//! An [`Interpreter`] belongs to one thread and compiles what it runs; what all threads share is text: the scripts
//! that were loaded ([`Scripts`]) and the libraries (`engine::functions`). A script reaches its server through the
//! [`Host`] that its caller lends it, and nothing else: no file, no process, no network, no clock but `os.clock`.
//!
//! * `sandbox`, `prelude.lua`: what a script finds as globals, and that it can change none of it;
//! * `redis`: the table `redis`; `reply` makes Lua values of replies, `result` replies of Lua values;
//! * `raise`: errors as scripts see them, and where they happened;
//! * `libs`: cjson, cmsgpack, bit, struct and the random numbers, in Rust;
//! * `shebang`: the first line of a script that says its flags;
//! * `library`: what `FUNCTION LOAD` makes of a library.
//!
//! There is no `unsafe` here: the binding to Lua is mlua's.

mod host;
mod interpreter;
mod library;
mod libs;
mod raise;
mod redis;
mod reply;
mod result;
mod sandbox;
mod scripts;
mod shebang;

pub use host::{Host, LogLevel, Pulse, Refused};
pub use interpreter::{Interpreter, Ran, Run, Runnable};
pub use library::{Function, Library, LoadError, library_name};
pub use scripts::{Script, Scripts, Sha};
pub use shebang::{Declared, FlagSet};
