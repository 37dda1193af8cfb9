"""Which hosts a sandbox may reach while dependencies are fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from generator.manifest.values import FetchHosts

# Asks the tools themselves, so that a mirror or a private registry of the template counts. A question about a crate
# that does not exist makes cargo read the configuration of its index, which says where downloads are.
SCRIPT: Final = """cd "$(mktemp -d)"
cargo info --quiet --color never "a$(date +%s)" > /dev/null 2>&1
for each in "$CARGO_HOME"/registry/index/*/config.json; do
  [ -f "$each" ] || continue
  directory=${each%/config.json}; name=${directory##*/}
  echo "index ${name%-*}"
  echo "cargo $(tr -d '\n' < "$each")"
done
echo "npm $(npm config ls --json 2> /dev/null | tr -d '\n')"
"""
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_URL: Final = re.compile(r"https?://[^\s'\"`<>()\[\]]+")
_NAMED: Final = re.compile(r"(?:resolve host:?|ENOTFOUND|EAI_AGAIN|connect to)\s+'?([A-Za-z0-9.-]+)", re.IGNORECASE)
MAX_HOSTS: Final = 50


def hosts_of(output: str) -> tuple[str, ...]:
    """Return the hosts that the script's output names, sorted; what is no host's name is passed over."""
    found: set[str] = set()
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "index":
            found.add(rest.strip())
        elif kind in ("cargo", "npm"):
            found |= {host for url in _urls(kind, rest) if (host := _host(url))}
    return tuple(sorted(host.lower() for host in found if _HOST.fullmatch(host)))[:MAX_HOSTS]


def _urls(kind: str, text: str) -> list[str]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(data, dict):
        return []
    wanted = (
        ("dl", "api") if kind == "cargo" else [key for key in data if key == "registry" or key.endswith(":registry")]
    )
    return [data[key] for key in wanted if isinstance(data.get(key), str)]


def allowed_hosts(setting: FetchHosts, auto: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the only hosts that a setting allows, with `auto` for that word; None for all."""
    if setting == "open":
        return None
    words = (setting,) if isinstance(setting, str) else setting
    return tuple(dict.fromkeys(host for word in words for host in (auto if word == "auto" else (word,))))


def refused(lines: Iterable[str], allowed: tuple[str, ...]) -> str | None:
    """Return the host that a failed fetch spoke of and could not reach because it is not allowed, or None."""
    for line in reversed(list(lines)):
        named = [*(_host(url) for url in _URL.findall(line)), *_NAMED.findall(line)]
        for host in named:
            if host and "." in host and not any(_matches(host.lower(), rule) for rule in allowed):
                return str(host).lower()
    return None


def _matches(host: str, rule: str) -> bool:
    return host.endswith(rule[1:]) if rule.startswith("*.") else host == rule


def _host(url: str) -> str | None:
    try:
        host: str | None = urlsplit(url).hostname
    except ValueError:
        return None
    return host
