"""`python -m tests.image DIRECTORY [STAGE…]` makes the image in DIRECTORY and prints a table of each stage.

The stages are instructions, checks and builds, in this order; the default is all. Instructions that DIRECTORY already
has are not run again while the Dockerfile before them is the same: remove it for a clean run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from generator.console.output import print_message
from generator.console.tables import print_table
from generator.errors import CratematrixError
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.template.definition import Definition, packaged_definition
from generator.sandboxes.e2b.template.dockerfile import prefetch_lines, render_dockerfile
from generator.versions import Versions, versions
from tests.image import sandboxes, stand_ins
from tests.image.root import Root
from tests.image.stand_ins import MICROSOFT, RUST, StandIn
from tests.image.steps import Step, steps_of
from tests.support import TOP

STAGES: Final = ("instructions", "checks", "builds")
LOG_LINES: Final = 30


def main() -> int:
    """Run the stages."""
    parser = argparse.ArgumentParser(prog="python -m tests.image", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the image is made; needs 8 GB")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=" or ".join(STAGES))
    parser.add_argument("--toolchain", type=Path, default=TOP / ".cache/toolchain", help="Rust in place of rustup's")
    parser.add_argument(
        "--manifest", type=Path, default=TOP / "tests/published/crates.json", help="the crates to pre-fetch"
    )
    options = parser.parse_intermixed_args()
    stages = [*(options.stages or STAGES)]
    if unknown := {*stages} - {*STAGES}:
        parser.error(f"there is no stage {', '.join(sorted(unknown))}")
    try:
        return _run(options.directory.resolve(), stages, options.toolchain.resolve(), options.manifest)
    except CratematrixError as error:
        print_message(f"error: {error.message}" + (f"\n  fix: {error.fix}" if error.fix else ""))
        return 2


def _run(directory: Path, stages: list[str], toolchain: Path, manifest: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    root = Root(directory / "root", directory / "stand-ins")
    needed = tuple(each for each in stand_ins.ALL if each.is_needed())
    used = stand_ins.prepare(root.stand_ins, versions(), needed, toolchain)
    definition, codes = packaged_definition(used), list[int]()
    if "instructions" in stages:
        dockerfile = render_dockerfile(prefetch_lines(load_manifest(manifest)), used)
        codes.append(instructions(root, dockerfile, needed))
    if "checks" in stages and not any(codes):
        codes.append(checks(root, definition, needed))
    if "builds" in stages and not any(codes):
        codes.append(builds(root, directory / "dist", used, needed))
    return max(codes, default=0)


def instructions(root: Root, dockerfile: str, needed: tuple[StandIn, ...]) -> int:
    """Run every instruction, with a line for each, and print the table."""
    image, steps = steps_of(dockerfile)
    record = root.directory.with_name("steps.json")
    done = json.loads(record.read_text()) if record.exists() and root.directory.exists() else []
    rows = list[tuple[str, ...]]()
    with root.directory.with_name("log").open("ab") as log:
        if not root.directory.exists():
            started = time.monotonic()
            root.make(image.rpartition(":")[2], log)
            done = [{"digest": image, "seconds": time.monotonic() - started}]
        elif not done or done[0]["digest"] != image:
            raise CratematrixError(f"{root.directory} is of another base image", fix=f"rm -r {root.directory.parent}")
        digest, failed = image, False
        for step in steps:
            instead = next((each for each in needed if step.command and each.needed_by in step.command), None)
            digest = hashlib.sha256(f"{digest} {step}".encode()).hexdigest()
            if [each["digest"] for each in done[step.number : step.number + 1]] != [digest]:
                seconds = _seconds(root, step, instead, log)
                done = [*done[: step.number], {"digest": digest, "seconds": seconds}]
                if failed := seconds is None:
                    break
                record.write_text(json.dumps(done))
            seconds_cell = f"{done[step.number]['seconds']:.1f}"
            rows.append((str(step.number), step.name, step.user, seconds_cell, instead.instead if instead else ""))
            print_message("  ".join(rows[-1]))
    print_table(("", "instruction", "user", "seconds", "replaced or left out"), rows)
    base = f"the root of Debian took {done[0]['seconds']:.0f} s"
    print_message(f"{len(rows)} of {len(steps)} instructions ran in {sum(float(row[3]) for row in rows):.0f} s; {base}")
    if failed:
        print_message(f"instruction {len(rows) + 1} failed: {steps[len(rows)].name}")
        print_message(
            "\n".join((root.directory.with_name("log")).read_text(errors="replace").splitlines()[-LOG_LINES:])
        )
    return 1 if failed else 0


def _seconds(root: Root, step: Step, instead: StandIn | None, log: IO[bytes]) -> float | None:
    """Run an instruction and return its seconds, or None if it failed."""
    log.write(f"== {step.number} {step.name}\n".encode())
    log.flush()
    started = time.monotonic()
    if step.command is None:
        if step.name.startswith("WORKDIR "):
            (root.directory / step.directory[1:]).mkdir(parents=True, exist_ok=True)
    elif not (instead and instead.left_out):
        curl = root.directory / "usr/local/bin/curl"
        if instead:
            curl.write_bytes((root.stand_ins / "curl").read_bytes())
            curl.chmod(0o755)
        code = root.run(step.command, step.user, step.directory, step.env, log)
        curl.unlink(missing_ok=True)
        if code:
            return None
    return time.monotonic() - started


def checks(root: Root, definition: Definition, needed: tuple[StandIn, ...]) -> int:
    """Answer every check of the definition, as the sandbox's user."""
    rows, file = list[tuple[str, ...]](), root.directory.with_name("check")
    for check in (*definition.checks, None):
        run = check.run if check else definition.health_check
        with file.open("wb") as log:
            code = root.run(f"{definition.script(run)} 2>&1", "user", "/build", {}, log)
        said = file.read_text(errors="replace")
        good = code == 0 and (check is None or check.expect in said)
        reason = next(_left_out(run, needed), None)
        state = "yes" if good else "left out" if reason else "no"
        last = (said.strip() or "-").splitlines()[-1]
        said_cell = reason if reason and not good else last[:60]
        rows.append(("health check" if check is None else run[:70], state, said_cell))
    print_table(("check", "passed", "said"), rows)
    states = [row[1] for row in rows]
    print_message(f"{states.count('yes')} of {len(states)} checks passed, {states.count('left out')} left out")
    return 1 if "no" in states else 0


def _left_out(command: str, needed: tuple[StandIn, ...]) -> Iterator[str]:
    """Yield why a check cannot pass here."""
    if RUST in needed and "pc-windows-msvc" in command:
        yield ".ci/toolchain has no standard library for it"
    if MICROSOFT in needed and "/xwin/" in command:
        yield MICROSOFT.instead


def builds(root: Root, out: Path, used: Versions, needed: tuple[StandIn, ...]) -> int:
    """Build one crate of each kind for every platform, and print the table."""
    rustlib = next((root.directory / "opt/rustup/toolchains").iterdir()) / "lib/rustlib"
    targets = frozenset(each.name for each in rustlib.iterdir() if (each / "lib").is_dir())
    report = sandboxes.build_in(root.directory, out, used, targets, windows=MICROSOFT not in needed)
    rows = list(sandboxes.rows(report))
    print_table(("kind", "crate", "platform", "state", "audited", "tests", "reason or load"), rows)
    built = sum(row[3] == "built" for row in rows)
    print_message(f"{built} of {len(rows)} units built, {sum(row[3] == 'skipped' for row in rows)} skipped")
    return 1 if any(crate.state == "failed" for crate in report.crates) or not built else 0


if __name__ == "__main__":
    sys.exit(main())
