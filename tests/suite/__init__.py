"""What the test run itself needs: an environment of its own, and proof that nothing of it is left behind."""
