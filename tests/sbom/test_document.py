"""The SBOM of a package: made from real output of cargo and npm, and validated with CycloneDX's schema."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import Unbuildable
from generator.packages.files import SBOM_FILE
from generator.packages.identity import Identity
from generator.packages.tarball import package_json, write_tarball
from generator.sbom.components import PackageComponent
from generator.sbom.contents import Contents, read_contents
from generator.sbom.crates import crate_components
from generator.sbom.document import sbom, write_document
from generator.sbom.npm import npm_components
from tests.support import write_files

IDENTITY = Identity("@demo/words", "1.2.3", license="MIT/Apache-2.0")
OWN = PackageComponent("own", "words", "1.2.3", "required")


def crate(name: str, rest: str = "", body: str = "") -> dict[str, str]:
    head = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\nlicense = "MIT"\n'
    return {f"{name}/Cargo.toml": head + rest, f"{name}/src/lib.rs": body}


WORKSPACE = {
    "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["*"]\nexclude = ["target"]\n',
    **crate(
        "words",
        '[dependencies]\nused = { path = "../used" }\nmacros = { path = "../macros" }\n'
        '[dev-dependencies]\ntests-only = { path = "../tests-only" }\n'
        '[build-dependencies]\nbuilds = { path = "../builds" }\n'
        "[target.'cfg(windows)'.dependencies]\nwindows-only = { path = \"../windows-only\" }\n",
    ),
    **crate("used", '[dependencies]\nboth = { path = "../both" }\n'),
    **crate("macros", '[lib]\nproc-macro = true\n[dependencies]\nmacro-part = { path = "../macro-part" }\n'),
    **crate("builds", '[dependencies]\nboth = { path = "../both" }\n'),
    **{
        name: text
        for each in ("both", "macro-part", "tests-only", "windows-only")
        for name, text in crate(each).items()
    },
}


def cargo(top: Path, *targets: str) -> tuple[bytes, str, str]:
    """Ask cargo about the crate `words` of a workspace."""
    write_files(top, WORKSPACE)
    filters = [word for target in targets for word in ("--filter-platform", target)]
    words = ["cargo", "metadata", "--offline", "--format-version", "1", *filters, "--manifest-path", "words/Cargo.toml"]
    metadata = subprocess.run(words, cwd=top, check=True, capture_output=True).stdout  # noqa: TID251
    return metadata, (top / "Cargo.lock").read_text(), str(top / "words/Cargo.toml")


def valid(document: bytes) -> dict[str, Any]:
    """Return the document; a violation of CycloneDX's schema fails the test."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None
    return dict(json.loads(document))


def test_crates_that_only_help_to_build_are_excluded(tmp_path: Path) -> None:
    parts = crate_components(*cargo(tmp_path, "x86_64-unknown-linux-gnu"))
    assert parts[0].name == "words"
    assert {part.name: part.scope for part in parts} == {
        "words": "required",
        "used": "required",
        "both": "required",
        "macros": "excluded",
        "macro-part": "excluded",
        "builds": "excluded",
    }


def test_crates_of_every_platform_are_there(tmp_path: Path) -> None:
    names = {part.name for part in crate_components(*cargo(tmp_path, "x86_64-apple-darwin", "x86_64-pc-windows-msvc"))}
    assert "windows-only" in names


def test_the_document_is_valid_and_the_same_wherever_the_source_lies(tmp_path: Path) -> None:
    made = [
        sbom(IDENTITY, False, ("linux-x64-gnu",), Contents(crate_components(*cargo(tmp_path / place))))
        for place in ("first", "second/below")
    ]
    assert made[0] == made[1]
    document = valid(made[0])
    assert "timestamp" not in document["metadata"]
    root = document["metadata"]["component"]
    assert (root["group"], root["name"], root["purl"]) == ("@demo", "words", "pkg:npm/%40demo/words@1.2.3")
    assert root["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert root["properties"] == [{"name": "cratematrix:platform", "value": "linux-x64-gnu"}]
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert needs["pkg:npm/%40demo/words@1.2.3"] == ["words@1.0.0"]
    assert needs["used@1.0.0"] == ["both@1.0.0"]


def test_another_content_has_another_serial_number() -> None:
    one, other = (
        valid(sbom(IDENTITY, True, (), Contents((OWN, PackageComponent("b", "b", version, "required")))))
        for version in ("1", "2")
    )
    assert one["serialNumber"] != other["serialNumber"]
    assert one["metadata"]["component"]["type"] == "application"


REGISTRY, OTHER = "registry+https://index.example/git", "sparse+https://mirror.example/index/"
GIT = "git+https://git.example/z?branch=main#" + "a" * 40
METADATA = {
    "packages": [
        {
            "id": f"{name}-id",
            "name": name,
            "version": "1.0.0",
            "source": source,
            "license": None,
            "manifest_path": f"/x/{name}/Cargo.toml",
            "targets": [{"name": name, "kind": ["lib"]}],
            "dependencies": wishes,
        }
        for name, source, wishes in (
            (
                "own",
                None,
                [
                    {"name": "usual", "source": REGISTRY, "registry": None},
                    {"name": "other", "source": OTHER, "registry": OTHER.partition("+")[2]},
                ],
            ),
            ("usual", REGISTRY, []),
            ("other", OTHER, []),
            ("git", GIT, []),
        )
    ],
    "resolve": {
        "nodes": [
            {
                "id": "own-id",
                "deps": [{"pkg": f"{name}-id", "dep_kinds": [{"kind": None}]} for name in ("usual", "other", "git")],
            }
        ]
    },
}
LOCK = f'[[package]]\nname = "usual"\nversion = "1.0.0"\nsource = "{REGISTRY}"\nchecksum = "{"c" * 64}"\n'


def test_a_crates_url_says_where_it_comes_from_and_its_digest_is_that_of_the_lock_file() -> None:
    parts = {part.name: part for part in crate_components(json.dumps(METADATA).encode(), LOCK, "/x/own/Cargo.toml")}
    assert {name: part.purl for name, part in parts.items()} == {
        "own": None,
        "usual": "pkg:cargo/usual@1.0.0",
        "other": "pkg:cargo/other@1.0.0?repository_url=https://mirror.example/index/",
        "git": "pkg:cargo/git@1.0.0?vcs_url=git%2Bhttps://git.example/z%40" + "a" * 40,
    }
    assert parts["usual"].digests == (("SHA-256", "c" * 64),)
    valid(sbom(IDENTITY, False, (), Contents(tuple(parts.values()))))


@pytest.mark.parametrize(
    ("metadata", "lock"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"packages": [], "resolve": null}', ""),
        (b"[" * 100_000, ""),
        (json.dumps(METADATA).encode(), "no toml"),
        (json.dumps(METADATA).encode(), "package = 7"),
        (json.dumps(METADATA).encode(), "[[package]]\nchecksum = 1"),
        (b'{"packages": [], "resolve": {"nodes": []}}', ""),
    ],
)
def test_what_is_no_answer_of_cargo_is_refused(metadata: bytes, lock: str) -> None:
    with pytest.raises(Unbuildable, match="description of the crate's dependencies"):
        crate_components(metadata, lock, "/x/own/Cargo.toml")


def test_what_npm_installs_with_an_addon_is_in_the_list(tmp_path: Path) -> None:
    for name, more in {"one": {"license": "ISC"}, "two": {}, "tool": {}}.items():
        declared = {"name": f"@demo/{name}", "version": "1.0.0", **more}
        write_tarball((package_json(declared),), tmp_path / f"{name}.tgz")
    write_files(
        tmp_path,
        {
            "package.json": json.dumps(
                {
                    "dependencies": {"@demo/one": "file:one.tgz"},
                    "optionalDependencies": {"@demo/two": "file:two.tgz"},
                    "devDependencies": {"@demo/tool": "file:tool.tgz"},
                }
            )
        },
    )
    words = ["npm", "install", "--offline", "--package-lock-only", "--no-audit", "--no-fund"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)  # noqa: TID251
    npm, named = npm_components((tmp_path / "package-lock.json").read_bytes())
    assert {part.purl: (part.scope, part.license) for part in npm} == {
        "pkg:npm/%40demo/one@1.0.0": ("required", "ISC"),
        "pkg:npm/%40demo/two@1.0.0": ("optional", None),
    }
    digest = hashlib.sha512((tmp_path / "one.tgz").read_bytes()).hexdigest()
    assert next(part for part in npm if part.name == "@demo/one").digests == (("SHA-512", digest),)
    document = valid(sbom(IDENTITY, False, (), Contents((OWN,), npm, named)))
    needs = next(each for each in document["dependencies"] if each["ref"] == "pkg:npm/%40demo/words@1.2.3")
    assert needs["dependsOn"] == ["pkg:npm/%40demo/one@1.0.0", "pkg:npm/%40demo/two@1.0.0", "words@1.2.3"]


def test_a_package_is_found_where_node_would_find_it() -> None:
    version = {"version": "1.0.0"}
    packages = {
        "": {"dependencies": {"a": "1", "b": "2"}},
        "node_modules/a": {**version, "dependencies": {"b": "1", "@s/c": "1", "lost": "1"}},
        "node_modules/a/node_modules/b": {**version, "dependencies": {"@s/c": "1"}},
        "node_modules/b": {"version": "2.0.0"},
        "node_modules/@s/c": version,
        "node_modules/tool": {**version, "dev": True},
        "packages/linked": version,
        "node_modules/linked": {"resolved": "packages/linked", "link": True},
    }
    parts, named = npm_components(json.dumps({"packages": packages}).encode())
    needs = {part.key: part.dependencies for part in parts}
    assert named == ("node_modules/a", "node_modules/b")
    assert needs == {
        "node_modules/a": ("node_modules/a/node_modules/b", "node_modules/@s/c"),
        "node_modules/a/node_modules/b": ("node_modules/@s/c",),
        "node_modules/b": (),
        "node_modules/@s/c": (),
    }


@pytest.mark.parametrize("lock", [b"", b"[]", b'{"packages": 7}', b'{"packages": {"node_modules/a": {"version": 1}}}'])
def test_what_is_no_lock_file_of_npm_is_refused(lock: bytes) -> None:
    with pytest.raises(Unbuildable, match=r"package-lock\.json is not a lock file of npm 7"):
        npm_components(lock)


def test_a_name_that_no_package_has_is_refused() -> None:
    with pytest.raises(Unbuildable, match="has the invalid package name 'x/'"):
        npm_components(b'{"packages": {"node_modules/x/": {"version": "1"}}}')


def test_a_lock_file_of_an_old_npm_names_nothing() -> None:
    assert npm_components(b'{"lockfileVersion": 1, "dependencies": {}}') == ((), ())


texts = st.text(max_size=30)
names = st.from_regex(r"\A(@[a-z.~_-]{1,9}/)?[A-Za-z0-9._~-]{1,9}\Z")
integrities = st.one_of(
    texts,
    st.binary(max_size=70).map(lambda it: f"sha512-{base64.b64encode(it).decode()}"),
    st.just("sha512-AAAA md5-AA=="),
)


@given(st.dictionaries(names.map(lambda it: f"node_modules/{it}"), st.tuples(texts, texts, integrities), max_size=4))
def test_whatever_a_lock_file_says_the_document_is_valid(packages: dict[str, tuple[str, str, str]]) -> None:
    entries = {
        path: {"version": version, "license": words, "integrity": integrity}
        for path, (version, words, integrity) in packages.items()
    }
    npm, named = npm_components(json.dumps({"packages": entries}).encode())
    valid(sbom(IDENTITY, False, (), Contents((OWN,), npm, named)))


@pytest.mark.attack("the list of parts is ours and not one that the crate brought")
def test_the_document_takes_the_place_of_one_that_the_crate_brought(tmp_path: Path) -> None:
    (tmp_path / SBOM_FILE).write_text("a forged one")
    write_document(b"{}", tmp_path)
    assert (tmp_path / SBOM_FILE).read_bytes() == b"{}"
    (tmp_path / SBOM_FILE).unlink()
    (tmp_path / SBOM_FILE).mkdir()
    with pytest.raises(Unbuildable, match="but needs a file of that name for its SBOM"):
        write_document(b"{}", tmp_path)


def test_without_a_lock_file_of_npm_there_are_crates_alone(tmp_path: Path) -> None:
    metadata, lock, path = cargo(tmp_path)
    assert read_contents(metadata, lock, None, path).npm == ()
