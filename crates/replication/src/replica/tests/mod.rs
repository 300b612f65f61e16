//! Conversations of a replica with its primary, as traces (see [`crate::trace`]).

mod failures;
mod fuzz;
mod role;
mod sync;

use super::*;
use crate::trace::{self, unescape};
use base::position::ReplId;

/// A node around the machine: what `View` shows of it.
struct Node {
    link: Link,
    now_ms: i64,
    log_end: Offset,
    log_fsynced: Option<Offset>,
    history: History,
    keys: u64,
    settings: Settings,
}

impl Node {
    fn new() -> Self {
        Self {
            link: Link::new(Rng::new(1), 0, false),
            now_ms: 0,
            log_end: Offset(0),
            log_fsynced: None,
            history: History::new(ReplId::parse(&[b'z'; 40]).unwrap()),
            keys: 0,
            settings: Settings { listening_port: 6380, ..Settings::default() },
        }
    }

    fn step(&mut self, event: Event) -> Vec<String> {
        self.actions(event).iter().map(show).collect()
    }

    fn actions<'e>(&mut self, event: Event<'e>) -> Vec<Action<'e>> {
        let view = View {
            now_ms: self.now_ms,
            log_end: self.log_end,
            log_fsynced: self.log_fsynced,
            history: &self.history,
            keys: self.keys,
            settings: &self.settings,
        };
        let mut out = Vec::new();
        self.link.step(&view, event, &mut out);
        for action in &out {
            match action {
                Action::Install { history, offset, .. } => (self.history, self.log_end) = (*history, *offset),
                Action::SetHistory(history) | Action::BecomePrimary { history } => self.history = *history,
                _ => {}
            }
        }
        out
    }

    /// One line of a script.
    fn run(&mut self, line: &str) -> Vec<String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let by = || By::User("id=3".into());
        match word {
            "replicaof" => {
                let (host, port) = rest.split_once(' ').unwrap();
                self.step(Event::ReplicaOf { host: host.into(), port: port.parse().unwrap(), by: by() })
            }
            // The configuration's primary is called at the next look at what is due.
            "configured" => {
                let (host, port) = rest.split_once(' ').unwrap();
                let port = port.parse().unwrap();
                let mut out = self.step(Event::ReplicaOf { host: host.into(), port, by: By::Config });
                out.extend(self.step(Event::Tick));
                out
            }
            "no-one" => self.step(Event::NoOne { by: by() }),
            "failover" => self.step(Event::NoOne { by: By::Failover("id=4".into()) }),
            "connected" => self.step(Event::Connected),
            // From the connection to PSYNC, of which only the last step is shown.
            "handshake" => {
                self.step(Event::Connected);
                self.step(Event::Received(b"+PONG\r\n+OK\r\n"));
                self.step(Event::Received(b"+OK\r\n"))
            }
            // A full sync that is done, and not shown.
            "synced" => {
                let (id, offset) = rest.split_once(' ').unwrap();
                self.run("configured h 1");
                self.run("handshake");
                self.run(&format!("< +FULLRESYNC {id} {offset}"));
                self.run("< $1");
                self.run("< \"x\"");
                self.run("staged 5");
                Vec::new()
            }
            "connect-failed" => self.step(Event::ConnectFailed { error: rest.into() }),
            "<" if rest.starts_with('"') => self.step(Event::Received(&unescape(rest))),
            "<" => self.step(Event::Received(format!("{rest}\r\n").as_bytes())),
            "closed" => self.step(Event::Closed { error: (!rest.is_empty()).then(|| rest.into()) }),
            "pass" => {
                self.now_ms += rest.parse::<i64>().unwrap();
                self.step(Event::Tick)
            }
            "staged" => {
                let (keys, db) = rest.split_once(' ').unwrap_or((rest, ""));
                let keys = keys.parse().unwrap();
                let out = self.step(Event::Staged { keys, db: db.parse().ok() });
                if out.iter().any(|line| line.starts_with("install")) {
                    self.keys = keys;
                }
                out
            }
            "stage-failed" => self.step(Event::StageFailed { error: rest.into() }),
            "stream-failed" => self.step(Event::StreamFailed { error: rest.into() }),
            "ack-wanted" => self.step(Event::AckWanted),
            "applied" => {
                self.log_end = Offset(rest.parse().unwrap());
                Vec::new()
            }
            "keys" => {
                self.keys = rest.parse().unwrap();
                Vec::new()
            }
            "positioned" => {
                self.link = Link::new(Rng::new(1), self.now_ms, true);
                Vec::new()
            }
            "set" => self.set(rest),
            "info" => self.info(),
            _ => panic!("unknown line: {line}"),
        }
    }

    fn set(&mut self, rest: &str) -> Vec<String> {
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let settings = &mut self.settings;
        match name {
            "masterauth" => settings.auth = value.into(),
            "masteruser" => settings.user = value.into(),
            "replica-announce-ip" => settings.announce_ip = value.into(),
            "replica-announce-port" => settings.listening_port = value.parse().unwrap(),
            "version" => settings.version = value.into(),
            "repl-timeout" => settings.timeout_ms = value.parse::<i64>().unwrap() * 1000,
            "replica-refuse-empty-primary" => settings.refuse_empty_primary = value == "yes",
            "fsynced" => self.log_fsynced = value.parse().ok().map(Offset),
            "repl-diskless-load" => {
                settings.diskless_load = match value {
                    "swapdb" => DisklessLoad::SwapDb,
                    "on-empty-db" => DisklessLoad::OnEmptyDb,
                    _ => DisklessLoad::Disabled,
                }
            }
            _ => panic!("unknown setting {name}"),
        }
        Vec::new()
    }

    fn info(&self) -> Vec<String> {
        let link = &self.link;
        let down = link.down_since_ms().map_or("-".into(), |since| (self.now_ms - since).to_string());
        let transfer = link.transfer().map_or("-".into(), |t| format!("{}/{}", t.read_bytes, t.total_bytes));
        vec![format!(
            "state={} transfer={transfer} down={down} read={} io={} input={} refused={}",
            link.state().name(),
            link.read_offset(),
            self.now_ms - link.last_io_ms(),
            link.wants_input(),
            link.refused_empty()
        )]
    }
}

fn show(action: &Action) -> String {
    match action {
        Action::Connect { host, port } => format!("connect {host}:{port}"),
        Action::Disconnect => "disconnect".into(),
        Action::Send(bytes) => format!("-> {}", trace::bytes(bytes)),
        Action::PayloadBegin { bytes, load } => format!("payload of {bytes:?}, {load:?}"),
        Action::Payload(bytes) => format!("payload {}", trace::bytes(bytes)),
        Action::PayloadEnd => "end of payload".into(),
        Action::Discard => "discard".into(),
        Action::Install { history, offset, db } => {
            format!(
                "install at {offset} of {}, db {db} ({} {})",
                history.id, history.second_id, history.second_offset
            )
        }
        Action::Resume => "resume".into(),
        Action::Apply(bytes) => format!("apply {}", trace::bytes(bytes)),
        Action::BecomeReplica => "become replica".into(),
        Action::BecomePrimary { history } => {
            format!("become primary {} ({} {})", history.id, history.second_id, history.second_offset)
        }
        Action::SetHistory(history) => {
            format!("history {} ({} {})", history.id, history.second_id, history.second_offset)
        }
        Action::DropReplicas => "drop replicas".into(),
        Action::LinkUp(up) => format!("link up: {up}"),
        Action::Log(level, line) => format!("{level:?}: {line}"),
    }
}

#[track_caller]
fn check(script: &str) {
    let mut node = Node::new();
    trace::check(script, |line| node.run(line));
}
