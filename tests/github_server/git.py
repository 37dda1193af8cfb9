"""A repository's objects and refs: a real bare git repository."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SHA: Final = re.compile(r"[0-9a-f]{40}")
# Who commits where a request does not say.
AUTHOR: Final = ("octocat", "octocat@example.com", "2026-11-01T12:00:00Z")


class GitError(Exception):
    """Git says no."""


class Git:
    """One bare repository; every call is a process of git's own."""

    def __init__(self, path: Path, branch: str, source: Path | None) -> None:
        self.path = path
        self._git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(path), at=path.parent)
        if source is None:
            readme = self.blob(b"# fleet\n")
            self.set_ref(f"refs/heads/{branch}", self.commit(self.tree(None, {"README.md": readme}), (), "First"))
        else:
            self.take(source)

    def take(self, source: Path) -> None:
        """Take over the branches, tags and commits of another repository."""
        self._git("fetch", "--quiet", "--force", str(source), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

    def refs(self) -> dict[str, str]:
        """Return every ref and the object it names."""
        lines = self._git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def commit_of(self, name: str) -> str | None:
        """Return the commit that a branch, a tag, a ref or a SHA names, or None."""
        for each in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            try:
                return self._git("rev-parse", "--verify", "--quiet", f"{each}^{{commit}}")
            except GitError:
                continue
        return None

    def kind(self, sha: str) -> str | None:
        """Return an object's kind, or None where there is none."""
        try:
            return self._git("cat-file", "-t", sha) if SHA.fullmatch(sha) else None
        except GitError:
            return None

    def read(self, kind: str, sha: str) -> bytes:
        """Return an object's content."""
        return self._run(("cat-file", kind, sha))

    def blob(self, content: bytes) -> str:
        """Store a file."""
        return self._run(("hash-object", "-w", "--stdin"), content).decode().strip()

    def tree(self, base: str | None, files: Mapping[str, str | None]) -> str:
        """Store a tree: a base's files with these instead, each a blob's SHA, or None where it is removed."""
        entries = {path: ("100644", sha) for path, sha in files.items()}
        return self.tree_of(base, entries)

    def tree_of(self, base: str | None, entries: Mapping[str, tuple[str, str | None]]) -> str:
        """Store a tree of entries with modes."""
        with tempfile.TemporaryDirectory(prefix="github-index-") as directory:
            env = {"GIT_INDEX_FILE": f"{directory}/index"}
            if base is not None:
                self._run(("read-tree", base), env=env)
            lines = [
                f"{mode} {sha}\t{path}" if sha else f"0 {'0' * 40}\t{path}" for path, (mode, sha) in entries.items()
            ]
            self._run(("update-index", "--add", "-z", "--index-info"), "".join(f"{x}\0" for x in lines).encode(), env)
            return self._run(("write-tree",), env=env).decode().strip()

    def entries(self, tree: str, deep: bool) -> list[tuple[str, str, str, int | None, str]]:
        """Return a tree's entries: mode, kind, SHA, size of a file, path."""
        words = ("ls-tree", "-z", "--long", *(("-r", "-t") if deep else ()), tree)
        found = []
        for line in self._run(words).decode().split("\0")[:-1]:
            head, _, path = line.partition("\t")
            mode, kind, sha, size = head.split()
            found.append((mode, kind, sha, None if size == "-" else int(size), path))
        return found

    def commit(self, tree: str, parents: Sequence[str], message: str, author: tuple[str, str, str] = AUTHOR) -> str:
        """Store a commit; `author` is name, address and time."""
        name, address, date = author
        env = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", name), ("EMAIL", address), ("DATE", date))
        }
        words = ("commit-tree", tree, *(word for parent in parents for word in ("-p", parent)))
        return self._run(words, message.encode(), env).decode().strip()

    def set_ref(self, ref: str, sha: str) -> None:
        """Let a ref name an object."""
        self._git("update-ref", ref, sha)

    def delete_ref(self, ref: str) -> None:
        """Remove a ref."""
        self._git("update-ref", "-d", ref)

    def descends(self, sha: str, ancestor: str) -> bool:
        """Tell whether a commit has another one behind it."""
        try:
            self._git("merge-base", "--is-ancestor", ancestor, sha)
        except GitError:
            return False
        return True

    def changed(self, before: str, after: str) -> list[str]:
        """Return the files that differ between two commits."""
        return self._git("diff-tree", "-r", "--name-only", "--no-commit-id", before, after).splitlines()

    def _git(self, *words: str, at: Path | None = None) -> str:
        return self._run(words, at=at).decode().strip()

    def _run(
        self, words: Sequence[str], stdin: bytes = b"", env: Mapping[str, str] | None = None, at: Path | None = None
    ) -> bytes:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(  # noqa: TID251
            ["git", "-c", "safe.directory=*", *words], cwd=at or self.path, input=stdin, capture_output=True, timeout=60,
            check=False, env={**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **(env or {})},
        )  # fmt: skip
        if done.returncode != 0:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout
