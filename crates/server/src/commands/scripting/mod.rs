//! EVAL, EVALSHA, FCALL and their read-only forms; SCRIPT and FUNCTION. The calls run in `crate::script`.

mod functions;
mod scripts;

pub use functions::{FUNCTION, apply as apply_function, changes as changes_functions};
pub use scripts::SCRIPT;

use crate::script::{Call, Named};
use engine::Meta;
use engine::row::{Categories, Doc, Flags, KeySpec, Locks};

const CALL: Meta = Meta {
    arity: -3,
    flags: Flags::NOSCRIPT
        .with(Flags::STALE)
        .with(Flags::SKIP_MONITOR)
        .with(Flags::NO_MANDATORY_KEYS)
        .with(Flags::MOVABLE_KEYS),
    categories: Categories::SCRIPTING,
    locks: Locks::All,
    group: "scripting",
    since: "2.6.0",
    complexity: "Depends on the script that is executed.",
    keys: &[KeySpec {
        flags: &["RW", "access", "update"],
        first: 2,
        last: KeySpec::COUNTED,
        step: 1,
        notes: "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
    }],
    docs: &[
        Doc::new("script", "string"),
        Doc::new("numkeys", "integer"),
        Doc::key("key", 0).optional().multiple(),
        Doc::new("arg", "string").optional().multiple(),
    ],
    ..Meta::BASE
};

const READ_ONLY: Meta = Meta {
    since: "7.0.0",
    flags: CALL.flags.with(Flags::READONLY),
    keys: &[KeySpec {
        flags: &["RO", "access"],
        first: 2,
        last: KeySpec::COUNTED,
        step: 1,
        notes: "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
    }],
    ..CALL
};

const BY_SHA: &[Doc] = &[
    Doc::new("sha1", "string"),
    Doc::new("numkeys", "integer"),
    Doc::key("key", 0).optional().multiple(),
    Doc::new("arg", "string").optional().multiple(),
];

const BY_NAME: &[Doc] = &[
    Doc::new("function", "string"),
    Doc::new("numkeys", "integer"),
    Doc::key("key", 0).optional().multiple(),
    Doc::new("arg", "string").optional().multiple(),
];

/// The calls, which the dispatcher runs.
pub const CALLS: &[(Meta, Call)] = &[
    (
        Meta { name: "eval", summary: "Runs a script in Lua.", ..CALL },
        Call { named: Named::Script, read_only: false },
    ),
    (
        Meta { name: "evalsha", summary: "Runs a script that is known, by its SHA-1.", docs: BY_SHA, ..CALL },
        Call { named: Named::Sha, read_only: false },
    ),
    (
        Meta { name: "eval_ro", summary: "Runs a script that only reads.", ..READ_ONLY },
        Call { named: Named::Script, read_only: true },
    ),
    (
        Meta {
            name: "evalsha_ro",
            summary: "Runs a known script that only reads, by its SHA-1.",
            docs: BY_SHA,
            ..READ_ONLY
        },
        Call { named: Named::Sha, read_only: true },
    ),
    (
        Meta {
            name: "fcall",
            since: "7.0.0",
            summary: "Calls a function of a library.",
            complexity: "Depends on the function that is executed.",
            docs: BY_NAME,
            ..CALL
        },
        Call { named: Named::Function, read_only: false },
    ),
    (
        Meta {
            name: "fcall_ro",
            summary: "Calls a function of a library that only reads.",
            complexity: "Depends on the function that is executed.",
            docs: BY_NAME,
            ..READ_ONLY
        },
        Call { named: Named::Function, read_only: true },
    ),
];
