"""The Rust channel that a project asks for."""

from __future__ import annotations

import pytest

from generator.cargo.channels import RequestedChannel, requested_channel
from generator.errors import InputError


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"rust-toolchain.toml": '[toolchain]\nchannel = "1.85"\n'}, ("rust-toolchain.toml", "1.85")),
        ({"rust-toolchain.toml": '[toolchain]\r\nchannel = "1.85"\r\n'}, ("rust-toolchain.toml", "1.85")),
        ({"rust-toolchain": "nightly-2026-01-31\r\n"}, ("rust-toolchain", "nightly-2026-01-31")),
        ({"rust-toolchain": '[toolchain]\nchannel = "beta"\n'}, ("rust-toolchain", "beta")),
        ({"rust-toolchain": "beta", "rust-toolchain.toml": '[toolchain]\nchannel = "1.85"\n'}, ("rust-toolchain", "beta")),
        ({"crates/rust-toolchain": "beta", "rust-toolchain": "nightly"}, ("crates/rust-toolchain", "beta")),
        ({"crates/y/rust-toolchain": "beta"}, None),
        ({"rust-toolchain.toml": '[toolchain]\ncomponents = ["clippy"]\n'}, None),
        ({"rust-toolchain.toml": '[toolchain]\npath = "/opt/mine"\n'}, ("rust-toolchain.toml", "/opt/mine")),
    ],
)  # fmt: skip
def test_the_nearest_file_names_the_channel(files: dict[str, str], found: tuple[str, str] | None) -> None:
    assert requested_channel("crates/x", files.get) == (RequestedChannel(*found) if found else None)


def test_a_file_that_is_not_toml_is_named() -> None:
    with pytest.raises(InputError, match=r"^rust-toolchain\.toml: line 1: it is not valid TOML"):
        requested_channel(".", {"rust-toolchain.toml": "[toolchain"}.get)
