"""How GitHub says no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DOCUMENTATION: Final = "https://docs.github.com/rest"


class Refusal(Exception):
    """An error reply; `errors` are a 422's details."""

    def __init__(
        self,
        status: int,
        message: str,
        *errors: Mapping[str, str],
        page: str = DOCUMENTATION,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, Any] = {"message": message, "documentation_url": page, "status": str(status)}
        if errors:
            self.body["errors"] = list(errors)


def not_found() -> Refusal:
    """Return the reply for what is not there, or not for this token."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> Refusal:
    """Return a 422 for one field."""
    error = {"resource": resource, "code": code, "field": field}
    return Refusal(422, "Validation Failed", {**error, "message": message} if message else error)


def refused(resource: str, message: str) -> Refusal:
    """Return a 422 for a rule that is about no one field."""
    return Refusal(422, "Validation Failed", {"resource": resource, "code": "custom", "message": message})
