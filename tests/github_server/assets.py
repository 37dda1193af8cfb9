"""The operations on assets: uploads, and downloads with and without a token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response

from tests.github_server.account import Account, Asset, Release
from tests.github_server.call import Answer, Call, nothing, read_rest, reply
from tests.github_server.faults import Starter
from tests.github_server.refusal import Refusal, invalid, not_found, refused
from tests.github_server.releases import AT, find_release
from tests.github_server.replies import Replies

LOCKED: Final = "Cannot upload assets to an immutable release."


def stored_name(name: str) -> str:
    """Return what GitHub makes of a name: dots for what is special, and no dot at an end."""
    plain = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]+", ".", name))
    plain = f"default{plain}" if plain.startswith(".") else plain
    return plain.rstrip(".")


class Assets:
    """Keeps the files of releases in a directory."""

    def __init__(self, account: Account, replies: Replies) -> None:
        self._account, self._rules, self._replies = account, account.rules, replies

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        one = f"{AT}/assets/{{asset_id}}"
        return (
            Answer("GET", f"{AT}/{{release_id}}/assets", self._list),
            Answer("POST", f"{AT}/{{release_id}}/assets", self._upload, upload=True),
            Answer("GET", one, self._get),
            Answer("PATCH", one, self._update),
            Answer("DELETE", one, self._delete),
        )

    def path(self, asset: Asset) -> Path:
        """Return where an asset's content is."""
        return self._account.directory / str(asset.id)

    async def _list(self, call: Call) -> Response:
        release = find_release(call)
        page, headers = call.page(tuple(release.assets.values()))
        return reply([self._replies.asset(call.repository, release, each) for each in page], headers=headers)

    async def _upload(self, call: Call) -> Response:
        call.need_push()
        release = find_release(call)
        asset = self._begin(call, release)
        release.assets[asset.id] = asset
        if isinstance(call.request.scope.get("fault"), Starter):
            await read_rest(call.request)
            return Response(status_code=502)
        await self._store(call, asset)
        if asset.id not in release.assets:  # removed while it was sent
            raise not_found()
        if release.immutable:  # published while it was sent
            self._remove(release, asset)
            raise Refusal(422, LOCKED)
        if not 1 <= asset.size < self._rules.asset_bytes:
            self._remove(release, asset)
            bound = "greater than or equal to 1" if asset.size == 0 else f"less than {self._rules.asset_bytes}"
            raise invalid("ReleaseAsset", "size", "custom", f"size must be {bound}")
        return reply(self._replies.asset(call.repository, release, asset), 201)

    def _begin(self, call: Call, release: Release) -> Asset:
        """Return the asset as it is while its upload lasts, and stays if that breaks off."""
        query = call.request.query_params
        name = stored_name(query.get("name", ""))
        if "content-length" not in call.request.headers:
            raise Refusal(400, "Bad Content-Length: ")
        if release.immutable:
            raise Refusal(422, LOCKED)
        if not name:
            raise invalid("ReleaseAsset", "name", "missing_field")
        if release.named(name):
            raise invalid("ReleaseAsset", "name", "already_exists")
        if len(release.assets) >= self._rules.assets:
            message = f"file_count limited to {self._rules.assets} assets per release"
            raise invalid("ReleaseAsset", "file_count", "custom", message)
        kind = call.request.headers.get("content-type") or "application/octet-stream"
        number, label = self._account.numbers.next(), query.get("label") or ""
        return Asset(number, name, label, kind, "starter", 0, None, call.token.login, call.now, call.now)

    async def _store(self, call: Call, asset: Asset) -> None:
        digest, size = hashlib.sha256(), 0
        with self.path(asset).open("wb") as file:
            try:
                async for chunk in call.request.stream():
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
            except ClientDisconnect:
                raise Refusal(400, "Bad Content-Length: ") from None
        asset.state, asset.size, asset.sha256 = "uploaded", size, digest.hexdigest()

    async def _get(self, call: Call) -> Response:
        release, asset = self._find(call)
        if "application/octet-stream" not in call.request.headers.get("accept", ""):
            return reply(self._replies.asset(call.repository, release, asset))
        if asset.state != "uploaded":
            raise not_found()
        asset.downloads += 1
        return RedirectResponse(f"{call.url}/storage/{asset.id}/{asset.sha256}", 302)

    async def _update(self, call: Call) -> Response:
        call.need_push()
        release, asset = self._find(call)
        if release.immutable:
            raise refused("ReleaseAsset", "Cannot update asset of an immutable release")
        body = call.json()
        name = stored_name(str(body.get("name", asset.name)))
        if release.named(name) not in (None, asset):
            raise invalid("ReleaseAsset", "name", "already_exists")
        asset.name, asset.label, asset.updated_at = name, body.get("label", asset.label), call.now
        return reply(self._replies.asset(call.repository, release, asset))

    async def _delete(self, call: Call) -> Response:
        call.need_push()
        release, asset = self._find(call)
        if release.immutable:
            raise refused("ReleaseAsset", "Cannot delete asset from an immutable release")
        self._remove(release, asset)
        return nothing()

    def _remove(self, release: Release, asset: Asset) -> None:
        del release.assets[asset.id]
        self.path(asset).unlink(missing_ok=True)

    def _find(self, call: Call) -> tuple[Release, Asset]:
        found = call.repository.find_asset(call.number("asset_id"))
        if found is None or (found[0].draft and not call.may_push):
            raise not_found()
        return found
