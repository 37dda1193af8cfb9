"""Access to GitHub's REST API: connection, token hosts, error mapping, retry and rate limit.

Every command that calls GitHub uses this package. Releases and pull requests are in `releases` and `workflows`.
"""
