"""The plan of a run: the crates of each slot in order, and the reason for every skip.

For `--changed-since` it also finds the crates that a change affects, from git, the files of crates and two manifests.
Nothing is built here. `sources` reads the files, and `manifest` declares which settings decide a build.
"""
