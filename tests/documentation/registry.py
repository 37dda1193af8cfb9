"""A registry of npm that remembers what is published to it, and names versions of packages that nobody can install."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving.port import Port


@dataclass
class Registry:
    """`url` ends with a slash; `published` has names and tarballs in their order, `versions` those of known packages."""

    url: str = ""
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    published: list[tuple[str, bytes]] = field(default_factory=list)

    def settings(self, file: Path) -> dict[str, str]:
        """Write the settings of a user who may publish here, and return the variable that names them to npm."""
        file.write_text(f"registry={self.url}\n{self.url.removeprefix('http:')}:_authToken=secret\n")
        return {"npm_config_userconfig": str(file)}


@contextmanager
def npm_registry() -> Iterator[Registry]:
    """Serve a registry."""
    registry = Registry()

    async def package(request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "GET" and name in registry.versions:
            known = {each: {"name": name, "version": each} for each in registry.versions[name]}
            return JSONResponse({"name": name, "dist-tags": {"latest": max(known)}, "versions": known})
        if request.method == "GET":
            return JSONResponse({"error": "Not found"}, 404)
        if request.headers.get("authorization") != "Bearer secret":
            return JSONResponse({"error": "Unauthorized"}, 401)
        sent = await request.json()
        (attached,) = sent["_attachments"].values()
        registry.published.append((sent["name"], base64.b64decode(attached["data"])))
        return JSONResponse({"ok": True}, 201)

    app = Starlette(routes=[Route("/{name:path}", package, methods=["GET", "PUT"])])
    with closing(Port(app, 0, "npm registry")) as port:
        registry.url = f"{port.url}/"
        port.open()
        yield registry
