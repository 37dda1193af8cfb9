"""The account's templates: names, tags, and builds that are remembered but not carried out."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from tests.e2b_server.rules import TemplateSize
from tests.e2b_server.wire import BuildStart, NewTemplate, ServiceError

DEFAULT_TAG: Final = "default"
MAX_ENTRIES: Final = 100
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9_-]+)?")
TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


@dataclass
class Build:
    """One build of a template, with everything that it was told."""

    id: str
    template_id: str
    size: TemplateSize
    created_at: datetime
    status: Literal["waiting", "building", "ready", "error"] = "waiting"
    start: BuildStart | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    reason: dict[str, Any] | None = None

    def log(self, message: str, step: str | None = None, level: str = "info") -> None:
        """Add a line to its log."""
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.entries.append({"timestamp": at, "message": message, "level": level, **({"step": step} if step else {})})


@dataclass
class Template:
    """One template; `tags` say which build each stands for."""

    id: str
    name: str
    tags: dict[str, Build] = field(default_factory=dict)
    tagged_at: dict[str, datetime] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)

    def tag(self, tag: str, build: Build) -> None:
        """Let a tag stand for a build."""
        self.tags[tag], self.tagged_at[tag] = build, datetime.now(UTC)


class Templates:
    """All templates; `broken` are texts of steps that fail, and what the build then says."""

    def __init__(self, given: Mapping[str, TemplateSize], build_seconds: float) -> None:
        self.all: dict[str, Template] = {}
        self.broken: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}
        self._seconds = build_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        for reference, size in given.items():
            name, _, tag = reference.partition(":")
            template = self._named(name) or self._add(name)
            build = Build(str(uuid.uuid4()), template.id, size, datetime.now(UTC), "ready")
            template.builds[build.id] = build
            template.tag(tag or DEFAULT_TAG, build)

    def find(self, reference: str) -> tuple[Template, Build]:
        """Return what a sandbox of "name", "name:tag" or "id:tag" starts from; ServiceError where there is none."""
        name, _, tag = reference.partition(":")
        template = self.get(name)
        build = template.tags.get(tag or DEFAULT_TAG)
        if build is None:
            raise ServiceError(404, f"tag '{tag or DEFAULT_TAG}' does not exist for template '{name}'")
        if build.status != "ready":
            raise ServiceError(404, f"template '{name}' has no build that is ready")
        return template, build

    def get(self, name: str) -> Template:
        """Return a template by its name or id; ServiceError where there is none."""
        template = self.all.get(name) or self._named(name)
        if template is None:
            raise ServiceError(404, f"template '{name}' not found")
        return template

    def build_of(self, template_id: str, build_id: str) -> Build:
        """Return a build; ServiceError where there is none."""
        build = self.get(template_id).builds.get(build_id)
        if build is None:
            raise ServiceError(404, f"build '{build_id}' not found")
        return build

    def request(self, asked: NewTemplate) -> dict[str, Any]:
        """Make a build that waits for its instructions."""
        name, _, tag = asked.name.partition(":")
        tags = [*([tag] if tag else []), *asked.tags] or [DEFAULT_TAG]
        if not NAME.fullmatch(name) or not all(TAG.fullmatch(each) for each in tags):
            raise ServiceError(400, f"invalid template reference '{asked.name}'")
        cpus, memory = asked.cpuCount or 2, asked.memoryMB or 1_024
        if cpus > 8 or (cpus > 1 and cpus % 2) or cpus < 1:
            raise ServiceError(400, f"CPU count must be 1 or even, and at most 8: {cpus}")
        if memory < 128 or memory % 2 or memory > 8_192:
            raise ServiceError(400, f"memory must be even, at least 128 MiB and at most 8192 MiB: {memory}")
        template = self._named(name) or self._add(name)
        size = TemplateSize(cpus, memory, asked.minFreeDiskMb or 10_240)
        build = Build(str(uuid.uuid4()), template.id, size, datetime.now(UTC))
        template.builds[build.id] = build
        for each in tags:
            template.tag(each, build)
        ids = {"templateID": template.id, "buildID": build.id, "public": False}
        return {**ids, "names": [name], "tags": tags, "aliases": [name]}

    def start(self, build: Build, asked: BuildStart) -> None:
        """Let a build begin; ServiceError where it cannot."""
        if build.status != "waiting" or build.start is not None:
            raise ServiceError(400, "build is not in waiting state")
        if bool(asked.fromImage) == bool(asked.fromTemplate):
            raise ServiceError(400, "exactly one of fromImage and fromTemplate is needed")
        if missing := [each.filesHash for each in asked.steps if each.filesHash and each.filesHash not in self.uploads]:
            raise ServiceError(400, f"files {missing[0]} were not uploaded")
        build.start = asked
        task = asyncio.create_task(self._carry_out(build, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def status(self, build: Build, offset: int) -> dict[str, Any]:
        """Say how far a build is, with the part of its log from `offset` on."""
        entries = build.entries[offset : offset + MAX_ENTRIES]
        told = {"templateID": build.template_id, "buildID": build.id, "status": build.status}
        lines = {"logs": [each["message"] for each in entries], "logEntries": entries}
        return {**told, **lines, **({"reason": build.reason} if build.reason else {})}

    def assign(self, target: str, tags: list[str]) -> dict[str, Any]:
        """Let more tags stand for a build."""
        template, build = self.find(target)
        for tag in tags:
            if not TAG.fullmatch(tag):
                raise ServiceError(400, f"invalid tag '{tag}'")
            template.tag(tag, build)
        return {"tags": tags, "buildID": build.id}

    def remove_tags(self, name: str, tags: list[str]) -> None:
        """Forget tags."""
        template = self.get(name)
        for tag in tags:
            if tag not in template.tags:
                raise ServiceError(404, f"tag '{tag}' does not exist for template '{name}'")
            del template.tags[tag]

    def tags_of(self, name: str) -> list[dict[str, Any]]:
        """Return all tags of a template."""
        template = self.get(name)
        return [
            {"tag": tag, "buildID": build.id, "createdAt": template.tagged_at[tag].isoformat().replace("+00:00", "Z")}
            for tag, build in template.tags.items()
        ]

    async def _carry_out(self, build: Build, asked: BuildStart) -> None:
        build.status = "building"
        build.log(f"Building from {asked.fromImage or asked.fromTemplate}", "base")
        for number, step in enumerate(asked.steps, 1):
            await asyncio.sleep(self._seconds / len(asked.steps))
            text = " ".join((step.type, *step.args))
            build.log(f"[builder {number}/{len(asked.steps)}] {text}", str(number))
            for broken, message in self.broken.items():
                if broken in text:
                    build.log(message, str(number), "error")
                    build.reason = {"message": message, "step": str(number), "logEntries": build.entries[-1:]}
                    build.status = "error"
                    return
        build.log("Build finished", "finalize")
        build.status = "ready"

    def _named(self, name: str) -> Template | None:
        return next((each for each in self.all.values() if each.name == name), None)

    def _add(self, name: str) -> Template:
        template = Template(uuid.uuid4().hex[:20], name)
        self.all[template.id] = template
        return template
