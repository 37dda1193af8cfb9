use napi_derive::napi;

/// What the package is for.
#[napi]
pub fn reverse(text: String) -> String {
    text.chars().rev().collect()
}
