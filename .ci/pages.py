"""Hooks of mkdocs: the page of the manifest's keys comes from the schema, and a picture stands in for each diagram.

Pictures are made by `make diagrams`, so that neither the build nor a reader loads a script of another host.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from generator.manifest.schema import SINCE, manifest_schema
from generator.markdown import code, escape

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
DIAGRAM: Final = re.compile(r"^```mermaid\n(?P<source>.*?)^```\n", re.MULTILINE | re.DOTALL)
TITLE: Final = re.compile(r"^ *accTitle: (.*)$", re.MULTILINE)
PICTURES: Final = "images/diagrams"
KEYS: Final = "<!-- keys -->"
# Where each model stands in the manifest, in the order of the page.
PLACES: Final = {
    "Manifest": "The whole manifest",
    "Fleet": "fleet",
    "Workflows": "fleet.workflows",
    "Limits": "fleet.limits",
    "E2BService": "fleet.e2b",
    "Crate": "crates[]",
    "PathSource": "crates[].source, a path",
    "GitSource": "crates[].source, a git repository",
    "RegistrySource": "crates[].source, a published version",
    "Commands": "crates[].commands",
    "Quarantine": "crates[].quarantine",
}
TEMPLATE: Final = """\
{% for part in parts %}
## {{ part.title }} {: #{{ part.anchor }} }

{% for key in part.entries %}
### {{ key.name }} {: #{{ part.anchor }}-{{ key.anchor }} }

{{ key.description }}

| type | default | example | since |
| --- | --- | --- | --- |
| {{ key.type }} | {{ key.default }} | {{ key.examples }} | {{ key.since }} |

{% endfor %}
{% endfor %}
"""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the text of a page with its keys and pictures."""
    with_keys = markdown.replace(KEYS, keys()) if KEYS in markdown else markdown
    return DIAGRAM.sub(lambda found: picture(found["source"]), with_keys)


def picture(source: str) -> str:
    """Return the Markdown of a diagram's picture in its own width; ValueError without a title or a picture."""
    title, file = TITLE.search(source), DOCS / PICTURES / picture_name(source)
    if not title or not file.exists():
        raise ValueError(f"{'run make diagrams for' if title else 'there is no accTitle in'} this diagram:\n{source}")
    width = re.search(r"max-width: (\d+)", file.read_text(encoding="utf-8"))
    return f"![{escape(title[1])}]({PICTURES}/{file.name}){{ .diagram width={width[1] if width else '100%'} }}\n"


def picture_name(source: str) -> str:
    """Return the file name of a diagram's picture, another one for each content."""
    return f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.svg"


def diagrams() -> dict[str, str]:
    """Return the sources of all diagrams by the names of their pictures."""
    texts = (page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md")))
    return {picture_name(found["source"]): found["source"] for text in texts for found in DIAGRAM.finditer(text)}


def keys() -> str:
    """Return the Markdown of all keys of the manifest."""
    schema = manifest_schema()
    models = {"Manifest": schema, **schema["$defs"]}
    if models.keys() != PLACES.keys():
        raise ValueError(f"PLACES of .ci/pages.py and the schema differ: {models.keys() ^ PLACES.keys()}")
    parts = [
        {
            "title": place if name == "Manifest" else code(place),
            "anchor": name.lower(),
            "entries": [key_values(key, content, models[name]) for key, content in models[name]["properties"].items()],
        }
        for name, place in PLACES.items()
    ]
    # The output is Markdown, and each value is escaped.
    environment = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    return environment.from_string(TEMPLATE).render(parts=parts)


def key_values(name: str, key: dict[str, Any], part: dict[str, Any]) -> dict[str, str]:
    """Return what the page shows of one key."""
    required = "required" if name in part.get("required", ()) else "none"
    default = key.get("default")
    return {
        "name": code(name),
        "anchor": name.strip("$"),
        "description": escape(key["description"]),
        "type": type_words(key),
        "default": required if default is None else code(json.dumps(default)),
        "examples": "<br>".join(code(json.dumps(each)) for each in key["examples"]),
        "since": key[SINCE],
    }


def type_words(key: dict[str, Any]) -> str:
    """Return the type of a value in words."""
    match key:
        case {"$ref": ref}:
            name = ref.rpartition("/")[2]
            return f"[{escape(PLACES[name])}](#{name.lower()})"
        case {"anyOf": kinds} | {"oneOf": kinds}:
            return " or ".join(type_words(each) for each in kinds if each != {"type": "null"})
        case {"enum": words}:
            return ", ".join(code(json.dumps(each)) for each in words)
        case {"const": word}:
            return code(json.dumps(word))
        case {"type": "array", "items": items}:
            return f"list of {type_words(items)}"
        case {"type": "object"}:
            return "object of strings"
        case {"type": "integer" | "number" as kind}:
            above, low, high = key.get("exclusiveMinimum"), key.get("minimum"), key.get("maximum")
            return f"{kind}, {f'above {above}' if low is None else low} to {high}"
        case {"type": kind}:
            return str(kind)
    raise ValueError(f"no words for the type of {key}")
