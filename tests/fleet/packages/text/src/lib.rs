//! Word counts and slugs for JavaScript, on top of `fleet-tally`.

use fleet_tally::{words, Tally};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Error, Result, Status, Task};
use napi_derive::napi;

/// Turns a title into the last part of a URL: "Hello, World!" becomes "hello-world".
#[napi]
pub fn slug(title: String) -> String {
    words(&title).collect::<Vec<_>>().join("-")
}

/// One word and how often it was seen.
#[napi(object)]
pub struct WordCount {
    pub word: String,
    pub count: u32,
}

/// Counts the words of any number of texts.
#[napi]
#[derive(Default)]
pub struct WordCounter {
    tally: Tally,
}

#[napi]
impl WordCounter {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi]
    pub fn add(&mut self, text: String) {
        self.tally.add(&text);
    }

    #[napi(getter)]
    pub fn total(&self) -> u32 {
        self.tally.total()
    }

    #[napi]
    pub fn top(&self, limit: u32) -> Vec<WordCount> {
        let top = self.tally.top(limit as usize).into_iter();
        top.map(|(word, count)| WordCount {
            word: word.to_owned(),
            count,
        })
        .collect()
    }
}

pub struct CountWords {
    bytes: Vec<u8>,
}

impl Task for CountWords {
    type Output = u32;
    type JsValue = u32;

    fn compute(&mut self) -> Result<u32> {
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|error| Error::new(Status::InvalidArg, format!("not UTF-8: {error}")))?;
        Ok(Tally::of(text).total())
    }

    fn resolve(&mut self, _env: Env, total: u32) -> Result<u32> {
        Ok(total)
    }
}

/// Counts the words of a UTF-8 file's content on Node's thread pool, so that a large one blocks nobody.
// The bytes are copied because JavaScript may change its buffer meanwhile.
#[napi(ts_return_type = "Promise<number>")]
pub fn count_words(content: Buffer) -> AsyncTask<CountWords> {
    AsyncTask::new(CountWords {
        bytes: content.to_vec(),
    })
}
