"""What was built is read and judged before it may be packed."""
