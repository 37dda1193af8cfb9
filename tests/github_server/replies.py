"""GitHub's replies in JSON, with every address on this server."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from tests.github_server.account import Asset, Release, Repository

Json = dict[str, Any]
# What a repository says is below its own address.
BELOW: Final = {
    "archive": "{archive_format}{/ref}", "assignees": "assignees{/user}", "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}", "collaborators": "collaborators{/collaborator}", "comments": "comments{/number}",
    "commits": "commits{/sha}", "compare": "compare/{base}...{head}", "contents": "contents/{+path}",
    "contributors": "contributors", "deployments": "deployments", "downloads": "downloads", "events": "events",
    "forks": "forks", "git_commits": "git/commits{/sha}", "git_refs": "git/refs{/sha}", "git_tags": "git/tags{/sha}",
    "hooks": "hooks", "issue_comment": "issues/comments{/number}", "issue_events": "issues/events{/number}",
    "issues": "issues{/number}", "keys": "keys{/key_id}", "labels": "labels{/name}", "languages": "languages",
    "merges": "merges", "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}", "pulls": "pulls{/number}", "releases": "releases{/id}",
    "stargazers": "stargazers", "statuses": "statuses/{sha}", "subscribers": "subscribers",
    "subscription": "subscription", "tags": "tags", "teams": "teams", "trees": "git/trees{/sha}",
}  # fmt: skip


def moment(value: datetime | None) -> str | None:
    """Return a moment as GitHub writes it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def node(kind: str, number: int) -> str:
    """Return an identifier of the other API."""
    return base64.b64encode(f"{kind}{number}".encode()).decode()


class Replies:
    """Renders what the server keeps; `url` is where it is, `digests` whether assets have theirs."""

    def __init__(self, url: str, digests: bool = True) -> None:
        self.url, self._digests = url, digests

    def user(self, login: str, kind: str = "User") -> Json:
        """Return an account."""
        number = sum(login.encode())
        api, name = f"{self.url}/users/{quote(login)}", quote(login)
        lists = {
            "followers_url": "followers", "following_url": "following{/other_user}", "gists_url": "gists{/gist_id}",
            "starred_url": "starred{/owner}{/repo}", "subscriptions_url": "subscriptions", "organizations_url": "orgs",
            "repos_url": "repos", "events_url": "events{/privacy}", "received_events_url": "received_events",
        }  # fmt: skip
        return {
            "login": login, "id": number, "node_id": node("User", number), "gravatar_id": "",
            "avatar_url": f"{self.url}/avatars/{number}", "url": api, "html_url": f"{self.url}/{name}",
            **{field: f"{api}/{rest}" for field, rest in lists.items()},
            "type": "Bot" if login.endswith("[bot]") else kind, "user_view_type": "public", "site_admin": False,
        }  # fmt: skip

    def asset(self, repository: Repository, release: Release, asset: Asset) -> Json:
        """Return an asset."""
        place = release.untagged if release.draft else quote(release.tag, safe="")
        return {
            "url": f"{self._api(repository)}/releases/assets/{asset.id}", "id": asset.id,
            "node_id": node("ReleaseAsset", asset.id), "name": asset.name, "label": asset.label,
            "uploader": self.user(asset.uploader), "content_type": asset.content_type, "state": asset.state,
            "size": asset.size, "digest": f"sha256:{asset.sha256}" if self._digests and asset.sha256 else None,
            "download_count": asset.downloads, "created_at": moment(asset.created_at),
            "updated_at": moment(asset.updated_at),
            "browser_download_url": f"{self._html(repository)}/releases/download/{place}/{quote(asset.name)}",
        }  # fmt: skip

    def release(self, repository: Repository, release: Release) -> Json:
        """Return a release with all its assets."""
        api, html = self._api(repository), self._html(repository)
        here, tag = f"{api}/releases/{release.id}", quote(release.tag, safe="")
        upload = f"{self.url}/uploads/repos/{repository.full_name}/releases/{release.id}/assets{{?name,label}}"
        return {
            "url": here, "assets_url": f"{here}/assets", "upload_url": upload,
            "html_url": f"{html}/releases/tag/{release.untagged if release.draft else tag}", "id": release.id,
            "author": self.user(release.author), "node_id": node("Release", release.id), "tag_name": release.tag,
            "target_commitish": release.target, "name": release.name, "draft": release.draft,
            "immutable": release.immutable, "prerelease": release.prerelease,
            "created_at": moment(release.created_at), "updated_at": moment(release.updated_at),
            "published_at": moment(release.published_at),
            "assets": [self.asset(repository, release, asset) for asset in release.assets.values()],
            "tarball_url": None if release.draft else f"{api}/tarball/{tag}",
            "zipball_url": None if release.draft else f"{api}/zipball/{tag}", "body": release.body,
        }  # fmt: skip

    def repository(self, repository: Repository) -> Json:
        """Return a repository as every token sees it."""
        api, html = self._api(repository), self._html(repository)
        owner, _, name = repository.full_name.partition("/")
        counts = ("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers", "watchers_count", "network_count", "subscribers_count")  # fmt: skip
        flags = ("fork", "has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads", "archived", "disabled")  # fmt: skip
        made = moment(repository.created_at)
        return {
            "id": repository.id, "node_id": node("Repository", repository.id), "name": name,
            "full_name": repository.full_name, "private": repository.private, "owner": self.user(owner, "Organization"),
            "html_url": html, "url": api, "description": None, "homepage": None, "language": None, "mirror_url": None,
            "license": None, "default_branch": repository.git.branch,
            "visibility": "private" if repository.private else "public", **dict.fromkeys(flags, False),
            **dict.fromkeys(counts, 0), "created_at": made, "updated_at": made, "pushed_at": made,
            **{f"{field}_url": f"{api}/{rest}" for field, rest in BELOW.items()},
            "clone_url": f"{html}.git", "git_url": f"git:{html.partition(':')[2]}.git", "ssh_url": f"git@127.0.0.1:{repository.full_name}.git", "svn_url": html,
        }  # fmt: skip

    def _api(self, repository: Repository) -> str:
        return f"{self.url}/repos/{repository.full_name}"

    def _html(self, repository: Repository) -> str:
        return f"{self.url}/{repository.full_name}"
