//! Facts below everything: numbers as text, glob, checksums, LZF, positions, seeded randomness.
