"""Sources of dependencies and tools stay as they were before any code of the crate ran."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest

from generator.sandboxes.contract import Sandbox, SandboxError
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")

CRATE = "cargo/registry/src/index/other-1.0.0/lib.rs"
GIT = "cargo/git/checkouts/other/1/lib.rs"
TOOL = "tools/wasm-bindgen"


@pytest.fixture
def kind() -> str:
    return "isolated"


def program(path: Path, name: str) -> Path:
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.mode = 4, 0o755
        tar.addfile(member, io.BytesIO(b"true"))
    return path


@pytest.fixture
def given(open_sandbox: OpenSandbox, tmp_path: Path) -> Sandbox:
    sandbox = open_sandbox()
    for file in (CRATE, GIT):
        run_in(sandbox, f"mkdir -p $(dirname {file}) && echo true > {file}")
    sandbox.close_network()
    sandbox.put(program(tmp_path / "tools.tar", "wasm-bindgen"), f"{sandbox.root}/tools")
    return sandbox


@pytest.mark.parametrize("file", [CRATE, GIT, TOOL])
@pytest.mark.parametrize(
    "attack",
    [
        "echo false > {file}",
        "rm -rf {file}; mkdir -p $(dirname {file}); echo false > {file}",
        "mv cargo away; mv tools away; mkdir -p $(dirname {file}); echo false > {file}",
        "rm -rf cargo tools; ln -s /usr/bin tools; ln -s /usr cargo",
        "chmod -R u+w cargo tools; echo false > {file}",
    ],
)
@pytest.mark.attack("a build cannot replace the tools that make its package", entry="H2")
@pytest.mark.attack("a build script cannot alter other crates before they compile", entry="W16")
def test_neither_other_crates_nor_tools_can_be_altered(given: Sandbox, file: str, attack: str) -> None:
    run_in(given, attack.format(file=file))
    assert run_in(given, f"cat {file}; echo")[1][0] == "true"


@pytest.mark.attack("a link in place of a read-only directory is never followed", entry="W16")
def test_a_later_archive_is_not_unpacked_into_a_read_only_directory(given: Sandbox, tmp_path: Path) -> None:
    run_in(given, "ln -s /build/tools packed; ln -s /build/cargo/registry/src/index packed2")
    for directory in ("packed", "packed2"):
        with pytest.raises(SandboxError, match="cannot be unpacked"):
            given.put(program(tmp_path / "late.tar", "wasm-bindgen"), f"{given.root}/{directory}")


@pytest.mark.attack("a link in place of a read-only directory is never followed", entry="W16")
def test_a_link_in_place_of_a_read_only_directory_is_never_followed(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    sandbox = open_sandbox()
    run_in(sandbox, f"rmdir tools && ln -s {tmp_path}/secret tools")
    sandbox.close_network()
    with pytest.raises(SandboxError, match="tools is no longer a directory"):
        run_in(sandbox, "ls tools")


@pytest.mark.attack("a build script cannot alter other crates before they compile", entry="W16")
def test_cargo_compiles_from_sources_that_it_cannot_alter(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    make = """mkdir -p registry/other/src made/src
printf '[package]\\nname = "other"\\nversion = "1.0.0"\\n' > registry/other/Cargo.toml
echo '{"files":{}}' > registry/other/.cargo-checksum.json; echo 'pub const WORD: &str = "given";' > registry/other/src/lib.rs
mv registry/other cargo/registry/other; cd made
printf '[package]\\nname = "made"\\nversion = "1.0.0"\\n[dependencies]\\nother = "1"\\n' > Cargo.toml
mkdir .cargo; printf '[source.crates-io]\\nreplace-with = "own"\\n[source.own]\\ndirectory = "/build/cargo/registry"\\n' > .cargo/config.toml
echo 'fn main() { println!("{}", other::WORD) }' > src/main.rs
cat > build.rs <<'END'
fn main() { let _ = std::fs::write("/build/cargo/registry/other/src/lib.rs", "pub const WORD: &str = \\"altered\\";"); }
END"""
    assert run_in(sandbox, make)[0].exit_code == 0
    sandbox.close_network()
    run_in(sandbox, "cd made && cargo check -q --offline", timeout=300)
    assert run_in(sandbox, "cd made && touch src/main.rs && cargo run -q --offline 2>&1", timeout=300)[1][-1] == "given"
