"""Holds requests and replies to GitHub's own OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

DOCUMENT: Final = Path(__file__).with_name("openapi.json")
# Where GitHub does otherwise than its document says:
# any operation may be refused, though most name few statuses; these are the forms that all name.
REFUSALS: Final = {
    400: "basic-error",
    401: "basic-error",
    403: "basic-error",
    404: "basic-error",
    409: "basic-error",
    422: "validation-error",
}
# its guide to uploads tells of assets that a broken upload leaves as `starter`; the document knows no such state.
STARTER: Final = "starter"
# assets are sent with the media type of their own; the document knows one for all.
UPLOAD: Final = "/repos/{owner}/{repo}/releases/{release_id}/assets"
# PyGithub and GitHub's own command say "no label" with an empty one; openapi-core allows no empty value.
MAY_BE_EMPTY: Final = ("label", "")
OCTETS: Final = "application/octet-stream"


@dataclass
class Asked:
    """A request, as openapi-core wants it."""

    host_url: str
    path: str
    method: str
    content_type: str
    body: bytes | None
    parameters: RequestParameters


@dataclass
class Replied:
    """A reply, as openapi-core wants it."""

    status_code: int
    content_type: str
    headers: Headers
    data: bytes | None


@dataclass
class Exchanged:
    """A request and its reply; `template` is the document's path, with the values of `places` in it."""

    method: str
    template: str
    places: Mapping[str, Any]
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    reply_headers: Mapping[str, str] = field(default_factory=dict)
    reply: bytes = b""


class Checker:
    """Finds what breaks the document."""

    def __init__(self) -> None:
        self._openapi = OpenAPI.from_dict(_amended(json.loads(DOCUMENT.read_text())), Config(spec_validator_cls=None))
        self._known: set[str] = set()

    def violations(self, exchanged: Exchanged) -> list[str]:
        """Return what is wrong with a request and its reply; a request that was refused may be wrong."""
        asked, replied = _asked(exchanged), self._replied(exchanged)
        errors = [*self._openapi.iter_request_errors(asked), *self._openapi.iter_response_errors(asked, replied)]
        return [f"{exchanged.method} {exchanged.template} {exchanged.status}: {each}" for each in map(_said, errors)]

    def _replied(self, exchanged: Exchanged) -> Replied:
        kind = exchanged.reply_headers.get("content-type", "")
        data = exchanged.reply
        if exchanged.status < 300 and kind.startswith("application/json"):
            data = json.dumps(self._unseen(exchanged, json.loads(data))).encode()
        return Replied(exchanged.status, kind, Headers(list(exchanged.reply_headers.items())), data or None)

    def _unseen(self, exchanged: Exchanged, value: Any) -> Any:
        """Leave out of lists what was checked before: a release has a thousand assets, sent again and again."""
        if isinstance(value, list):
            kind = f"{exchanged.method} {exchanged.template}"
            return [each for each in (self._unseen(exchanged, one) for one in value) if self._new(kind, each)]
        if isinstance(value, dict) and isinstance(value.get("assets"), list):
            return {**value, "assets": [asset for asset in value["assets"] if self._new("assets", asset)]}
        return value

    def _new(self, kind: str, value: Any) -> bool:
        key = f"{kind} {json.dumps(value, sort_keys=True)}"
        new = key not in self._known
        self._known.add(key)
        return new


def _asked(exchanged: Exchanged) -> Asked:
    upload = exchanged.method == "POST" and exchanged.template == UPLOAD
    host = "https://uploads.github.com" if upload else "https://api.github.com"
    path = exchanged.template.format_map({name: quote(str(value), safe="") for name, value in exchanged.places.items()})
    headers = Headers(list(exchanged.headers.items()))
    query = ImmutableMultiDict([each for each in exchanged.query if each != MAY_BE_EMPTY])
    parameters = RequestParameters(query=query, header=headers)
    kind = OCTETS if upload else exchanged.headers.get("content-type", "")
    return Asked(host, path, exchanged.method.lower(), kind, exchanged.body or None, parameters)


def _said(error: BaseException) -> str:
    return " ".join(_chain(error))


def _chain(error: BaseException | None) -> Iterator[str]:
    """Say an error with its causes, the last of which is the schema's."""
    while error is not None:
        yield f"{type(error).__name__}: {str(error)[:300]}"
        for each in getattr(error, "schema_errors", ()):
            yield f"[{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}]"
        error = error.__cause__


def _amended(document: dict[str, Any]) -> dict[str, Any]:
    document["components"]["schemas"]["release-asset"]["properties"]["state"]["enum"].append(STARTER)
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, form in REFUSALS.items():
                content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{form}"}}}
                operation["responses"].setdefault(str(status), {"description": "", "content": content})
    return document
