"""Sessions of the documentation: the commands that tests run as a reader types them, and those that no test can run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.documentation.pages import Block, blocks
from tests.support import COMMAND, HANGS


@dataclass(frozen=True)
class Session:
    """Shell blocks of a page, from the one that begins with `first` to the one that begins with `last`: by default the same."""

    page: str
    first: str
    last: str | None = None

    @property
    def blocks(self) -> list[Block]:
        """Return the blocks."""
        found = [block for block in blocks("sh") if block.place.startswith(f"{self.page}:")]
        begin, end = (
            next(place for place, block in enumerate(found) if block.text.startswith(words))
            for words in (self.first, self.last or self.first)
        )
        return found[begin : end + 1]

    def text(self, replaced: Mapping[str, str] | None = None) -> str:
        """Return the commands, with what a reader replaces by names of their own."""
        text = "\n".join(block.text for block in self.blocks)
        for word, own in (replaced or {}).items():
            assert word in text, f"{self.page} has no {word} any more"
            text = text.replace(word, own)
        return text


INSTALL: Final = Session("README.md", "pip install .")
QUICK_START: Final = Session("README.md", "cratematrix init")
GIT_INSTALL: Final = Session("docs/another-repository.md", "pip install git+")
FIRST_COMMIT: Final = Session("docs/another-repository.md", "cratematrix init")
CHANGES: Final = Session("docs/caching.md", "cratematrix plan")
UNCHANGED: Final = Session("docs/caching.md", "id=$(cratematrix release prepare")
ANEW: Final = Session("docs/caching.md", "rm -r dist")
SHORT_START: Final = Session("docs/commands.md", "cratematrix init")
COMPLETION: Final = Session("docs/commands.md", "eval")
AT_E2B: Final = Session("docs/e2b.md", "export E2B_API_KEY")
ENVIRONMENT: Final = Session("docs/first-package.md", "python3 -m venv")
FIRST_PACKAGE: Final = Session("docs/first-package.md", "cargo new", "npm install")
WORKFLOWS: Final = Session("docs/first-release.md", "cratematrix generate")
TAG: Final = Session("docs/first-release.md", "cratematrix plan", "git tag")
FIRST_RELEASE: Final = Session("docs/first-release.md", "git checkout")
PUBLISH_BUILT: Final = Session("docs/npm-publishing.md", "node -e")
PUBLISH_RELEASED: Final = Session("docs/npm-publishing.md", "export GITHUB_REPOSITORY")
OWN_REGISTRY: Final = Session("docs/npm-publishing.md", "npm publish --registry")
ADDRESSES: Final = Session("docs/packages.md", "npm install --allow-remote=root URL")
FILES: Final = Session("docs/packages.md", "npm install ./FILE")
PLAN_FILE: Final = Session("docs/plan.md", "cratematrix plan --json")
PRIVATE_INDEX: Final = Session("docs/private-registries.md", "export CARGO_REGISTRIES_COMPANY_INDEX")
VENDORED: Final = Session("docs/private-registries.md", "mkdir -p .cargo")
RELEASE: Final = Session("docs/releases.md", "id=$(cratematrix release prepare --tag v1.0.0)")
NEXT_RELEASE: Final = Session("docs/releases.md", "id=$(cratematrix release prepare --tag v1.1.0")
RESUMED: Final = Session("docs/releases.md", "cratematrix release resume")
OWN_GITHUB: Final = Session("docs/self-hosted-github.md", "export GITHUB_API_URL")
FROM_WINDOWS: Final = Session("docs/windows-and-macos.md", "cratematrix build --all --backend e2b")
ON_MACOS: Final = Session("docs/windows-and-macos.md", "cratematrix build --all --no-isolation")

NOT_RUN: Final = {
    "make demo": "it makes an environment in the checkout; CI runs it in a clean Debian",
    "make test": "it runs the tests",
    'eval "$(_CRATEMATRIX_COMPLETE=zsh_source cratematrix)"': "zsh is not on every machine; a test has its script made",
    "_CRATEMATRIX_COMPLETE=fish_source cratematrix | source": "fish is not on every machine; a test has its script made",
    "gh release download v1.0.0 --pattern '*.tgz' --pattern fleet.json --dir release": "gh speaks only to a server with TLS "
    "at a public name; a test downloads the same files",
    "cargo-xwin cache xwin": "it downloads Microsoft's libraries, hundreds of megabytes, whose licence somebody accepts",
}
"""Commands that no test runs, each with the reason."""


def sessions() -> dict[str, Session]:
    """Return all sessions by name."""
    return {name: value for name, value in globals().items() if isinstance(value, Session)}


def typed(text: str, cwd: Path, **variables: str) -> str:
    """Run lines in bash and return what they print; AssertionError when a line fails."""
    path = f"{Path(COMMAND).parent}:{os.environ['PATH']}"
    words = ["bash", "-euxo", "pipefail", "-c", text]
    env = {**os.environ, "PATH": path, **variables}
    ran = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=HANGS, check=False)  # noqa: TID251
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr
