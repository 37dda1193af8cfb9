"""Changes of generated files, proposed as a pull request."""
