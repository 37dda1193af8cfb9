mod utils;

use wasm_bindgen::prelude::*;

/// Counts the words of a text.
#[wasm_bindgen]
pub fn words(text: &str) -> u32 {
    utils::words(text).count() as u32
}

/// Counts texts.
#[wasm_bindgen]
#[derive(Default)]
pub struct Counter {
    texts: u32,
}

#[wasm_bindgen]
impl Counter {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Counter {
        Counter::default()
    }

    pub fn add(&mut self, _text: &str) -> u32 {
        self.texts += 1;
        self.texts
    }
}
