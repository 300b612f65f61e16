//! RDB files for scripted peers: written by hand, so that they can be wrong in a chosen way. The crate that reads
//! them for Greylag is not used here.

use base::crc64::crc64;

pub struct RdbText {
    bytes: Vec<u8>,
}

impl RdbText {
    /// Of version 10, which both servers read.
    pub fn new() -> Self {
        Self { bytes: b"REDIS0010".to_vec() }
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn aux(self, key: &str, value: &str) -> Self {
        self.raw(&[250]).text(key.as_bytes()).text(value.as_bytes())
    }

    pub fn select(self, db: u8) -> Self {
        self.raw(&[254, db])
    }

    pub fn string(self, key: &str, value: &str) -> Self {
        self.raw(&[0]).text(key.as_bytes()).text(value.as_bytes())
    }

    /// A value of a module, type 7, with nothing in it.
    pub fn module(self, key: &str) -> Self {
        self.raw(&[7]).text(key.as_bytes()).raw(&[0x81, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    }

    fn text(self, text: &[u8]) -> Self {
        let len = text.len() as u32;
        let prefix = if len < 64 { vec![len as u8] } else { [&[0x80][..], &len.to_be_bytes()].concat() };
        self.raw(&prefix).raw(text)
    }

    /// Ended and with its checksum.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(255);
        let crc = crc64(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        self.bytes
    }

    /// As it is: not ended.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for RdbText {
    fn default() -> Self {
        Self::new()
    }
}

/// A payload as a disk-backed primary frames it.
pub fn framed(rdb: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", rdb.len()).as_bytes(), rdb].concat()
}

/// A payload as a diskless primary frames it.
pub fn framed_by_mark(rdb: &[u8], mark: &[u8; 40]) -> Vec<u8> {
    [b"$EOF:", &mark[..], b"\r\n", rdb, &mark[..]].concat()
}
