//! Random events never panic; and however a payload is cut into pieces, the same bytes come out.

use super::*;

const PIECES: [&[u8]; 16] = [
    b"+PONG\r\n",
    b"+OK\r\n",
    b"+OK\r\n+OK\r\n",
    b"-ERR x\r\n",
    b"-NOAUTH\r\n",
    b"\n",
    b"+FULLRESYNC aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 100\r\n",
    b"+FULLRESYNC x -1\r\n",
    b"+CONTINUE bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n",
    b"+CONTINUE\r\n",
    b"$3\r\nABC",
    b"$18446744073709551615\r\n",
    b"$EOF:mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\r\n",
    b"mmmmmmmmmmmmmmmmmmmm",
    b"\xff\x00",
    b"-LOADING\r\n",
];

fn event<'a>(rng: &mut Rng, bytes: &'a [u8]) -> Event<'a> {
    match rng.below(20) {
        0 => Event::ReplicaOf { host: "h".into(), port: 1, by: By::Config },
        1 if rng.one_in(4) => Event::NoOne { by: By::User("x".into()) },
        2 => Event::ConnectFailed { error: "x".into() },
        3 => Event::Closed { error: None },
        4 => Event::Staged { keys: rng.below(3), db: None },
        5 => Event::StageFailed { error: "x".into() },
        6 => Event::StreamFailed { error: "x".into() },
        7 => Event::AckWanted,
        8 | 9 => Event::Tick,
        10..13 => Event::Connected,
        _ => Event::Received(bytes),
    }
}

#[test]
fn random_events() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut node = Node::new();
        node.keys = rng.below(2);
        let (mut staging, mut connected, mut up) = (false, false, false);
        for step in 0..400 {
            let pause_ms_max = if rng.one_in(50) { 70_000 } else { 700 };
            node.now_ms += rng.below(pause_ms_max) as i64;
            let bytes: Vec<u8> =
                (0..1 + rng.below(3)).flat_map(|_| PIECES[rng.below(16) as usize].to_vec()).collect();
            for action in node.actions(event(&mut rng, &bytes)) {
                let place = format!("seed {seed}, step {step}: {action:?}");
                match action {
                    Action::Connect { .. } => assert!(!std::mem::replace(&mut connected, true), "{place}"),
                    Action::Disconnect => assert!(std::mem::replace(&mut connected, false), "{place}"),
                    Action::PayloadBegin { .. } => assert!(!std::mem::replace(&mut staging, true), "{place}"),
                    Action::Payload(_) | Action::PayloadEnd => assert!(staging, "{place}"),
                    Action::Discard | Action::Install { .. } => {
                        assert!(std::mem::replace(&mut staging, false), "{place}");
                    }
                    Action::LinkUp(now) => {
                        assert!(now != up || !now, "{place}");
                        up = now;
                    }
                    Action::Apply(_) => assert!(up && connected, "{place}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_payload_in_pieces() {
    let mark = "m".repeat(40);
    for seed in 0..500 {
        let mut rng = Rng::new(seed);
        let mut node = Node::new();
        node.run("configured h 1");
        node.run("handshake");
        node.run(&format!("< +FULLRESYNC {} 10", "a".repeat(40)));
        // Much of the payload looks like the mark's beginning.
        let payload: Vec<u8> =
            (0..rng.below(300)).map(|i| if rng.one_in(12) || i % 40 == 39 { b'x' } else { b'm' }).collect();
        let payload = [payload.as_slice(), b"x"].concat();
        let by_mark = rng.one_in(2);
        let header = if by_mark { format!("$EOF:{mark}") } else { format!("${}", payload.len()) };
        let end = if by_mark { mark.as_bytes() } else { b"" };
        let all = [header.as_bytes(), b"\r\n", &payload, end, b"STREAM"].concat();
        let (mut got, mut ended) = (Vec::new(), 0);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(1 + rng.below(90) as usize));
            rest = after;
            for action in node.actions(Event::Received(piece)) {
                match action {
                    Action::Payload(bytes) => got.extend_from_slice(&bytes),
                    Action::PayloadEnd => ended += 1,
                    _ => {}
                }
            }
        }
        assert!(got == payload && ended == 1, "seed {seed}: {} bytes, ended {ended} times", got.len());
        let stream = node.actions(Event::Staged { keys: 1, db: None });
        let applied = stream.contains(&Action::Apply(Cow::Borrowed(b"STREAM")));
        assert!(applied, "seed {seed}: {stream:?}");
    }
}
