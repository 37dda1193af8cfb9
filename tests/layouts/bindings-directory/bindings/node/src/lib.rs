use napi_derive::napi;

/// Makes the last part of a URL from a title.
#[napi]
pub fn slug(title: String) -> String {
    slugs::slug(&title)
}
