//! MEMORY: what a key takes, and whether something looks wrong.

use super::help::{HELP, help};
use super::{Container, HostRow};
use crate::session::Session;
use engine::row::{Doc, Flags, KeySpec, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};

const BASE: Meta = Meta { arity: 2, group: "server", since: "4.0.0", locks: Locks::None, ..Meta::BASE };

pub const MEMORY: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "memory",
            arity: -2,
            summary: "Subcommands about memory.",
            complexity: "Depends on subcommand.",
            ..BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "doctor",
                summary: "Whether memory looks healthy.",
                tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
                ..BASE
            },
            run: doctor,
        },
        HostRow { meta: Meta { group: "server", since: "4.0.0", ..HELP }, run: help },
        HostRow {
            meta: Meta {
                name: "usage",
                arity: -3,
                flags: Flags::READONLY,
                keys: &[KeySpec { flags: &["RO"], first: 2, last: 0, step: 1, notes: "" }],
                locks: Locks::Keys,
                summary: "Bytes that a key and its value take.",
                complexity: "O(N) where N is the number of samples.",
                docs: &[Doc::key("key", 0), Doc::new("count", "integer").behind("SAMPLES").optional()],
                ..BASE
            },
            run: usage,
        },
    ],
};

fn usage(_session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mut at = 3;
    while let Some(option) = args.get(at) {
        let samples = args.get(at + 1);
        let (true, Some(samples)) = (option.eq_ignore_ascii_case(b"samples"), samples) else {
            return Err(Error::Syntax);
        };
        let samples = base::number::parse_i64(samples).ok_or(Error::NotInteger)?;
        if samples < 0 {
            return Err(Error::Syntax);
        }
        at += 2;
    }
    let txn = txn.expect("MEMORY USAGE's row names its key");
    match txn.get(args.at(2)) {
        Some(entry) => out.int(engine::survey::entry_bytes(entry) as i64),
        None => out.nil(),
    }
    Ok(())
}

/// Below so many bytes there is nothing to find out.
const BYTES_MIN: u64 = 5 * 1024 * 1024;

fn doctor(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let (used, peak) = (crate::memory::used_bytes(), crate::memory::peak_bytes());
    let data = used.saturating_sub(crate::memory::startup_bytes());
    let text = if data < BYTES_MIN {
        "This server holds next to no data, so there is nothing to find out about its memory.\n".to_string()
    } else if used * 3 / 2 < peak {
        format!(
            "The peak of {peak} bytes lies far above the {used} bytes in use: what was freed may not have gone back to the system.\n"
        )
    } else {
        "Nothing looks wrong with this server's memory.\n".to_string()
    };
    out.verbatim("txt", text.as_bytes());
    Ok(())
}
