"""Hostile files: each causes a finding in bounded time, even when it breaks the reader."""

from __future__ import annotations

import contextlib
import signal
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.audit import reader_sandbox, reading
from generator.audit.code_signature import find_signature_error
from generator.audit.reading import read_facts
from generator.audit.rules import MinimumVersions, audit
from generator.audit.wasm import UnreadableBinary, read_module
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.processes import run
from tests.audit.binaries import ADDON, addon, audited_by_reader, cc, found, needs_zig, only

# Each example costs a process, half a second of which is Python and LIEF.
SOME = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
MANY = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Most of what a reader follows stands near the beginning.
places = st.floats(0, 1).map(lambda each: each**4)
values = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]) | st.integers(
    0, 2**32 - 1
)
edits = st.lists(st.tuples(places, values, st.sampled_from([1, 2, 4])), max_size=12)


def changed(content: bytes, changes: list[tuple[float, int, int]], kept: float) -> bytes:
    """The file with some numbers overwritten, and cut off somewhere."""
    data = bytearray(content)
    for place, value, width in changes:
        start = int(place * (len(data) - 4))
        data[start : start + width] = value.to_bytes(8, "little")[:width]
    return bytes(data[: int(kept * len(data))])


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["linux-x64-gnu", "darwin-arm64", "win32-x64-msvc"])
@needs_zig
@SOME
@given(edits, st.sampled_from([1.0, 1.0, 0.99, 0.5, 0.1]))
def test_a_damaged_file_is_judged_and_breaks_nothing(
    tmp_path: Path, platform: PlatformName, changes: list[tuple[float, int, int]], kept: float
) -> None:
    sound = tmp_path / "made"
    if not sound.exists():
        addon(tmp_path, platform)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(changed(sound.read_bytes(), changes, kept))
    facts = read_facts(damaged, "damaged")
    for each in PLATFORM_NAMES:
        audit(facts, each, "napi", MinimumVersions())  # sums up whatever it is
    assert facts.images or facts.problem


@needs_zig
@MANY
@given(edits, st.sampled_from([1.0, 0.9, 0.3]))
def test_a_damaged_module_is_read_or_refused(
    tmp_path: Path, changes: list[tuple[float, int, int]], kept: float
) -> None:
    sound = tmp_path / "made"
    if not sound.exists():
        addon(tmp_path, "wasm32")
    with contextlib.suppress(UnreadableBinary):
        read_module(memoryview(changed(sound.read_bytes(), changes, kept)))


@needs_zig
@MANY
@given(edits)
def test_a_damaged_signature_is_whole_only_where_it_was_not_touched(
    tmp_path: Path, changes: list[tuple[float, int, int]]
) -> None:
    made = tmp_path / "made"
    if not made.exists():
        addon(tmp_path, "darwin-arm64")
    whole = made.read_bytes()
    start = whole.rindex(struct.pack(">I", 0xFADE0CC0))
    assert find_signature_error(memoryview(whole), start, len(whole) - start) is None
    signed = changed(whole[:start], changes, 1.0)
    if signed != whole[:start]:
        assert find_signature_error(memoryview(signed + whole[start:]), start, len(whole) - start)
    signature = changed(whole[start:], changes, 1.0)
    find_signature_error(memoryview(whole[:start] + signature), start, len(whole) - start)  # says something, or nothing


@pytest.mark.parametrize(
    "content",
    [b"", b"\x7fELF", b"MZ", b"MZ" + bytes(4096), b"\0asm", b"\0asm\x01\0\0\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\xff\xff\xff\xff",
     b"\x7fELF" + bytes(60), b"\xcf\xfa\xed\xfe" + b"\xff" * 64, b"#!/bin/sh\n", b"\0asm\x01\0\0\0\x02\xff\xff\xff\xff\x0f",
     b"\0asm\x01\0\0\0\x07\x05\xff\xff\xff\xff\x0f", b"!<arch>\n"],
)  # fmt: skip
def test_what_is_no_binary_at_all_is_told_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "made").write_bytes(content)
    facts = read_facts(tmp_path / "made", "made")
    for platform in PLATFORM_NAMES:
        result = audit(facts, platform, "napi", MinimumVersions())
        assert result.findings
        assert found(result) <= {"readable", "format"}


@pytest.mark.attack("a binary with absurd counts or a terabyte of holes breaks nothing")
def test_a_file_that_is_mostly_holes_is_refused_unread(tmp_path: Path) -> None:
    """A terabyte of them: to read it would take an hour, and more memory than there is."""
    made = cc(tmp_path, ADDON, "-shared")
    with made.open("ab") as file:
        file.truncate(1024**4)
    assert "it has more than 512 MiB" in only(audited_by_reader(made, "linux-x64-gnu"))


def test_a_file_as_large_as_is_read_ends_within_the_deadline(tmp_path: Path) -> None:
    made = cc(tmp_path, ADDON, "-shared")
    with made.open("ab") as file:
        file.truncate(reading.MAX_BYTES)
    assert audited_by_reader(made, "linux-x64-gnu", minimum=MinimumVersions(glibc="2.99")).findings == ()


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(0x38, "H", 0xFFFF), (0x3C, "H", 0xFFFF), (0x20, "Q", 2**64 - 1), (0x28, "Q", 2**64 - 1), (0x28, "Q", 2**63), (0x3A, "H", 1)],
)  # fmt: skip
@pytest.mark.attack("a binary with absurd counts or a terabyte of holes breaks nothing")
def test_an_elf_file_with_absurd_counts_and_places_breaks_nothing(
    tmp_path: Path, offset: int, form: str, value: int
) -> None:
    made = cc(tmp_path, ADDON, "-shared")
    data = bytearray(made.read_bytes())
    struct.pack_into(f"<{form}", data, offset, value)
    made.write_bytes(data)
    facts = read_facts(made, "made")
    assert facts.images or facts.problem


@pytest.fixture
def another_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PYTHONPATH say what is read with: a sandbox would not hold it."""
    monkeypatch.setattr(reader_sandbox, "reader_view", lambda: None)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "reading it failed with exit code -11"),
        ("raise MemoryError", "reading it failed with exit code 1: MemoryError"),
        ("import sys; print('{\"images\": 7}'); sys.stdout.flush(); import os; os._exit(0)", "gave no valid output"),
        ("import sys; sys.stdout.write('x' * 20_000_000); sys.stdout.flush()", "printed more than 4 MiB"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "took more than 30 s of processor time"),
        ("import time; time.sleep(3600)", "took more than 1 s"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("another_reader")
@pytest.mark.attack("a reader of binaries that dies, lies, floods or hangs is a finding", entry="W18")
def test_a_reader_that_dies_lies_floods_or_hangs_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, message: str
) -> None:
    (tmp_path / "lief.py").write_text(ends)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if "1 s" in message:
        monkeypatch.setattr(reading, "TIMEOUT", 1.0)
    made = cc(tmp_path, ADDON, "-shared")
    result = audited_by_reader(made, "linux-x64-gnu")
    assert found(result) == {"readable"}
    assert message in only(result)


@pytest.mark.skipif(sys.platform != "linux", reason="the number of the signal is Linux's")
def test_a_reader_that_works_without_end_is_told_by_its_signal() -> None:
    code = "from generator.audit import reader; reader.CPU_SECONDS = 1; reader.limit_process()\nwhile True: pass"
    assert run([sys.executable, "-c", code], timeout=600).exit_code == -signal.SIGXCPU


@pytest.mark.usefixtures("another_reader")
@pytest.mark.attack("the reader of binaries is given no variable of the user", entry="W18")
def test_the_reader_is_given_no_secret_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lief.py").write_text("import os; raise SystemExit(repr(sorted(os.environ)))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("E2B_API_KEY", "e2b_secret")
    problem = read_facts(cc(tmp_path, ADDON, "-shared"), "made").problem
    assert problem is not None
    assert "PYTHONPATH" in problem
    assert "E2B_API_KEY" not in problem
