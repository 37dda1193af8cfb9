"""What goes into a sandbox: a crate's files and what they need from the same repository, as one tar."""
