"""Cargo's own rules, as far as they can be told from Cargo.toml files alone: workspaces, path dependencies, features."""
