"""The control plane: sandboxes, their lives and limits, and templates."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
import secrets
import string
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2b_server.envd import ENVD_VERSION
from tests.e2b_server.faults import Faults
from tests.e2b_server.machine import Hall
from tests.e2b_server.network import NetworkError, network_of
from tests.e2b_server.rules import Rules
from tests.e2b_server.sandboxes import Born, Box, End, Gone
from tests.e2b_server.templates import Templates
from tests.e2b_server.wire import (
    BuildStart,
    ConnectBody,
    NewSandbox,
    NewTags,
    NewTemplate,
    OldTags,
    ServiceError,
    Timeout,
    UpdatedNetworkBody,
    read_body,
)
from tests.serving.faults import Mischief

KEY: Final = re.compile(r"[a-z0-9-]{1,255}")
CLIENT_ID: Final = "6532622b"


@dataclass
class Promise:
    """What an idempotency key stands for; `reply` is None while the first request is under way."""

    digest: str
    reply: dict[str, Any] | None = None


class Control:
    """The state of the account; for the event loop's thread alone, but for reading."""

    def __init__(self, rules: Rules, hall: Hall, mischief: Mischief[Faults], violations: list[str]) -> None:
        self.rules, self.hall, self.mischief, self.violations = rules, hall, mischief, violations
        self.alive: dict[str, Box] = {}
        self.ever: dict[str, Box] = {}
        self.templates = Templates(rules.templates, rules.build_seconds)
        self.starting = 0
        self._promises: dict[str, Promise] = {}
        self._tokens, self._filled_at = max(1.0, rules.creates_per_second or 1.0), time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = Starlette(routes=self._routes())

    def end(self, box: Box, how: End) -> None:
        """End a sandbox: it is unknown at once, and its files are removed a little later."""
        if self.alive.pop(box.born.id, None):
            box.end(how)
            task = asyncio.create_task(box.remove())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all sandboxes."""
        for box in list(self.alive.values()):
            self.end(box, "killed")
        await asyncio.gather(*self._tasks)

    def _routes(self) -> list[Route]:
        answers: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("POST", "/v2/sandboxes", self._create),
            ("GET", "/v2/sandboxes", self._list),
            ("POST", "/v2/sandboxes/{id}/connect", self._connect),
            ("GET", "/sandboxes/{id}", self._info),
            ("DELETE", "/sandboxes/{id}", self._kill),
            ("POST", "/sandboxes/{id}/timeout", self._timeout),
            ("GET", "/sandboxes/{id}/metrics", self._metrics),
            ("PUT", "/sandboxes/{id}/network", self._network),
            ("POST", "/v3/templates", self._new_template),
            ("POST", "/v2/templates/{id}/builds/{build}", self._start_build),
            ("GET", "/templates/{id}/builds/{build}/status", self._build_status),
            ("GET", "/templates/{id}/files/{hash}", self._upload_link),
            ("PUT", "/uploads/{hash}", self._upload),
            ("GET", "/templates/aliases/{alias:path}", self._alias),
            ("POST", "/templates/tags", self._assign_tags),
            ("DELETE", "/templates/tags", self._remove_tags),
            ("GET", "/templates/{id:path}/tags", self._tags),
            ("POST", "/sandboxes/{id}/pause", _unsupported),
            ("POST", "/sandboxes/{id}/snapshots", _unsupported),
            ("POST", "/sandboxes/{id}/fork", _unsupported),
        ]
        return [Route(path, self._guarded(answer), methods=[method]) for method, path, answer in answers]

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                uploads = request.scope["path"].startswith("/uploads/")
                if not uploads and request.headers.get("x-api-key") != self.rules.api_key:
                    raise ServiceError(401, "Invalid API key")
                return await answer(request)
            except ServiceError as error:
                body = {"code": error.status, "message": error.message}
                if error.code:
                    body["error_code"] = error.code
                return JSONResponse(body, error.status, error.headers)

        return guarded

    async def _create(self, request: Request) -> Response:
        key, raw = request.headers.get("idempotency-key"), await request.body()
        if key is None:
            return JSONResponse(await self._start(request, None), 201)
        if not KEY.fullmatch(key):
            raise ServiceError(400, "invalid Idempotency-Key")
        digest, known = hashlib.sha256(raw).hexdigest(), self._promises.get(key)
        if known is None:
            self._promises[key] = promise = Promise(digest)
            try:
                promise.reply = await self._start(request, key)
            except BaseException:
                del self._promises[key]
                raise
            return JSONResponse(promise.reply, 201)
        if known.digest != digest:
            raise ServiceError(422, "the key was used for another request", "idempotency_request_mismatch")
        if known.reply is None:
            raise ServiceError(409, "a request with this key is in progress", "idempotency_in_progress")
        return JSONResponse(known.reply, 201)

    async def _start(self, request: Request, key: str | None) -> dict[str, Any]:
        asked = await read_body(request, NewSandbox, self.violations)
        seconds = self._seconds(asked.timeout)
        template, build = self.templates.find(asked.templateID)
        given = asked.network.model_dump(exclude_none=True) if asked.network else {}
        network = self._network_of(given, asked.allow_internet_access)
        mounts = {each.path: each.name for each in asked.volumeMounts}
        if unknown := sorted({*mounts.values()} - self.rules.volumes):
            raise ServiceError(400, f"volume '{unknown[0]}' not found")
        if len(mounts) < len(asked.volumeMounts):
            raise ServiceError(400, "two volumes have one path")
        self._take_a_place()
        try:
            born = Born(
                _identifier(), secrets.token_hex(16), asked.templateID, template.id, build.size, asked.metadata,
                asked.envVars, key, datetime.now(UTC), mounts,
            )  # fmt: skip
            box = Box(self.hall, born, network)
            box.network_given = given
            while self.rules.starts is not None and not self.rules.starts.is_set():
                await asyncio.sleep(0.02)
            await box.machine.start(network)
        finally:
            self.starting -= 1
        self.alive[born.id] = self.ever[born.id] = box
        self._live(box, seconds)
        if (moment := self.mischief.draw(Faults.vanishes_in)) is not None:
            asyncio.get_running_loop().call_later(moment, self.end, box, "vanished")
        return self._handle(box)

    def _handle(self, box: Box) -> dict[str, Any]:
        born = box.born
        ids = {"templateID": born.template_id, "sandboxID": born.id, "clientID": CLIENT_ID}
        return {**ids, "envdVersion": ENVD_VERSION, "envdAccessToken": born.token, "domain": None}

    def _take_a_place(self) -> None:
        if (rate := self.rules.creates_per_second) is not None:
            now = time.monotonic()
            self._tokens = min(max(1.0, rate), self._tokens + (now - self._filled_at) * rate)
            self._filled_at = now
            if self._tokens < 1:
                raise self._too_many("rate limit exceeded", (1 - self._tokens) / rate)
            self._tokens -= 1
        if len(self.alive) + self.starting >= self.rules.max_sandboxes:
            most = self.rules.max_sandboxes
            raise self._too_many(f"you have reached the maximum number of concurrent E2B sandboxes ({most})", 1)
        self.starting += 1

    def _too_many(self, message: str, seconds: float) -> ServiceError:
        return ServiceError(
            429, message, headers={"retry-after": str(max(1, math.ceil(seconds)))} if self.rules.retry_after else {}
        )

    def _seconds(self, asked: int | None) -> int:
        seconds = self.rules.default_timeout_seconds if asked is None else asked
        self._check_timeout(seconds)
        return seconds

    def _check_timeout(self, seconds: int) -> None:
        most = self.rules.max_timeout_seconds
        if seconds > most:
            raise ServiceError(400, f"Timeout cannot be greater than {most // 3600} hours")

    def _network_of(self, given: Mapping[str, Any], internet: bool | None) -> Any:
        try:
            return network_of(given, internet)
        except NetworkError as error:
            raise ServiceError(400, str(error)) from None

    def _live(self, box: Box, seconds: float) -> None:
        box.live_for(seconds, lambda: self.end(box, "timeout"))

    def _box(self, request: Request) -> Box:
        sandbox_id = request.path_params["id"]
        box = self.alive.get(sandbox_id)
        if box is None:
            raise self._unknown(sandbox_id)
        return box

    def _unknown(self, sandbox_id: str) -> ServiceError:
        return ServiceError(404, f"sandbox \"{sandbox_id}\" doesn't exist or you don't have access to it")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        if odd := set(query) - {"metadata", "state", "order", "startedAfter", "template", "limit", "nextToken"}:
            self.violations.append(f"GET /v2/sandboxes: unknown parameters {sorted(odd)}")
        wanted = _metadata(query.get("metadata", ""))
        states = query.get("state", "running,paused").split(",")
        limit = int(query.get("limit", self.rules.page))
        if not 1 <= limit <= 100:
            raise ServiceError(400, "limit must be between 1 and 100")
        found = [
            box for box in self.alive.values() if "running" in states and wanted.items() <= box.born.metadata.items()
        ]
        if after := query.get("startedAfter"):
            found = [box for box in found if box.born.started_at > datetime.fromisoformat(after)]
        if template := query.get("template"):
            found = [box for box in found if template in (box.born.template, box.born.template_id)]
        found.sort(key=_place, reverse=query.get("order", "desc") != "asc")
        if token := query.get("nextToken"):
            last, ascending = base64.urlsafe_b64decode(token).decode(), query.get("order", "desc") == "asc"
            found = [box for box in found if (_place(box) > last) == ascending and _place(box) != last]
        size = min(limit, self.rules.page)
        page, more = found[:size], found[size:]
        headers = {"x-next-token": base64.urlsafe_b64encode(_place(page[-1]).encode()).decode()} if more else {}
        return JSONResponse([_listed(box) for box in page], headers=headers)

    async def _info(self, request: Request) -> Response:
        box = self._box(request)
        more = {"envdAccessToken": box.born.token, "domain": None, "network": box.network_given}
        lifecycle = {"autoResume": False, "onTimeout": "kill"}
        return JSONResponse({**_listed(box), **more, "allowInternetAccess": box.network.open, "lifecycle": lifecycle})

    async def _connect(self, request: Request) -> Response:
        box, asked = self._box(request), await read_body(request, ConnectBody, self.violations)
        seconds = self._seconds(asked.timeout)
        if seconds > (box.end_at - datetime.now(UTC)).total_seconds():
            self._live(box, seconds)
        return JSONResponse(self._handle(box))

    async def _kill(self, request: Request) -> Response:
        self.end(self._box(request), "killed")
        return Response(status_code=204)

    async def _timeout(self, request: Request) -> Response:
        asked = await read_body(request, Timeout, self.violations)
        box = self._box(request)
        self._check_timeout(asked.timeout)
        self._live(box, asked.timeout)
        return Response(status_code=204)

    async def _metrics(self, request: Request) -> Response:
        box, query = self._box(request), request.query_params
        start, end = (int(query.get(name, default)) for name, default in (("start", 0), ("end", 2**40)))
        return JSONResponse([each for each in tuple(box.metrics) if start <= each["timestampUnix"] <= end])

    async def _network(self, request: Request) -> Response:
        asked = await read_body(request, UpdatedNetworkBody, self.violations)
        box = self._box(request)
        given = asked.model_dump(exclude_none=True)
        try:
            await box.set_network(self._network_of(given, asked.allow_internet_access), given)
        except Gone:
            raise self._unknown(box.born.id) from None
        return Response(status_code=204)

    async def _new_template(self, request: Request) -> Response:
        return JSONResponse(self.templates.request(await read_body(request, NewTemplate, self.violations)), 202)

    async def _start_build(self, request: Request) -> Response:
        asked = await read_body(request, BuildStart, self.violations)
        self.templates.start(self.templates.build_of(request.path_params["id"], request.path_params["build"]), asked)
        return Response(status_code=202)

    async def _build_status(self, request: Request) -> Response:
        build = self.templates.build_of(request.path_params["id"], request.path_params["build"])
        return JSONResponse(self.templates.status(build, int(request.query_params.get("logsOffset", 0))))

    async def _upload_link(self, request: Request) -> Response:
        name = request.path_params["hash"]
        self.templates.get(request.path_params["id"])
        url = f"http://{request.headers['host']}{self.rules.api_prefix}/uploads/{name}"
        return JSONResponse({"present": name in self.templates.uploads, "url": url}, 201)

    async def _upload(self, request: Request) -> Response:
        self.templates.uploads[request.path_params["hash"]] = await request.body()
        return Response()

    async def _alias(self, request: Request) -> Response:
        return JSONResponse({"templateID": self.templates.get(request.path_params["alias"]).id, "public": False})

    async def _assign_tags(self, request: Request) -> Response:
        asked = await read_body(request, NewTags, self.violations)
        return JSONResponse(self.templates.assign(asked.target, asked.tags), 201)

    async def _remove_tags(self, request: Request) -> Response:
        asked = await read_body(request, OldTags, self.violations)
        self.templates.remove_tags(asked.name, asked.tags)
        return Response(status_code=204)

    async def _tags(self, request: Request) -> Response:
        return JSONResponse(self.templates.tags_of(request.path_params["id"]))


async def _unsupported(request: Request) -> Response:
    raise ServiceError(501, f"{request.url.path}: not available on this server")


def _identifier() -> str:
    return "i" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(20))


def _metadata(query: str) -> dict[str, str]:
    """Undo the two encodings that are left after the query's own."""
    return {unquote(name): unquote(values[0]) for name, values in parse_qs(query, keep_blank_values=True).items()}


def _place(box: Box) -> str:
    return f"{box.born.started_at.timestamp():020.6f} {box.born.id}"


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _listed(box: Box) -> dict[str, Any]:
    born = box.born
    size = {"cpuCount": born.size.cpus, "memoryMB": born.size.memory_mib, "diskSizeMB": born.size.disk_mib}
    ids = {
        "templateID": born.template_id,
        "alias": born.template.partition(":")[0],
        "sandboxID": born.id,
        "clientID": CLIENT_ID,
    }
    life = {"startedAt": _moment(born.started_at), "endAt": _moment(box.end_at), "state": "running"}
    return {**ids, **life, **size, "envdVersion": ENVD_VERSION, "metadata": dict(born.metadata)}
