use napi_derive::napi;

/// What the package is for.
#[napi]
pub fn count(text: String) -> u32 {
    lines::count(&text)
}
