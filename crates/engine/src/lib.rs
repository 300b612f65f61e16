//! The keyspace, transactions, the log, RDB and the data commands. No I/O, no clock.
