//! What happened to a key, by the names that keyspace notifications use.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Set,
    SetRange,
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
    Zadd,
    Zincr,
    Zrem,
    ZremRangeByRank,
    ZremRangeByScore,
    ZremRangeByLex,
    ZpopMin,
    ZpopMax,
    ZrangeStore,
    ZunionStore,
    ZinterStore,
    ZdiffStore,
}

impl Event {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::SetRange => "setrange",
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
            Self::Zadd => "zadd",
            Self::Zincr => "zincr",
            Self::Zrem => "zrem",
            Self::ZremRangeByRank => "zremrangebyrank",
            Self::ZremRangeByScore => "zremrangebyscore",
            Self::ZremRangeByLex => "zremrangebylex",
            Self::ZpopMin => "zpopmin",
            Self::ZpopMax => "zpopmax",
            Self::ZrangeStore => "zrangestore",
            Self::ZunionStore => "zunionstore",
            Self::ZinterStore => "zinterstore",
            Self::ZdiffStore => "zdiffstore",
        }
    }
}
