use napi_derive::napi;

/// What the package is for.
#[napi]
pub fn upper(text: String) -> String {
    text.to_uppercase()
}
