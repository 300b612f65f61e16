//! HELP of a container: written from the rows of its subcommands, so that it can't fall behind them.

use super::docs::syntax;
use super::table;
use crate::session::Session;
use engine::row::{Flags, Locks};
use engine::{Done, Meta, Txn};
use resp::{Args, Reply};

/// HELP's row; a container says its group and version.
pub const HELP: Meta = Meta {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.with(Flags::STALE),
    locks: Locks::None,
    summary: "Prints this help.",
    ..Meta::BASE
};

/// The HELP subcommand of whatever container the request names.
pub fn help(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let container = table().find(args.name()).expect("the container was found before its HELP ran");
    let mut lines = Vec::new();
    for sub in table().subs(container) {
        let usage = format!("{} {}", sub.meta.name.to_ascii_uppercase(), syntax(sub.meta.docs));
        lines.push((usage, sub.meta.summary));
    }
    write(container.meta.name, &lines, out);
    Ok(())
}

/// The lines of a HELP: how each subcommand is written, and below it what it does.
pub fn write(name: &str, lines: &[(String, &str)], out: &mut Reply) {
    out.array(1 + lines.len() * 2);
    out.simple(&format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        name.to_ascii_uppercase()
    ));
    for (usage, summary) in lines {
        out.simple(usage.trim_end());
        out.simple(&format!("    {summary}"));
    }
}
