//! INFO replication, as its threads tell it.

use super::facts::Facts;
use super::line;

pub fn lines(facts: &Facts, out: &mut String) {
    for (name, value) in facts.server.replication.info(facts.server) {
        line(out, &name, value);
    }
}
