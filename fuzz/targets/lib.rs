//! The entry of a fuzzer: a target of `testkit::hostile` by its name. See `../README.md`.

pub use libfuzzer_sys::fuzz_target;
pub use testkit::hostile::target;

/// Makes the crate the fuzzer of this target. A panic is a find.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        $crate::fuzz_target!(|data: &[u8]| {
            ($crate::target($name).run)(data);
        });
    };
}
