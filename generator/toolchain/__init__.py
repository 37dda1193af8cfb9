"""The tools that build crates on a machine: Rust, Node.js, linkers, LLVM's coverage programs and runtimes.

`toolchain.py` is a pure model of them and says which platforms they are enough for. The other modules find them on the
host. Sandboxes and recipes are elsewhere: nothing here knows a backend.
"""
