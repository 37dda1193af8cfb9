"""Cargo's own files and rules: models of Cargo.toml and Cargo.lock, workspaces, path dependencies and features.

The functions read text and never run cargo. Collection of a crate's files is in `generator.sources`.
"""
