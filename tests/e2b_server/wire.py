"""What the server wrote down about the requests it got, and the forms of their bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

# What the SDK and its transports send, whatever the request.
KNOWN_HEADERS: Final = frozenset(
    (
        *("host", "accept", "accept-encoding", "connection", "content-type", "content-length", "transfer-encoding"),
        *(
            "user-agent",
            "lang",
            "lang_version",
            "package_version",
            "publisher",
            "sdk_runtime",
            "system",
            "te",
            "browser",
        ),
        *("integration", "authorization", "content-encoding"),
    )
)
CONTROL_HEADERS: Final = KNOWN_HEADERS | {"x-api-key", "idempotency-key"}
SANDBOX_HEADERS: Final = KNOWN_HEADERS | {
    *("x-access-token", "e2b-sandbox-id", "e2b-sandbox-port", "keepalive-ping-interval", "connect-protocol-version"),
    *("connect-accept-encoding", "connect-content-encoding", "connect-timeout-ms"),
}


@dataclass(frozen=True)
class Seen:
    """One request and how it was answered: `status` is 0 where no answer was sent, `fault` what was done to it.

    `arrived_at` is when its head did, by the monotonic clock.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    fault: str | None
    arrived_at: float


class ServiceError(Exception):
    """The service says no."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers or {})


class Body(BaseModel):
    """The service ignores fields that it does not know; they are noted as violations all the same."""

    model_config = ConfigDict(strict=True, extra="allow")


class NetworkBody(Body):
    allowOut: list[str] | None = None  # noqa: N815
    denyOut: list[str] | None = None  # noqa: N815
    dnsServers: list[str] | None = None  # noqa: N815
    egressProxy: dict[str, Any] | None = None  # noqa: N815
    rules: dict[str, Any] | None = None


class NewNetworkBody(NetworkBody):
    allowPublicTraffic: bool | None = None  # noqa: N815
    maskRequestHost: str | None = None  # noqa: N815
    httpsPorts: list[int] | None = None  # noqa: N815


class UpdatedNetworkBody(NetworkBody):
    allow_internet_access: bool | None = None


class VolumeMount(Body):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    path: Annotated[str, Field(pattern=r"^/")]


class NewSandbox(Body):
    templateID: str  # noqa: N815
    timeout: Annotated[int, Field(ge=0)] | None = None
    metadata: dict[str, str] = {}
    envVars: dict[str, str] = {}  # noqa: N815
    autoPause: Literal[False] | None = None  # noqa: N815
    autoPauseMemory: bool | None = None  # noqa: N815
    autoResume: dict[str, Any] | None = None  # noqa: N815
    allow_internet_access: bool | None = None
    network: NewNetworkBody | None = None
    volumeMounts: list[VolumeMount] = []  # noqa: N815


class Timeout(Body):
    timeout: Annotated[int, Field(ge=0)]


class ConnectBody(Body):
    timeout: Annotated[int, Field(ge=0)] | None = None
    memory: bool | None = None


class NewTemplate(Body):
    name: Annotated[str, Field(min_length=1)]
    tags: list[str] = []
    cpuCount: int | None = None  # noqa: N815
    memoryMB: int | None = None  # noqa: N815
    minFreeDiskMb: int | None = None  # noqa: N815


class Step(Body):
    type: str
    args: list[str] = []
    filesHash: str | None = None  # noqa: N815
    force: bool | None = None


class BuildStart(Body):
    fromImage: str | None = None  # noqa: N815
    fromTemplate: str | None = None  # noqa: N815
    fromImageRegistry: dict[str, Any] | None = None  # noqa: N815
    force: bool | None = None
    steps: list[Step] = []
    startCmd: str | None = None  # noqa: N815
    readyCmd: str | None = None  # noqa: N815


class NewTags(Body):
    target: str
    tags: Annotated[list[str], Field(min_length=1)]


class OldTags(Body):
    name: str
    tags: Annotated[list[str], Field(min_length=1)]


AnyBody = TypeVar("AnyBody", bound=Body)


async def read_body(request: Request, form: type[AnyBody], violations: list[str]) -> AnyBody:
    """Return a request's body; ServiceError 400 where it has not the form."""
    where = f"{request.method} {request.url.path}"
    try:
        body = form.model_validate(json.loads(await request.body()))
    except (ValueError, ValidationError) as error:
        violations.append(f"{where}: {error}")
        raise ServiceError(400, f"error parsing request body: {str(error).splitlines()[0]}") from None
    violations += [f"{where}: unknown field {name}" for name in unknown(body)]
    return body


def unknown(body: Body) -> list[str]:
    """Return the names of fields that the form does not have, at any depth."""
    found = list(body.model_extra or ())
    for name in type(body).model_fields:
        value = getattr(body, name)
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Body):
                found += [f"{name}.{below}" for below in unknown(each)]
    return found
