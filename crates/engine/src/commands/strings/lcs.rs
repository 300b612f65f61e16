//! LCS: the longest common subsequence of two strings.
//!
//! `lengths[i][j]` is the length for the first `i` bytes of one and the first `j` of the other. The subsequence is
//! read back from the end of both: on unequal bytes the way goes to the greater neighbour, and to the second string's
//! where they are equal. Which of several subsequences is found follows from that, and is as in Redis.

use super::STRING;
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::Txn;
use crate::value::{self, Text};
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "lcs",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[KeySpec { flags: &["RO", "access"], first: 1, last: 1, step: 1, notes: "" }],
        since: "7.0.0",
        summary: "Finds the longest common subsequence of two strings.",
        complexity: "O(N*M) in the lengths of the strings",
        docs: &[
            Doc::key("key1", 0),
            Doc::key("key2", 0),
            Doc::flag("len", "LEN").optional(),
            Doc::flag("idx", "IDX").optional(),
            Doc::new("min-match-len", "integer").behind("MINMATCHLEN").optional(),
            Doc::flag("withmatchlen", "WITHMATCHLEN").optional(),
        ],
        ..STRING
    },
    run: lcs,
}];

#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: i64,
}

fn options(args: Args) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut i = 3;
    while i < args.len() {
        let word = args.at(i);
        if is(word, "idx") {
            options.idx = true;
        } else if is(word, "len") {
            options.len = true;
        } else if is(word, "withmatchlen") {
            options.with_match_len = true;
        } else if is(word, "minmatchlen") && i + 1 < args.len() {
            i += 1;
            options.min_match_len = int(args.at(i))?;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    if options.len && options.idx {
        return Err(Error::text("ERR If you want both the length and indexes, please just use IDX."));
    }
    Ok(options)
}

fn lcs(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (a, b) = (txn.read(args.at(1)), txn.read(args.at(2)));
    let wrong = |_| Error::text("ERR The specified keys must contain string values");
    let a = a.map(|entry| value::as_str(entry.payload())).transpose().map_err(wrong)?;
    let b = b.map(|entry| value::as_str(entry.payload())).transpose().map_err(wrong)?;
    let options = options(args)?;
    let (mut a_text, mut b_text) = (Text::new(), Text::new());
    let a = a.map_or(&b""[..], |text| text.bytes(&mut a_text));
    let b = b.map_or(&b""[..], |text| text.bytes(&mut b_text));
    let lengths = Lengths::new(a, b, txn.engine().settings.string_bytes_max())?;
    if options.len {
        out.int(i64::from(lengths.at(a.len(), b.len())));
    } else if options.idx {
        reply_matches(out, &lengths.matches(a, b), lengths.at(a.len(), b.len()), &options);
    } else {
        let matches = lengths.matches(a, b);
        let parts: Vec<&[u8]> = matches.iter().rev().map(|m| &a[m.a..m.a + m.len]).collect();
        out.bulk(&parts.concat());
    }
    Ok(())
}

/// A run of equal bytes: where it begins in each string.
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

struct Lengths {
    cells: Vec<u32>,
    width: usize,
}

impl Lengths {
    fn new(a: &[u8], b: &[u8], bytes_max: usize) -> Result<Self, Error> {
        if u32::MAX as usize - 1 <= a.len().max(b.len()) {
            return Err(Error::text("ERR String too long for LCS"));
        }
        let width = b.len() + 1;
        // Both factors are below 2^32, but the bytes may not be countable.
        let cells = (a.len() + 1).saturating_mul(width);
        if bytes_max < cells.saturating_mul(size_of::<u32>()) {
            return Err(Error::text(
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ));
        }
        let mut lengths = Self { cells: vec![0; cells], width };
        for (i, x) in a.iter().enumerate() {
            let (above, row) = lengths.cells[i * width..(i + 2) * width].split_at_mut(width);
            for (j, y) in b.iter().enumerate() {
                row[j + 1] = if x == y { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
        Ok(lengths)
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * self.width + j]
    }

    /// The runs of the subsequence, the last one first.
    fn matches(&self, a: &[u8], b: &[u8]) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        while 0 < i && 0 < j {
            if a[i - 1] != b[j - 1] {
                if self.at(i, j - 1) < self.at(i - 1, j) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                continue;
            }
            match found.last_mut() {
                Some(last) if last.a == i && last.b == j => {
                    last.len += 1;
                    (last.a, last.b) = (i - 1, j - 1);
                }
                _ => found.push(Match { a: i - 1, b: j - 1, len: 1 }),
            }
            (i, j) = (i - 1, j - 1);
        }
        found
    }
}

fn reply_matches(out: &mut Reply, matches: &[Match], len: u32, options: &Options) {
    let shown = || matches.iter().filter(|m| options.min_match_len <= m.len as i64);
    out.map(2);
    out.bulk(b"matches");
    out.array(shown().count());
    for found in shown() {
        out.array(if options.with_match_len { 3 } else { 2 });
        for start in [found.a, found.b] {
            out.array(2);
            out.int(start as i64);
            out.int((start + found.len - 1) as i64);
        }
        if options.with_match_len {
            out.int(found.len as i64);
        }
    }
    out.bulk(b"len");
    out.int(len.into());
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn forms() {
        check(
            r#"
            MSET a ohmytext b mynewtext n 1234
            LCS a b -> "mytext" |
            LCS a b LEN -> 6 |
            LCS a b IDX -> ["matches", [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len", 6]
            LCS a b IDX MINMATCHLEN 4 -> ["matches", [[[4, 7], [5, 8]]], "len", 6]
            LCS a b idx minmatchlen 4 withmatchlen -> ["matches", [[[4, 7], [5, 8], 4]], "len", 6]
            LCS a b IDX MINMATCHLEN -5 -> ["matches", [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len", 6]
            RESP 3
            LCS a b IDX -> {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}
            LCS a none -> ""
            LCS a none LEN -> 0
            LCS none none IDX -> {"matches": [], "len": 0}
            LCS n n -> "1234"
            LCS a b MINMATCHLEN 3 -> "mytext"
            LCS a b LEN IDX -> -ERR If you want both the length and indexes, please just use IDX.
            LCS a b MINMATCHLEN -> -ERR syntax error
            LCS a b MINMATCHLEN x -> -ERR value is not an integer or out of range
            LCS a b WHAT -> -ERR syntax error
            STRINGS-MAX 100
            LCS a b -> -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
            "#,
        );
    }
}
