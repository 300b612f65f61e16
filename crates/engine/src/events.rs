//! What happened to a key, by the names that keyspace notifications use.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Set,
    SetRange,
    SetBit,
    IncrBy,
    IncrByFloat,
    Append,
    Del,
    Expire,
    Persist,
    RenameFrom,
    RenameTo,
    MoveFrom,
    MoveTo,
    CopyTo,
    Restore,
    SAdd,
    SRem,
    SPop,
    SInterStore,
    SUnionStore,
    SDiffStore,
}

impl Event {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::SetRange => "setrange",
            Self::SetBit => "setbit",
            Self::IncrBy => "incrby",
            Self::IncrByFloat => "incrbyfloat",
            Self::Append => "append",
            Self::Del => "del",
            Self::Expire => "expire",
            Self::Persist => "persist",
            Self::RenameFrom => "rename_from",
            Self::RenameTo => "rename_to",
            Self::MoveFrom => "move_from",
            Self::MoveTo => "move_to",
            Self::CopyTo => "copy_to",
            Self::Restore => "restore",
            Self::SAdd => "sadd",
            Self::SRem => "srem",
            Self::SPop => "spop",
            Self::SInterStore => "sinterstore",
            Self::SUnionStore => "sunionstore",
            Self::SDiffStore => "sdiffstore",
        }
    }
}
