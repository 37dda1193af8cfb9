"""GitHub releases: one draft for a tag, uploads of packages, a check for completeness, publication, verification.

Building packages is in `builds`, and merging the reports of shards in `reports`.
"""
