//! The first line of a script that says what it is: `#!lua name=mylib flags=no-writes,allow-stale`.
//!
//! A script without one runs as scripts did before there were flags: each of its commands is checked by itself.

use std::ops::BitOr;

/// What a script or a function promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FlagSet(u32);

impl FlagSet {
    pub const NONE: Self = Self(0);
    pub const NO_WRITES: Self = Self(1);
    pub const ALLOW_OOM: Self = Self(2);
    pub const ALLOW_STALE: Self = Self(4);
    pub const NO_CLUSTER: Self = Self(8);
    pub const ALLOW_CROSS_SLOT_KEYS: Self = Self(16);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::NO_WRITES, "no-writes"),
        (Self::ALLOW_OOM, "allow-oom"),
        (Self::ALLOW_STALE, "allow-stale"),
        (Self::NO_CLUSTER, "no-cluster"),
        (Self::ALLOW_CROSS_SLOT_KEYS, "allow-cross-slot-keys"),
    ];

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    pub fn by_name(name: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| known.as_bytes() == name).map(|(flag, _)| *flag)
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

impl BitOr for FlagSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a script is declared to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Declared {
    /// It has no such line.
    Nothing,
    Flags(FlagSet),
}

/// Reads the line of a script for EVAL. What is declared, and where the code begins: at the line's end, so that
/// lines keep their numbers.
pub(crate) fn of_script(body: &[u8]) -> Result<(Declared, usize), String> {
    if !body.starts_with(b"#!") {
        return Ok((Declared::Nothing, 0));
    }
    let end = body.iter().position(|&c| c == b'\n').ok_or("ERR Invalid script shebang")?;
    let words = resp::line::split_args(&body[..end]).map_err(|_| "ERR Invalid engine in script shebang")?;
    let Some((engine, options)) = words.split_first() else {
        return Err("ERR Invalid engine in script shebang".into());
    };
    if engine != b"#!lua" {
        return Err(format!("ERR Unexpected engine in script shebang: {}", text(engine)));
    }
    let mut flags = FlagSet::NONE;
    for option in options {
        let Some(names) = option.strip_prefix(b"flags=") else {
            return Err(format!("ERR Unknown lua shebang option: {}", text(option)));
        };
        for name in names.split(|&c| c == b',').filter(|_| !names.is_empty()) {
            let flag = FlagSet::by_name(name);
            flags = flags
                | flag.ok_or_else(|| format!("ERR Unexpected flag in script shebang: {}", text(name)))?;
        }
    }
    Ok((Declared::Flags(flags), end))
}

/// Bytes of a script in an error line: a character for a byte, as the server writes lines.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| byte as char).collect()
}
