"""Which crates are built in which slot, in which order, and why anything is skipped."""
