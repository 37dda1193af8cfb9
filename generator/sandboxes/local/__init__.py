"""Local backend: sandboxes on this machine, isolated by bubblewrap, with resource limits and a network proxy.

The proxy itself, its host rules and the toolchain of the host are elsewhere; so is the choice of this backend.
"""
