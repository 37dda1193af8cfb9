"""Where a crate's dependencies say that they come from; what does not come from a registry in force is refused."""
