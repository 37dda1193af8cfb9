//! Converts temperatures, or would: it does not compile, on purpose.

/// Celsius to whole degrees Fahrenheit.
pub fn fahrenheit(celsius: i32) -> i32 {
    let exact = f64::from(celsius) * 1.8 + 32.0;
    // The mistake is here: E0308, a `String` where the signature promises an `i32`.
    format!("{exact:.0}")
}
