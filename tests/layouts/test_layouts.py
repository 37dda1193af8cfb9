"""Each layout goes through the commands before `build`; `make layouts` goes on with the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import CratematrixError
from tests.layouts import LAYOUTS, Layout
from tests.layouts.pipeline import QUICK, STEPS, repository_of


@pytest.mark.parametrize("layout", LAYOUTS, ids=[each.name for each in LAYOUTS])
def test_a_layout_needs_no_more_than_the_answers_of_init(layout: Layout, tmp_path: Path) -> None:
    repository = repository_of(layout, tmp_path, {})
    for step in QUICK.values():
        step(repository)


def test_a_manifest_that_lacks_a_crate_is_seen(tmp_path: Path) -> None:
    layout = Layout("wasm-demo", {"wasm-demo": "wasm", "demo": "wasm"})
    with pytest.raises(CratematrixError, match="it found"):
        STEPS["init"](repository_of(layout, tmp_path, {}))
