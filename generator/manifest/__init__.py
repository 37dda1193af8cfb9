"""The manifest, crates.json: its models, its rules and checks, its JSON Schema, and the merged settings of each crate.

Text is parsed and checked here, and each error has a line and a path. Nothing here builds, plans or writes a file.
`discovery` writes a first manifest.
"""
