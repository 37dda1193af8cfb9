"""Connection settings: options before environment variables before the manifest, and all problems at once."""

from __future__ import annotations

import pytest

from generator.errors import InputError
from generator.manifest.fleet_models import E2BService
from generator.sandboxes.e2b.connection import Gateway, resolve_connection

KEY = {"E2B_API_KEY": "e2b_0123456789"}
BY_MANIFEST = E2BService(
    api_url="https://manifest.example.com/api", sandbox_url="https://manifest.example.com/sbx", domain="example.com"
)
BY_VARIABLE = {"E2B_API_URL": "https://variable.example.com/api", "E2B_SANDBOX_URL": "https://variable.example.com/s"}
BY_OPTION = Gateway("https://option.example.com/api", "https://option.example.com/s")


@pytest.mark.parametrize(
    ("options", "environment", "service", "host"),
    [
        (BY_OPTION, BY_VARIABLE, BY_MANIFEST, "option"),
        (Gateway(), BY_VARIABLE, BY_MANIFEST, "variable"),
        (Gateway(), {}, BY_MANIFEST, "manifest"),
    ],
)
def test_the_nearest_setting_wins(
    options: Gateway, environment: dict[str, str], service: E2BService, host: str
) -> None:
    found = resolve_connection(service, options, {**KEY, **environment})
    assert found.api_url == f"https://{host}.example.com/api"
    assert (found.sandbox_url or "").startswith(f"https://{host}.example.com/s")
    assert found.domain == "example.com"


def test_without_settings_it_is_e2b_itself() -> None:
    assert resolve_connection(E2BService(), Gateway(), KEY).api_params() == {
        "api_key": KEY["E2B_API_KEY"],
        "debug": False,
    }


def test_headers_are_filled_from_variables_and_are_secrets_then() -> None:
    service = E2BService(headers={"X-Team": "crates", "X-Key": "Bearer ${GATEWAY_KEY}"})
    found = resolve_connection(
        service, Gateway(headers=("X-Team: ours",)), {**KEY, "GATEWAY_KEY": "k3y-of-the-gateway"}
    )
    assert found.headers == {"X-Team": "ours", "X-Key": "Bearer k3y-of-the-gateway"}
    assert found.secrets() == {
        "E2B_API_KEY": KEY["E2B_API_KEY"],
        "GATEWAY_KEY": "k3y-of-the-gateway",
        "the header X-Key": "Bearer k3y-of-the-gateway",
    }
    assert "k3y" not in repr(found)
    assert KEY["E2B_API_KEY"] not in repr(found)


def test_all_problems_are_reported_at_once_without_secrets() -> None:
    options = Gateway(
        "http://far.example.com", "https://me:passw0rd@example.com", ("no colon", "Host: x", "A: ${NONE}")
    )
    with pytest.raises(InputError) as caught:
        resolve_connection(E2BService(), options, {"E2B_DEBUG": "true", "E2B_DOMAIN": "not a domain"})
    problems = "\n".join(caught.value.problems)
    for expected in (
        "E2B_API_KEY is not set",
        "E2B_DEBUG=true starts no sandboxes",
        "--e2b-api-url is not usable",
        "--e2b-sandbox-url is not usable",
        "E2B_DOMAIN is not usable",
        "--e2b-header number 1",
        "--e2b-header number 2 is one that HTTP or the E2B SDK sets itself",
        "NONE, which the header A needs, is not set",
    ):
        assert expected in problems
    assert len(caught.value.problems) == 8
    assert "passw0rd" not in problems


def test_one_mistake_is_one_sentence() -> None:
    with pytest.raises(InputError, match="E2B_API_KEY is not set: take a key"):
        resolve_connection(E2BService(), Gateway(), {})
