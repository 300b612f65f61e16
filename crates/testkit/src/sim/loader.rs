//! Loads an RDB into a staging data set, from bytes as they come.

use base::number;
use base::position::{Offset, ReplId};
use engine::Engine;
use engine::load::Staging;
use engine::rdb::{Decoder, Item, Step};

#[derive(Default, Clone, Debug)]
pub struct Origins {
    pub id: Option<ReplId>,
    pub offset: Option<Offset>,
    pub db: Option<u32>,
}

pub struct Loader {
    decoder: Decoder,
    buffer: Vec<u8>,
    db: u32,
    pub staging: Staging,
    pub origins: Origins,
    ended: bool,
}

impl Loader {
    pub fn new(engine: &Engine) -> Self {
        let staging = Staging::new(engine);
        Self {
            decoder: Decoder::shaping(engine.shapes()),
            buffer: Vec::new(),
            db: 0,
            staging,
            origins: Origins::default(),
            ended: false,
        }
    }

    pub fn feed(&mut self, engine: &Engine, bytes: &[u8]) -> Result<(), String> {
        self.buffer.extend_from_slice(bytes);
        self.decode(engine, false)
    }

    pub fn finish(&mut self, engine: &Engine) -> Result<(), String> {
        self.decode(engine, true)?;
        if self.ended && self.buffer.is_empty() { Ok(()) } else { Err("not at its end".into()) }
    }

    fn decode(&mut self, engine: &Engine, at_end: bool) -> Result<(), String> {
        let mut at = 0;
        while !self.ended {
            let step = self.decoder.next(&self.buffer[at..], at_end).map_err(|error| error.to_string())?;
            let Step::Item { consumed, item } = step else { break };
            at += consumed;
            match item {
                Item::SelectDb(db) => self.db = db,
                Item::Aux { key, value } => self.origins.take(&key, &value),
                Item::Entry { key, value, expire_ms, .. } => {
                    let is_new = self.staging.add_value(engine, self.db, &key, value, expire_ms);
                    is_new.then_some(()).ok_or(format!("the key {} comes twice", key.escape_ascii()))?;
                }
                Item::Eof { .. } => self.ended = true,
                _ => {}
            }
        }
        self.buffer.drain(..at);
        Ok(())
    }
}

impl Origins {
    fn take(&mut self, key: &[u8], value: &[u8]) {
        let number = number::parse_u64(value);
        match key {
            b"repl-id" => self.id = ReplId::parse(value),
            b"repl-offset" => self.offset = number.map(Offset),
            b"repl-stream-db" => self.db = number.and_then(|n| u32::try_from(n).ok()),
            _ => {}
        }
    }
}
