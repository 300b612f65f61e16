//! The scripts that EVAL and SCRIPT LOAD have seen, as text, for all threads.
//!
//! Interpreters compile them when they first meet them, and remember that under the generation of the cache: SCRIPT
//! FLUSH begins another one.

use crate::shebang::{self, Declared};
use foldhash::fast::RandomState;
use parking_lot::RwLock;
use sha1::{Digest, Sha1};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// SHA-1 of a script, as forty lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha([u8; 40]);

impl Sha {
    pub const TEXT_BYTES: usize = 40;

    pub fn of(body: &[u8]) -> Self {
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha1::digest(body)) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        Self(hex)
    }

    /// From a client, in any case of letters. What is no sum is known by nobody.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut hex: [u8; 40] = text.try_into().ok()?;
        hex.make_ascii_lowercase();
        Some(Self(hex))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

pub struct Script {
    pub sha: Sha,
    pub body: Box<[u8]>,
    pub declared: Declared,
    /// Where the code begins in the body.
    pub(crate) code_at: usize,
    /// Whether the code names a function that may write past a front of the sandbox.
    pub(crate) sweeps: bool,
}

impl Script {
    /// Reads the first line. The error is a whole line.
    pub fn new(body: &[u8]) -> Result<Self, String> {
        let (declared, code_at) = shebang::of_script(body)?;
        let names = |word: &[u8]| body.windows(word.len()).any(|part| part == word);
        let sweeps = names(b"table") || names(b"_G");
        Ok(Self { sha: Sha::of(body), body: body.into(), declared, code_at, sweeps })
    }

    pub(crate) fn code(&self) -> &[u8] {
        &self.body[self.code_at..]
    }
}

/// The cache. Its lock is held for a look only.
#[derive(Default)]
pub struct Scripts {
    known: RwLock<HashMap<Sha, Arc<Script>, RandomState>>,
    generation: AtomicU64,
    bytes: AtomicU64,
}

impl Scripts {
    pub fn get(&self, sha: &Sha) -> Option<Arc<Script>> {
        self.known.read().get(sha).cloned()
    }

    pub fn add(&self, script: &Arc<Script>) {
        let mut known = self.known.write();
        if known.insert(script.sha, script.clone()).is_none() {
            self.bytes.fetch_add((script.body.len() + ENTRY_BYTES) as u64, Ordering::Relaxed);
        }
    }

    /// Forgets all. Whoever compiled them forgets them too, at its next look.
    pub fn flush(&self) {
        let mut known = self.known.write();
        // What is dropped here is text; no script is so long that it would matter.
        known.clear();
        self.bytes.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub fn len(&self) -> usize {
        self.known.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the texts take.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

/// An entry of the cache beside the script's text.
const ENTRY_BYTES: usize = size_of::<Script>() + size_of::<Sha>() + 16;
