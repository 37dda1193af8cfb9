"""Cut the operations that this server has out of GitHub's OpenAPI document.

`npm pack @octokit/openapi`, unpack it, and run
`python -m tests.github_server.openapi_subset package/generated/api.github.com.json`; it writes openapi.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

SUBSET: Final = Path(__file__).with_name("openapi.json")
REPOSITORY: Final = "/repos/{owner}/{repo}"
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "/rate_limit": ("get",),
    REPOSITORY: ("get",),
    f"{REPOSITORY}/branches": ("get",),
    f"{REPOSITORY}/branches/{{branch}}": ("get",),
    f"{REPOSITORY}/commits/{{ref}}": ("get",),
    f"{REPOSITORY}/contents/{{path}}": ("get",),
    f"{REPOSITORY}/git/blobs": ("post",),
    f"{REPOSITORY}/git/blobs/{{file_sha}}": ("get",),
    f"{REPOSITORY}/git/commits": ("post",),
    f"{REPOSITORY}/git/commits/{{commit_sha}}": ("get",),
    f"{REPOSITORY}/git/matching-refs/{{ref}}": ("get",),
    f"{REPOSITORY}/git/ref/{{ref}}": ("get",),
    f"{REPOSITORY}/git/refs": ("post",),
    f"{REPOSITORY}/git/refs/{{ref}}": ("patch", "delete"),
    f"{REPOSITORY}/git/trees": ("post",),
    f"{REPOSITORY}/git/trees/{{tree_sha}}": ("get",),
    f"{REPOSITORY}/immutable-releases": ("get", "put", "delete"),
    f"{REPOSITORY}/pulls": ("get", "post"),
    f"{REPOSITORY}/pulls/{{pull_number}}": ("get", "patch"),
    f"{REPOSITORY}/releases": ("get", "post"),
    f"{REPOSITORY}/releases/assets/{{asset_id}}": ("get", "patch", "delete"),
    f"{REPOSITORY}/releases/latest": ("get",),
    f"{REPOSITORY}/releases/tags/{{tag}}": ("get",),
    f"{REPOSITORY}/releases/{{release_id}}": ("get", "patch", "delete"),
    f"{REPOSITORY}/releases/{{release_id}}/assets": ("get", "post"),
    f"{REPOSITORY}/tags": ("get",),
}
# Errors that any operation may answer with, whether it says so or not.
ERRORS: Final = ("basic-error", "validation-error")
# What has no say in whether a message is valid.
PROSE: Final = frozenset(
    ("description", "summary", "example", "examples", "externalDocs", "tags", "title", "deprecated")
)
# Below these, keys are names of the interface, not words of OpenAPI.
NAMED: Final = frozenset(("properties", "headers", "content", "responses", "schemas", "parameters"))


def subset(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the operations of this server and what they refer to."""
    cut: dict[str, Any] = {name: document[name] for name in ("openapi", "servers")}
    info = document["info"]
    cut["info"] = {name: info[name] for name in ("title", "version", "license")}
    cut["paths"] = {
        path: {method: bare(document["paths"][path][method]) for method in methods}
        for path, methods in OPERATIONS.items()
    }
    cut["components"] = {"schemas": {}, "responses": {}}
    waiting = [*references(cut["paths"]), *(f"#/components/schemas/{name}" for name in ERRORS)]
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        group = cut["components"].setdefault(kind, {})
        if name not in group:
            group[name] = bare(document["components"][kind][name])
            waiting += references(group[name])
    for reply in cut["components"]["responses"].values():
        reply["description"] = ""
    return cut


def bare(value: Any, named: bool = False) -> Any:
    """Return a part of the document without its prose; `named` says that its keys are names of the interface."""
    if isinstance(value, list):
        return [bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: bare(each, not named and key in NAMED)
        for key, each in value.items()
        if named or (key not in PROSE and not key.startswith("x-"))
    }
    for reply in kept.get("responses", {}).values() if not named else ():
        if "$ref" not in reply:
            reply["description"] = ""  # OpenAPI requires one
    return kept


def references(value: Any) -> Iterator[str]:
    """Yield what a part of the document refers to."""
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        yield value["$ref"]
    below: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in below:
        yield from references(each)


def main() -> None:
    """Write the subset."""
    parser = argparse.ArgumentParser(prog="python -m tests.github_server.openapi_subset")
    parser.add_argument("document", type=Path)
    text = json.dumps(
        subset(json.loads(parser.parse_args().document.read_text())), separators=(",", ":"), sort_keys=True
    )
    SUBSET.write_text(text + "\n")


if __name__ == "__main__":
    main()
