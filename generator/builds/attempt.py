"""One attempt at one crate, in one sandbox, which is killed whatever happens."""

from __future__ import annotations

import shutil
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from generator.audit.rules import Oldest
from generator.builds.artifacts import digest_of, unit_artifacts, unpack
from generator.builds.auditing import audited, strangers, told, unnamed, violations
from generator.builds.diagnostics import Diagnostic, Diagnostics, in_repository
from generator.builds.endings import Failed, Stopped, failed_sandbox
from generator.builds.failures import failure_of
from generator.builds.log import CrateLog
from generator.builds.task import Task
from generator.errors import CratematrixError, InputError, Unbuildable
from generator.files import copy_atomically
from generator.manifest.names import sbom_name, tarball_name
from generator.packages.tarball import NpmPackage, PackedFile, write_tarball
from generator.platforms import PlatformName
from generator.recipes.job import MAX_DESCRIPTION, Described, Job, describe, lacks
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import (
    LOCK,
    METADATA,
    OUT,
    OUT_TAR,
    PACKAGE_JSON,
    PACKAGE_LOCK,
    PACKAGES,
    collect_script,
    describe_script,
    fetch_script,
    load_script,
    restore_script,
)
from generator.redaction import Redactor
from generator.reports.models import Artifact, Failure, Phase, PhaseName, Unit
from generator.sandboxes.sandbox import Command, FileMissing, Finished, Resources, Sandbox, SandboxError, Usage
from generator.sbom.document import SBOM, contents, place, sbom
from generator.sources.collect import Collected

# Shorter values that a crate is given, such as a region or a mode, may well be words of its program.
MIN_PUBLISHED_SECRET: Final = 16
MAX_ARTIFACT: Final = 2 * 1024 * 1024 * 1024


@dataclass
class Outcome:
    """What one attempt did so far."""

    phases: list[Phase] = field(default_factory=list)
    units: dict[PlatformName, Unit] = field(default_factory=dict)
    tests: str = "not_run"
    notes: tuple[str, ...] = ()
    packages: tuple[Artifact, ...] = ()
    sbom: Artifact | None = None
    loaded: str | None = None
    failure: Failure | None = None
    stopped: bool = False
    usages: list[Usage] = field(default_factory=list)

    def add(self, phase: Phase) -> None:
        """Take note of a step; steps of one phase that follow each other are told as one."""
        if self.phases and self.phases[-1].name == phase.name and phase.name != "compile":
            last = self.phases.pop()
            seconds, peak = last.seconds + phase.seconds, max(last.peak_memory, phase.peak_memory)
            phase = phase.model_copy(update={"seconds": round(seconds, 3), "peak_memory": peak})
        self.phases.append(phase)


@dataclass(frozen=True)
class Try:
    """Which attempt it is, in what sandbox; `keep` says whether a failure leaves the sandbox for somebody to see."""

    number: int
    resources: Resources
    keep: Callable[[Outcome], bool]


def attempt(task: Task, platforms: tuple[PlatformName, ...], source: Collected, this: Try, log: CrateLog) -> Outcome:
    """Build a crate once; whatever becomes of it is in the outcome, and the sandbox is gone unless it is kept."""
    outcome = Outcome()
    try:
        sandbox = _open(task, this, outcome)
        try:
            job = Job(task.crate, task.settings, source, platforms, task.workshop.site.equipment, sandbox.root)
            _Life(task, job, sandbox, log, outcome).run()
        except Failed as failed:
            outcome.failure = failed.failure
        except Stopped:
            outcome.stopped = True
        finally:
            usage = sandbox.kill(keep=outcome.failure is not None and this.keep(outcome))
            outcome.usages.append(usage)
            outcome.notes += (usage.note,) if usage.note else ()
    except Failed as failed:
        outcome.failure = failed.failure
    return outcome


def _open(task: Task, this: Try, outcome: Outcome) -> Sandbox:
    task.workshop.observer.phase(task.crate.name, "open")
    started = time.monotonic()
    try:
        sandbox = task.workshop.site.backend.open(task.crate.name, this.resources, {}, this.number)
    except SandboxError as error:
        raise failed_sandbox(error, "open") from None
    except InputError as error:
        raise Failed(Failure(failure_class="permanent", phase="open", message=error.message)) from None
    outcome.phases.append(Phase(name="open", seconds=round(time.monotonic() - started, 3)))
    return sandbox


class _Life:
    """The phases of one crate, in order; each either ends well or raises `Failed`."""

    def __init__(self, task: Task, job: Job, sandbox: Sandbox, log: CrateLog, outcome: Outcome) -> None:
        self.task, self.job, self.sandbox, self.log, self.outcome = task, job, sandbox, log, outcome
        self.recipe = RECIPES[job.crate.kind]
        self.deadline = time.monotonic() + task.settings.timeout_minutes * 60
        self.scratch = task.workshop.scratch / task.crate.name
        shutil.rmtree(self.scratch, ignore_errors=True)  # what an earlier attempt left
        self.scratch.mkdir(parents=True)
        environment = task.workshop.environment
        self.passed = {name: environment[name] for name in task.settings.env if name in environment}

    def run(self) -> None:
        """From the source to a package that loads."""
        try:
            described = self._fetch()
            self.outcome.notes += described.notes
            for note in described.notes:
                self.log.line(f"note: {note}")
            if not self._leave_out(described):
                return
            self._compile(described)
            self._test(described)
            if stage := self.recipe.stage(self.job, described):
                staged = self._collect(stage)
                self._audit(staged)
                self._load(described, self._pack(staged, described))
        except Unbuildable as error:
            raise self._failed(self._phase_now, str(error)) from None
        except SandboxError as error:
            raise failed_sandbox(error, self._phase_now) from None
        except CratematrixError as error:
            raise self._failed(self._phase_now, error.message) from None

    def _fetch(self) -> Described:
        self._enter("fetch")
        self.allowed = self.sandbox.allow_only(self.task.settings.fetch_hosts)
        if self.job.source.archive:
            self.sandbox.put(self.job.source.archive, f"{self.job.root}/source")
        self._command("fetch", fetch_script(self.job), self.job.root)
        self.sandbox.close_network()
        self._command("fetch", restore_script(self.job), self.job.root)
        self._command("fetch", describe_script(self.job), self.job.root)
        metadata = self._read(METADATA)
        if metadata is None:
            raise Unbuildable("cargo metadata gave no description of the crate")
        described = describe(self.job, metadata, self._read(PACKAGE_JSON), self._read(PACKAGES) or b"")
        lock = (self._read(LOCK) or b"").decode(errors="replace")
        self.contents = contents(metadata, lock, self._read(PACKAGE_LOCK), f"{self.job.directory}/Cargo.toml")
        for tool in self.recipe.tools(self.job, lock):
            archive = self.task.workshop.tools.archive(tool, self.log, self.task.workshop.stop, self.outcome.usages)
            self.sandbox.put(archive, self.job.tools)
        return described

    def _leave_out(self, described: Described) -> bool:
        """Skip platforms for which something is lacking, before anything is compiled; False when none is left."""
        reasons = {name: lacks(self.job, described, name) for name in self.job.platforms}
        for platform, reason in reasons.items():
            if reason is None:
                continue
            if platform in self.task.settings.required:
                raise Unbuildable(f"{platform} is required: {reason}")
            self.log.line(f"note: {platform} is skipped: {reason}")
            self.outcome.units[platform] = Unit(platform=platform, state="skipped", reason=reason)
        self.job = replace(self.job, platforms=tuple(name for name, reason in reasons.items() if reason is None))
        return bool(self.job.platforms)

    def _compile(self, described: Described) -> None:
        """Compile every platform, the others too when one fails that is not the first: they share what is compiled."""
        failures: list[Failed] = []
        for number, platform in enumerate(self.job.compiled):
            self._enter("compile")
            try:
                done = self._command("compile", self.recipe.compile(self.job, described, platform), self.job.directory)
            except (Failed, Unbuildable) as error:
                failed = error if isinstance(error, Failed) else self._failed("compile", str(error))
                failures.append(failed.on(platform) if number else failed)
                self._unit(platform, Unit(platform=platform, state="failed", reason=str(error)))
                if number == 0 or failed.failure.failure_class != "permanent":
                    break
            else:
                self._unit(platform, Unit(platform=platform, state="built", seconds=round(done.seconds, 3)))
        if failures:
            raise failures[0]

    def _unit(self, platform: PlatformName, unit: Unit) -> None:
        """Take note of a platform; the host is no unit where it was compiled for the others' sake."""
        if platform in self.job.platforms:
            self.outcome.units[platform] = unit

    def _test(self, described: Described) -> None:
        if not self.task.settings.tests:
            self.outcome.tests = "off"
            return
        script = self.recipe.test(self.job, described)
        if script is None:
            self.outcome.tests = "none"
            return
        self._enter("test")
        self.outcome.tests = "failed"
        self._command("test", script, self.job.directory)
        self.outcome.tests = "passed"

    def _collect(self, stage: str) -> Path:
        self._enter("collect")
        out = f"{self.job.root}/{OUT}"
        self._command("collect", f'rm -rf "$OUT" && mkdir -p "$OUT"\n{stage}', self.job.directory, OUT=out)
        said: list[str] = []
        self._command("collect", collect_script(self.job), self.job.root, said)
        archive, staged = self.scratch / OUT_TAR, self.scratch / OUT
        self.sandbox.get(f"{self.job.root}/{OUT_TAR}", archive, MAX_ARTIFACT)
        if not said or said[-1].split()[:1] != [digest_of(archive)]:
            raise SandboxError("what came out of the sandbox is not what was made in it: the digests differ")
        unpack(archive, staged)
        for platform in self.job.platforms:
            found = unit_artifacts(staged, platform)
            if not found:
                raise Unbuildable(f"the build left nothing for {platform}")
            self.outcome.units[platform] = self.outcome.units[platform].model_copy(update={"artifacts": found})
        return staged

    def _audit(self, staged: Path) -> None:
        """Audit all platforms before any violation ends the crate, so that one build tells them all."""
        self._enter("audit")
        foreign = strangers(staged, self.job.platforms)
        units = (*self.outcome.units.values(), *foreign)
        self.outcome.notes += tuple(f"what is packed for {each.platform} was in the source already" for each in foreign)
        self.outcome.notes += tuple(
            f"{name} is a binary for no platform: not audited" for name in unnamed(staged, units)
        )
        done = [self._audited(unit, staged) for unit in units]
        self.outcome.units |= {unit.platform: unit for unit in done if unit.platform in self.job.platforms}
        if found := violations(each for unit in done for each in unit.audit):
            raise Unbuildable(told(found))

    def _audited(self, unit: Unit, staged: Path) -> Unit:
        if self.task.workshop.stop.is_set():
            raise Stopped
        return audited(unit, staged, self.job.crate.kind, self._oldest(), self.log.line)

    def _oldest(self) -> Oldest:
        """What zig has linked runs with the glibc that was asked for, what the host's compiler has with its own."""
        site = self.task.workshop.site
        zig = site.equipment.way(self.job.host) == "zig"
        return replace(site.oldest, glibc=self.task.settings.glibc) if zig else site.oldest

    def _pack(self, staged: Path, described: Described) -> tuple[tuple[NpmPackage, Artifact], ...]:
        self._enter("pack")
        identity, program = self.job.identity(described.package), self.job.crate.kind == "bin"
        # In the package, for there it goes wherever the package goes and no asset of a release is needed for it.
        place(sbom(identity, program, self.job.platforms, self.contents), staged)
        return tuple((package, self._packed(package)) for package in self.recipe.pack(self.job, described, staged))

    def _packed(self, package: NpmPackage) -> Artifact:
        self._keep_secrets(package.files)
        packed = self.scratch / tarball_name(package.name, self.task.crate.version)
        size, digest = write_tarball(package.files, packed)
        return Artifact(file=packed.name, bytes=size, sha256=digest)

    def _load(self, described: Described, made: tuple[tuple[NpmPackage, Artifact], ...]) -> None:
        """Load the package with what npm would install of its platforms' packages, and hand all of them on."""
        if {self.job.host, "wasm32"}.isdisjoint(self.job.platforms):
            self.outcome.notes += (f"not loaded: it was built for no platform that {self.job.host} runs",)
        else:
            self._enter("load")
            used = (None, self.job.host, "wasm32")
            tarballs = {package.name: artifact.file for package, artifact in made if package.platform in used}
            self._put_files(self.scratch / name for name in tarballs.values())
            script, self.outcome.loaded = self.recipe.load(self.job, described)
            self._command("load", load_script(self.job, tarballs, script), self.job.root)
        for _, artifact in made:
            copy_atomically(self.scratch / artifact.file, self.task.workshop.out / artifact.file)
        self.outcome.packages = tuple(artifact for _, artifact in made)
        self.outcome.sbom = self._hand_on_sbom()

    def _hand_on_sbom(self) -> Artifact:
        document = self.scratch / OUT / SBOM
        name = sbom_name(self.task.crate.name)
        copy_atomically(document, self.task.workshop.out / name)
        return Artifact(file=name, bytes=document.stat().st_size, sha256=digest_of(document))

    def _keep_secrets(self, files: tuple[PackedFile, ...]) -> None:
        """Unbuildable when a file that would be published holds a secret that the crate was given."""
        given = Redactor({name: value for name, value in self.passed.items() if len(value) >= MIN_PUBLISHED_SECRET})
        for file in files:
            with file.open() as stream:
                if names := given.names_in(stream):
                    raise Unbuildable(f"{file.path} of the package holds the value of {', '.join(names)}")

    def _put_files(self, files: Iterable[Path]) -> None:
        """Give the sandbox the tarballs; it unpacks tars only, so it gets a tar of them."""
        carrier = self.scratch / "carrier.tar"
        with tarfile.open(carrier, "w") as tar:
            for file in files:
                tar.add(file, arcname=file.name)
        self.sandbox.put(carrier, f"{self.job.root}/packed")

    def _enter(self, phase: PhaseName) -> None:
        self._phase_now: PhaseName = phase
        self.task.workshop.observer.phase(self.task.crate.name, phase)

    def _command(self, phase: PhaseName, script: str, cwd: str, said: list[str] | None = None, **env: str) -> Finished:
        """Run a script and keep its phase in the report; `Failed` when it does not exit with 0."""
        found = Diagnostics()

        def take(line: str) -> None:
            found.feed(self.log.line(line))
            if said is not None and len(said) < 100:
                said.append(line)

        timeout = max(1.0, self.deadline - time.monotonic())
        # While the network is open nothing of the user's environment is there to be sent away.
        given = env if phase == "fetch" else {**self.passed, **env}
        done = self.sandbox.run(Command(f"set -euo pipefail\n{script}", cwd, timeout, given), take)
        self.outcome.add(
            Phase(name=phase, seconds=round(done.seconds, 3), exit_code=done.exit_code, peak_memory=done.peak_memory)
        )
        if done.killed == "stopped":
            raise Stopped
        if done.exit_code != 0 or done.killed:
            failure = failure_of(phase, done, found, self.task.settings.timeout_minutes, self.allowed)
            raise Failed(self._placed(failure))
        return done

    def _placed(self, failure: Failure) -> Failure:
        top = f"{self.job.root}/source"
        place = in_repository(Diagnostic("", failure.file, failure.line), self.job.workspace, top)
        message = failure.message.replace(f"{top}/", "")
        return failure.model_copy(update={"message": message, "file": place.file, "line": place.line})

    def _failed(self, phase: PhaseName, message: str) -> Failed:
        return Failed(Failure(failure_class="permanent", phase=phase, message=message))

    def _read(self, name: str) -> bytes | None:
        """Return a small file that a script left in the root, or None where it left none."""
        destination = self.scratch / name
        try:
            self.sandbox.get(f"{self.job.root}/{name}", destination, MAX_DESCRIPTION)
        except FileMissing:
            return None
        return destination.read_bytes()
