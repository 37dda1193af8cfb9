pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}
