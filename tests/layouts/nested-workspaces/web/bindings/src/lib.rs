use wasm_bindgen::prelude::*;

/// Inverts a colour.
#[wasm_bindgen]
pub fn inverted(color: u32) -> u32 {
    colors::inverted(color)
}
