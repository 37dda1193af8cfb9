//! Measures the contrast of colours as the web's accessibility guidelines (WCAG 2) define it.

use wasm_bindgen::prelude::*;

/// How bright a colour such as `#336699` looks: from 0 for black to 1 for white.
#[wasm_bindgen]
pub fn luminance(color: &str) -> Result<f64, String> {
    let [red, green, blue] = parse(color)?.map(linear);
    Ok(0.2126 * red + 0.7152 * green + 0.0722 * blue)
}

/// The contrast of two colours, from 1 (the same) to 21 (black on white).
#[wasm_bindgen]
pub fn contrast(one: &str, other: &str) -> Result<f64, String> {
    let (one, other) = (luminance(one)?, luminance(other)?);
    Ok((one.max(other) + 0.05) / (one.min(other) + 0.05))
}

/// Colours to write with on one background.
#[wasm_bindgen]
pub struct Palette {
    background: String,
    colors: Vec<String>,
}

#[wasm_bindgen]
impl Palette {
    #[wasm_bindgen(constructor)]
    pub fn new(background: &str) -> Result<Palette, String> {
        parse(background)?;
        Ok(Palette {
            background: background.to_owned(),
            colors: Vec::new(),
        })
    }

    pub fn add(&mut self, color: &str) -> Result<(), String> {
        parse(color)?;
        self.colors.push(color.to_owned());
        Ok(())
    }

    /// The colours that are readable on the background: a contrast of 4.5 or more.
    pub fn readable(&self) -> Result<Vec<String>, String> {
        let mut readable = Vec::new();
        for color in &self.colors {
            if contrast(color, &self.background)? >= 4.5 {
                readable.push(color.clone());
            }
        }
        Ok(readable)
    }
}

/// The red, green and blue of `#rrggbb`.
fn parse(color: &str) -> Result<[u8; 3], String> {
    color
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .map(|number| [(number >> 16) as u8, (number >> 8) as u8, number as u8])
        .ok_or_else(|| format!("not a colour like #336699: {color}"))
}

/// Undoes the gamma of sRGB.
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_has_the_highest_contrast() {
        assert_eq!(contrast("#000000", "#ffffff").unwrap().round(), 21.0);
        assert_eq!(contrast("#336699", "#336699").unwrap(), 1.0);
    }

    #[test]
    fn green_looks_brighter_than_blue() {
        assert!(luminance("#00ff00").unwrap() > luminance("#0000ff").unwrap());
    }

    #[test]
    fn a_palette_keeps_what_is_readable() {
        let mut palette = Palette::new("#ffffff").unwrap();
        palette.add("#003366").unwrap();
        palette.add("#ffff00").unwrap();
        assert_eq!(palette.readable().unwrap(), ["#003366"]);
    }

    #[test]
    fn what_is_no_colour_is_named() {
        for color in ["336699", "#33669", "#33669g", "#+33669", "#ééé"] {
            assert_eq!(
                luminance(color).unwrap_err(),
                format!("not a colour like #336699: {color}")
            );
        }
    }
}
