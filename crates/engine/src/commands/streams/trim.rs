//! What XADD and XTRIM say about trimming, and how it is logged.

use super::{IdText, STREAM, ids};
use crate::commands::args::{int, is};
use crate::error::Error;
use crate::row::{Doc, Meta};
use crate::txn::{Origin, Txn};
use base::number::push_u64;
use ds::stream::{Id, Keep, Precision, Stream};
use resp::Args;

pub(super) const OF_STREAM: Meta = Meta { tips: &["nondeterministic_output"], ..STREAM };

const STRATEGY: &[Doc] = &[Doc::flag("maxlen", "MAXLEN"), Doc::flag("minid", "MINID").since("6.2.0")];
const OPERATOR: &[Doc] = &[Doc::flag("equal", "="), Doc::flag("approximately", "~")];

pub(super) const DOC: Doc = Doc::block(
    "trim",
    &[
        Doc::one_of("strategy", STRATEGY),
        Doc::one_of("operator", OPERATOR).optional(),
        Doc::new("threshold", "string"),
        Doc::new("count", "integer").behind("LIMIT").since("6.2.0").optional(),
    ],
);

/// What is to be trimmed.
#[derive(Clone, Copy)]
pub(super) struct Trim {
    pub keep: Keep,
    pub precision: Precision,
    /// Where the threshold is among the arguments.
    at: usize,
}

/// The options as they come, one by one.
#[derive(Default)]
pub(super) struct TrimOptions {
    keep: Option<(Keep, usize)>,
    is_approximate: bool,
    limit: Option<u64>,
}

impl TrimOptions {
    /// Reads the option at `i`, if it is one of these; where the next one is.
    pub(super) fn read(&mut self, args: Args, i: usize) -> Result<Option<usize>, Error> {
        let word = args.at(i);
        let more = args.len() - 1 - i;
        if more == 0 {
            return Ok(None);
        }
        let by_len = is(word, "maxlen");
        if by_len || is(word, "minid") {
            return self.read_strategy(args, i + 1, by_len).map(Some);
        }
        if is(word, "limit") {
            self.limit = Some(not_negative(args.at(i + 1), "ERR The LIMIT argument must be >= 0.")?);
            return Ok(Some(i + 2));
        }
        Ok(None)
    }

    fn read_strategy(&mut self, args: Args, mut i: usize, by_len: bool) -> Result<usize, Error> {
        if self.keep.is_some() {
            return Err(Error::text(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        self.is_approximate = false;
        if i + 1 < args.len() && matches!(args.at(i), b"~" | b"=") {
            self.is_approximate = args.at(i) == b"~";
            i += 1;
        }
        let keep = if by_len {
            Keep::Newest(not_negative(args.at(i), "ERR The MAXLEN argument must be >= 0.")?)
        } else {
            Keep::From(ids::strict(args.at(i))?)
        };
        self.keep = Some((keep, i));
        Ok(i + 1)
    }

    /// What the options mean together, where something must be trimmed.
    pub(super) fn finish_required(self, txn: &Txn) -> Result<Trim, Error> {
        self.check_limit()?;
        let missing = Error::text("ERR syntax error, XTRIM must be called with a trimming strategy");
        if self.keep.is_none() {
            return Err(missing);
        }
        self.finish(txn)?.ok_or(missing)
    }

    fn check_limit(&self) -> Result<(), Error> {
        if self.keep.is_none() && self.limit.is_some_and(|limit| limit != 0) {
            return Err(Error::text(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ));
        }
        Ok(())
    }

    /// What the options mean together.
    pub(super) fn finish(self, txn: &Txn) -> Result<Option<Trim>, Error> {
        self.check_limit()?;
        // A primary has put the outcome in the place of what limited it, and left the word.
        let limit = if txn.origin() == Origin::Primary { Some(0) } else { self.limit };
        if txn.origin() == Origin::Client && self.limit.is_some() && !self.is_approximate {
            return Err(Error::text("ERR syntax error, LIMIT cannot be used without the special ~ option"));
        }
        let Some((keep, at)) = self.keep else { return Ok(None) };
        let precision = match self.is_approximate {
            false => Precision::Exact,
            true => Precision::Blocks { limit: limit.unwrap_or_else(|| default_limit(txn)) },
        };
        Ok(Some(Trim { keep, precision, at }))
    }
}

/// Entries that an approximate trim removes at most, so that none takes long: a hundred blocks.
fn default_limit(txn: &Txn) -> u64 {
    const BLOCKS: u64 = 100;
    /// Where blocks may have any number of entries.
    const WITHOUT_BLOCKS: u64 = 10_000;
    const MAX: u64 = 1_000_000;
    match txn.engine().settings.shapes.stream().block_entries_max as u64 {
        0 => WITHOUT_BLOCKS,
        entries => entries.saturating_mul(BLOCKS).min(MAX),
    }
}

fn not_negative(arg: &[u8], error: &'static str) -> Result<u64, Error> {
    u64::try_from(int(arg)?).map_err(|_| Error::text(error))
}

impl Trim {
    pub(super) fn is_approximate(&self) -> bool {
        self.precision != Precision::Exact
    }

    /// The removed entries' number.
    pub(super) fn run(&self, stream: &mut Stream) -> u64 {
        stream.trim(self.keep, self.precision)
    }

    /// What the threshold is to be, exactly, so that another server trims the same.
    pub(super) fn outcome(&self, stream: &Stream) -> Vec<u8> {
        match self.keep {
            Keep::Newest(_) => {
                let mut text = Vec::new();
                push_u64(&mut text, stream.len() as u64);
                text
            }
            // Without an entry there is no first one, and all that is older than any goes.
            Keep::From(_) => IdText::new(stream.first_record().unwrap_or(Id::MAX)).bytes().to_vec(),
        }
    }

    /// Puts the outcome into the arguments: `~` becomes `=`.
    pub(super) fn rewrite<'a>(&self, argv: &mut [&'a [u8]], outcome: &'a [u8]) {
        argv[self.at - 1] = b"=";
        argv[self.at] = outcome;
    }
}
