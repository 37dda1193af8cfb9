"""Builds in sandboxes of the image: one crate of each kind, for every platform, by the backend `e2b`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from generator.backends.e2b import template_references
from generator.errors import CratematrixError
from generator.manifest.reading import load_manifest
from generator.package_data import package_data
from generator.platforms import PLATFORM_NAMES
from generator.reports.models import CrateReport, Report
from generator.sandboxes.e2b.template.definition import load_definition
from generator.versions import Versions
from tests.e2b_server import E2BServer, Rules, TemplateSize
from tests.support import TOP, git_repository

CRATES: Final = ("fleet-text", "fleet-wasm", "fleet-cli", "fleet-tally")
SIZE: Final = TemplateSize(2, 8_192, 20_480)


def build_in(image: Path, out: Path, used: Versions, targets: frozenset[str], windows: bool) -> Report:
    """Build the crates; the image holds Rust's `targets` and, with `windows`, Microsoft's libraries."""
    # The test server isolates a sandbox of root in two steps, and the second one is inside of the image.
    shutil.copy(shutil.which("bwrap") or "bwrap", image / "usr/local/bin/bwrap")
    # A machine behind a proxy has certificates of its own; npm reads no system's.
    if certificates := os.environ.get("SSL_CERT_FILE"):
        shutil.copy(certificates, image / "etc/ssl/certs/ca-certificates.crt")
        (image / "opt/node/etc").mkdir(exist_ok=True)
        (image / "opt/node/etc/npmrc").write_text("cafile=/etc/ssl/certs/ca-certificates.crt\n")
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        top = _fleet(Path(scratch) / "fleet", used, targets, windows)
        references = template_references(load_manifest(top / "crates.json"), load_definition(top)).values()
        command = [str(Path(sys.executable).with_name("cratematrix")), "build", "--backend", "e2b", "--jobs", "1"]
        words = [word for crate in CRATES for word in ("--crate", crate)]
        shutil.rmtree(out, ignore_errors=True)
        with E2BServer(Rules(templates=dict.fromkeys(references, SIZE)), image=image) as server:
            environment = {**os.environ, **server.environment, "XDG_CACHE_HOME": f"{scratch}/cache"}
            subprocess.call([*command, *words, "--out", str(out)], cwd=top, env=environment)
    report = out / "report.json"
    if not report.exists():
        raise CratematrixError("the build ended without a report")
    return Report.model_validate_json(report.read_bytes())


def _fleet(top: Path, used: Versions, targets: frozenset[str], windows: bool) -> Path:
    """Copy the sample fleet, for all platforms and with the image's definition."""
    shutil.copytree(TOP / "tests/fleet", top, ignore=shutil.ignore_patterns("target", "node_modules", "dist"))
    manifest = json.loads((top / "crates.json").read_text())
    # Sandboxes of other plans than Hobby live longer than an hour.
    limits = {"e2b_sandboxes": 100, "e2b_creates_per_second": 5}
    manifest["fleet"] |= {"platforms": PLATFORM_NAMES, "timeout_minutes": 120, "retries": 0, "limits": limits}
    manifest.pop("$schema")
    for crate in manifest["crates"]:
        crate.pop("platforms", None)
    (top / "crates.json").write_text(json.dumps(manifest))
    definition = json.loads(used.insert((package_data("e2b") / "template.json").read_text()))
    holds = definition["holds"]
    holds["targets"] = [each for each in holds["targets"] if each in targets]
    holds["windows"] = holds["windows"] if windows else []
    (top / "e2b").mkdir()
    (top / "e2b/template.json").write_text(json.dumps(definition))
    return git_repository(top)


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield a row for each crate and platform."""
    for crate in report.crates:
        loaded = _loaded(crate)
        for unit in crate.units:
            built = unit.state == "built"
            audited = "yes" if built and unit.audit else "-"
            tests = " by ".join((unit.tests.state, *([unit.tests.by] if unit.tests.by else []))) if built else "-"
            yield (crate.kind, crate.name, unit.platform, unit.state, audited, tests, unit.reason or loaded)
        if not crate.units or crate.failure:
            yield (crate.kind, crate.name, "-", crate.state, "-", "-", crate.failure.message if crate.failure else "")


def _loaded(crate: CrateReport) -> str:
    return f"loaded: {crate.loaded}" if crate.loaded else ""
