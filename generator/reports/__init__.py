"""What a run did: JSON first, then tables for people."""
