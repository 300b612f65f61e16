//! The size of a radix tree of ids, which XINFO STREAM tells.
//!
//! A node holds either one way of several bytes, or the ways of a branch, one byte each. What is behind a key's last
//! byte is a node too, and so is the root of an empty tree.

use super::Id;

type Key = [u8; Id::BYTES];

/// Nodes of the tree of these keys, which ascend.
pub(super) fn nodes(keys: &[Key]) -> usize {
    if keys.is_empty() { 1 } else { below(keys, 0) }
}

/// Nodes for keys that have their first `depth` bytes in common.
fn below(keys: &[Key], depth: usize) -> usize {
    let (first, last) = (&keys[0], &keys[keys.len() - 1]);
    let common = depth + first[depth..].iter().zip(&last[depth..]).take_while(|(a, b)| a == b).count();
    let way = usize::from(depth < common);
    if common == Id::BYTES {
        return way + 1;
    }
    let branches = keys.chunk_by(|a, b| a[common] == b[common]);
    way + 1 + branches.map(|branch| below(branch, common + 1)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures are those of redis-server 7.0.15 for streams with one entry to a node.
    #[test]
    fn nodes_are_counted_as_redis_counts_them() {
        let count = |ids: &[(u64, u64)]| {
            nodes(&ids.iter().map(|(ms, seq)| Id::new(*ms, *seq).to_bytes()).collect::<Vec<_>>())
        };
        assert_eq!(count(&[]), 1);
        assert_eq!(count(&[(1, 1)]), 2);
        assert_eq!(count(&[(1, 1), (1, 2)]), 4);
        assert_eq!(count(&[(1, 1), (1, 2), (1, 3)]), 5);
        assert_eq!(count(&[(1, 1), (2, 1)]), 6);
        assert_eq!(count(&[(1, 1), (1, 2), (2, 1)]), 8);
        assert_eq!(count(&[(1, 1), (1, 256), (1, 257)]), 7);
    }
}
