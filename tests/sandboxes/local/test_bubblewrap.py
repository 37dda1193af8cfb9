from __future__ import annotations

from dataclasses import replace

from generator.sandboxes.local.bubblewrap import IsolationSpec, root_arguments, user_arguments
from generator.toolchain.mounts import Bind

SPEC = IsolationSpec(
    binds=(Bind("/usr", "/usr"), Bind("/home/me/.rustup/x/bin", "/opt/rust/bin"), Bind("/cache/1", "/build", True)),
    links=(("/bin", "usr/bin"),),
    supported_options=frozenset({"--disable-userns", "--size"}),
    env={"A": "1"},
)


def pairs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + 3]) for start in range(len(words))}


def test_an_ordinary_user_gets_everything_in_one_step() -> None:
    words = user_arguments(SPEC)
    assert {("--ro-bind", "/usr", "/usr"), ("--bind", "/cache/1", "/build"), ("--setenv", "A", "1")} <= pairs(words)
    assert words.index("--tmpfs") < words.index("--ro-bind") < words.index("--bind") < words.index("--remount-ro")


def test_root_mounts_first_and_gives_everything_up_second() -> None:
    first, second = root_arguments(SPEC)
    assert ("--bind", "/cache/1", "/build") in pairs(first)
    assert "/cache/1" not in second
    assert "--setenv" not in first
    assert "--unshare-user" not in first
    assert {"--unshare-user", "--unshare-all", "--disable-userns", "--clearenv", "--new-session"} <= set(second)


def test_the_hosts_network_is_never_shared() -> None:
    first, second = root_arguments(SPEC)
    assert "--unshare-all" in user_arguments(SPEC)
    assert "--unshare-all" in second
    assert "--share-net" not in {*first, *second, *user_arguments(SPEC)}


def test_options_that_an_old_bubblewrap_lacks_are_left_out() -> None:
    words = user_arguments(replace(SPEC, supported_options=frozenset()))
    assert not {"--disable-userns", "--size"} & set(words)


def test_parents_of_what_is_mounted_are_open_to_all() -> None:
    words = user_arguments(SPEC)
    made = {words[at + 1] for at, word in enumerate(words) if word == "--dir"}
    assert made == {"/opt", "/opt/rust", "/tmp"}
    assert all(words[at - 2 : at] == ["--perms", "0755"] for at, word in enumerate(words) if word == "--dir")


def test_what_is_hidden_is_hidden_after_it_is_bound() -> None:
    spec = replace(
        SPEC,
        empty_directories=("/usr/local/etc",),
        masked_files=("/usr/cargo/credentials",),
        masked_proc_files=("/proc/keys",),
    )
    words = user_arguments(spec)
    assert words.index("--ro-bind") < words.index("/usr/local/etc") < words.index("/usr/cargo/credentials")
    assert {("--remount-ro", "/usr/local/etc", "--ro-bind"), ("/dev/null", "/proc/keys", "--size")} <= pairs(words)
    first, second = root_arguments(spec)
    assert "/usr/local/etc" in first
    assert "/proc/keys" in second
