"""E2B backend: connection, opening and killing of sandboxes, commands, transfers, retries and the rate limit.

Every call of the SDK and every one of its errors passes through here. The choice of this backend, its settings in the
manifest and local sandboxes are elsewhere; the image is in `template`.
"""
