/// Makes the last part of a URL from a title.
pub fn slug(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}
