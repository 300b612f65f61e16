//! The decoder against what was encoded, and against itself: however the input is split, the result is the same.

use super::*;
use crate::push_command;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a whole input gives: the requests, and how it ends.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    /// The words of each request; none for what asks for nothing.
    requests: Vec<Vec<Vec<u8>>>,
    /// Bytes that the requests took.
    consumed: usize,
    error: Option<ProtocolError>,
}

/// Small, so that short inputs reach them.
fn small_limits(authenticated: bool) -> Limits {
    Limits { bulk_bytes_max: 120, inline_bytes_max: 60, args_max: 12, query_bytes_max: 300, authenticated }
}

/// Decodes what comes in pieces that end at `cuts`, as a connection does: what is decoded leaves the buffer.
fn decode(input: &[u8], cuts: &[usize], limits: &Limits) -> Outcome {
    let mut outcome = Outcome { requests: Vec::new(), consumed: 0, error: None };
    let (mut decoder, mut spans) = (Decoder::new(), Vec::new());
    for end in cuts.iter().copied().chain([input.len()]) {
        loop {
            let buf = &input[outcome.consumed..end.max(outcome.consumed)];
            spans.clear();
            match decoder.next(buf, limits, &mut spans) {
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
                Ok(Decoded::Need(bytes)) => {
                    assert!(buf.len() < bytes, "asks for what it has: {bytes} of {}", buf.len());
                    break;
                }
                Ok(Decoded::Empty { bytes }) => {
                    outcome.requests.push(Vec::new());
                    outcome.consumed += bytes;
                }
                Ok(Decoded::Inline { bytes, args }) => {
                    outcome.requests.push(args.as_args().iter().map(<[u8]>::to_vec).collect());
                    outcome.consumed += bytes;
                }
                Ok(Decoded::Request { bytes, first_span, spans: count }) => {
                    let args = Args::new(&buf[..bytes], &spans[first_span..first_span + count]);
                    let words: Vec<Vec<u8>> = args.iter().map(<[u8]>::to_vec).collect();
                    // In canonical form: it can be passed on as it is.
                    let mut canonical = Vec::new();
                    push_command(&mut canonical, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    assert_eq!(&buf[..bytes], canonical, "{}", buf[..bytes].escape_ascii());
                    outcome.requests.push(words);
                    outcome.consumed += bytes;
                }
            }
            assert!(!decoder.is_midway(), "between requests it is as new");
        }
    }
    outcome
}

fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_command(&mut bytes, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    bytes
}

fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let word = prop_oneof![
        4 => vec(any::<u8>(), 0..12),
        1 => vec(any::<u8>(), 95..105),
        1 => Just(b"\r\n$3\r\n*1\r\n".to_vec()),
    ];
    vec(word, 1..6)
}

/// Stretches that look like the protocol, and some that don't quite.
fn stretch() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => words().prop_map(|words| encode(&words)),
        2 => "[a-z \"'\\\\x0-9]{0,70}\r?\n".prop_map(String::into_bytes),
        1 => "\\*[-+ 0-9]{0,3}\r.?".prop_map(String::into_bytes),
        1 => "\\*2\r\n[$x][-0-9]{1,3}\r\n".prop_map(String::into_bytes),
        // Odd, but Redis takes it: anything where LF and CRLF should be.
        1 => Just(b"*2\rx$3\rxGET..$1\r\nk\n\n".to_vec()),
        1 => Just(b"*-1\r\n*0\r\n\r\n\n".to_vec()),
        1 => Just([b"*1\r\n$".to_vec(), vec![b'1'; 70]].concat()),
        1 => vec(any::<u8>(), 0..8),
    ]
}

fn input() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let bytes = vec(stretch(), 1..6).prop_map(|stretches| stretches.concat());
    let changed =
        (bytes, vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)).prop_map(|(mut bytes, changes)| {
            for (at, byte) in changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            bytes
        });
    (changed, vec(any::<prop::sample::Index>(), 0..8)).prop_map(|(bytes, cuts)| {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        (bytes, cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_encoded_is_decoded(requests in vec(words(), 1..5)) {
        let input: Vec<u8> = requests.iter().flat_map(|words| encode(words)).collect();
        let outcome = decode(&input, &[], &Limits::default());
        prop_assert_eq!(outcome, Outcome { requests, consumed: input.len(), error: None });
    }

    #[test]
    fn any_split_gives_the_same(((input, cuts), authenticated) in (input(), any::<bool>())) {
        let limits = small_limits(authenticated);
        let whole = decode(&input, &[], &limits);
        prop_assert_eq!(&decode(&input, &cuts, &limits), &whole);
        let every_byte: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(&decode(&input, &every_byte, &limits), &whole);
    }

    /// Given what it asks for and no more, it never looks at a request oftener than twice for each argument: once
    /// behind its length, once behind its bytes.
    #[test]
    fn it_knows_what_it_needs(words in words()) {
        let input = encode(&words);
        let (mut decoder, mut spans) = (Decoder::new(), Vec::new());
        let (mut given, mut looks) = (0, 0);
        while let Decoded::Need(bytes) = decoder.next(&input[..given], &Limits::default(), &mut spans).expect("is right") {
            prop_assert!(given < bytes && bytes <= input.len(), "{} of {}", bytes, input.len());
            // A line's end can't be known before it is there; an argument's can.
            prop_assert!(bytes == given + 1 || input[..bytes].ends_with(b"\r\n"));
            given = bytes;
            looks += 1;
        }
        let lines: usize = input.len() - words.iter().map(|word| word.len() + 2).sum::<usize>();
        prop_assert!(looks <= lines + words.len(), "{} looks", looks);
    }
}

/// Redis's words for each way to go wrong, and what is not wrong.
#[test]
fn what_is_refused() {
    let long = |start: &str, byte: char, len: usize| format!("{start}{}", byte.to_string().repeat(len));
    let cases: Vec<(String, &str)> = vec![
        ("*abc\r\n".into(), "invalid multibulk length"),
        ("*1.5\r\n".into(), "invalid multibulk length"),
        ("* 1\r\n".into(), "invalid multibulk length"),
        ("*2147483648\r\n".into(), "invalid multibulk length"),
        ("*99999999999999999999\r\n".into(), "invalid multibulk length"),
        (long("*", '1', 65537), "too big mbulk count string"),
        ("*1\r\n:1\r\n".into(), "expected '$', got ':'"),
        ("*1\r\nx\r\n".into(), "expected '$', got 'x'"),
        ("*1\r\n$abc\r\n".into(), "invalid bulk length"),
        ("*1\r\n$-1\r\n".into(), "invalid bulk length"),
        ("*1\r\n$536870913\r\n".into(), "invalid bulk length"),
        ("*1\r\n$2147483648\r\n".into(), "invalid bulk length"),
        (long("*1\r\n$", '1', 65537), "too big bulk count string"),
        (long("", 'a', 65537), "too big inline request"),
        ("SET \"a\r\n".into(), "unbalanced quotes in request"),
        ("SET \"a\"b\r\n".into(), "unbalanced quotes in request"),
    ];
    for (input, wanted) in cases {
        let error = decode(input.as_bytes(), &[], &Limits::default()).error;
        let found = error.map(|error| error.to_string());
        assert_eq!(found.as_deref(), Some(wanted), "{}", &input[..input.len().min(40)]);
    }
    for fine in ["*-5\r\n", "*0\r\n", "\r\n", "*1\r\n$536870912\r\n", "*2147483647\r\n", "$1\r\n"] {
        assert_eq!(decode(fine.as_bytes(), &[], &Limits::default()).error, None, "{fine:?}");
    }
    let stranger = Limits { authenticated: false, ..Limits::default() };
    for (input, wanted) in
        [("*11\r\n", "unauthenticated multibulk length"), ("*1\r\n$16385\r\n", "unauthenticated bulk length")]
    {
        let error = decode(input.as_bytes(), &[], &stranger).error.map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(wanted), "{input:?}");
    }
}

/// A request of many large arguments, in small pieces, costs time by its length only: the decoder never goes back.
#[test]
fn a_huge_request_in_small_pieces() {
    let words: Vec<Vec<u8>> = (0..200).map(|i| vec![i as u8; 10_000]).collect();
    let input = encode(&words);
    let cuts: Vec<usize> = (0..input.len()).step_by(7).collect();
    let outcome = decode(&input, &cuts, &Limits::default());
    assert!(outcome == Outcome { requests: vec![words], consumed: input.len(), error: None });
}
