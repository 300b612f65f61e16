//! When two replies count as the same.

use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Byte by byte.
    Exact,
    /// An array or a set whose order is chance.
    Unordered,
    /// A cursor, and an array whose order is chance.
    Members,
    /// An array of names and values, or a map, whose order is chance.
    Pairs,
    /// Integers that may be so far apart; negative ones mean something and must be equal.
    Near(i64),
    /// The same types in the same places; errors byte by byte.
    Shape,
    /// The same type; errors byte by byte.
    Kind,
    /// HELLO's map: version and id are each server's own.
    Hello,
    /// DUMP: whether and how a long string is compressed is each server's own.
    Dump,
    /// FUNCTION LIST: in any order of libraries, functions and flags.
    Libraries,
    /// XPENDING: how long something has been pending may be a minute apart.
    Pending,
    /// XINFO of groups: without consumers and times.
    Groups,
    /// COMMAND INFO: notes are prose, each server's own.
    Notes,
}

impl Class {
    pub fn same(self, one: &Value, two: &Value) -> bool {
        if one.is_error() || two.is_error() {
            return one == two;
        }
        match self {
            Class::Exact => one == two,
            Class::Unordered => match (one, two) {
                (Value::Array(a), Value::Array(b)) | (Value::Set(a), Value::Set(b)) => sorted(a) == sorted(b),
                _ => one == two,
            },
            Class::Members => match (one, two) {
                (Value::Array(a), Value::Array(b)) if a.len() == 2 && b.len() == 2 => {
                    a[0] == b[0] && Class::Unordered.same(&a[1], &b[1])
                }
                _ => one == two,
            },
            Class::Pairs => match (one, two) {
                (Value::Map(a), Value::Map(b)) => sorted(a) == sorted(b),
                (Value::Array(a), Value::Array(b)) => sorted(&pairs(a)) == sorted(&pairs(b)),
                _ => one == two,
            },
            Class::Near(most) => match (one, two) {
                (Value::Int(a), Value::Int(b)) if 0 <= *a && 0 <= *b => a.abs_diff(*b) <= most as u64,
                _ => one == two,
            },
            Class::Shape => same_shape(one, two),
            Class::Kind => std::mem::discriminant(one) == std::mem::discriminant(two),
            Class::Hello => without_own(one) == without_own(two),
            Class::Dump => one == two || is_compressed(one) || is_compressed(two),
            Class::Libraries => all_sorted(one) == all_sorted(two),
            Class::Pending => same_pending(one, two),
            Class::Groups => without_times(one) == without_times(two),
            Class::Notes => without_notes(one) == without_notes(two),
        }
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// Arrays and sets sorted, at every depth.
fn all_sorted(value: &Value) -> Value {
    let inside = |items: &[Value]| sorted(&items.iter().map(all_sorted).collect::<Vec<_>>());
    match value {
        Value::Array(items) | Value::Set(items) => Value::Array(inside(items)),
        Value::Map(pairs) => Value::Array(sorted(
            &pairs
                .iter()
                .map(|(key, value)| Value::Array(vec![all_sorted(key), all_sorted(value)]))
                .collect::<Vec<_>>(),
        )),
        other => other.clone(),
    }
}

fn pairs(items: &[Value]) -> Vec<Vec<Value>> {
    items.chunks(2).map(<[Value]>::to_vec).collect()
}

fn same_shape(one: &Value, two: &Value) -> bool {
    match (one, two) {
        // The elements of arrays of the same kind of thing: the server's choice how many.
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        _ => std::mem::discriminant(one) == std::mem::discriminant(two),
    }
}

fn without_own(reply: &Value) -> Vec<(Value, Value)> {
    let items = match reply {
        Value::Map(pairs) => pairs.clone(),
        Value::Array(items) => items
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair.get(1).cloned().unwrap_or(Value::Nil)))
            .collect(),
        other => vec![(Value::Nil, other.clone())],
    };
    let own = [Value::bulk("version"), Value::bulk("id")];
    items
        .into_iter()
        .map(|(key, value)| if own.contains(&key) { (key, Value::Nil) } else { (key, value) })
        .collect()
}

/// A string, type 0, whose first byte says LZF.
fn is_compressed(dump: &Value) -> bool {
    matches!(dump, Value::Bulk(bytes) if bytes.starts_with(&[0, 0xc3]))
}

/// Arrays of id, consumer, milliseconds and count.
fn same_pending(one: &Value, two: &Value) -> bool {
    const MOST_MS: i64 = 60_000;
    match (one, two) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).all(|(a, b)| match (a, b) {
                (Value::Array(a), Value::Array(b)) if a.len() == 4 && b.len() == 4 => {
                    (&a[..2], &a[3]) == (&b[..2], &b[3]) && Class::Near(MOST_MS).same(&a[2], &b[2])
                }
                _ => a == b,
            })
        }
        _ => one == two,
    }
}

/// Without what follows "consumers", and without the time of what is pending: the third of four.
fn without_times(value: &Value) -> Value {
    let is_consumers = |value: &Value| matches!(value, Value::Bulk(text) if text == b"consumers");
    match value {
        Value::Array(items) => {
            let mut out: Vec<Value> = items.iter().map(without_times).collect();
            if let [_, _, Value::Int(_), Value::Int(_)] = &items[..] {
                out[2] = Value::Nil;
            }
            for at in 1..out.len() {
                if is_consumers(&items[at - 1]) {
                    out[at] = Value::Nil;
                }
            }
            Value::Array(out)
        }
        Value::Map(pairs) => Value::Map(
            pairs
                .iter()
                .map(|(key, value)| {
                    (key.clone(), if is_consumers(key) { Value::Nil } else { without_times(value) })
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The value after each "notes" left out, at any depth.
fn without_notes(value: &Value) -> Value {
    let is_notes =
        |value: &Value| matches!(value, Value::Bulk(text) | Value::Simple(text) if text == b"notes");
    let inside = |items: &[Value]| {
        let mut after = false;
        let mut out = Vec::new();
        for item in items {
            if !std::mem::replace(&mut after, is_notes(item)) {
                out.push(without_notes(item));
            }
        }
        out
    };
    match value {
        Value::Array(items) => Value::Array(inside(items)),
        Value::Set(items) => Value::Set(inside(items)),
        Value::Map(pairs) => {
            let without = pairs.iter().map(|(key, value)| {
                (key.clone(), if is_notes(key) { Value::Nil } else { without_notes(value) })
            });
            Value::Map(without.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &str) -> Value {
        Value::parse(bytes.as_bytes()).expect("is well formed").expect("is whole").0
    }

    #[test]
    fn nothing_is_not_the_same_in_both_protocols() {
        assert!(!Class::Exact.same(&value("$-1\r\n"), &value("_\r\n")));
        assert!(!Class::Kind.same(&value("$-1\r\n"), &value("_\r\n")));
    }

    #[test]
    fn classes_see_what_they_are_for() {
        let cases = [
            (Class::Exact, "$1\r\na\r\n", "+a\r\n", false),
            (Class::Exact, "$-1\r\n", "*-1\r\n", false),
            (Class::Unordered, "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", true),
            (Class::Unordered, "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:2\r\n", false),
            (Class::Unordered, "~2\r\n:1\r\n:2\r\n", "~2\r\n:2\r\n:1\r\n", true),
            (Class::Unordered, "~1\r\n:1\r\n", "*1\r\n:1\r\n", false),
            (Class::Members, "*2\r\n+0\r\n*2\r\n:1\r\n:2\r\n", "*2\r\n+0\r\n*2\r\n:2\r\n:1\r\n", true),
            (Class::Members, "*2\r\n+0\r\n*1\r\n:1\r\n", "*2\r\n+1\r\n*1\r\n:1\r\n", false),
            (Class::Pairs, "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:2\r\n+a\r\n:1\r\n", true),
            (Class::Pairs, "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n", false),
            (Class::Near(5), ":100\r\n", ":105\r\n", true),
            (Class::Near(5), ":100\r\n", ":106\r\n", false),
            (Class::Near(5), ":-1\r\n", ":-2\r\n", false),
            (Class::Near(5), ":1\r\n", ":-1\r\n", false),
            (Class::Shape, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n", "*2\r\n$2\r\n17\r\n*0\r\n", true),
            (Class::Shape, "*1\r\n$1\r\n0\r\n", "*1\r\n:0\r\n", false),
            (Class::Kind, ":1\r\n", ":2\r\n", true),
            (Class::Kind, "-ERR a\r\n", "-ERR b\r\n", false),
            (
                Class::Hello,
                "%2\r\n$2\r\nid\r\n:1\r\n$1\r\na\r\n:1\r\n",
                "%2\r\n$2\r\nid\r\n:2\r\n$1\r\na\r\n:1\r\n",
                true,
            ),
            (Class::Dump, "$2\r\n\0a\r\n", "$2\r\n\0b\r\n", false),
            (
                Class::Pending,
                "*1\r\n*4\r\n+a\r\n+b\r\n:1\r\n:2\r\n",
                "*1\r\n*4\r\n+a\r\n+b\r\n:9\r\n:2\r\n",
                true,
            ),
            (
                Class::Pending,
                "*1\r\n*4\r\n+a\r\n+b\r\n:1\r\n:2\r\n",
                "*1\r\n*4\r\n+a\r\n+b\r\n:1\r\n:3\r\n",
                false,
            ),
            (Class::Groups, "*2\r\n$9\r\nconsumers\r\n:1\r\n", "*2\r\n$9\r\nconsumers\r\n:2\r\n", true),
            (Class::Groups, "*2\r\n$7\r\npending\r\n:1\r\n", "*2\r\n$7\r\npending\r\n:2\r\n", false),
            (Class::Notes, "*3\r\n+notes\r\n+a\r\n:1\r\n", "*3\r\n+notes\r\n+b\r\n:1\r\n", true),
            (Class::Notes, "*3\r\n+notes\r\n+a\r\n:1\r\n", "*3\r\n+notes\r\n+a\r\n:2\r\n", false),
            (Class::Notes, "*1\r\n%1\r\n+notes\r\n+a\r\n", "*1\r\n%1\r\n+notes\r\n+b\r\n", true),
            (Class::Hello, "%1\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:2\r\n", false),
        ];
        for (class, one, two, same) in cases {
            assert_eq!(class.same(&value(one), &value(two)), same, "{class:?} {one:?} {two:?}");
        }
    }
}
