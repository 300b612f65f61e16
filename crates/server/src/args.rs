//! The command line: `greylag-server [FILE|-] [--directive value ...] [-]`, as redis-server reads it.

use crate::config::{self, Config, FileError};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub enum Mode {
    Run { config: Box<Config>, file: Option<PathBuf>, stdin_read: bool },
    Print(String),
    CheckSystem,
}

/// Why nothing is run. The exit code is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Config(FileError),
    Say(String),
}

/// Reads the command line.
pub fn read(argv: &[OsString]) -> Result<Mode, Refused> {
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.get(1).map(String::as_str) {
        Some("-v" | "--version") => return Ok(Mode::Print(version())),
        Some("-h" | "--help") => return Ok(Mode::Print(help())),
        Some("--test-memory") => return Err(Refused::Say(NO_MEMORY_TEST.into())),
        Some("--check-system") => return Ok(Mode::CheckSystem),
        _ => {}
    }
    let name = argv.first().map(|name| Path::new(name).file_name().unwrap_or_default().to_string_lossy());
    if name.is_some_and(|name| name.contains("sentinel")) || words.iter().any(|word| word == "--sentinel") {
        return Err(Refused::Say(NO_SENTINEL.into()));
    }
    let mut text = String::new();
    let mut file = None;
    let mut rest: Vec<&[u8]> = argv.iter().skip(1).map(|word| word.as_bytes()).collect();
    let mut stdin = false;
    if rest.first() == Some(&&b"-"[..]) {
        stdin = true;
        rest.remove(0);
    } else if rest.first().is_some_and(|first| !first.starts_with(b"-")) {
        let path = std::path::absolute(&words[1]).unwrap_or_else(|_| PathBuf::from(&words[1]));
        text = config::text_of(&path).map_err(Refused::Config)?;
        file = Some(path);
        rest.remove(0);
    }
    if rest.last() == Some(&&b"-"[..]) {
        stdin = true;
        rest.pop();
    }
    if stdin {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.map_err(|error| Refused::Say(format!("Can't read the configuration: {error}\n")))?;
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text.push('\n');
    text.push_str(&option_lines(&rest));
    let config = config::read(&text).map_err(Refused::Config)?;
    Ok(Mode::Run { config: Box::new(config), file, stdin_read: stdin })
}

const NO_MEMORY_TEST: &str = "This server has no memory test: use memtest86 or memtester.\n";
const NO_SENTINEL: &str = "Sentinel mode is refused: this version does not have it yet.\n";

/// Options as configuration lines: a word with `--` begins a line, what follows are its values. The first word
/// behind a name is its value, whatever it looks like, so that values may begin with `--` too.
fn option_lines(words: &[&[u8]]) -> String {
    let mut text = String::new();
    let mut has_value = true;
    for (i, word) in words.iter().enumerate() {
        let Some(name) = word.strip_prefix(b"--").filter(|_| has_value) else {
            // Text goes through as it is; what is not text could not be kept anyway.
            text.push_str(&config::quote(&String::from_utf8_lossy(word)));
            text.push(' ');
            has_value = true;
            continue;
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(name));
        text.push(' ');
        // Name and value may be one word.
        has_value = resp::line::split_args(word).is_ok_and(|words| 1 < words.len());
        // An empty list of save points, as scripts write it that have none to name.
        let next_is_name = words.get(i + 1).is_none_or(|next| next.starts_with(b"--"));
        if word.eq_ignore_ascii_case(b"--save") && next_is_name {
            text.push_str("\"\"");
            has_value = true;
        }
    }
    text
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
       greylag-server --check-system

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
        let argv: Vec<OsString> =
            std::iter::once(&"greylag-server").chain(words).map(OsString::from).collect();
        match read(&argv) {
            Ok(Mode::Run { config, .. }) => Ok(*config),
            Ok(other) => Err(format!("{other:?}")),
            Err(Refused::Config(error)) => Err(error.to_string()),
            Err(Refused::Say(text)) => Err(text),
        }
    }

    #[test]
    fn options_are_lines() {
        let read =
            config(&["--port", "7000", "--slaveof", "127.0.0.1", "6379", "--save", "", "--port", "7001"]);
        let read = read.expect("is read");
        assert_eq!(read.port, 7001);
        assert_eq!(read.replicaof.0, Some(("127.0.0.1".into(), 6379)));
        assert!(read.save.0.is_empty());
        let read = config(&["--save", "10 1", "--requirepass", "it's", "--repl-backlog-size", "2mb"])
            .expect("is read");
        assert_eq!((read.save.0.len(), read.requirepass.as_str()), (1, "it's"));
        assert_eq!(read.repl_backlog_size, 2 << 20);
    }

    #[test]
    fn words_of_the_command_line() {
        let cases: &[(&[&str], &str)] = &[
            (&["--port", "7000"], r#"port "7000" "#),
            (&["--port 7000", "--hz", "5"], "port 7000 \nhz \"5\" "),
            (&["--requirepass", "--foo", "--hz", "5"], "requirepass \"--foo\" \nhz \"5\" "),
            (&["--save"], r#"save """#),
            (&["--save", "--hz", "5"], "save \"\"\nhz \"5\" "),
            (&["--save", "", "--hz", "5"], "save \"\" \nhz \"5\" "),
            (&["--save", "1 2", "--save", "3", "4"], "save \"1 2\" \nsave \"3\" \"4\" "),
            (&["--requirepass", "a\"\\\n"], r#"requirepass "a\"\\\n" "#),
            (&["--requirepass", "gänse"], "requirepass \"gänse\" "),
            (&["--a", "-1", "-", "b"], r#"a "-1" "-" "b" "#),
            (&["--"], " "),
        ];
        for (words, lines) in cases {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(option_lines(&words), *lines);
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_redis_says_it() {
        let cases: &[(&[&str], &str)] = &[
            (
                &["--nonsense", "1"],
                "line 2\n>>> 'nonsense \"1\"'\nBad directive or wrong number of arguments\n",
            ),
            (&["--port", "x"], "line 2\n>>> 'port \"x\"'\nargument couldn't be parsed into an integer\n"),
            (&["--port", "--bogus"], ">>> 'port \"--bogus\"'\nargument couldn't be parsed into an integer\n"),
            (
                &["--port", "1", "--", "--x"],
                "line 3\n>>> '\"--x\"'\nBad directive or wrong number of arguments\n",
            ),
            (&["-x"], "line 2\n>>> '\"-x\"'\nBad directive or wrong number of arguments\n"),
            (&["--port", "70000"], "argument must be between 0 and 65535 inclusive\n"),
            (&["--port", "1", "2"], ">>> 'port \"1\" \"2\"'\nwrong number of arguments\n"),
            (&["--port"], ">>> 'port'\nwrong number of arguments\n"),
            (&["--port 1 --save 5"], ">>> 'port 1 --save 5'\nwrong number of arguments\n"),
            (&["--hz", "1", "--logfile"], "line 3\n>>> 'logfile'\nwrong number of arguments\n"),
            (
                &["--loglevel", "loud"],
                "argument(s) must be one of the following: debug, verbose, notice, warning, nothing\n",
            ),
            (&["--daemonize", "maybe"], "argument must be 'yes' or 'no'\n"),
            (&["--save", "1"], ">>> 'save \"1\"'\nInvalid save parameters\n"),
            (&["--save", "1 a"], "Invalid save parameters\n"),
            (&["--save", "900 1 300 10", "1 2"], "Invalid save parameters\n"),
            (
                &["--client-output-buffer-limit", "normal", "1", "2"],
                "Wrong number of arguments in buffer limit configuration.\n",
            ),
            (
                &["--appendonly", "yes"],
                "'appendonly' is refused: this version does not have the append-only file yet\n",
            ),
            (&["--dir", "/nonexistent"], ">>> 'dir \"/nonexistent\"'\nNo such file or directory\n"),
        ];
        for (words, end) in cases {
            let error = config(words).expect_err("is refused");
            assert!(error.starts_with("\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n"), "{error}");
            assert!(error.ends_with(end), "{error}");
        }
        let missing = "Fatal error, can't open config file '/nonexistent': No such file or directory";
        assert_eq!(config(&["/nonexistent"]).expect_err("is refused"), missing);
        assert_eq!(config(&["--include", "/nonexistent"]).expect_err("is refused"), missing);
        assert!(config(&["--include", "/nonexistent/*.conf"]).is_ok());
        for words in [&["--sentinel"][..], &["x.conf", "--sentinel"]] {
            assert_eq!(config(words).expect_err("is refused"), NO_SENTINEL);
        }
        assert_eq!(config(&["--test-memory", "2"]).expect_err("is refused"), NO_MEMORY_TEST);
    }
}
