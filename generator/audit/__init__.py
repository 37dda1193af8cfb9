"""The audit of built binaries: facts are read in an isolated process, then checked by rules before packing.

The rules are pure functions over facts. Execution of the binaries is in `generator.recipes`, packing in
`generator.packages`.
"""
