"""The text of a release: of its draft, and of what is published; pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from rich.filesize import decimal

from generator.manifest.models import Manifest
from generator.manifest.names import github_asset_name, platform_package, tarball_names
from generator.manifest.settings import settings
from generator.markdown import code, code_block, escape, folded
from generator.packages.install_lines import INSTALLERS, install_line
from generator.platforms import PlatformName
from generator.releases.expected_assets import CHECKSUMS, expected_packages, skipped_units
from generator.reports.models import Artifact, CrateReport, Report
from generator.text import counted

MAX_BODY: Final = 125_000
"""Characters of a release's text. GitHub does not document the limit, and answers a longer text with 422."""

# Publication replaces the part between these comments, which no page shows. Words around it are a person's, and stay.
_START: Final = "<!-- cratematrix: publication replaces this part -->"
_END: Final = "<!-- end of this part -->"
_LISTED: Final = "\n### Packages\n"


@dataclass(frozen=True)
class _Package:
    """A package of the release; `address` is None for one that needs a registry."""

    name: str
    version: str
    file: str
    platforms: tuple[PlatformName, ...]
    address: str | None

    @property
    def line(self) -> str:
        """The line that installs it."""
        return install_line("npm", self.name if self.address else f"{self.name}@{self.version}", self.address)


def draft_body(manifest: Manifest, tag: str, repository: str) -> str:
    """Return the text of a draft: the number of packages, how to check them, and how to install one.

    `repository` is the address of the repository.
    """
    packages = _packages(manifest, None, expected_packages(manifest), _downloads(repository, tag))
    return f"{_START}\n{_head(packages, tag)}{_END}\n"


def published_body(
    draft: str, manifest: Manifest, report: Report, files: Mapping[str, Artifact], tag: str, repository: str
) -> str:
    """Return the text of a published release, at most `MAX_BODY` characters: what a draft's has, and lists.

    They have the crates in quarantine with their reasons and failures, and every package in `files` with platforms,
    size, SHA-256 and the line that installs it. A list that is too long has less of each entry. `draft` is the draft's
    text, in which a person may have written.
    """
    before, start, rest = draft.partition(_START)
    _, end, after = rest.partition(_END)
    if not (start and end):
        before, after = f"{draft}\n\n" if draft else "", "\n"
    downloads = _downloads(repository, tag)
    packages = sorted(_packages(manifest, report, files, downloads), key=lambda each: each.file)
    head = f"{before}{_START}\n{_head(packages, tag)}"
    room = MAX_BODY - len(head) - len(_END) - len(after)
    broken = _fitting(_quarantines([each for each in report.crates if each.failed_in_quarantine]), room // 2)
    listed = _fitting(_lists(packages, files, downloads), room - len(broken))
    return f"{head}{broken}{listed}{_END}{after}"


def _downloads(repository: str, tag: str) -> str:
    return f"{repository}/releases/download/{quote(tag, safe='')}"


def _packages(manifest: Manifest, report: Report | None, files: Iterable[str], downloads: str) -> list[_Package]:
    """Return the packages among `files`, in the order of the manifest.

    A package of one platform and its root package need a registry, because npm looks for the others there.
    """
    known, skipped, packages = {*files}, skipped_units(report), list[_Package]()
    for crate in manifest.crates:
        own = settings(manifest.fleet, crate)
        tarballs = tarball_names(crate, own, own.platforms, own.layout)
        built = tuple(each for each in own.platforms if (crate.name, each) not in skipped)
        for file in (each for each in tarballs if each in known):
            platform = tarballs[file]
            name = platform_package(own.platform_packages, platform) if platform else own.npm_name
            address = f"{downloads}/{github_asset_name(file)}" if len(tarballs) == 1 else None
            packages.append(_Package(name, crate.version, file, (platform,) if platform else built, address))
    return packages


def _head(packages: Sequence[_Package], tag: str) -> str:
    """Return the number of packages, the command that checks them, and as an example the lines that install one."""
    command = f"cratematrix release verify --tag {shlex.quote(tag)}"
    head = f"{counted(len(packages), 'npm package')}. Check them in a checkout of this tag:\n\n{_shell(command)}"
    example = next((each for each in packages if each.address), None)
    if example is None:
        return head
    lines = (install_line(each, example.name, example.address) for each in INSTALLERS)
    return f"{head}\nTo install {code(example.name)}, as an example:\n\n{_shell(*lines)}"


def _shell(*lines: str) -> str:
    return code_block("".join(f"{line}\n" for line in lines), "sh")


def _fitting(forms: Iterator[str], room: int) -> str:
    """Return the first form that has room, or the last."""
    last = ""
    for last in forms:
        if len(last) <= room:
            break
    return last


def _quarantines(crates: Sequence[CrateReport]) -> Iterator[str]:
    """Yield the section about crates that failed in quarantine, each form shorter than the one before."""
    if not crates:
        yield ""
        return
    head = f"\n### In quarantine\n\nThis release is without {counted(len(crates), 'crate')} that failed"
    yield f"{head}:\n\n{''.join(map(_quarantined, crates))}"
    yield f"{head}: {', '.join(escape(each.name) for each in crates)}. The report has the reasons.\n"
    yield f"{head}. The report names them.\n"


def _quarantined(crate: CrateReport) -> str:
    """Return a crate with its last day and reason, and below them the failure with file and line."""
    said = f"until {crate.quarantine.until}: {crate.quarantine.reason}" if crate.quarantine else ""
    failure = f"  - {code(crate.failure.located_message)}\n" if crate.failure else ""
    return f"- **{escape(crate.name)}** {escape(crate.version)}, {escape(said)}\n{failure}"


def _lists(packages: Sequence[_Package], files: Mapping[str, Artifact], downloads: str) -> Iterator[str]:
    """Yield the list of packages, by platforms, each form shorter than the one before."""
    if not packages:
        yield ""
        return
    addresses = [install_line("npm", "", f"{downloads}/FILE")] if any(each.address for each in packages) else []
    names = [] if all(each.address for each in packages) else [install_line("npm", "PACKAGE", None)]
    registry = "\nLines without an address need a registry that has the packages.\n" if names else ""
    yield _LISTED + registry + _by_platforms(packages, lambda group: _blocks(group, files))
    listed = f"{_LISTED}\nTo install one:\n\n{_shell(*addresses, *names)}{registry}"
    yield listed + _by_platforms(packages, lambda group: _table(group, files, 4))
    listed += f"\n{CHECKSUMS} has their digests.\n"
    yield listed + _by_platforms(packages, lambda group: _table(group, files, 3))
    yield f"{_LISTED}\nTheir list is too long for this page. {CHECKSUMS} has their names and digests.\n"


def _by_platforms(packages: Sequence[_Package], text: Callable[[Sequence[_Package]], str]) -> str:
    """Return the texts of all packages, together and folded where they have the same platforms."""
    groups: dict[str, list[_Package]] = {}
    for each in packages:
        groups.setdefault(", ".join(each.platforms), []).append(each)
    parts = {f"{title}: {counted(len(group), 'package')}": text(group).rstrip("\n") for title, group in groups.items()}
    return "".join("\n".join(["", *folded(title, [part])]) for title, part in parts.items())


def _blocks(packages: Sequence[_Package], files: Mapping[str, Artifact]) -> str:
    """Return each package with its version, size and digest, and below them the line that installs it."""
    return "\n".join(
        f"**{code(each.name)}** {escape(each.version)}, {decimal(files[each.file].bytes)}, "
        f"SHA-256 `{files[each.file].sha256}`\n\n{_shell(each.line)}"
        for each in packages
    )


def _table(packages: Sequence[_Package], files: Mapping[str, Artifact], width: int) -> str:
    """Return a table of packages with the first `width` columns."""
    rows = [
        ("package", "file", "size", "SHA-256"),
        ("---",) * 4,
        *(_row(each, files[each.file]) for each in packages),
    ]
    return "".join(f"| {' | '.join(row[:width])} |\n" for row in rows)


def _row(package: _Package, file: Artifact) -> tuple[str, ...]:
    return code(f"{package.name}@{package.version}"), code(package.file), decimal(file.bytes), code(file.sha256)
