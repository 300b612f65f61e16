//! The Redis protocol: decoding of requests, a sink for replies.
