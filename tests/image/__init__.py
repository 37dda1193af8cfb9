"""The sandboxes' image, made on this machine: every instruction of the Dockerfile in a clean root of Debian's packages.

E2B's own parser reads the Dockerfile. Each instruction runs as its user, in its directory and environment. Then every
check of e2b/template.json is made, and one crate of each kind is built, as at E2B. What needs a host that this machine
cannot reach has a stand-in or is left out: see `stand_ins.py`.
"""
