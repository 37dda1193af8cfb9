use napi_derive::napi;

/// Adds two numbers.
#[napi]
pub fn sum(one: u32, other: u32) -> u32 {
    engine::sum(one, other)
}
