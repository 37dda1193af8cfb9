"""How GitHub is reached, what its refusals mean, and when to try again: what every command that calls it shares."""
