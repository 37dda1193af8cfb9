"""Which registries the tools of a sandbox point to, by their own configuration."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from generator.network.endpoints import Endpoint, endpoint_of

# Asks the tools themselves, so that a mirror or a private registry counts. A question about a crate that does not exist
# makes cargo read the configuration of its index, which says where downloads are; what Cargo.lock calls the registry is
# said without one. A yarn or pnpm that would have to be downloaded first is not asked.
SCRIPT: Final = """cd "$(mktemp -d)"
export CARGO_NET_RETRY=1 COREPACK_ENABLE_NETWORK=0
cargo info --quiet --color never "a$(date +%s)" > /dev/null 2>&1
for each in "$CARGO_HOME"/registry/index/*/config.json; do
  [ -f "$each" ] || continue
  directory=${each%/config.json}; name=${directory##*/}
  echo "index https://${name%-*}/"
  echo "cargo $(tr -d '\\n' < "$each")"
done
mkdir src && touch src/lib.rs
printf '[package]\\nname = "ask"\\nversion = "1.0.0"\\nedition = "2021"\\n[dependencies]\\nask = "1"\\n' > Cargo.toml
echo "crates $(cargo metadata --no-deps --offline --format-version 1 2> /dev/null)"
echo "npm $(npm config ls --json 2> /dev/null | tr -d '\\n')"
echo "usual $(env -u npm_config_registry npm config get registry 2> /dev/null)"
echo "usual ${YARN_REGISTRY:-}"
echo "usual ${YARN_NPM_REGISTRY_SERVER:-}"
for each in yarn pnpm; do
  command -v $each > /dev/null || continue
  for key in registry npmRegistryServer; do echo "usual $($each config get $key 2> /dev/null | tail -n 1)"; done
done
exit 0
"""
MAX_ENDPOINTS: Final = 50
# How often the tools are asked that give no whole answer.
MAX_QUERIES: Final = 3


@dataclass(frozen=True)
class Registries:
    """What the tools point to.

    `endpoints` are all of them; `packages` are those that npm, yarn and pnpm ask, and `sources` what Cargo.lock calls
    the registry that cargo asks. `complete` says whether cargo has told where downloads are.
    """

    endpoints: frozenset[Endpoint] = frozenset()
    npm: frozenset[Endpoint] = frozenset()
    cargo_sources: frozenset[str] = frozenset()
    complete: bool = False


class RegistryCache:
    """What all sandboxes of a backend answer alike: the first that is asked tells it to the others."""

    def __init__(self) -> None:
        self._lock, self._questions = threading.Lock(), MAX_QUERIES
        self._found = Registries()

    def get(self, ask: Callable[[], Registries]) -> Registries:
        """Return what is known, and ask while it is not complete; where no network is, not once for each crate."""
        with self._lock:
            if not self._found.complete and self._questions > 0:
                self._questions -= 1
                self._found = ask()
            return self._found


def parse_registries(output: str, more: Iterable[Endpoint] = ()) -> Registries:
    """Return what the script's output names, and `more`; what is no http or https URL is passed over."""
    cargo, packages, sources = list[str](), list[str](), set[str]()
    complete = False
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "index":
            cargo.append(rest)
        elif kind == "cargo":
            found = _texts(rest, ("dl", "api"))
            complete, cargo = complete or bool(found), [*cargo, *found]
        elif kind == "crates":
            sources |= _sources(rest)
        elif kind == "npm":
            packages += _texts(rest, ())
        elif kind == "usual":
            packages.append(rest)
    asked = _endpoints(packages)
    everything = sorted(_endpoints(cargo) | asked | frozenset(more))[:MAX_ENDPOINTS]
    return Registries(frozenset(everything), asked.intersection(everything), frozenset(sources), complete)


def _endpoints(urls: Iterable[str]) -> frozenset[Endpoint]:
    return frozenset(found for url in urls if (found := endpoint_of(url.strip())))


def _texts(text: str, keys: tuple[str, ...]) -> list[str]:
    """Values of an object's keys; without any, of those that name npm's registries."""
    data = _parsed(text)
    wanted = keys or tuple(key for key in data if key == "registry" or key.endswith(":registry"))
    return [data[key] for key in wanted if isinstance(data.get(key), str)]


def _sources(text: str) -> set[str]:
    packages = _parsed(text).get("packages")
    if not isinstance(packages, list) or not packages or not isinstance(packages[0], dict):
        return set()
    dependencies = packages[0].get("dependencies")
    named = [each.get("source") for each in dependencies or () if isinstance(each, dict)]
    return {each for each in named if isinstance(each, str)}


def _parsed(text: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
