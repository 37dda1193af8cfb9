//! Counts words and ranks them by how often they occur.
//!
//! ```
//! use fleet_tally::Tally;
//!
//! let tally = Tally::of("To be, or not to be");
//! assert_eq!(tally.count("be"), 2);
//! assert_eq!(tally.top(1), [("be", 2)]);
//! ```

use std::cmp::Reverse;
use std::collections::HashMap;

/// How often each word was seen, whatever its case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: HashMap<String, u32>,
}

impl Tally {
    /// Counts the words of one text.
    pub fn of(text: &str) -> Self {
        let mut tally = Self::default();
        tally.add(text);
        tally
    }

    /// Counts the words of another text on top of those seen so far.
    pub fn add(&mut self, text: &str) {
        for word in words(text) {
            *self.counts.entry(word).or_default() += 1;
        }
    }

    /// How often a word was seen.
    pub fn count(&self, word: &str) -> u32 {
        self.counts.get(&word.to_lowercase()).copied().unwrap_or(0)
    }

    /// How many words were seen, repeats included.
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }

    /// The most frequent words; equals are in alphabetical order, so that the answer never varies.
    pub fn top(&self, limit: usize) -> Vec<(&str, u32)> {
        let mut ranked: Vec<_> = self
            .counts
            .iter()
            .map(|(word, &count)| (word.as_str(), count))
            .collect();
        ranked.sort_by_key(|&(word, count)| (Reverse(count), word));
        ranked.truncate(limit);
        ranked
    }
}

/// The words of a text in lower case: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_punctuation_do_not_matter() {
        let tally = Tally::of("Rust, rust; RUST!");
        assert_eq!(tally.count("rust"), 3);
        assert_eq!(tally.count("Rust"), 3);
    }

    #[test]
    fn an_empty_text_has_no_words() {
        let tally = Tally::of(" -- \n");
        assert_eq!(tally.total(), 0);
        assert!(tally.top(5).is_empty());
    }

    #[test]
    fn texts_add_up() {
        let mut tally = Tally::of("one two");
        tally.add("two three");
        assert_eq!(tally.count("two"), 2);
        assert_eq!(tally.total(), 4);
    }

    #[test]
    fn equals_rank_alphabetically() {
        let tally = Tally::of("pear apple pear fig apple");
        assert_eq!(tally.top(2), [("apple", 2), ("pear", 2)]);
    }

    #[test]
    fn letters_of_any_script_make_words() {
        assert_eq!(
            words("Über Łódź 東京").collect::<Vec<_>>(),
            ["über", "łódź", "東京"]
        );
    }
}
