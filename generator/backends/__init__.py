"""The build environments of the two backends: sandboxes on this machine, and sandboxes at E2B.

Each module opens a `BuildEnvironment` for `generator.builds`, which knows no backend by name. The sandboxes themselves
are in `generator.sandboxes`.
"""
