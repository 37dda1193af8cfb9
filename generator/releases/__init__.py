"""Releases on GitHub: one draft, every promised package on it, and published only when it is complete."""
