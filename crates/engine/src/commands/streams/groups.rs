//! XGROUP: making, changing and deleting groups and their consumers.

use super::{ID, KEY, STREAM, edit, ids, no_group_of, one, write, wrong_arguments};
use crate::commands::args::{int, is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Categories, Doc, Flags, Locks, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::Value;
use ds::entry::NewPayload;
use ds::stream::{Id, Stream};
use resp::{Args, Reply};

const GROUP: Doc = Doc::new("group", "string");
const CONSUMER: Doc = Doc::new("consumer", "string");
const ID_OR_LAST: Doc = Doc::one_of("id-selector", &[ID, Doc::flag("new-id", "$")]);
const MKSTREAM: Doc = Doc::flag("mkstream", "MKSTREAM").optional();
const ENTRIES_READ: Doc = Doc::new("entriesread", "integer").behind("ENTRIESREAD").optional();
const READ_IN_7_0: &[(&str, &str)] = &[("7.0.0", "`ENTRIESREAD` came.")];

const SUB: Meta = Meta { flags: Flags::WRITE, complexity: "O(1)", ..STREAM };

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "xgroup",
        arity: -2,
        categories: Categories::NONE,
        summary: "Changes consumer groups.",
        complexity: "By the subcommand",
        subcommands: &[
            Meta {
                name: "create",
                arity: -5,
                flags: Flags::WRITE.with(Flags::DENYOOM),
                keys: &[one(2, &["RW", "insert"])],
                summary: "Makes a consumer group.",
                history: READ_IN_7_0,
                docs: &[KEY, GROUP, ID_OR_LAST, MKSTREAM, ENTRIES_READ],
                ..SUB
            },
            Meta {
                name: "createconsumer",
                arity: 5,
                flags: Flags::WRITE.with(Flags::DENYOOM),
                keys: &[one(2, &["RW", "insert"])],
                since: "6.2.0",
                summary: "Makes a consumer of a group.",
                docs: &[KEY, GROUP, CONSUMER],
                ..SUB
            },
            Meta {
                name: "delconsumer",
                arity: 5,
                keys: &[one(2, &["RW", "delete"])],
                summary: "Deletes a consumer of a group, with all that is pending with it.",
                docs: &[KEY, GROUP, CONSUMER],
                ..SUB
            },
            Meta {
                name: "destroy",
                arity: 4,
                keys: &[one(2, &["RW", "delete"])],
                summary: "Deletes a consumer group.",
                complexity: "O(N) in the number of entries that are pending in the group",
                docs: &[KEY, GROUP],
                ..SUB
            },
            Meta {
                name: "help",
                arity: 2,
                flags: Flags::LOADING.with(Flags::STALE),
                locks: Locks::None,
                summary: "Lists the subcommands.",
                ..SUB
            },
            Meta {
                name: "setid",
                arity: -5,
                keys: &[one(2, &["RW", "update"])],
                summary: "Sets how far a group has read.",
                history: READ_IN_7_0,
                docs: &[KEY, GROUP, ID_OR_LAST, ENTRIES_READ],
                ..SUB
            },
        ],
        ..STREAM
    },
    run: xgroup,
}];

const HELP: &[&str] = &[
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
    "    Make a group that reads what comes behind the id, or from now on.",
    "    MKSTREAM makes the stream too, if there is none.",
    "    ENTRIESREAD says how many entries the group has read already.",
    "CREATECONSUMER <key> <group> <consumer>",
    "    Make a consumer of a group.",
    "DELCONSUMER <key> <group> <consumer>",
    "    Delete a consumer, and forget what is pending with it.",
    "DESTROY <key> <group>",
    "    Delete a group.",
    "SETID <key> <group> <id|$> [ENTRIESREAD <count>]",
    "    Set how far a group has read.",
    "HELP",
    "    Print these lines.",
];

fn xgroup(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let sub = args.at(1);
    if is(sub, "help") {
        out.array(HELP.len());
        HELP.iter().for_each(|line| out.simple(line));
        return Ok(());
    }
    let run: fn(&mut Txn, Args, &mut Reply) -> Done = match sub {
        _ if is(sub, "create") => create,
        _ if is(sub, "setid") => set_id,
        _ if is(sub, "destroy") => destroy,
        _ if is(sub, "createconsumer") => create_consumer,
        _ if is(sub, "delconsumer") => delete_consumer,
        _ => return Err(Error::UnknownSubcommand { sub: shown(sub), command: "XGROUP" }),
    };
    run(txn, args, out)
}

/// MKSTREAM and ENTRIESREAD.
#[derive(Default)]
struct Options {
    makes_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: Args, may_make: bool) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut i = 5;
        while let Some(word) = args.get(i) {
            match args.get(i + 1) {
                _ if may_make && is(word, "mkstream") => options.makes_stream = true,
                Some(count) if is(word, "entriesread") => {
                    options.entries_read =
                        match int(count)? {
                            -1 => None,
                            count => Some(u64::try_from(count).map_err(|_| {
                                Error::text("ERR value for ENTRIESREAD must be positive or -1")
                            })?),
                        };
                    i += 1;
                }
                _ => return Err(wrong_arguments(args.at(1), "XGROUP")),
            }
            i += 1;
        }
        Ok(options)
    }
}

const NO_KEY: Error = Error::text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);

/// The stream, and in it the group.
fn check_group(txn: &Txn, args: Args) -> Done {
    let (key, group) = (args.at(2), args.at(3));
    let stream = write(txn, key)?.ok_or(NO_KEY)?;
    stream.group(group).map(|_| ()).ok_or_else(|| no_group_of(key, group))
}

fn create(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    /// With MKSTREAM and ENTRIESREAD; each may come again as long as there are no more words.
    const ARGS_MAX: usize = 8;
    let options = Options::parse(args, true)?;
    let (key, name) = (args.at(2), args.at(3));
    let last = write(txn, key)?.map(Stream::last_id);
    if last.is_none() && !options.makes_stream {
        return Err(NO_KEY);
    }
    if ARGS_MAX < args.len() {
        return Err(wrong_arguments(args.at(1), "XGROUP"));
    }
    let id = match args.at(4) {
        b"$" => last.unwrap_or(Id::MIN),
        id => ids::strict(id)?,
    };
    if last.is_none() {
        let mut stream = Stream::new();
        stream.create_group(name, id, options.entries_read);
        txn.put(key, NewPayload::Boxed(Value::Stream(Box::new(stream))), Ttl::Clear);
        txn.changed(key, Event::XGroupCreate);
    } else {
        if again_has_group(txn, key, name) {
            return Err(Error::text("BUSYGROUP Consumer Group name already exists"));
        }
        edit(txn, key, |stream| stream.create_group(name, id, options.entries_read));
        txn.changed_all(1);
        txn.also_happened(key, Event::XGroupCreate);
    }
    out.ok();
    Ok(())
}

fn again_has_group(txn: &Txn, key: &[u8], name: &[u8]) -> bool {
    super::again(txn, key).group(name).is_some()
}

fn set_id(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let options = Options::parse(args, false)?;
    check_group(txn, args)?;
    if args.len() != 5 && args.len() != 7 {
        return Err(wrong_arguments(args.at(1), "XGROUP"));
    }
    let (key, name) = (args.at(2), args.at(3));
    let given = match args.at(4) {
        b"$" => None,
        id => Some(ids::any(id, 0)?),
    };
    edit(txn, key, |stream| {
        stream.with_group(name, |group, counters| {
            group.last_id = given.unwrap_or(counters.last_id);
            group.entries_read = options.entries_read;
        })
    });
    out.ok();
    txn.changed_all(1);
    txn.also_happened(key, Event::XGroupSetId);
    Ok(())
}

fn destroy(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, name) = (args.at(2), args.at(3));
    let stream = write(txn, key)?.ok_or(NO_KEY)?;
    if stream.group(name).is_none() {
        out.int(0);
        return Ok(());
    }
    edit(txn, key, |stream| stream.destroy_group(name));
    out.int(1);
    txn.changed_all(1);
    txn.also_happened(key, Event::XGroupDestroy);
    Ok(())
}

fn create_consumer(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_group(txn, args)?;
    let (key, name, now_ms) = (args.at(2), args.at(3), txn.now_ms);
    let created = edit(txn, key, |stream| {
        stream.with_group(name, |group, _| group.create_consumer(args.at(4), now_ms))
    });
    let created = created.expect("was looked at");
    out.int(created.into());
    if created {
        txn.changed_all(1);
        txn.also_happened(key, Event::XGroupCreateConsumer);
    }
    Ok(())
}

fn delete_consumer(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_group(txn, args)?;
    let (key, name) = (args.at(2), args.at(3));
    let deleted =
        edit(txn, key, |stream| stream.with_group(name, |group, _| group.delete_consumer(args.at(4))));
    let deleted = deleted.expect("was looked at");
    out.int(deleted.unwrap_or(0) as i64);
    if deleted.is_some() {
        txn.changed_all(1);
        txn.also_happened(key, Event::XGroupDelConsumer);
    }
    Ok(())
}
