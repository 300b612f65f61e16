//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of a request, as its row finds them.

use super::describe::statuses;
use crate::commands::{Command, table};
use crate::session::Session;
use engine::row::Flags;
use engine::{Done, Error, Txn};
use resp::{Args, OwnedArgs, Reply};

pub fn getkeys(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let request = request(args);
    let found = find(request.as_args())?;
    out.array(found.len());
    found.iter().for_each(|key| out.bulk(request.as_args().at(key.index)));
    Ok(())
}

pub fn getkeysandflags(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let request = request(args);
    let found = find(request.as_args())?;
    out.array(found.len());
    for key in found {
        out.array(2);
        out.bulk(request.as_args().at(key.index));
        statuses(key.flags.into_iter(), out);
    }
    Ok(())
}

/// The request that the arguments spell, as one of its own.
fn request(args: Args) -> OwnedArgs {
    OwnedArgs::from_args(args.tail(2))
}

struct Key {
    index: usize,
    flags: Vec<&'static str>,
}

fn find(request: Args) -> Result<Vec<Key>, Error> {
    let Some(command) = lookup(request) else {
        return Err(Error::text("ERR Invalid command specified"));
    };
    let meta = command.meta;
    if meta.keys.is_empty() && meta.find_keys.is_none() {
        return Err(Error::text("ERR The command has no key arguments"));
    }
    if !meta.accepts(request.len()) {
        return Err(Error::text("ERR Invalid number of arguments specified for command"));
    }
    let mut found = Vec::new();
    meta.each_placed_key(request, |index| {
        let spec = meta.keys.iter().rev().find(|spec| usize::from(spec.first) <= index).or(meta.keys.first());
        let flags = spec.map_or_else(Vec::new, |spec| flags(command, spec.flags, request));
        found.push(Key { index, flags });
    });
    meta.each_found_key(request, |index| {
        let flags = meta.found_keys.last().map_or_else(Vec::new, |spec| flags(command, spec.flags, request));
        found.push(Key { index, flags });
    });
    let unfilled = !meta.keys.iter().all(|spec| spec.is_filled(request));
    if (unfilled || found.is_empty()) && !meta.flags.has(Flags::NO_MANDATORY_KEYS) {
        return Err(Error::text("ERR Invalid arguments specified for command"));
    }
    Ok(found)
}

fn lookup(request: Args) -> Option<&'static Command> {
    let command = table().find(request.name())?;
    match request.get(1) {
        Some(sub) if command.has_subcommands() => table().find_sub(command, sub),
        _ => Some(command),
    }
}

/// What the request does to a key of these flags; SET says by its words whether it reads too.
fn flags(command: &Command, flags: &'static [&'static str], request: Args) -> Vec<&'static str> {
    if !flags.contains(&"variable_flags") {
        return flags.to_vec();
    }
    let reads = match command.meta.name {
        "set" => request.iter().skip(3).any(|word| word.eq_ignore_ascii_case(b"get")),
        _ => return flags.iter().copied().filter(|flag| *flag != "variable_flags").collect(),
    };
    if reads { vec!["RW", "access", "update"] } else { vec!["OW", "update"] }
}
