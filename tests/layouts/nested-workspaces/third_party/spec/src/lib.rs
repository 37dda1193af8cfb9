//! Of another repository.
