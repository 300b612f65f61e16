//! Streams as files hold them: blocks as they are, counters, groups with what is pending.
//!
//! A stream is written in the form that Redis 7.0 knows, which does not say when consumers were active. Redis 7.2's
//! form does, but 7.0 refuses a whole file for it. So an auxiliary field before the key says it: servers that don't know
//! the field pass over it, and take the time that a consumer was seen at for both, as they do with 7.0's files. DUMP has
//! no place for it.

use super::decode::{Input, Read, Stop, wrong};
use super::encode::{push_length, push_string};
use super::{Value, kind, opcode};
use crate::value;
use ds::stream::{Group, GroupError, GroupLoader, Id, LoadError, Stream};

/// What stands for "it is not known how many entries the group has read": -1.
const READ_UNKNOWN: u64 = u64::MAX;
/// What stands for "the consumer never got anything".
const NEVER_ACTIVE: i64 = -1;

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        let text = match error {
            LoadError::Block => "Stream listpack integrity check failed",
            LoadError::Order => "Stream nodes are out of order",
            LoadError::DuplicateGroup => "Duplicated consumer group name",
        };
        Self::Wrong(text.into())
    }
}

impl From<GroupError> for Stop {
    fn from(error: GroupError) -> Self {
        let text = match error {
            GroupError::DuplicatePending => "Duplicated global PEL entry loading stream consumer group",
            GroupError::DuplicateConsumer => "Duplicated stream consumer name",
            GroupError::NotPending => "Consumer entry not found in group global PEL",
            GroupError::NoConsumer => "NACK entry without consumer",
        };
        Self::Wrong(text.into())
    }
}

impl Input<'_> {
    pub(super) fn stream(&mut self, kind: u8) -> Read<value::Value> {
        let mut stream = Stream::new();
        for _ in 0..self.length()? {
            let name = self.text()?;
            let Ok(master) = <[u8; Id::BYTES]>::try_from(&name[..]) else {
                return wrong("Stream node key entry is not the size of a stream ID");
            };
            let pack = self.text()?.into_owned().into_boxed_slice();
            stream.push_block(Id::from_bytes(master), pack)?;
        }
        self.length()?; // entries, which the blocks say too
        let last_id = self.stream_id()?;
        let (mut added, mut max_deleted) = (None, None);
        if kind != kind::STREAM {
            self.stream_id()?; // the first entry's, which the blocks say too
            max_deleted = Some(self.stream_id()?);
            added = Some(self.length()?);
        }
        stream.finish_load(last_id, added, max_deleted);
        for _ in 0..self.length()? {
            let group = self.group(kind, &stream)?;
            stream.add_group(group)?;
        }
        Ok(value::Value::Stream(Box::new(stream)))
    }

    /// An id as two numbers.
    fn stream_id(&mut self) -> Read<Id> {
        Ok(Id::new(self.length()?, self.length()?))
    }

    fn time(&mut self) -> Read<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn group(&mut self, kind: u8, stream: &Stream) -> Read<Group> {
        let name = self.text()?;
        let last_id = self.stream_id()?;
        let read = match kind {
            kind::STREAM => stream.counters().read_up_to(last_id),
            _ => Some(self.length()?).filter(|read| *read != READ_UNKNOWN),
        };
        let mut group = GroupLoader::new(&name, last_id, read);
        for _ in 0..self.length()? {
            let id = Id::from_bytes(self.array()?);
            let delivered_ms = self.time()?;
            group.pending(id, delivered_ms, self.length()?)?;
        }
        for _ in 0..self.length()? {
            let consumer = self.text()?;
            let seen_ms = self.time()?;
            // Older files don't say when it was active: when it was seen is the best guess.
            let active_ms = if kind == kind::STREAM_3 { self.time()? } else { seen_ms };
            group.consumer(&consumer, seen_ms, Some(active_ms).filter(|at| *at != NEVER_ACTIVE))?;
            for _ in 0..self.length()? {
                let id = Id::from_bytes(self.array()?);
                group.owned(&consumer, id)?;
            }
        }
        Ok(group.finish()?)
    }
}

/// The auxiliary field with the times at which consumers of the next key's stream were active, where these are not the
/// times that they were seen at: per group its name and the number of consumers, per consumer its name and the time.
pub(super) const ACTIVE_TIMES: &[u8] = b"greylag-active-times";

pub(super) fn push_active_times(out: &mut Vec<u8>, value: &Value) {
    let Value::Object(object) = value else { return };
    let value::Value::Stream(stream) = &**object else { return };
    let mut times = Vec::new();
    for group in stream.groups() {
        let differ = || group.consumers().filter(|consumer| consumer.active_ms != Some(consumer.seen_ms));
        let count = differ().count();
        if count == 0 {
            continue;
        }
        push_string(&mut times, group.name(), false);
        push_length(&mut times, count as u64);
        for consumer in differ() {
            push_string(&mut times, consumer.name(), false);
            times.extend_from_slice(&consumer.active_ms.unwrap_or(NEVER_ACTIVE).to_le_bytes());
        }
    }
    if !times.is_empty() {
        out.push(opcode::AUX);
        push_string(out, ACTIVE_TIMES, false);
        push_string(out, &times, false);
    }
}

/// The value with the times that the field before it has; of another type than a stream it stays as it is.
pub(super) fn with_active_times<'b>(value: Option<Value<'b>>, times: &[u8]) -> Read<Option<Value<'b>>> {
    let Some(Value::Object(mut object)) = value else { return Ok(value) };
    if let value::Value::Stream(stream) = object.to_mut() {
        match set_active_times(stream, times) {
            Ok(()) => {}
            Err(Stop::Wrong(what)) => return wrong(what),
            Err(Stop::Need(_)) => return wrong("Times of stream consumers are cut off"),
        }
    }
    Ok(Some(Value::Object(object)))
}

fn set_active_times(stream: &mut Stream, times: &[u8]) -> Read<()> {
    let mut input = Input::whole(times);
    while !input.is_at_end() {
        let name = input.text()?;
        for _ in 0..input.length()? {
            let consumer = input.text()?;
            let active_ms = Some(input.time()?).filter(|at| *at != NEVER_ACTIVE);
            let set = stream.with_group(&name, |group, _| {
                let seen_ms = group.consumer(&consumer)?.seen_ms;
                group.set_consumer_times(&consumer, seen_ms, active_ms);
                Some(())
            });
            if set.flatten().is_none() {
                return wrong("Times of a stream consumer that is not there");
            }
        }
    }
    Ok(())
}

/// In the form that Redis 7.0 knows, which leaves out when consumers were active. `goes_on` is asked between two parts,
/// and may take what there is; false ends it.
pub(super) fn push_stream(
    out: &mut Vec<u8>,
    stream: &Stream,
    compress: bool,
    goes_on: &mut dyn FnMut(&mut Vec<u8>) -> bool,
) {
    push_length(out, stream.blocks_len() as u64);
    for block in stream.blocks() {
        if !goes_on(out) {
            return;
        }
        push_string(out, &block.master().to_bytes(), compress);
        push_string(out, block.bytes(), compress);
    }
    let counters = stream.counters();
    push_length(out, counters.len);
    push_id(out, counters.last_id);
    push_id(out, counters.first_id);
    push_id(out, counters.max_deleted_id);
    push_length(out, counters.entries_added);
    push_length(out, stream.groups_len() as u64);
    stream.groups().for_each(|group| push_group(out, group, compress, goes_on));
}

fn push_id(out: &mut Vec<u8>, id: Id) {
    push_length(out, id.ms);
    push_length(out, id.seq);
}

fn push_group(
    out: &mut Vec<u8>,
    group: &Group,
    compress: bool,
    goes_on: &mut dyn FnMut(&mut Vec<u8>) -> bool,
) {
    push_string(out, group.name(), compress);
    push_id(out, group.last_id);
    push_length(out, group.entries_read.unwrap_or(READ_UNKNOWN));
    push_length(out, group.pending_len() as u64);
    for pending in group.pending_between(Id::MIN, Id::MAX) {
        if !goes_on(out) {
            return;
        }
        out.extend_from_slice(&pending.id.to_bytes());
        out.extend_from_slice(&pending.delivered_ms.to_le_bytes());
        push_length(out, pending.deliveries);
    }
    push_length(out, group.consumers_len() as u64);
    for consumer in group.consumers() {
        push_string(out, consumer.name(), compress);
        out.extend_from_slice(&consumer.seen_ms.to_le_bytes());
        push_length(out, consumer.pending_len() as u64);
        for id in consumer.pending_ids(Id::MIN, Id::MAX) {
            if !goes_on(out) {
                return;
            }
            out.extend_from_slice(&id.to_bytes());
        }
    }
}
