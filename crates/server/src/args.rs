//! The command line: `greylag-server [FILE|-] [--directive value ...]`, as redis-server reads it.

use crate::config::{self, Config};
use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;

pub enum Mode {
    Run(Box<Config>, Option<PathBuf>),
    Print(String),
}

/// Reads the command line; the error is what is printed before exiting with 1.
pub fn read(argv: &[OsString]) -> Result<Mode, String> {
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.get(1).map(String::as_str) {
        Some("-v" | "--version") if words.len() == 2 => return Ok(Mode::Print(version())),
        Some("-h" | "--help") if words.len() == 2 => return Ok(Mode::Print(help())),
        _ => {}
    }
    let mut text = String::new();
    let mut file = None;
    let mut rest = &words[1..];
    if let Some(first) = rest.first().filter(|first| !first.starts_with("--")) {
        if first == "-" {
            read_stdin(&mut text)?;
        } else {
            let path = std::path::absolute(first).unwrap_or_else(|_| PathBuf::from(first));
            text = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|error| {
                let why = crate::sys::error_text(&error);
                format!("Fatal error, can't open config file '{}': {why}\n", path.display())
            })?;
            file = Some(path);
        }
        rest = &rest[1..];
    }
    if rest.last().is_some_and(|last| last == "-") {
        read_stdin(&mut text)?;
        rest = &rest[..rest.len() - 1];
    }
    text.push('\n');
    text.push_str(&option_lines(rest));
    match config::read(&text) {
        Ok(config) => Ok(Mode::Run(Box::new(config), file)),
        Err(error) => Err(error.to_string()),
    }
}

fn read_stdin(text: &mut String) -> Result<(), String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("Can't read the configuration: {error}\n"))?;
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// Options as configuration lines: a word with `--` begins a line, what follows are its values.
fn option_lines(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        match word.strip_prefix("--") {
            Some(name) if !name.is_empty() => {
                text.push('\n');
                text.push_str(name);
            }
            _ => {
                text.push(' ');
                text.push_str(&quote(word));
            }
        }
    }
    text.push('\n');
    text
}

/// A word as split_args reads it back; a word with spaces is several values, as in redis-server.
fn quote(word: &str) -> String {
    if word.is_empty() {
        return "\"\"".into();
    }
    let plain = |c: char| !c.is_control() && !matches!(c, '"' | '\'' | '\\');
    if word.chars().all(plain) {
        return word.to_string();
    }
    let mut out = String::from("\"");
    for byte in word.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// What `--version` prints.
fn version() -> String {
    format!(
        "Greylag server v={} redis_version={} malloc=mimalloc bits=64\n",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION
    )
}

fn help() -> String {
    "Usage: greylag-server [FILE|-] [--directive value ...] [-]
       greylag-server -v | --version
       greylag-server -h | --help

FILE is a redis.conf; - reads one from the standard input. Every directive of redis.conf
may be given as an option, which counts after the file.

Examples:
       greylag-server                          (all defaults)
       greylag-server /etc/greylag/6379.conf
       greylag-server --port 7777
       greylag-server --port 7777 --replicaof 127.0.0.1 8888
       echo 'maxclients 128' | greylag-server -
       greylag-server /etc/greylag/6379.conf --loglevel verbose -
"
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(words: &[&str]) -> Result<Config, String> {
        let argv: Vec<OsString> = std::iter::once(&"greylag-server").chain(words).map(OsString::from).collect();
        match read(&argv)? {
            Mode::Run(config, _) => Ok(*config),
            Mode::Print(text) => Err(text),
        }
    }

    #[test]
    fn options_are_lines() {
        let read = config(&["--port", "7000", "--slaveof", "127.0.0.1", "6379", "--save", "", "--port", "7001"]);
        let read = read.expect("is read");
        assert_eq!(read.port, 7001);
        assert_eq!(read.replicaof.0, Some(("127.0.0.1".into(), 6379)));
        assert!(read.save.0.is_empty());
        let read = config(&["--save", "10 1", "--requirepass", "it's", "--repl-backlog-size", "2mb"]).expect("is read");
        assert_eq!((read.save.0.len(), read.requirepass.as_str()), (1, "it's"));
        assert_eq!(read.repl_backlog_size, 2 << 20);
    }

    #[test]
    fn what_is_wrong_is_said_as_redis_says_it() {
        let cases = [
            (&["--nonsense", "1"][..], ">>> 'nonsense 1'\nBad directive or wrong number of arguments\n"),
            (&["--port", "x"], ">>> 'port x'\nargument couldn't be parsed into an integer\n"),
            (&["--port", "70000"], "argument must be between 0 and 65535 inclusive\n"),
            (&["--loglevel", "loud"], "argument must be one of the following: debug, verbose, notice, warning, nothing\n"),
            (&["--daemonize", "maybe"], "argument must be 'yes' or 'no'\n"),
            (&["--appendonly", "yes"], "'appendonly' is refused: this version does not have the append-only file yet\n"),
            (&["--port"], "Bad directive or wrong number of arguments\n"),
        ];
        for (words, end) in cases {
            let error = config(words).expect_err("is refused");
            assert!(error.starts_with("\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n"), "{error}");
            assert!(error.ends_with(end), "{error}");
        }
    }
}
