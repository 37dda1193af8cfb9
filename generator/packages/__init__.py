"""npm packages from what came out of a sandbox."""
