"""Recipes: pure functions from a crate's build job to the Bash scripts that fetch, compile, test, stage and load it.

Each kind of crate has one recipe, and all kinds share the fetch and load scripts. Nothing here runs a script or talks
to a sandbox: the build steps do.
"""
