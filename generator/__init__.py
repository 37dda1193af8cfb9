"""Build a fleet of Rust crates in sandboxes and ship them as npm packages."""

__version__ = "0.1.0"
