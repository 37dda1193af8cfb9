"""Each thread has one session keyring of its own, which is empty at each start of a command."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from generator.sandboxes.local.keyring import use_empty_session_keyring
from tests.sandboxes.local.test_system_calls import NUMBERS, SEARCH, SESSION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="keyrings are for Linux only")

GET_KEYRING, SET_PERMISSIONS = 0, 5
VIEW_AND_SEARCH_BY_POSSESSOR = 0x09000000


def call(name: str, *words: int | bytes) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(NUMBERS[name], *words))


def empty_keyring() -> tuple[int, bool]:
    """Switch to an empty session keyring; return its ID, and whether it still holds the key of an earlier call."""
    if not use_empty_session_keyring():
        pytest.skip("there are no keyrings here")
    found = call("keyctl", GET_KEYRING, SESSION, 0), call("keyctl", SEARCH, SESSION, b"user", b"left", 0) > 0
    assert call("add_key", b"user", b"left", b"secret", 6, SESSION) > 0
    return found


@pytest.mark.attack("an ordinary user does not run out of keyrings by building many crates", entry="H5")
def test_a_thread_has_one_and_it_is_empty() -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first = one.submit(empty_keyring).result()
        assert [one.submit(empty_keyring).result() for _ in range(3)] == [(first[0], False)] * 3
        assert other.submit(empty_keyring).result()[0] != first[0]


@pytest.mark.attack("a build cannot keep its keyring for the next one by closing it", entry="H5")
def test_one_that_cannot_be_emptied_is_left_for_another() -> None:
    def closed() -> int:
        keyring, _ = empty_keyring()
        assert call("keyctl", SET_PERMISSIONS, keyring, VIEW_AND_SEARCH_BY_POSSESSOR) == 0
        return keyring

    with ThreadPoolExecutor(1) as one:
        keyring = one.submit(closed).result()
        other, has_key = one.submit(empty_keyring).result()
        assert other != keyring
        assert not has_key
