"""What the world downloads: published assets without a token, and the storage that every download leads to."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.github_server.account import Account, Asset, Release, Repository
from tests.github_server.assets import Assets


class Downloads:
    """The addresses that are no part of the API."""

    def __init__(self, account: Account, url: str, assets: Assets) -> None:
        self._account, self._url, self._assets = account, url, assets

    def routes(self) -> Sequence[Route]:
        """Return its addresses."""
        at = "/{owner}/{repo}/releases"
        return (
            Route("/storage/{asset_id:int}/{digest}", self._storage, methods=["GET"]),
            Route(f"{at}/latest/download/{{name}}", self._latest, methods=["GET"]),
            Route(f"{at}/download/{{tag:path}}/{{name}}", self._by_tag, methods=["GET"]),
        )

    async def _storage(self, request: Request) -> Response:
        number, digest = request.path_params["asset_id"], request.path_params["digest"]
        for repository in self._account.repositories.values():
            found = repository.find_asset(number)
            if found and found[1].sha256 == digest:
                named = {"content-disposition": f"attachment; filename={found[1].name}"}
                return FileResponse(self._assets.path(found[1]), media_type="application/octet-stream", headers=named)
        return Response(status_code=404)

    async def _latest(self, request: Request) -> Response:
        repository = self._repository(request)
        latest = repository.releases.get(repository.latest or 0) if repository else None
        return self._lead(latest, request.path_params["name"])

    async def _by_tag(self, request: Request) -> Response:
        repository = self._repository(request)
        release = repository.published(request.path_params["tag"]) if repository else None
        return self._lead(release, request.path_params["name"])

    def _repository(self, request: Request) -> Repository | None:
        found = self._account.repository(f"{request.path_params['owner']}/{request.path_params['repo']}")
        return None if found is None or found.private else found

    def _lead(self, release: Release | None, name: str) -> Response:
        asset: Asset | None = release.named(name) if release else None
        if asset is None or asset.state != "uploaded":
            return Response("Not Found", 404)
        asset.downloads += 1
        return RedirectResponse(f"{self._url}/storage/{asset.id}/{asset.sha256}", 302)
