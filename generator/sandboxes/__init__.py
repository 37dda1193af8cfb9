"""Where crates are built: one sandbox per crate, from one of several backends."""
