use napi_derive::napi;

/// Converts milliseconds to seconds.
#[napi]
pub fn seconds(millis: u32) -> u32 {
    millis / 1000
}
