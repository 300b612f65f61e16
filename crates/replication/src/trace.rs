//! Traces: a conversation as text, events in and actions out, compared as a whole.
//!
//! A line that begins with `>` is an action that the event above it caused; every other line is an event. Ids are
//! short in a trace: `<a>` stands for forty times the letter, and what a machine made up is `<1>`, `<2>` in the order
//! in which it is seen.

/// Runs the events of `script` and compares what comes of them.
#[track_caller]
pub fn check(script: &str, mut run: impl FnMut(&str) -> Vec<String>) {
    let lines = || script.lines().map(str::trim).filter(|line| !line.is_empty());
    let (mut got, mut made_up) = (String::new(), Vec::new());
    for event in lines().filter(|line| !line.starts_with('>')) {
        got.push_str(&format!("{event}\n"));
        for action in run(&long(event, &made_up)) {
            got.push_str(&format!("> {}\n", short(&action, &mut made_up)));
        }
    }
    let want: String = lines().map(|line| format!("{line}\n")).collect();
    assert!(got == want, "the conversation went otherwise:\n{got}\ninstead of:\n{want}");
}

/// `<a>` becomes the id that it stands for.
fn long(text: &str, made_up: &[String]) -> String {
    let mut text = text.to_string();
    for letter in 'a'..='z' {
        text = text.replace(&format!("<{letter}>"), &letter.to_string().repeat(40));
    }
    for (i, id) in made_up.iter().enumerate() {
        text = text.replace(&format!("<{}>", i + 1), id);
    }
    text
}

fn short(text: &str, made_up: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(&name(word, made_up));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn name(word: &str, made_up: &mut Vec<String>) -> String {
    let first = &word[..1];
    if word.len() != 40 {
        return word.into();
    }
    if word == first.repeat(40) {
        return format!("<{first}>");
    }
    let at = made_up.iter().position(|id| id == word).unwrap_or_else(|| {
        made_up.push(word.into());
        made_up.len() - 1
    });
    format!("<{}>", at + 1)
}

/// Bytes on one line: requests as their words, the rest escaped.
pub fn bytes(bytes: &[u8]) -> String {
    let mut decoder = resp::Decoder::new();
    let mut spans = Vec::new();
    if bytes.starts_with(b"*")
        && let Ok(resp::Decoded::Request { bytes: all, first_span, spans: count }) =
            decoder.next(bytes, &resp::Limits::default(), &mut spans)
        && all == bytes.len()
    {
        let args = resp::Args::new(bytes, &spans[first_span..first_span + count]);
        return args.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ");
    }
    format!("\"{}\"", bytes.escape_ascii())
}

/// The opposite: `"…"` with escapes is bytes, anything else a request of words.
pub fn unescape(text: &str) -> Vec<u8> {
    let words = resp::line::split_args(text.as_bytes()).expect("a well-formed script");
    if text.starts_with('"') {
        return words.concat();
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut out = Vec::new();
    resp::push_command(&mut out, &words);
    out
}
