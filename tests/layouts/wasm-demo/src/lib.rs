use wasm_bindgen::prelude::*;

#[cfg(all(target_arch = "wasm32", not(web)))]
compile_error!("the flags of .cargo/config.toml are missing");

/// Squares a number.
#[wasm_bindgen]
pub fn square(number: u32) -> u32 {
    number * number
}

#[test]
fn squares() {
    assert_eq!(square(3), 9);
}
