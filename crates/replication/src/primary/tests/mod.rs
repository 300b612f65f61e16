//! Conversations of a primary with its replicas, as traces (see [`crate::trace`]).

mod cron;
mod fuzz;
mod sync;
mod too_old;

use super::*;
use crate::trace::{self, unescape};
use base::position::ReplId;
use resp::OwnedArgs;
use resp::line::split_args;
use std::collections::HashMap;

/// A node around the machine: what `View` shows of it.
struct Node {
    primary: Primary,
    now_ms: i64,
    log_start: Option<Offset>,
    log_end: Offset,
    history: History,
    role: Role,
    settings: Settings,
    facts: HashMap<u64, Facts>,
}

impl Node {
    fn new() -> Self {
        let id = ReplId::parse(&[b'a'; 40]).unwrap();
        Self {
            primary: Primary::new(Rng::new(1), 0),
            now_ms: 0,
            log_start: Some(Offset(0)),
            log_end: Offset(100),
            history: History::new(id),
            role: Role::Primary,
            settings: Settings { diskless: false, ..Settings::default() },
            facts: HashMap::new(),
        }
    }

    fn step(&mut self, event: Event) -> Vec<String> {
        self.actions(event).iter().map(show).collect()
    }

    fn actions(&mut self, event: Event) -> Vec<Action> {
        let view = View {
            now_ms: self.now_ms,
            log_start: self.log_start,
            log_end: self.log_end,
            history: &self.history,
            role: self.role,
            settings: &self.settings,
        };
        let mut out = Vec::new();
        self.primary.step(&view, event, &mut out);
        for action in &out {
            match action {
                Action::CreateBacklog { history } => {
                    (self.history, self.log_start) = (*history, Some(self.log_end));
                }
                Action::FreeBacklog { history } => (self.history, self.log_start) = (*history, None),
                _ => {}
            }
        }
        out
    }

    /// One line of a script.
    fn run(&mut self, line: &str) -> Vec<String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |text: &str| text.parse::<u64>().expect("a number");
        if let Ok(conn) = word.parse() {
            return self.connection(conn, rest);
        }
        let mut args = rest.splitn(2, ' ');
        let mut next = || args.next().unwrap_or("");
        match word {
            "log" => {
                self.log_start = next().parse().ok().map(Offset);
                self.log_end = Offset(number(next()));
                Vec::new()
            }
            "role" => {
                self.role = match rest {
                    "primary" => Role::Primary,
                    link => Role::Replica { link_up: link == "link up" },
                };
                self.step(Event::Changed)
            }
            "promoted" => {
                let id = ReplId::parse(rest.as_bytes()).unwrap();
                self.history = self.history.promoted(id, self.log_end);
                Vec::new()
            }
            "set" => {
                self.set(next(), next());
                self.step(Event::Changed)
            }
            "pass" => {
                self.now_ms += number(rest) as i64;
                self.step(Event::Tick)
            }
            "cut" => {
                let id = SnapshotId(number(next()));
                let (offset, replid) = (Offset(number(next())), self.history.id);
                self.step(Event::SnapshotCut { id, offset, replid })
            }
            "cut-before" => {
                let (id, replid) = (SnapshotId(number(next())), ReplId::parse(next().as_bytes()).unwrap());
                self.step(Event::SnapshotCut { id, offset: self.log_end, replid })
            }
            "field-expiries" => self.step(Event::SnapshotHasFieldExpiries { id: SnapshotId(number(rest)) }),
            "ready" => {
                let id = SnapshotId(number(next()));
                self.step(Event::SnapshotReady { id, bytes: number(next()) })
            }
            "busy" => self.step(Event::SnapshotBusy { id: SnapshotId(number(next())) }),
            "failed" => {
                let id = SnapshotId(number(next()));
                self.step(Event::SnapshotFailed { id, error: next().into() })
            }
            "drop" => self.step(Event::DropReplicas),
            "ack-wanted" => self.step(Event::AckWanted),
            "info" => self.info(),
            _ => panic!("unknown line: {line}"),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        let ms = || value.parse::<i64>().unwrap() * 1000;
        let settings = &mut self.settings;
        match name {
            "repl-diskless-sync" => settings.diskless = value == "yes",
            "repl-diskless-sync-delay" => settings.diskless_delay_ms = ms(),
            "repl-diskless-sync-max-replicas" => settings.diskless_replicas_max = value.parse().unwrap(),
            "repl-backlog-ttl" => settings.backlog_ttl_ms = ms(),
            "repl-timeout" => settings.timeout_ms = ms(),
            "min-replicas-to-write" => settings.replicas_min = value.parse().unwrap(),
            "min-replicas-max-lag" => settings.lag_ms_max = ms(),
            _ => panic!("unknown setting {name}"),
        }
    }

    fn connection(&mut self, conn: u64, rest: &str) -> Vec<String> {
        let id = ConnId(conn);
        match rest.split_once(' ').unwrap_or((rest, "")) {
            ("closed", _) => self.step(Event::Closed { conn: id }),
            ("sent", _) => self.step(Event::PayloadSent { conn: id }),
            ("progress", _) => self.step(Event::PayloadProgress { conn: id }),
            ("says", text) => self.step(Event::Received { conn: id, bytes: &unescape(text) }),
            _ => self.command(conn, rest),
        }
    }

    /// A command of a connection that is no replica yet.
    fn command(&mut self, conn: u64, line: &str) -> Vec<String> {
        let words = split_args(line.as_bytes()).unwrap();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let args = OwnedArgs::from_slices(&words);
        let facts = self.facts.entry(conn).or_default();
        if args.as_args().name() == b"REPLCONF" {
            return match facts.replconf(args.as_args()) {
                Ok(_) => Vec::new(),
                Err(error) => vec![error.to_string()],
            };
        }
        let facts = facts.clone();
        let peer = Peer { ip: (conn < 90).then(|| "127.0.0.1".into()), client_id: conn };
        let request = SyncRequest::parse(args.as_args());
        self.step(Event::Sync { conn: ConnId(conn), request, facts, peer })
    }

    fn info(&self) -> Vec<String> {
        let lines = self.primary.replicas(self.now_ms);
        let mut lines: Vec<String> = lines
            .iter()
            .map(|r| {
                let (ip, port, state) = (&r.ip, r.port, r.state.name());
                format!("ip={ip},port={port},state={state},offset={},lag={}", r.offset, r.lag_seconds)
            })
            .collect();
        let Counters { sync_full, sync_partial_ok, sync_partial_err } = self.primary.counters;
        lines.push(format!(
            "full={sync_full} partial_ok={sync_partial_ok} partial_err={sync_partial_err} good={}",
            self.primary.good_replicas()
        ));
        lines
    }
}

fn show(action: &Action) -> String {
    match action {
        Action::Send { to, bytes } => format!("{} <- {}", to.0, trace::bytes(bytes)),
        Action::Stream { to, from } => format!("{} <- log after {from}", to.0),
        Action::StartSnapshot { id, target, replicas, without_data, without_functions } => {
            let replicas: Vec<u64> = replicas.iter().map(|conn| conn.0).collect();
            let data = if *without_data { " without data" } else { "" };
            let functions = if *without_functions { " without functions" } else { "" };
            format!("snapshot {} to {target:?} for {replicas:?}{data}{functions}", id.0)
        }
        Action::Attach { to, id } => format!("{} joins snapshot {}", to.0, id.0),
        Action::AbortSnapshot { id } => format!("abort snapshot {}", id.0),
        Action::ReleaseSnapshot { id } => format!("release snapshot {}", id.0),
        Action::SendFile { to, id, header } => {
            format!("{} <- {} and the file of snapshot {}", to.0, trace::bytes(header), id.0)
        }
        Action::EndPayload { to, bytes } => format!("{} <- end of payload {}", to.0, trace::bytes(bytes)),
        Action::Close { conn, flush: Flush::Now } => format!("close {}", conn.0),
        Action::Close { conn, flush: Flush::AfterOutput } => format!("close {} after its output", conn.0),
        Action::Refuse { conn, line } => format!("refuse {}: {}", conn.0, line.trim_end()),
        Action::Promote { conn, request, .. } => format!("promote, then {} {request:?}", conn.0)
            .split(" Psync")
            .next()
            .unwrap_or_default()
            .to_string(),
        Action::Append(bytes) => format!("log <- {}", trace::bytes(bytes)),
        Action::CreateBacklog { history } => {
            format!("create backlog {} {}", history.id, history.second_offset)
        }
        Action::FreeBacklog { history } => format!("free backlog {} {}", history.id, history.second_offset),
        Action::FewReplicas(few) => format!("few replicas: {few}"),
        Action::Log(level, line) => format!("{level:?}: {line}"),
    }
}

#[track_caller]
fn check(script: &str) {
    let mut node = Node::new();
    trace::check(script, |line| node.run(line));
}
