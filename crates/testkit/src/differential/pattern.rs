//! How the arguments of a command look, as a line of text.
//!
//! Words stand for themselves, `<name>` for an argument of a kind, `[a]` may be left out, `(a|b)` and `[a|b]` are a
//! choice, `{a}` is repeated one to four times.

use base::rng::Rng;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Word(String),
    Slot(String),
    Optional(Vec<Vec<Node>>),
    Choice(Vec<Vec<Node>>),
    Repeat(Vec<Vec<Node>>),
}

/// Repetitions of a group.
const REPEAT_MAX: u64 = 4;

/// Reads a line; a line that is none is a mistake in the table.
pub fn parse(text: &str) -> Vec<Node> {
    let mut words = tokens(text).into_iter().peekable();
    let sequence = alternatives(&mut words, None);
    assert_eq!(sequence.len(), 1, "a choice stands in brackets: {text}");
    sequence.into_iter().next().unwrap_or_default()
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    for c in text.chars() {
        match c {
            ' ' => tokens.push(String::new()),
            '[' | ']' | '(' | ')' | '{' | '}' | '|' => tokens.extend([c.to_string(), String::new()]),
            c => tokens.last_mut().expect("is never empty").push(c),
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

fn alternatives(tokens: &mut Tokens, end: Option<&str>) -> Vec<Vec<Node>> {
    let mut all = vec![Vec::new()];
    loop {
        let token = tokens.next();
        if token.as_deref() == end {
            return all;
        }
        let token = token.unwrap_or_else(|| panic!("{end:?} is missing"));
        let node = match token.as_str() {
            "|" => {
                all.push(Vec::new());
                continue;
            }
            "[" => Node::Optional(alternatives(tokens, Some("]"))),
            "(" => Node::Choice(alternatives(tokens, Some(")"))),
            "{" => Node::Repeat(alternatives(tokens, Some("}"))),
            "]" | ")" | "}" => panic!("{token} ends nothing"),
            word => match word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
                Some(slot) => Node::Slot(slot.to_string()),
                None => Node::Word(word.to_string()),
            },
        };
        all.last_mut().expect("is never empty").push(node);
    }
}

/// Arguments that fit the line; `slot` adds those of a kind.
pub fn generate(
    nodes: &[Node],
    rng: &mut Rng,
    slot: &mut impl FnMut(&mut Rng, &str, &mut Vec<Vec<u8>>),
    out: &mut Vec<Vec<u8>>,
) {
    for node in nodes {
        match node {
            Node::Word(word) => out.push(word.clone().into_bytes()),
            Node::Slot(name) => slot(rng, name, out),
            Node::Optional(all) => {
                if rng.one_in(2) {
                    generate(pick(all, rng), rng, slot, out);
                }
            }
            Node::Choice(all) => generate(pick(all, rng), rng, slot, out),
            Node::Repeat(all) => {
                for _ in 0..1 + rng.below(REPEAT_MAX) {
                    generate(pick(all, rng), rng, slot, out);
                }
            }
        }
    }
}

fn pick<'a>(all: &'a [Vec<Node>], rng: &mut Rng) -> &'a [Node] {
    &all[rng.below(all.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> std::collections::BTreeSet<String> {
        let nodes = parse(text);
        let mut rng = Rng::new(1);
        let line = |_| {
            let mut out = Vec::new();
            generate(
                &nodes,
                &mut rng,
                &mut |_, name, out| out.push(name.to_uppercase().into_bytes()),
                &mut out,
            );
            out.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>().join(" ")
        };
        (0..1000).map(line).collect()
    }

    #[test]
    fn makes_every_form() {
        let one = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        assert_eq!(all("set <key> [nx|xx]"), one(&["set KEY", "set KEY nx", "set KEY xx"]));
        assert_eq!(all("a (b <c>|d)"), one(&["a b C", "a d"]));
        assert_eq!(all("{x}"), one(&["x", "x x", "x x x", "x x x x"]));
        assert_eq!(all("a [b [c]]"), one(&["a", "a b", "a b c"]));
    }

    #[test]
    #[should_panic(expected = "is missing")]
    fn an_open_bracket_is_a_mistake() {
        parse("a [b");
    }
}
