"""The text of a release: how to check its packages and to install one, the list of all, and the crates in quarantine."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator.github_api.connection import repository_url
from generator.manifest.models import Manifest
from generator.manifest.names import tarball_names
from generator.manifest.settings import settings
from generator.releases.notes import MAX_BODY, draft_body, published_body
from generator.reports.models import Artifact, CrateReport, Failure, QuarantineReport, Report, Unit

SITE = "https://github.com/octo-org/fleet"
START, END = "<!-- cratematrix: publication replaces this part -->\n", "<!-- end of this part -->\n"
DIGEST = hashlib.sha256(b"").hexdigest()
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def manifest(*kinds: str, names: str = "{kind}{number}", **fleet: Any) -> Manifest:
    crates = [
        {"name": names.format(kind=kind, number=number), "version": "1.0.0", "kind": kind, "source": {"path": "x"}}
        for number, kind in enumerate(kinds)
    ]
    text = {"schema_version": 1, "fleet": {"npm_scope": "@demo", "slots": 1, **fleet}, "crates": crates}
    return Manifest.model_validate_json(json.dumps(text))


def files_of(of: Manifest, size: int = 1_536) -> dict[str, Artifact]:
    """Return a file for every package."""
    merged = {crate: settings(of.fleet, crate) for crate in of.crates}
    names = [name for crate, own in merged.items() for name in tarball_names(crate, own, own.platforms, own.layout)]
    return {name: Artifact(file=name, bytes=size, sha256=DIGEST) for name in names}


def report(*crates: CrateReport) -> Report:
    return Report(backend="local", isolated=True, seconds=1, crates=crates)


def broken(name: str, reason: str = "its author is away", message: str = "mismatched types") -> CrateReport:
    failure = Failure(failure_class="permanent", phase="compile", message=message, file="src/lib.rs", line=7)
    quarantine = QuarantineReport(reason=reason, until="2026-12-31", state="holds")
    return CrateReport(name=name, version="1.0.0", kind="bin", state="failed", failure=failure, quarantine=quarantine)


def published(of: Manifest, *crates: CrateReport, draft: str = "", files: dict[str, Artifact] | None = None) -> str:
    return published_body(draft, of, report(*crates), files_of(of) if files is None else files, "v1.0.0", SITE)


def test_a_release_says_how_each_manager_installs_one_of_its_packages() -> None:
    address = f"{SITE}/releases/download/v1.0.0/demo-napi1-1.0.0.tgz"
    assert draft_body(manifest("lib", "napi", "bin"), "v1.0.0", SITE) == (
        f"{START}2 npm packages. Check them in a checkout of this tag:\n\n```sh\ncratematrix release verify --tag v1.0.0\n```\n\n"
        "To install `@demo/napi1`, as an example:\n\n"
        f"```sh\nnpm install --allow-remote=root {address}\npnpm add {address}\n"
        f"yarn add @demo/napi1@{address}\nbun add {address}\n```\n{END}"
    )


def test_a_tag_with_a_slash_is_one_part_of_the_address() -> None:
    assert f"{SITE}/releases/download/%40demo%2Fnapi1%401.0.0/demo-" in draft_body(
        manifest("lib", "napi"), "@demo/napi1@1.0.0", SITE
    )


@pytest.mark.parametrize("kinds", [("napi",), ("lib",), ("bin", "lib")])
def test_packages_that_need_a_registry_have_no_line(kinds: tuple[str, ...]) -> None:
    assert "install" not in draft_body(manifest(*kinds, layout="split"), "v1.0.0", SITE)


def test_a_wasm_package_is_whole_in_each_layout() -> None:
    notes = draft_body(manifest("napi", "wasm", layout="split"), "v1.0.0", SITE)
    assert "To install `@demo/wasm1`, as an example:" in notes


def test_a_published_release_lists_every_package_with_the_line_that_installs_it() -> None:
    skipped = Unit(platform="win32-x64-msvc", state="skipped")
    built = CrateReport(name="bin1", version="1.0.0", kind="bin", state="built", units=(skipped,))
    fleet = manifest("lib", "bin", "wasm", platforms=["linux-x64-gnu", "win32-x64-msvc", "wasm32"])
    line, bin1, wasm2 = "npm install --allow-remote=root", "demo-bin1-1.0.0.tgz", "demo-wasm2-1.0.0.tgz"
    facts = f"1.0.0, 1.5 kB, SHA-256 `{DIGEST}`"
    text = published(fleet, built)
    assert text.startswith(f"{START}2 npm packages. Check them in a checkout of this tag:\n")
    assert "In quarantine" not in text
    assert text.partition("### Packages\n")[2] == (
        f"\n<details>\n<summary>linux-x64-gnu: 1 package</summary>\n\n**`@demo/bin1`** {facts}\n\n"
        f"```sh\n{line} {SITE}/releases/download/v1.0.0/{bin1}\n```\n\n</details>\n"
        f"\n<details>\n<summary>wasm32: 1 package</summary>\n\n**`@demo/wasm2`** {facts}\n\n"
        f"```sh\n{line} {SITE}/releases/download/v1.0.0/{wasm2}\n```\n\n</details>\n{END}"
    )


def test_packages_of_the_layout_split_are_installed_from_a_registry() -> None:
    text = published(manifest("napi", layout="split", platforms=["linux-x64-gnu", "wasm32"]))
    assert "\nLines without an address need a registry that has the packages.\n" in text
    lines = [line for line in text.splitlines() if line.startswith("npm install")]
    assert lines == [
        "npm install @demo/napi0@1.0.0",
        "npm install @demo/napi0-linux-x64-gnu@1.0.0",
        "npm install @demo/napi0-wasm32-wasi@1.0.0",
    ]
    assert "<summary>linux-x64-gnu, wasm32: 1 package</summary>\n\n**`@demo/napi0`** 1.0.0" in text


def test_crates_that_failed_in_quarantine_are_named_with_reason_and_failure() -> None:
    fleet = manifest("bin", "bin")
    files = {name: each for name, each in files_of(fleet).items() if "bin1" in name}
    text = published(fleet, broken("bin0"), files=files)
    assert text.startswith(f"{START}1 npm package. Check them in a checkout of this tag:\n")
    assert (
        "\n### In quarantine\n\nThis release is without 1 crate that failed:\n\n"
        "- **bin0** 1.0.0, until 2026-12-31\\: its author is away\n  - `src/lib.rs:7: mismatched types`\n\n### Packages\n"
    ) in text


@pytest.mark.parametrize(
    ("draft", "before", "after"),
    [
        ("", "", "\n"),
        ("Words", "Words\n\n", "\n"),
        (f"Before\r\n{START}old{END}\r\nAfter", "Before\r\n", "\n\r\nAfter"),
        (f"{START}no end", f"{START}no end\n\n", "\n"),
    ],
)
def test_the_words_of_a_person_stay(draft: str, before: str, after: str) -> None:
    text = published(manifest("bin"), draft=draft)
    assert (text.startswith(before + START + "1 npm package."), text.endswith(END.strip() + after)) == (True, True)
    assert "old" not in text


def test_a_draft_is_published_with_one_part_however_often() -> None:
    fleet = manifest("bin", "wasm")
    once = published(fleet, draft=draft_body(fleet, "v1.0.0", SITE))
    assert once == published(fleet, draft=once) == published(fleet)


@pytest.mark.parametrize(
    ("count", "has"), [(300, "npm install --allow"), (700, DIGEST), (999, " kB"), (3_000, "names and digests")]
)
@pytest.mark.parametrize("person", ["", "é" * 30_000])
def test_a_long_list_has_less_of_each_package(count: int, has: str, person: str) -> None:
    """GitHub allows 999 packages and 125,000 characters."""
    fleet = manifest(*["bin"] * count, names="a-{kind}-of-the-fleet-{number}")
    text = published(fleet, *(broken(f"b{number}") for number in range(3)), draft=person)
    listed = text.partition("### Packages\n")[2]
    assert len(text) <= MAX_BODY
    if not person:
        assert listed.count(has) >= (1 if count > 999 else count)
    assert text.count("mismatched types") == 3
    assert text.endswith(f"{END}")


def test_many_crates_in_quarantine_are_named_without_their_failures() -> None:
    fleet = manifest(*["bin"] * 900)
    text = published(fleet, *(broken(f"b{number}", message="x" * 900) for number in range(200)))
    assert "This release is without 200 crates that failed: b0, b1, b2, " in text
    assert text.count("xxx") == 0
    text = published(fleet, *(broken(f"b{number}{'x' * 50}") for number in range(9_000)))
    assert "This release is without 9000 crates that failed. The report names them.\n" in text
    assert len(text) <= MAX_BODY


MARKS = [
    "\n", "\r\n", "\n\n", "\t", "    ", "# ", "- ", "1. ", "> ", "```", "~~~", "---", "|", "\\", "`", "**", "![x](y)", "[x](y)",
    "<b>", "<!--", "-->", "&amp;", "https://example.com", "www.example.com", "@you", "#1", ":tada:", "$$", "words",
]  # fmt: skip
WORDS = st.lists(st.sampled_from(MARKS), max_size=8).map("".join)


@limits(deadline=None, max_examples=100)
@given(WORDS, WORDS)
@pytest.mark.attack("no text of a crate becomes Markdown in a release")
def test_no_text_of_a_crate_is_markup(reason: str, message: str) -> None:
    def shape(reason: str, message: str) -> list[tuple[str, str]]:
        tokens = READER.parse(published(manifest("bin"), broken("a", reason, f"x{message}")))
        inner = [child for token in tokens for child in token.children or ()]
        return [(each.type, each.tag) for each in (*tokens, *inner) if each.type != "text"]

    assert shape(reason, message) == shape("words", "words")


def test_no_user_is_notified_of_a_package_or_a_failure() -> None:
    """GitHub may take an escaped @ for a mention, and leaves code alone."""
    fleet = manifest(*["bin"] * 400)
    for text in (
        published(fleet, broken("a", message="@you `x`")),
        published(manifest("bin")),
        draft_body(fleet, "v1", SITE),
    ):
        words = [child for token in READER.parse(text) for child in token.children or () if child.type == "text"]
        assert [each.content for each in words if "@" in each.content] == []


def test_the_address_is_of_the_server_that_runs_the_workflow() -> None:
    own = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "octo-org/fleet"}
    assert repository_url(own) == "https://git.example/octo-org/fleet"
    assert repository_url({"GITHUB_REPOSITORY": "octo-org/fleet"}) == SITE
