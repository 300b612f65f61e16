//! Strings: reading, setting, editing in place, counting, and the longest common subsequence.
//!
//! A string that spells an integer is kept as one where Redis does so; what was edited in place is "raw" whatever
//! its length. No string grows beyond proto-max-bulk-len by a client's doing.

pub(super) mod edit;
pub(super) mod get;
pub(super) mod lcs;
pub(super) mod many;
pub(super) mod number;
mod options;
pub(super) mod set;

use crate::error::Error;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::{Origin, Txn};
use crate::value::{Str, Text};
use resp::Reply;

const STRING: Meta = Meta { group: "string", categories: Categories::STRING, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const VALUE: Doc = Doc::new("value", "string");

/// The key is the first argument.
const fn first(flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: 1, last: 0, step: 1, notes: "" }
}

fn reply_str(out: &mut Reply, text: Option<Str>) {
    match text {
        Some(text) => out.bulk(text.bytes(&mut Text::new())),
        None => out.nil(),
    }
}

/// Refuses what would make a string of `len + more` bytes too long. What a primary sends is never refused.
fn check_length(txn: &Txn, len: usize, more: usize) -> Result<(), Error> {
    let max = txn.engine().settings.string_bytes_max();
    let fits = len.checked_add(more).is_some_and(|total| total <= max);
    if fits || txn.origin() == Origin::Primary { Ok(()) } else { Err(Error::StringTooLong) }
}
