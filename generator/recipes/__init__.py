"""How each kind of crate is fetched, compiled, tested and collected: pure functions from a job to bash scripts."""
