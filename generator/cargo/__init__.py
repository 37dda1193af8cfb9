"""Cargo's own files and rules: Cargo.toml, Cargo.lock, its configuration, workspaces, path dependencies and features.

The functions read text and never run cargo. Collection of a crate's files is in `generator.sources`.
"""
