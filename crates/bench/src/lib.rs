//! Benchmarks against redis-server, and of the engine inside one process.
