"""What a sandbox reaches while dependencies are fetched, and what keeps it to that."""
