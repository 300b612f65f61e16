//! bad_primary
