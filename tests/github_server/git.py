"""A repository's objects and refs: a real bare git repository."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

SHA: Final = re.compile(r"[0-9a-f]{40}")


class GitError(Exception):
    """Git says no."""


@dataclass(frozen=True)
class Person:
    """Who wrote something, and when."""

    name: str
    email: str
    date: datetime


@dataclass(frozen=True)
class Commit:
    """A commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


# Who commits where nobody says.
AUTHOR: Final = Person("octocat", "octocat@example.com", datetime(2026, 11, 1, 12, tzinfo=UTC))


class Git:
    """One bare repository; every call is a process of git's own.

    It begins with one commit, or with what another repository has; its default branch is the one checked out there.
    """

    def __init__(self, path: Path, source: Path | None) -> None:
        self.path = path
        self.branch = self._git("symbolic-ref", "--short", "HEAD", at=source) if source else "main"
        self._git("init", "--quiet", "--bare", f"--initial-branch={self.branch}", str(path), at=path.parent)
        if source is None:
            tree = self.tree(None, {"README.md": ("100644", self.blob(b"# fleet\n"))})
            self.set_ref("refs/heads/main", self.commit(tree, (), "First"))
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

    def tree(self, base: str | None, entries: Mapping[str, tuple[str, str | None]]) -> str:
        """Store a tree: a base's entries with these instead, each a mode and an object, or None where it is removed."""
        with tempfile.TemporaryDirectory(prefix="github-index-") as directory:
            env = {"GIT_INDEX_FILE": f"{directory}/index"}
            if base is not None:
                self._run(("read-tree", base), env=env)
            lines = [
                f"{mode} {sha}\t{path}" if sha else f"0 {'0' * 40}\t{path}" for path, (mode, sha) in entries.items()
            ]
            self._run(
                ("update-index", "--add", "--replace", "-z", "--index-info"),
                "".join(f"{x}\0" for x in lines).encode(),
                env,
            )
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

    def commit(
        self, tree: str, parents: Sequence[str], message: str, author: Person = AUTHOR, committer: Person | None = None
    ) -> str:
        """Store a commit."""
        env = {
            f"GIT_{role}_{field}": value
            for role, person in (("AUTHOR", author), ("COMMITTER", committer or author))
            for field, value in (("NAME", person.name), ("EMAIL", person.email), ("DATE", person.date.isoformat()))
        }
        words = ("commit-tree", tree, *(word for parent in parents for word in ("-p", parent)))
        return self._run(words, message.encode(), env).decode().strip()

    def read_commit(self, sha: str) -> Commit:
        """Return a commit."""
        fields = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        said = self._run(("show", "--no-patch", f"--format={fields}", sha)).decode()
        tree, parents, *people, message = said.split("\0")
        author, committer = (
            Person(name, email, datetime.fromisoformat(date)) for name, email, date in (people[:3], people[3:])
        )
        return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))

    def commit_files(self, branch: str, files: Mapping[str, bytes], message: str = "Change") -> str:
        """Commit files on a branch, as a push does."""
        ref = f"refs/heads/{branch}"
        before = self.refs()[ref]
        entries = {path: ("100644", self.blob(content)) for path, content in files.items()}
        self.set_ref(ref, self.commit(self.tree(before, entries), (before,), message))
        return self.refs()[ref]

    def files(self, commit: str) -> dict[str, bytes]:
        """Return every file of a commit."""
        found = self.entries(commit, deep=True)
        return {path: self.read("blob", sha) for _, kind, sha, _, path in found if kind == "blob"}

    def set_ref(self, ref: str, sha: str) -> None:
        """Let a ref name an object."""
        self._git("update-ref", ref, sha)

    def may_be(self, ref: str) -> bool:
        """Tell whether a ref can have a name."""
        try:
            self._git("check-ref-format", ref)
        except GitError:
            return False
        return True

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

    def reachable(self, sha: str) -> bool:
        """Tell whether a ref leads to a commit."""
        return bool(self._git("for-each-ref", "--count=1", "--contains", sha))

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
            ["git", "-c", "safe.directory=*", *words], cwd=at or self.path, input=stdin, capture_output=True, timeout=600,
            check=False, env={**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **(env or {})},
        )  # fmt: skip
        if done.returncode != 0:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout
