"""What the servers of the tests share: a port and a thread, an exchange that can go wrong, and what can go wrong with it."""
