"""Dependencies that a source declares: sources outside of the configured registries are refused before any fetch.

Everything here reads the text of Cargo.toml, package.json and lock files, and runs no tool. Recipes fetch, and the
proxy of `generator.network` enforces the rules by host.
"""
