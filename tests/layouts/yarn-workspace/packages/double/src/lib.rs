use napi_derive::napi;

/// What the package is for.
#[napi]
pub fn double(number: u32) -> u32 {
    shared::twice(number)
}
