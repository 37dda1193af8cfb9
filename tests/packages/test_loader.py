"""The patches of a loader, and the text that stays unchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.packages.identity import Identity
from generator.packages.loader import LoaderSettings, is_loader, patch_loader, rename_packages

IDENTITY = Identity("@demo/words", "1.2.3")
SETTINGS = LoaderSettings("words", IDENTITY, ("@old/words", "@other/name"), ("darwin-arm64",), "single")
LOADER = "exports.strict = (function () { return !this; })();\n"


@pytest.mark.parametrize(
    ("head", "strict"),
    [
        ("", "false"),
        ("#!/usr/bin/env node\n", "false"),
        ('"use strict";\n', "true"),
        ("// said\n/* and\nsaid */ 'use strict'\n", "true"),
        ("#!/usr/bin/env node\n\n'use strict';\n", "true"),
        ("/* 'use strict' */\n", "false"),
    ],
)
def test_the_check_comes_first_and_a_directive_holds_all_the_same(tmp_path: Path, head: str, strict: str) -> None:
    text = patch_loader(head + LOADER, SETTINGS, module=False)
    (tmp_path / "loader.js").write_text(text.replace("process.platform", "'darwin'").replace("process.arch", "'arm64'"))
    words = ["node", "--print", "require('./loader.js').strict"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: TID251
    assert done.stdout == f"{strict}\n"
    assert text.index("was not built for") < text.index("exports.strict")


def test_platform_packages_get_our_name_and_others_keep_theirs() -> None:
    text = (
        "require('@old/words-linux-x64-gnu'); require(\"@other/name-wasm32-wasi/package.json\");"
        "require('@old/words-utils'); require('@old/words'); require('x/@old/words-linux-x64-gnu')"
    )
    assert rename_packages(text, SETTINGS) == (
        "require('@demo/words-linux-x64-gnu'); require(\"@demo/words-wasm32-wasi/package.json\");"
        "require('@old/words-utils'); require('@old/words'); require('x/@old/words-linux-x64-gnu')"
    )


def test_only_what_looks_for_this_addon_is_a_loader() -> None:
    assert is_loader("require('./words.linux-x64-musl.node')", "words")
    assert not is_loader("require('./others.linux-x64-musl.node')", "words")


@pytest.mark.parametrize("hostile", ["/**/" * 100_000, "/*" * 200_000, "//\n" * 100_000 + "'use", " " * 400_000])
@pytest.mark.attack("a loader that was made to be slow to read is not")
def test_a_text_made_to_be_slow_is_not(hostile: str) -> None:
    """One that took the square of its length would take hours."""
    assert patch_loader(hostile, SETTINGS, module=False).endswith(hostile)
