"""The generated workflows and the action, run for real by act against the GitHub test server: `make acts`.

act (https://github.com/nektos/act) reads a workflow as GitHub's runner does and runs its steps as processes of this
machine. Published actions cannot be fetched: `stand_ins/` has one for each, which keeps files in a folder and refuses
what the original refuses. `actions/checkout` is act's own copy of the work tree.

What act does not do, and what therefore is tested elsewhere or only at GitHub:

- A cancel kills a step at once and runs no `always()` step: tests/workflows/test_action_yml.py interrupts the step's own
  process as GitHub's runner does.
- Concurrency groups, permissions, `timeout-minutes` of jobs, and the filters below `on:` (branches, tags, paths) are not
  looked at: the judges read them, and tests of the test server's tokens show what a right is good for.
- There is no merge queue: its event is given, nothing is merged.
- A job has the variables of the process that started act, and runs as its user: `act.py` leaves out what GitHub sets.
- `setup-python` gives the Python that runs the tests; attestations are kept, not signed.
"""
