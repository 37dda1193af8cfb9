"""Assets: what becomes of their names, their uploads, and their downloads with and without a token."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import requests
from github import GithubException
from github.GithubException import UnknownObjectException
from github.Repository import Repository

from tests.github_server import GitHubServer, Rules
from tests.github_server.conftest import connect, open_draft, upload
from tests.github_server.starting import StartServer
from tests.support import LIMIT, wait_until


def token_of(server: GitHubServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.environment['GITHUB_TOKEN']}"}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("demo-1.0.0.tgz", "demo-1.0.0.tgz"),
        ("a b~c=d.tgz", "a.b.c.d.tgz"),
        ("demo-(15-5)-x.tgz", "demo-.15-5.-x.tgz"),
        ("@demo/pack.tgz", "default.demo.pack.tgz"),
        (".hidden", "default.hidden"),
        ("ends.", "ends"),
        ("with+plus_and-minus", "with+plus_and-minus"),
    ],
)
def test_names_are_rewritten(repository: Repository, sent: str, stored: str) -> None:
    assert upload(open_draft(repository), sent).name == stored


def test_a_name_is_taken_once_in_a_release(repository: Repository) -> None:
    first, second = open_draft(repository), open_draft(repository)
    upload(first, "a b")
    upload(second, "a b")
    with pytest.raises(GithubException) as caught:
        upload(first, "a.b")
    assert caught.value.status == 422
    assert caught.value.data["errors"] == [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]


def test_a_release_has_so_many_assets(start_server: StartServer) -> None:
    server = start_server(Rules(assets=2))
    with connect(server) as github:
        release = open_draft(github.get_repo(server.repository().full_name))
        upload(release, "a"), upload(release, "b")
        with pytest.raises(GithubException) as caught:
            upload(release, "c")
    assert caught.value.data["errors"][0]["message"] == "file_count limited to 2 assets per release"


def test_an_upload_through_requests(server: GitHubServer, repository: Repository, tmp_path: Path) -> None:
    release = open_draft(repository)
    content = bytes(range(256)) * 40_000
    (tmp_path / "big.tgz").write_bytes(content)
    with (tmp_path / "big.tgz").open("rb") as file:
        headers = {**token_of(server), "Content-Type": "application/gzip"}
        address = release.upload_url.partition("{")[0]
        said = requests.post(address, params={"name": "big.tgz"}, data=file, headers=headers, timeout=LIMIT)
    assert said.status_code == 201
    asset = said.json()
    assert (asset["state"], asset["content_type"], asset["size"]) == ("uploaded", "application/gzip", len(content))
    assert asset["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert server.content(server.repository().releases[release.id].assets[asset["id"]]) == content


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [(b"", 422, "size must be greater than or equal to 1"), (iter([b"no length"]), 400, "Bad Content-Length: ")],
)
def test_an_upload_says_its_length_and_has_one(
    server: GitHubServer, repository: Repository, content: Iterable[bytes], status: int, said: str
) -> None:
    release = open_draft(repository)
    address = f"{release.upload_url.partition('{')[0]}?name=a"
    refused = requests.post(address, data=content, headers=token_of(server), timeout=LIMIT)
    assert (refused.status_code, said in refused.text) == (status, True)
    assert server.repository().releases[release.id].assets == {}


def test_an_upload_that_breaks_off_leaves_a_starter(server: GitHubServer, repository: Repository) -> None:
    release = open_draft(repository)
    head = f"POST /uploads/repos/octo-org/fleet/releases/{release.id}/assets?name=a HTTP/1.1\r\nhost: x\r\n"
    token = f"authorization: Bearer {server.environment['GITHUB_TOKEN']}\r\ncontent-length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.sendall((head + token + "half").encode())
        wait_until(lambda: list(release.get_assets()), "the asset's place")
    assert [(each.name, each.state, each.size) for each in release.get_assets()] == [("a", "starter", 0)]
    with pytest.raises(GithubException):
        upload(release, "a")
    release.get_assets()[0].delete_asset()
    assert upload(release, "a").state == "uploaded"


@pytest.mark.parametrize("meanwhile", ["removed", "published"])
def test_an_upload_counts_only_if_there_still_is_a_place_for_it(
    server: GitHubServer, repository: Repository, meanwhile: str
) -> None:
    server.repository().immutable = True
    release = open_draft(repository)

    def content() -> Iterable[bytes]:
        yield b"first "
        wait_until(lambda: list(release.get_assets()), "the asset's place")
        if meanwhile == "removed":
            release.get_assets()[0].delete_asset()
        else:
            release.update_release("v1", "text")
        yield b"second"

    class Sized:
        def __iter__(self) -> Iterator[bytes]:
            yield from content()

        def __len__(self) -> int:
            return len(b"first second")

    address = f"{release.upload_url.partition('{')[0]}?name=a"
    refused = requests.post(address, data=Sized(), headers=token_of(server), timeout=LIMIT)
    assert refused.status_code == {"removed": 404, "published": 422}[meanwhile]
    assert server.repository().releases[release.id].assets == {}


def test_a_large_upload_is_refused_in_words(server: GitHubServer, repository: Repository) -> None:
    release = open_draft(repository)
    upload(release, "a")
    address = f"{release.upload_url.partition('{')[0]}?name=a"
    for _ in range(3):
        refused = requests.post(address, data=bytes(20_000_000), headers=token_of(server), timeout=LIMIT)
        assert refused.json()["errors"][0]["code"] == "already_exists"


def test_an_asset_is_renamed_and_labelled(repository: Repository) -> None:
    release = open_draft(repository)
    asset, _ = upload(release, "a"), upload(release, "b")
    assert asset.update_asset("c", "a label").label == "a label"
    with pytest.raises(GithubException) as caught:
        asset.update_asset("b")
    assert caught.value.data["errors"][0]["code"] == "already_exists"
    assert sorted(each.name for each in release.get_assets()) == ["b", "c"]


def test_a_draft_is_downloaded_only_through_the_api(
    server: GitHubServer, repository: Repository, tmp_path: Path
) -> None:
    asset = upload(open_draft(repository), "a.tgz", b"secret")
    asset.download_asset(str(tmp_path / "a"), chunk_size=1 << 20)
    assert (tmp_path / "a").read_bytes() == b"secret"
    assert requests.get(asset.browser_download_url, timeout=LIMIT).status_code == 404
    token = server.add_token(repository.full_name, contents="read")
    with connect(server, token) as github, pytest.raises(UnknownObjectException):
        github.get_repo(repository.full_name).get_release_asset(asset.id)


def test_the_world_downloads_what_is_published(server: GitHubServer, repository: Repository) -> None:
    draft = open_draft(repository, "v1/slash")
    upload(draft, "a.tgz", b"content")
    release = draft.update_release("v1", "text", make_latest="true")
    (asset,) = release.get_assets()
    latest = f"{server.url}/{repository.full_name}/releases/latest/download/a.tgz"
    for address in (asset.browser_download_url, latest):
        said = requests.get(address, timeout=LIMIT)
        assert (said.content, said.history[0].status_code) == (b"content", 302)
    assert repository.get_release_asset(asset.id).download_count == 2
    assert server.calls()[-1].path.endswith(str(asset.id))  # downloads are no calls


def test_private_repositories_have_no_downloads_and_no_readers(server: GitHubServer) -> None:
    private = server.add_repository("octo-org/private", private=True)
    with connect(server, server.add_token(private.full_name)) as github:
        release = github.get_repo(private.full_name).create_git_release("v1", "v1", "text")
        asset = upload(release, "a.tgz")
    assert requests.get(asset.browser_download_url, timeout=LIMIT).status_code == 404
    with connect(server) as github, pytest.raises(UnknownObjectException):
        github.get_repo(private.full_name)
