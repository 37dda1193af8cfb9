"""Sandboxes: the contract that every backend fulfils, and what both backends share.

The backends `local` and `e2b` are equals below it, and neither imports the other. Crates, their builds and the plan are
elsewhere: a sandbox runs commands and moves files without a notion of either.
"""
