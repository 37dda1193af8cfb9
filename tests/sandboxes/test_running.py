from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

from generator.sandboxes.process_tree import ProcessTable
from generator.sandboxes.running import Floor, Watch, follow


def test_a_disk_that_runs_full_ends_the_command(tmp_path: Path) -> None:
    more_than_any_disk_has = 1 << 62
    floor = Floor(disk=more_than_any_disk_has)
    watch = Watch((threading.Event(),), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable(), floor)
    with subprocess.Popen(["/bin/bash", "-c", "exec sleep 3600"], stdout=subprocess.PIPE) as process:
        assert follow(process, lambda _: None, watch, lambda one: one.kill()) == "disk"
    assert watch.peak_memory > 0
