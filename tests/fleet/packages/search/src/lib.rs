//! Finds a pattern in text with the Boyer-Moore-Horspool algorithm.

use napi::bindgen_prelude::Buffer;
use napi::{Error, Result, Status};
use napi_derive::napi;

/// One pattern, prepared once for any number of searches.
#[napi]
pub struct Searcher {
    pattern: Vec<u8>,
    /// How far the window may move when its last byte is this one.
    skip: [usize; 256],
}

#[napi]
impl Searcher {
    #[napi(constructor)]
    pub fn new(pattern: Buffer) -> Result<Self> {
        let pattern = pattern.to_vec();
        let Some(last) = pattern.len().checked_sub(1) else {
            return Err(Error::new(Status::InvalidArg, "the pattern is empty"));
        };
        let mut skip = [pattern.len(); 256];
        for (at, &byte) in pattern[..last].iter().enumerate() {
            skip[byte as usize] = last - at;
        }
        Ok(Self { pattern, skip })
    }

    /// Where the pattern starts, first to last; overlapping matches count.
    #[napi]
    pub fn find_all(&self, text: Buffer) -> Vec<u32> {
        let size = self.pattern.len();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(window) = text.get(at..at + size) {
            let matches = window == self.pattern;
            if matches {
                found.push(at as u32);
            }
            at += if matches {
                1
            } else {
                self.skip[window[size - 1] as usize]
            };
        }
        found
    }
}

/// How often a pattern occurs in a text.
#[napi]
pub fn count(pattern: Buffer, text: Buffer) -> Result<u32> {
    Ok(Searcher::new(pattern)?.find_all(text).len() as u32)
}
