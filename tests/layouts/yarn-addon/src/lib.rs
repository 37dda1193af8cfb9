#![deny(clippy::all)]

use napi_derive::napi;

/// Adds 100 to a number.
#[napi]
pub fn plus_100(input: u32) -> u32 {
    input + 100
}
