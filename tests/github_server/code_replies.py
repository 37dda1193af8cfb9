"""GitHub's replies in JSON about commits, refs and pull requests."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from tests.github_server.account import Pull, Repository
from tests.github_server.git import Commit, Person
from tests.github_server.replies import Json, Replies, moment, node

UNSIGNED: Final = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


class CodeReplies:
    """Renders what is in a repository."""

    def __init__(self, replies: Replies) -> None:
        self._replies, self._url = replies, replies.url

    def ref(self, repository: Repository, name: str, sha: str) -> Json:
        """Return a ref."""
        kind = repository.git.kind(sha) or "commit"
        target = {"sha": sha, "type": kind, "url": self._at(repository, f"git/{kind}s/{sha}")}
        return {"ref": name, "node_id": node(name, 0), "url": self._at(repository, f"git/{name}"), "object": target}

    def tree(self, repository: Repository, sha: str, deep: bool = False) -> Json:
        """Return a tree."""
        entries = [
            {"path": path, "mode": mode, "type": kind, "sha": blob, "url": self._at(repository, f"git/{kind}s/{blob}")}
            | ({} if size is None else {"size": size})
            for mode, kind, blob, size, path in repository.git.entries(sha, deep)
        ]
        return {"sha": sha, "url": self._at(repository, f"git/trees/{sha}"), "tree": entries, "truncated": False}

    def git_commit(self, repository: Repository, commit: Commit) -> Json:
        """Return a commit as an object of git."""
        return {
            "sha": commit.sha, "node_id": node(commit.sha, 0), "url": self._at(repository, f"git/commits/{commit.sha}"),
            "html_url": self._page(repository, f"commit/{commit.sha}"), **self._content(repository, commit),
            "parents": [self._parent(repository, sha) for sha in commit.parents], "verification": UNSIGNED,
        }  # fmt: skip

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """Return a commit as people see it."""
        here = self._at(repository, f"commits/{commit.sha}")
        inner = {
            **self._content(repository, commit), "url": self._at(repository, f"git/commits/{commit.sha}"),
            "comment_count": 0, "verification": UNSIGNED,
        }  # fmt: skip
        return {
            "sha": commit.sha, "node_id": node(commit.sha, 0), "commit": inner, "url": here,
            "html_url": self._page(repository, f"commit/{commit.sha}"), "comments_url": f"{here}/comments",
            # GitHub says null for people that it does not know, and its document, read strictly, has none.
            "author": self._replies.user("octocat"), "committer": self._replies.user("octocat"),
            "parents": [self._parent(repository, sha) for sha in commit.parents],
        }  # fmt: skip

    def short_branch(self, repository: Repository, name: str, sha: str) -> Json:
        """Return a branch in a list."""
        return {"name": name, "commit": {"sha": sha, "url": self._at(repository, f"commits/{sha}")}, "protected": False}

    def branch(self, repository: Repository, name: str, commit: Commit) -> Json:
        """Return a branch."""
        here = self._at(repository, f"branches/{name}")
        return {
            "name": name, "commit": self.commit(repository, commit), "protected": False, "protection": {"enabled": False},
            "_links": {"self": here, "html": self._page(repository, f"tree/{name}")}, "protection_url": f"{here}/protection",
        }  # fmt: skip

    def tag(self, repository: Repository, name: str, sha: str) -> Json:
        """Return a tag."""
        return {
            "name": name, "node_id": node(name, 0),
            "commit": {"sha": sha, "url": self._at(repository, f"commits/{sha}")},
            "zipball_url": self._at(repository, f"zipball/refs/tags/{name}"),
            "tarball_url": self._at(repository, f"tarball/refs/tags/{name}"),
        }  # fmt: skip

    def content(self, repository: Repository, path: str, sha: str, size: int) -> Json:
        """Return a file without its content."""
        here, git = self._at(repository, f"contents/{path}"), self._at(repository, f"git/blobs/{sha}")
        html = self._page(repository, f"blob/{repository.git.branch}/{path}")
        return {
            "name": path.rpartition("/")[2], "path": path, "sha": sha, "size": size, "type": "file", "url": here,
            "git_url": git, "html_url": html, "download_url": html, "_links": {"self": here, "git": git, "html": html},
        }  # fmt: skip

    def pull(self, repository: Repository, pull: Pull) -> Json:
        """Return a pull request as it is in a list."""
        api, issue = self._at(repository, f"pulls/{pull.number}"), self._at(repository, f"issues/{pull.number}")
        html, statuses = self._page(repository, f"pull/{pull.number}"), self._at(repository, f"statuses/{pull.sha}")
        addresses = {
            "html": html, "issue": issue, "comments": f"{issue}/comments", "review_comments": f"{api}/comments",
            "review_comment": self._at(repository, "pulls/comments{/number}"), "commits": f"{api}/commits",
            "statuses": statuses,
        }  # fmt: skip
        base = repository.git.refs().get(f"refs/heads/{pull.base}", pull.sha)
        return {
            "url": api, "id": pull.id, "node_id": node("PullRequest", pull.id), "number": pull.number, "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch", **{f"{name}_url": address for name, address in addresses.items()},
            "state": pull.state, "locked": False, "title": pull.title, "body": pull.body,
            "user": self._replies.user(pull.author), "labels": [], "milestone": None, "assignee": None, "assignees": [],
            "created_at": moment(pull.created_at), "updated_at": moment(pull.updated_at),
            "closed_at": moment(pull.closed_at), "merged_at": None, "merge_commit_sha": None, "draft": pull.draft,
            "auto_merge": None, "author_association": "CONTRIBUTOR",
            "head": self._end(repository, pull.head, pull.sha), "base": self._end(repository, pull.base, base),
            "_links": {name: {"href": address} for name, address in {"self": api, **addresses}.items()},
        }  # fmt: skip

    def whole_pull(self, repository: Repository, pull: Pull) -> Json:
        """Return a pull request by itself."""
        counts = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
        return {
            **self.pull(repository, pull), **dict.fromkeys(counts, 0), "merged": False, "mergeable": None,
            "mergeable_state": "unknown", "merged_by": None, "maintainer_can_modify": False,
        }  # fmt: skip

    def _content(self, repository: Repository, commit: Commit) -> Json:
        tree = {"sha": commit.tree, "url": self._at(repository, f"git/trees/{commit.tree}")}
        people = {"author": _person(commit.author), "committer": _person(commit.committer)}
        return {**people, "message": commit.message, "tree": tree}

    def _parent(self, repository: Repository, sha: str) -> Json:
        html = self._page(repository, f"commit/{sha}")
        return {"sha": sha, "url": self._at(repository, f"git/commits/{sha}"), "html_url": html}

    def _end(self, repository: Repository, branch: str, sha: str) -> Json:
        owner = repository.full_name.partition("/")[0]
        return {
            "label": f"{owner}:{branch}", "ref": branch, "sha": sha, "repo": self._replies.repository(repository),
            "user": self._replies.user(owner, "Organization"),
        }  # fmt: skip

    def _at(self, repository: Repository, path: str) -> str:
        return f"{self._url}/repos/{repository.full_name}/{path}"

    def _page(self, repository: Repository, path: str) -> str:
        return f"{self._url}/{repository.full_name}/{path}"


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": moment(person.date.astimezone(UTC))}
