/// Counts the lines of a text.
pub fn count(text: &str) -> u32 {
    text.lines().count() as u32
}
