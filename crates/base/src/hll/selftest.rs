//! PFSELFTEST: the registers and the estimate looked at by themselves.

use super::{DENSE_BYTES, HEADER_BYTES, REGISTERS, add, count, dense_get, dense_raise, new, to_dense};
use crate::rng::Rng;

const ROUNDS: usize = 20;
const VALUE_MAX: u64 = 63;
/// So many elements are counted; a look is taken at each power of ten.
const ELEMENTS_MAX: u64 = 100_000;
/// The standard error of so many registers, 1.04 / sqrt(16384), and how often it may be exceeded.
const ERROR: f64 = 0.008_125;
const ERRORS_MAX: f64 = 6.0;
const SPARSE_BYTES_MAX: usize = 3000;

/// What is wrong, as clients are told.
pub fn selftest(rng: &mut Rng) -> Result<(), String> {
    registers_keep_their_values(rng)?;
    estimates_are_near(rng)
}

fn registers_keep_their_values(rng: &mut Rng) -> Result<(), String> {
    let mut registers = vec![0; DENSE_BYTES - HEADER_BYTES];
    let mut wanted = vec![0; REGISTERS];
    for _ in 0..ROUNDS {
        for (register, wanted) in wanted.iter_mut().enumerate() {
            let value = rng.below(VALUE_MAX + 1) as u8;
            *wanted = value.max(*wanted);
            dense_raise(&mut registers, register, value);
        }
        for (register, &wanted) in wanted.iter().enumerate() {
            let value = dense_get(&registers, register);
            if value != wanted {
                return Err(format!("TESTFAILED Register {register} should be {wanted} but is {value}"));
            }
        }
    }
    Ok(())
}

fn estimates_are_near(rng: &mut Rng) -> Result<(), String> {
    let seed = rng.next_u64();
    let (mut sparse, mut dense) = (new(), new());
    to_dense(&mut dense).map_err(|invalid| invalid.to_string())?;
    let mut look_at = 1;
    for n in 1..=ELEMENTS_MAX {
        let element = (n ^ seed).to_le_bytes();
        for bytes in [&mut sparse, &mut dense] {
            add(bytes, &element, SPARSE_BYTES_MAX).map_err(|invalid| invalid.to_string())?;
        }
        if n == look_at {
            let counts = [&sparse, &dense].map(|bytes| count(bytes));
            let [Ok(one), Ok(two)] = counts else { return Err("TESTFAILED Corrupted HLL object".into()) };
            if one != two {
                return Err("TESTFAILED dense/sparse disagree".into());
            }
            let error = one.abs_diff(n);
            // Of few elements one may fall together with another by chance.
            if (ERRORS_MAX * ERROR * n as f64).ceil() + 1.0 < error as f64 {
                return Err(format!("TESTFAILED Too big error. card:{n} abserr:{error}"));
            }
            look_at *= 10;
        }
    }
    Ok(())
}
