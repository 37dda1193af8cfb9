"""Cargo's own rules, as far as Cargo.toml files alone tell them: workspaces, path dependencies, features."""
