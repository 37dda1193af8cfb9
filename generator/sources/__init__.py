"""The source of a crate as one tar: its files, its path dependencies and its workspace, from a checkout or a commit.

It also holds the git cache and the safe calls of git. Registry crates are not here: the sandbox fetches them itself.
Comparisons with an earlier commit are in `generator.planning`.
"""
