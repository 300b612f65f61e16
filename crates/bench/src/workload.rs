//! The load that every figure is measured with: random keys of 16 bytes, values of 64, GET and SET half and half.

use base::rng::Rng;
use resp::push_command;

pub const KEY_BYTES: usize = 16;
pub const VALUE_BYTES: usize = 64;

/// The name of key number `n`.
pub fn key(n: u64) -> [u8; KEY_BYTES] {
    let mut key = *b"key:000000000000";
    let mut rest = n;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// Some value; it is no number.
pub fn value(rng: &mut Rng) -> [u8; VALUE_BYTES] {
    let mut value = [0; VALUE_BYTES];
    rng.fill_hex(&mut value);
    value[0] = b'v';
    value
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    Get,
    Set,
    Both,
}

/// Encoded requests, back to back, in groups that a worker would read at once.
pub struct Requests {
    pub bytes: Vec<u8>,
    /// Where each group begins.
    pub groups: Vec<usize>,
    pub count: usize,
}

impl Requests {
    /// `count` requests in groups of `group`, over `keys` keys.
    pub fn new(seed: u64, mix: Mix, count: usize, group: usize, keys: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut bytes = Vec::new();
        let mut groups = Vec::new();
        for i in 0..count {
            if i % group == 0 {
                groups.push(bytes.len());
            }
            let key = key(rng.below(keys));
            match mix {
                Mix::Get => push_command(&mut bytes, &[b"GET", &key]),
                Mix::Both if rng.one_in(2) => push_command(&mut bytes, &[b"GET", &key]),
                Mix::Set | Mix::Both => push_command(&mut bytes, &[b"SET", &key, &value(&mut rng)]),
            }
        }
        Self { bytes, groups, count }
    }

    pub fn groups(&self) -> impl Iterator<Item = &[u8]> {
        self.groups.iter().enumerate().map(|(i, &from)| {
            let to = self.groups.get(i + 1).copied().unwrap_or(self.bytes.len());
            &self.bytes[from..to]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_whole_requests() {
        let requests = Requests::new(1, Mix::Both, 100, 7, 1000);
        assert_eq!(requests.groups().count(), 15);
        assert_eq!(requests.groups().flatten().count(), requests.bytes.len());
        assert!(requests.groups().all(|group| group.starts_with(b"*") && group.ends_with(b"\r\n")));
        assert_eq!(&key(42), b"key:000000000042");
    }
}
