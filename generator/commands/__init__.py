"""The commands, one module each: parse the options, call another package, print the result.

`generator.cli` loads a command's module only when the command runs. Decisions on crates, packages and releases belong
to other packages.
"""
