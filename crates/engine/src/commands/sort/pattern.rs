//! The patterns of BY and GET: which key, and which field of it, an element stands for.
//!
//! The first `*` is where the element goes. Behind it `->` may name a field of a hash. As in C, a zero byte ends the
//! search for both.

use crate::txn::Txn;
use crate::value::{self, Str, Value};
use ds::entry::Payload;
use ds::listpack;

#[derive(Clone, Copy)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// No `*`: nothing, whatever the element is.
    Nothing,
    Key {
        before: &'a [u8],
        behind: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Self {
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        let searched = &text[..end];
        if searched == b"#" {
            return Self::Element;
        }
        let Some(star) = searched.iter().position(|&byte| byte == b'*') else { return Self::Nothing };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        let arrow = searched[star + 1..].windows(2).position(|two| two == b"->");
        match arrow.filter(|at| star + 1 + at + 2 < end) {
            Some(at) => Self::Key { before, behind: &rest[..at], field: Some(&rest[at + 2..]) },
            None => Self::Key { before, behind: rest, field: None },
        }
    }

    /// Looks up what the element stands for: a string, or a field of a hash. The key is put together in `key`.
    pub(super) fn with<R>(
        &self,
        txn: &Txn,
        element: &[u8],
        key: &mut Vec<u8>,
        look: impl FnOnce(Option<&[u8]>) -> R,
    ) -> R {
        let (before, behind, field) = match *self {
            Self::Element => return look(Some(element)),
            Self::Nothing => return look(None),
            Self::Key { before, behind, field } => (before, behind, field),
        };
        key.clear();
        [before, element, behind].into_iter().for_each(|part| key.extend_from_slice(part));
        let payload = txn.read(key).map(|entry| entry.payload());
        match (payload, field) {
            (Some(Payload::Boxed(Value::Hash(hash))), Some(field)) => match hash.get(field, txn.horizon()) {
                Some(value) => look(Some(value.bytes(&mut listpack::Text::new()))),
                None => look(None),
            },
            (Some(payload), None) => {
                let text: Option<Str> = value::as_str(payload).ok();
                match text {
                    Some(text) => look(Some(text.bytes(&mut value::Text::new()))),
                    None => look(None),
                }
            }
            _ => look(None),
        }
    }
}
