"""Sandboxes at E2B, by its SDK."""
