//! What a replica says of itself by REPLCONF before it asks for synchronization.
//!
//! Any connection may say it; it counts from PSYNC or SYNC on. Options that this server doesn't know are refused,
//! capabilities that it doesn't know are ignored, as in Redis. `version` is Valkey's: it is kept, not needed.
//! ACK and GETACK are answered by silence here: they mean something on an attached replica only
//! (see [`crate::primary`]).

use base::number;
use resp::Args;
use resp::line::split_args;
use std::fmt;

/// The longest `ip-address`, one less than C's buffer for a host name.
const IP_ADDRESS_BYTES_MAX: usize = 255;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// 0: not said.
    pub listening_port: i64,
    /// The address under which the replica wants to be known, if not the socket's.
    pub ip_address: Option<String>,
    /// Understands a payload that ends with a mark (`$EOF:`).
    pub capa_eof: bool,
    /// Understands `+CONTINUE <new id>`.
    pub capa_psync2: bool,
    pub version: Option<String>,
    /// Wants the snapshot alone, and no stream after it.
    pub rdb_only: bool,
    pub rdb_without_data: bool,
    pub rdb_without_functions: bool,
}

/// Why a REPLCONF is refused. `Display` is the error line without its `-`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplconfError {
    Syntax,
    NotAnInteger,
    RdbOnlyRange,
    IpTooLong { bytes: usize },
    MissingFilters,
    UnsupportedFilter(String),
    Unrecognized(String),
}

impl fmt::Display for ReplconfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ERR ")?;
        match self {
            Self::Syntax => f.write_str("syntax error"),
            Self::NotAnInteger => f.write_str("value is not an integer or out of range"),
            Self::RdbOnlyRange => f.write_str("value is out of range, value must between 0 and 1"),
            Self::IpTooLong { bytes } => {
                write!(f, "REPLCONF ip-address provided by replica instance is too long: {bytes} bytes")
            }
            Self::MissingFilters => f.write_str("Missing rdb-filter-only values"),
            Self::UnsupportedFilter(name) => write!(f, "Unsupported rdb-filter-only option: {name}"),
            Self::Unrecognized(name) => write!(f, "Unrecognized REPLCONF option: {name}"),
        }
    }
}

impl std::error::Error for ReplconfError {}

/// What a REPLCONF that isn't refused is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Ok,
    /// Nothing at all: ACK, GETACK.
    Silence,
}

impl Facts {
    /// Takes in one `REPLCONF name value ...` of a connection that is no replica yet. `Ok(true)`: the reply is
    /// `+OK`; `Ok(false)`: there is no reply. What came before a refused option counts.
    pub fn replconf(&mut self, args: Args) -> Result<bool, ReplconfError> {
        if args.len().is_multiple_of(2) {
            return Err(ReplconfError::Syntax);
        }
        for i in (1..args.len()).step_by(2) {
            if self.option(args.at(i), args.at(i + 1))? == Answer::Silence {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn option(&mut self, name: &[u8], value: &[u8]) -> Result<Answer, ReplconfError> {
        match name.to_ascii_lowercase().as_slice() {
            b"listening-port" => {
                self.listening_port = number::parse_i64(value).ok_or(ReplconfError::NotAnInteger)?;
            }
            b"ip-address" if IP_ADDRESS_BYTES_MAX < value.len() => {
                return Err(ReplconfError::IpTooLong { bytes: value.len() });
            }
            b"ip-address" => self.ip_address = Some(text(value)),
            b"capa" if value.eq_ignore_ascii_case(b"eof") => self.capa_eof = true,
            b"capa" if value.eq_ignore_ascii_case(b"psync2") => self.capa_psync2 = true,
            b"capa" => {}
            b"version" => self.version = Some(text(value)),
            b"rdb-only" => self.rdb_only = flag(value)?,
            b"rdb-filter-only" => self.filter(value)?,
            b"ack" | b"getack" => return Ok(Answer::Silence),
            _ => return Err(ReplconfError::Unrecognized(text(name))),
        }
        Ok(Answer::Ok)
    }

    /// The parts of the snapshot that are wanted: none of those that are not named.
    fn filter(&mut self, value: &[u8]) -> Result<(), ReplconfError> {
        let names = split_args(value).map_err(|_| ReplconfError::MissingFilters)?;
        (self.rdb_without_data, self.rdb_without_functions) = (true, true);
        for name in names {
            if !name.eq_ignore_ascii_case(b"functions") {
                return Err(ReplconfError::UnsupportedFilter(text(&name)));
            }
            self.rdb_without_functions = false;
        }
        Ok(())
    }

    pub fn is_filtered(&self) -> bool {
        self.rdb_without_data || self.rdb_without_functions
    }
}

fn flag(value: &[u8]) -> Result<bool, ReplconfError> {
    match number::parse_i64(value) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(_) => Err(ReplconfError::RdbOnlyRange),
        None => Err(ReplconfError::NotAnInteger),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use resp::OwnedArgs;

    /// What is said, one REPLCONF after the other, and the last one's reply.
    fn said(lines: &str) -> (Facts, String) {
        let mut facts = Facts::default();
        let mut last = String::new();
        for line in lines.split(" / ") {
            let words = split_args(line.as_bytes()).unwrap();
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            last = match facts.replconf(OwnedArgs::from_slices(&words).as_args()) {
                Ok(true) => "OK".into(),
                Ok(false) => "-".into(),
                Err(error) => error.to_string(),
            };
        }
        (facts, last)
    }

    #[track_caller]
    fn check(lines: &str, want: &str) -> Facts {
        let (facts, got) = said(lines);
        assert_eq!(got, want, "{lines}");
        facts
    }

    #[test]
    fn options_are_kept() {
        let facts = check(
            "REPLCONF listening-port 6380 / replconf IP-ADDRESS 10.0.0.1 / REPLCONF capa eof capa PSYNC2 capa new / REPLCONF version 8.1.0",
            "OK",
        );
        let want = Facts {
            listening_port: 6380,
            ip_address: Some("10.0.0.1".into()),
            capa_eof: true,
            capa_psync2: true,
            version: Some("8.1.0".into()),
            ..Facts::default()
        };
        assert_eq!(facts, want);
        assert!(check("REPLCONF rdb-only 1", "OK").rdb_only);
        assert!(!check("REPLCONF rdb-only 1 / REPLCONF rdb-only 0", "OK").rdb_only);
        let facts = check("REPLCONF rdb-filter-only functions", "OK");
        assert!(facts.is_filtered() && facts.rdb_without_data && !facts.rdb_without_functions);
        let facts = check("REPLCONF rdb-filter-only \"\"", "OK");
        assert!(facts.rdb_without_data && facts.rdb_without_functions);
        assert_eq!(check("REPLCONF", "OK"), Facts::default());
    }

    #[test]
    fn acks_are_silence() {
        check("REPLCONF ACK 12", "-");
        check("REPLCONF ack x", "-");
        check("REPLCONF GETACK *", "-");
        check("REPLCONF capa eof ACK 1 nonsense x", "-");
    }

    #[test]
    fn errors_are_those_of_redis() {
        check("REPLCONF capa", "ERR syntax error");
        check("REPLCONF listening-port abc", "ERR value is not an integer or out of range");
        check("REPLCONF rdb-only x", "ERR value is not an integer or out of range");
        check("REPLCONF rdb-only 2", "ERR value is out of range, value must between 0 and 1");
        check("REPLCONF rdb-filter-only keys", "ERR Unsupported rdb-filter-only option: keys");
        check("REPLCONF rdb-filter-only '\"'", "ERR Missing rdb-filter-only values");
        check("REPLCONF Foo bar", "ERR Unrecognized REPLCONF option: Foo");
        let long = format!("REPLCONF ip-address {}", "1".repeat(256));
        check(&long, "ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes");
        // What stands before the refused option counts.
        assert!(check("REPLCONF capa eof foo bar", "ERR Unrecognized REPLCONF option: foo").capa_eof);
    }
}
