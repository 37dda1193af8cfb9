"""crates.json: its models, and how it is read and checked."""
