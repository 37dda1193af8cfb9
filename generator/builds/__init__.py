"""The life of a crate, from its source to a package that loads, and of a fleet of crates at the same time.

A crate is reused from the build cache, skipped, or built in attempts; an attempt runs `steps/` in one sandbox and
keeps a record of them. Backends, recipes and report pages are elsewhere: a `BuildEnvironment` says where crates are
built.
"""
