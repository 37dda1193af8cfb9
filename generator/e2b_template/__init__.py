"""The image that sandboxes at E2B start from."""
