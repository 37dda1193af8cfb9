use napi_derive::napi;

/// Greets somebody.
#[napi]
pub fn greet(name: String) -> String {
    format!("Hello, {name}!")
}
