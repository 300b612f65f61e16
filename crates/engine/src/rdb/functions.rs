//! Function libraries as bytes: what FUNCTION DUMP gives and FUNCTION RESTORE reads.
//!
//! ```text
//! (245 | code)* | version of the format 2 B | CRC-64 of all before 8 B
//! ```

use super::decode::take_string;
use super::encode::push_string;
use super::{VERSION, VERSION_MAX, opcode};
use crate::functions::Source;
use base::crc64::crc64;
use std::fmt;
use std::sync::Arc;

const FOOTER_BYTES: usize = 10;

/// What is wrong with a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadError {
    Checksum,
    PreRelease,
    NoFunction,
    Broken,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checksum => "ERR DUMP payload version or checksum are wrong",
            Self::PreRelease => "ERR Pre-release function format not supported",
            Self::NoFunction => "ERR given type is not a function",
            Self::Broken => "ERR failed loading the given functions payload",
        })
    }
}

pub(crate) fn push_function(out: &mut Vec<u8>, code: &[u8], compress: bool) {
    out.push(opcode::FUNCTION2);
    push_string(out, code, compress);
}

pub fn encode_functions(sources: &[Arc<Source>], compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for source in sources {
        push_function(&mut out, &source.code, compress);
    }
    out.extend_from_slice(&(VERSION as u16).to_le_bytes());
    let sum = crc64(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// The codes of the libraries. A checksum of zero is none.
pub fn decode_functions(payload: &[u8]) -> Result<Vec<Vec<u8>>, PayloadError> {
    let Some(len) = payload.len().checked_sub(FOOTER_BYTES) else { return Err(PayloadError::Checksum) };
    let (body, footer) = payload.split_at(len);
    let version = u16::from_le_bytes([footer[0], footer[1]]);
    let sum = u64::from_le_bytes(footer[2..].try_into().expect("eight bytes of ten"));
    if VERSION_MAX < u32::from(version) || (sum != 0 && sum != crc64(&payload[..len + 2])) {
        return Err(PayloadError::Checksum);
    }
    let mut codes = Vec::new();
    let mut rest = body;
    while let Some((&kind, after)) = rest.split_first() {
        match kind {
            opcode::FUNCTION2 => {}
            opcode::FUNCTION_PRE_GA => return Err(PayloadError::PreRelease),
            _ => return Err(PayloadError::NoFunction),
        }
        let (code, after) = take_string(after).ok_or(PayloadError::Broken)?;
        codes.push(code);
        rest = after;
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dumped_is_read() {
        let source = |code: &str| {
            Arc::new(Source { name: (*b"x").into(), code: code.as_bytes().into(), functions: 1 })
        };
        let long = "-- a line that is there again and again\n".repeat(50);
        for sources in [vec![], vec![source("#!lua name=a")], vec![source("#!lua name=b"), source(&long)]] {
            let payload = encode_functions(&sources, true);
            let codes: Vec<_> = sources.iter().map(|source| source.code.to_vec()).collect();
            assert_eq!(decode_functions(&payload), Ok(codes));
            for i in 0..payload.len() {
                let mut broken = payload.clone();
                broken[i] ^= 1;
                assert_eq!(decode_functions(&broken), Err(PayloadError::Checksum), "byte {i}");
                assert_eq!(decode_functions(&payload[..i]), Err(PayloadError::Checksum), "cut at {i}");
            }
        }
    }

    #[test]
    fn other_payloads_are_refused() {
        let sealed = |body: &[u8]| [body, &[10, 0], &[0; 8]].concat();
        assert_eq!(decode_functions(&sealed(&[0, 1, b'x'])), Err(PayloadError::NoFunction));
        assert_eq!(decode_functions(&sealed(&[246, 1, b'x'])), Err(PayloadError::PreRelease));
        assert_eq!(decode_functions(&sealed(&[245, 2, b'x'])), Err(PayloadError::Broken));
        assert_eq!(decode_functions(&sealed(&[245])), Err(PayloadError::Broken));
        assert_eq!(decode_functions(&sealed(&[245, 1, b'x'])), Ok(vec![b"x".to_vec()]));
    }
}
