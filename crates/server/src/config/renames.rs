//! `rename-command`: names that commands have instead of their own, or none.
//!
//! A rename is judged where it stands: later ones see the names that earlier ones gave. All of Redis's commands may
//! be renamed; for those that this version lacks it has no effect.

/// Renames in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames(pub Vec<Rename>);

/// Names are in lower case; an empty `to` disables the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub from: String,
    pub to: String,
}

impl Renames {
    pub fn add(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        let name = |word: &[u8]| String::from_utf8_lossy(word).to_ascii_lowercase();
        let rename = Rename { from: name(from), to: name(to) };
        if !self.exists(&rename.from) {
            return Err("No such command in rename-command".into());
        }
        if !rename.to.is_empty() && rename.to != rename.from && self.exists(&rename.to) {
            return Err("Target command name already exists".into());
        }
        self.0.push(rename);
        Ok(())
    }

    fn exists(&self, name: &str) -> bool {
        let mut exists = COMMANDS.split(' ').any(|command| command == name);
        for rename in &self.0 {
            exists = (exists && rename.from != name) || rename.to == name;
        }
        exists
    }
}

/// The commands of Redis 7.2.
const COMMANDS: &str = "acl append asking auth bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop bitpos blmove blmpop \
     blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client cluster command config copy dbsize debug decr \
     decrby del discard dump echo eval eval_ro evalsha evalsha_ro exec exists expire expireat expiretime \
     failover fcall fcall_ro flushall flushdb function geoadd geodist geohash geopos georadius \
     georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore get getbit getdel getex \
     getrange getset hdel hello hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset \
     hrandfield hscan hset hsetnx hstrlen hvals incr incrby incrbyfloat info keys lastsave latency lcs \
     lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrange lrem lset ltrim memory mget \
     migrate module monitor move mset msetnx multi object persist pexpire pexpireat pexpiretime pfadd \
     pfcount pfdebug pfmerge pfselftest ping psetex psubscribe psync pttl publish pubsub punsubscribe \
     quit randomkey readonly readwrite rename renamenx replconf replicaof reset restore restore-asking \
     role rpop rpoplpush rpush rpushx sadd save scan scard script sdiff sdiffstore select set setbit \
     setex setnx setrange shutdown sinter sintercard sinterstore sismember slaveof slowlog smembers \
     smismember smove sort sort_ro spop spublish srandmember srem sscan ssubscribe strlen subscribe \
     substr sunion sunionstore sunsubscribe swapdb sync time touch ttl type unlink unsubscribe unwatch \
     wait waitaof watch xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread \
     xreadgroup xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard \
     zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore \
     zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex \
     zrevrangebyscore zrevrank zscan zscore zunion zunionstore";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_see_those_before_them() {
        let mut renames = Renames::default();
        let mut add = |from: &str, to: &str| renames.add(from.as_bytes(), to.as_bytes());
        assert_eq!(add("nosuch", "x"), Err("No such command in rename-command".into()));
        assert_eq!(add("GET", "set"), Err("Target command name already exists".into()));
        assert_eq!(add("GET", "read"), Ok(()));
        assert_eq!(add("get", "again"), Err("No such command in rename-command".into()));
        assert_eq!(add("SET", "Get"), Ok(()));
        assert_eq!(add("READ", ""), Ok(()));
        assert_eq!(add("read", "x"), Err("No such command in rename-command".into()));
        assert_eq!(add("get", "get"), Ok(()));
        assert_eq!(add("zpopmin", ""), Ok(()));
    }
}
