"""The life of a crate, from its source to a package that loads, and of a fleet of them at the same time."""
