//! Both sides of PSYNC as state machines without I/O.

#[derive(Default)]
pub struct Facts;
