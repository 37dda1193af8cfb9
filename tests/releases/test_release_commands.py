"""The commands of `release`, each in its own process, against the GitHub test server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from generator.errors import CratematrixError, Unreachable
from generator.github_api.connection import Connection, connection
from generator.github_api.errors import GitHubError
from generator.github_api.retry import RateLimit, Retry
from generator.manifest.reading import load_manifest
from generator.releases.complete_upload import upload
from generator.releases.github import GitHubReleases
from generator.releases.preparing import prepare
from generator.releases.transfers import Transfers, TransferTimeouts
from generator.releases.uploading import Package, packages_of, upload_package
from generator.reports.merging import reports_below
from generator.reports.models import Artifact, Report
from tests.github_server import Cut, Delay, LoseReply, Say, Stall, Starter, html, primary, secondary
from tests.releases.conftest import Fleet, build_shard, built, copy_reports
from tests.support import cratematrix

RELEASES = "/repos/octo-org/fleet/releases"
UPLOADS = "POST /uploads/repos/octo-org/fleet/releases/*/assets"
PACKAGES = ["demo-one-1.0.0.tgz", "demo-three-1.0.0.tgz", "demo-two-1.0.0.tgz"]


def names(fleet: Fleet, number: str) -> list[str]:
    release = fleet.server.repository().releases[int(number)]
    return sorted(asset.name for asset in release.assets.values() if asset.state == "uploaded")


def test_from_prepare_to_verify(fleet: Fleet) -> None:
    number = fleet.run("prepare", "--tag", "v1.0.0").out.strip()
    for shard in fleet.shards:
        assert fleet.upload(number, shard).code == 0
    assert names(fleet, number) == PACKAGES
    reports = copy_reports(fleet.top / "shards", fleet.top / "reports")
    words = ("publish", "--release-id", number, "--out", reports)
    kept = fleet.run(*words, "--keep-draft")
    assert (kept.code, "still a draft" in kept.err) == (0, True), kept.err
    assert fleet.server.repository().latest is None
    sums = (reports / "SHA256SUMS").read_text()
    assert [line.split("  ")[1] for line in sums.splitlines()] == [*PACKAGES, "fleet.json"]
    assert fleet.run(*words).code == 0
    assert fleet.server.repository().latest == int(number)
    assert fleet.server.repository().git.refs()["refs/tags/v1.0.0"] == fleet.head
    assert names(fleet, number) == ["SHA256SUMS", *PACKAGES, "fleet.json"]
    again = fleet.run(*words)
    assert (again.code, "published" in again.err) == (0, True)
    checked = fleet.run("verify", "--tag", "v1.0.0", GITHUB_TOKEN="")
    assert (checked.code, checked.err) == (0, "v1.0.0: 3 packages, all verified\n")


def test_each_result_is_json_when_asked_for(fleet: Fleet) -> None:
    made = json.loads(fleet.run("prepare", "--tag", "v1.0.0", "--json").out)
    number = str(made["release_id"])
    assert made == {"tag": "v1.0.0", "commit": fleet.head, "release_id": int(number), "packages": 3}
    words = ("--release-id", number, "--out", fleet.top / "shards", "--json")
    sent = json.loads(fleet.run("upload", *words, "--writes-per-minute", "6000").out)
    assert (sent["uploaded"], sent["skipped"], sent["replaced"], sorted(sent["assets"])) == (3, 0, 0, PACKAGES)
    published = json.loads(fleet.run("publish", *words).out)
    assert published == {"tag": "v1.0.0", "release_id": int(number), "draft": False, "quarantined": []}
    verified = json.loads(fleet.run("verify", "--tag", "v1.0.0", "--json").out)
    assert verified == {"tag": "v1.0.0", "packages": 3, "absent": [], "index": True}


def test_prepare_prints_only_the_id_and_reuses_its_draft(fleet: Fleet) -> None:
    ran = fleet.run("prepare", "--tag", "v1.0.0")
    assert re.fullmatch(r"\d+\n", ran.out)
    assert re.search(r"5 assets of 1,000; .* a margin of \d+", ran.err)
    assert fleet.run("prepare", "--tag", "v1.0.0").out == ran.out
    draft = fleet.server.repository().releases[int(ran.out)]
    assert (draft.draft, draft.target, draft.tag) == (True, fleet.head, "v1.0.0")
    assert len(fleet.server.repository().releases) == 1


def test_prepare_refuses_the_draft_of_another_commit_and_a_second_draft(fleet: Fleet) -> None:
    number = fleet.drafted()
    (fleet.top / "more").write_text("more")
    other = "0123456789" * 4
    ran = fleet.run("prepare", "--tag", "v1.0.0", GITHUB_SHA=other)
    assert ran.code == 2
    assert f"error: the draft {number} of v1.0.0 is for {fleet.head}, not for {other}\n  fix: delete" in ran.err
    repository = fleet.server.repository()
    second = json.dumps({"tag_name": "v1.0.0", "target_commitish": "main", "draft": True})
    post(fleet, second)
    ran = fleet.run("prepare", "--tag", "v1.0.0")
    assert (ran.code, ran.out) == (2, "")
    assert f"error: v1.0.0 has 2 drafts: {', '.join(map(str, sorted(repository.releases)))}\n  fix: delete" in ran.err


def test_prepare_refuses_a_commit_that_was_never_pushed(fleet: Fleet) -> None:
    never = "0123456789" * 4
    ran = fleet.run("prepare", "--tag", "v1.0.0", GITHUB_SHA=never)
    assert (ran.code, ran.out) == (2, "")
    assert f"error: GitHub does not have the commit {never}\n  fix: run git push, then prepare again\n" in ran.err
    assert not fleet.server.repository().releases


@pytest.mark.parametrize("annotated", [[], ["-m", "words"]], ids=["plain", "annotated"])
def test_prepare_refuses_a_tag_at_another_commit(fleet: Fleet, annotated: list[str]) -> None:
    git = ["git", "-c", "user.name=name", "-c", "user.email=name@localhost", "-C", str(fleet.top)]
    before = fleet.head
    subprocess.run([*git, "tag", "v1.0.0", *annotated], check=True)  # noqa: TID251
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Two"], check=True)  # noqa: TID251
    fleet.server.add_repository("octo-org/tagged", source=fleet.top)
    token = fleet.server.add_token("octo-org/tagged")
    elsewhere = fleet.server.environment_of("octo-org/tagged", token)
    ran = fleet.run("prepare", "--tag", "v1.0.0", **elsewhere)
    assert (ran.code, fleet.server.repository("octo-org/tagged").releases) == (2, {})
    assert f"error: the tag v1.0.0 is already at {before}, not at {fleet.head}\n  fix: " in ran.err
    assert fleet.run("prepare", "--tag", "v1.0.0", **elsewhere, GITHUB_SHA=before).code == 0


def post(fleet: Fleet, body: str) -> None:
    """Create a release as another tool does."""
    headers = [
        "-H",
        f"Authorization: Bearer {fleet.environment['GITHUB_TOKEN']}",
        "-H",
        "Content-Type: application/json",
    ]
    url = f"{fleet.server.url}{RELEASES}"
    subprocess.run(["curl", "-sSf", *headers, "-d", body, url], check=True, capture_output=True)  # noqa: TID251


@pytest.mark.parametrize("immutable", [False, True])
def test_a_published_release_never_changes(fleet: Fleet, immutable: bool) -> None:
    fleet.server.repository().immutable = immutable
    number = fleet.published()
    assert fleet.server.repository().releases[int(number)].immutable is immutable
    kind = "immutable" if immutable else "published"
    ran = fleet.run("prepare", "--tag", "v1.0.0")
    assert (ran.code, f"error: v1.0.0 is already {kind}" in ran.err, "  fix: " in ran.err) == (2, True, True)
    ran = fleet.upload(number, fleet.shards[0])
    assert (ran.code, f"of v1.0.0 is already {kind}" in ran.err) == (2, True)
    assert fleet.publish(number).code == 0


@pytest.mark.parametrize("fault", [LoseReply(), Say(502, "", perform=True), html(503)])
def test_a_draft_is_created_once_also_after_a_lost_response(fleet: Fleet, fault: Say | LoseReply) -> None:
    fleet.server.inject(f"POST {RELEASES}", fault)
    number = fleet.run("prepare", "--tag", "v1.0.0").out.strip()
    assert list(fleet.server.repository().releases) == [int(number)]


def test_concurrent_prepares_end_with_one_draft(fleet: Fleet) -> None:
    racing = [fleet.start("prepare", "--tag", "v1.0.0") for _ in range(5)]
    ended = [(*each.communicate(), each.returncode) for each in racing]
    assert {code for *_, code in ended} == {0}, ended
    assert {int(out) for out, *_ in ended} == set(fleet.server.repository().releases)
    assert len(fleet.server.repository().releases) == 1


def test_a_second_upload_sends_nothing_and_replaces_broken_assets(fleet: Fleet) -> None:
    number, shard = fleet.drafted(), fleet.shards[0]
    fleet.server.inject(UPLOADS, Starter())
    first = fleet.upload(number, shard)
    count = len(names(fleet, number))
    assert first.err.splitlines()[-1] == f"{count} uploaded, 0 skipped, 0 replaced"
    sent = len(fleet.server.requests)
    assert fleet.upload(number, shard).err.splitlines()[-1] == f"0 uploaded, {count} skipped, 0 replaced"
    assert {seen.method for seen in fleet.server.requests[sent:]} == {"GET"}
    manifest = load_manifest(fleet.top / "crates.json")
    crates = [
        crate
        for crate in manifest.crates
        if crate.kind != "lib" and f"demo-{crate.name}-1.0.0.tgz" in names(fleet, number)
    ]
    changed = fleet.top / "again"
    build_shard(changed, manifest, [crates[0].model_copy(update={"name": crates[0].name})], "1/2")
    replaced = changed / f"demo-{crates[0].name}-1.0.0.tgz"
    replaced.write_text("another build of it")
    rewrite(changed / "report-1.json", replaced)
    assert fleet.upload(number, changed).err.splitlines()[-1] == "0 uploaded, 0 skipped, 1 replaced"
    release = fleet.server.repository().releases[int(number)]
    stored = release.named(replaced.name)
    assert stored is not None
    assert fleet.server.content(stored) == b"another build of it"


def rewrite(report: Path, package: Path) -> None:
    """Update a report to the package on the disk."""
    data = json.loads(report.read_text())
    content = package.read_bytes()
    for crate in data["crates"]:
        for each in crate["packages"]:
            if each["file"] == package.name:
                each |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    report.write_text(json.dumps(data))


@pytest.mark.parametrize(
    "fault",
    [LoseReply(), Say(500, {"message": "Error creating asset temp dir"}), Say(502, "", perform=True), Starter(),
     secondary(1), secondary(1, 429), primary(1)],
    ids=["lost", "500", "stored 502", "starter", "secondary 403", "secondary 429", "primary"],
)  # fmt: skip
def test_a_failed_upload_ends_with_one_asset(fleet: Fleet, fault: Say | LoseReply) -> None:
    number = fleet.drafted()
    fleet.server.inject(UPLOADS, fault)
    for shard in fleet.shards:
        assert fleet.upload(number, shard).code == 0
    assert names(fleet, number) == PACKAGES
    assert len(fleet.server.repository().releases[int(number)].assets) == 3


@pytest.mark.attack("nothing is released but what its report says, byte by byte")
def test_packages_that_differ_from_their_report_are_not_uploaded(fleet: Fleet) -> None:
    number, shard = fleet.drafted(), fleet.shards[0]
    sent = len(fleet.server.requests)
    packages = sorted(shard.glob("*.tgz"))
    packages[0].write_bytes(packages[0].read_bytes().swapcase())
    for other in packages[1:]:
        other.unlink()
    ran = fleet.upload(number, shard)
    assert (ran.code, len(fleet.server.requests)) == (2, sent)
    assert f"{packages[0].name} has a different SHA-256 in its report" in ran.err
    assert all(f"{other.name} is missing" in ran.err for other in packages[1:])


@pytest.mark.attack("nothing is released but what its report says, byte by byte")
def test_a_report_with_a_path_outside_of_the_directory_is_refused(fleet: Fleet) -> None:
    number, shard = fleet.drafted(), fleet.shards[0]
    report = next(shard.glob("report-*.json"))
    report.write_text(report.read_text().replace('"file":"demo-', '"file":"../demo-'))
    ran = fleet.upload(number, shard)
    assert (ran.code, "is a name that GitHub would change" in ran.err) == (2, True)


def test_an_asset_that_github_renames_is_deleted(fleet: Fleet, tmp_path: Path) -> None:
    number, path = fleet.drafted(), tmp_path / "file"
    path.write_text("x")
    file = Artifact(file="a=b.tgz", bytes=1, sha256=hashlib.sha256(b"x").hexdigest())
    quiet = Retry(lambda _: None)
    with (
        fleet.releases() as releases,
        pytest.raises(CratematrixError, match=r"renamed the asset a=b\.tgz to a\.b\.tgz"),
    ):
        upload_package(releases, releases.get(int(number)), Package(path, file), (), RateLimit(0), quiet)
    assert names(fleet, number) == []


def test_an_uploads_assets_are_an_output_of_its_step(fleet: Fleet, tmp_path: Path) -> None:
    number, output = fleet.drafted(), tmp_path / "output"
    words = ("upload", "--release-id", number, "--out", fleet.shards[0])
    assert fleet.run(*words, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output)).code == 0
    assert json.dumps(names(fleet, number)) in output.read_text()


def test_packages_of_another_commit_are_neither_uploaded_nor_published(fleet: Fleet) -> None:
    number, ours, other = fleet.uploaded(), fleet.head, "0123456789" * 4
    said = f"error: the packages are of commit {other}, but release {number} of v1.0.0 is for {ours}\n  fix: git checkout {ours}"
    for shard in fleet.shards:
        set_commit(shard, other)
    words = ("--release-id", number, "--out", fleet.top / "shards")
    refused = [fleet.run(step, *words) for step in ("upload", "publish")]
    for shard in fleet.shards:
        set_commit(shard, other, unchanged_since="v0.9.0")
    refused.append(fleet.run("publish", *words, "--unless-unchanged"))
    assert [(ran.code, said in ran.err) for ran in refused] == [(2, True)] * 3, refused
    assert fleet.server.repository().releases[int(number)].draft
    set_commit(fleet.shards[0], ours)
    assert "error: the reports are of different commits: " in fleet.publish(number).err
    set_commit(fleet.shards[1], ours, modified=True)
    note = "note: tracked files were modified at the build"
    for step in ("upload", "publish"):
        ran = fleet.run(step, *words)
        assert (ran.code, note in ran.err) == (0, True), ran.err


def set_commit(shard: Path, commit: str, *, modified: bool = False, unchanged_since: str | None = None) -> None:
    """Make the report of a shard one of a build at this commit."""
    (report,) = shard.glob("report-*.json")
    data = {**json.loads(report.read_text()), "commit": commit, "modified": modified}
    for crate in data["crates"]:
        crate["unchanged_since"] = unchanged_since
    report.write_text(json.dumps(data))


def test_publish_lists_every_problem_and_publishes_nothing(fleet: Fleet) -> None:
    number = fleet.uploaded()
    manifest = fleet.manifest
    stray = fleet.top / "stray"
    stray.mkdir()
    crate = manifest.crates[0].model_copy(update={"name": "stray"})
    stray_report = Report(backend="local", isolated=True, seconds=1.0, crates=(built(stray, manifest, crate),))
    (stray / "report.json").write_text(stray_report.model_dump_json())
    assert fleet.upload(number, stray).code == 0
    more = json.loads((fleet.top / "crates.json").read_text())
    more["crates"].append(
        {"name": "five", "version": "1.0.0", "kind": "napi", "source": {"registry": "five", "version": "1.0.0"}}
    )
    (fleet.top / "more.json").write_text(json.dumps(more))
    release = fleet.server.repository().releases[int(number)]
    gone = release.named(PACKAGES[2])
    assert gone is not None
    delete(fleet, gone.id)
    ran = fleet.publish(number, "--manifest", "more.json")
    assert ran.code == 1
    assert ran.err.splitlines()[:3] == [
        "demo-five-1.0.0.tgz is expected, but no report has five",
        "demo-two-1.0.0.tgz is missing on the release",
        "demo-stray-1.0.0.tgz is on the release, but not expected",
    ]
    assert "it stays a draft" in ran.err
    assert release.draft
    assert not {"SHA256SUMS", "fleet.json"} & {*names(fleet, number)}


def delete(fleet: Fleet, asset: int) -> None:
    headers = ["-H", f"Authorization: Bearer {fleet.environment['GITHUB_TOKEN']}", "-X", "DELETE"]
    url = f"{fleet.server.url}{RELEASES}/assets/{asset}"
    subprocess.run(["curl", "-sSf", *headers, url], check=True)  # noqa: TID251


def test_a_failed_crate_keeps_the_release_a_draft_until_its_shard_is_built_again(fleet: Fleet) -> None:
    number = fleet.uploaded()
    report = fleet.shards[0] / "report-1.json"
    data = json.loads(report.read_text())
    first = next(crate for crate in data["crates"] if crate["kind"] != "lib")
    first |= {"state": "failed", "packages": [], "failure": {"class": "permanent", "phase": "test", "message": "no"}}
    again = fleet.top / "shards/again"
    again.mkdir()
    (again / report.name).write_text(json.dumps({**data, "run_attempt": 2}))
    ran = fleet.publish(number)
    assert ran.code == 1
    assert f"demo-{first['name']}-1.0.0.tgz is expected, but {first['name']} is failed: no" in ran.err
    (again / report.name).write_text(json.dumps({**json.loads(report.read_text()), "run_attempt": 3}))
    assert fleet.publish(number).code == 0


@pytest.mark.parametrize("fault", [LoseReply(), Say(502, "", perform=True), html(502), secondary(1)])
def test_the_release_is_read_again_after_a_lost_response_to_its_publication(
    fleet: Fleet, fault: Say | LoseReply
) -> None:
    number = fleet.uploaded()
    fleet.server.inject(f"PATCH {RELEASES}/*", fault)
    ran = fleet.publish(number)
    assert (ran.code, fleet.server.repository().latest) == (0, int(number)), ran.err


def test_a_prerelease_is_published_as_one_and_is_not_the_latest(fleet: Fleet) -> None:
    number = fleet.uploaded("v1.0.0-rc.1")
    assert fleet.publish(number).code == 0
    release = fleet.server.repository().releases[int(number)]
    assert (release.draft, release.prerelease, fleet.server.repository().latest) == (False, True, None)


def test_publish_fails_for_a_published_release_that_differs(fleet: Fleet) -> None:
    number = fleet.published()
    package = next(fleet.shards[0].glob("*.tgz"))
    package.write_text("another build")
    rewrite(fleet.shards[0] / "report-1.json", package)
    ran = fleet.publish(number)
    assert (ran.code, "is already published" in ran.err) == (1, True)


def test_verify_lists_every_difference(fleet: Fleet) -> None:
    number = fleet.published()
    release = fleet.server.repository().releases[int(number)]
    changed = release.named(PACKAGES[0])
    assert changed is not None
    path = fleet.server._api.assets.path(changed)
    path.write_bytes(path.read_bytes().swapcase())
    other = json.loads((fleet.top / "crates.json").read_text())
    other["crates"][1] |= {"version": "2.0.0", "source": {"registry": "two", "version": "2.0.0"}}
    (fleet.top / "other.json").write_text(json.dumps(other))
    ran = fleet.run("verify", "--tag", "v1.0.0", "--manifest", "other.json")
    assert ran.code == 1
    assert ran.err.splitlines()[:-1] == [
        "demo-one-1.0.0.tgz has a different SHA-256 on the release",
        "demo-two-1.0.0.tgz is not expected by the manifest",
        "demo-two-2.0.0.tgz is not in SHA256SUMS",
        "demo-two-2.0.0.tgz is not on the release",
        "fleet.json has two 1.0.0, but the manifest has two 2.0.0",
        "demo-one-1.0.0.tgz has another size or SHA-256 in fleet.json",
    ]


def test_a_failed_download_is_listed_with_the_other_problems(fleet: Fleet) -> None:
    fleet.published()
    fleet.server.inject("GET /storage/*", html(403), 2)
    ran = fleet.run("verify", "--tag", "v1.0.0")
    assert ran.code == 1
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["downloading demo-one-1.0.0.tgz", "error"]


def test_a_truncated_download_is_retried(fleet: Fleet) -> None:
    fleet.published()
    fleet.server.inject("GET /storage/*", Cut(50), 2)
    ran = fleet.run("verify", "--tag", "v1.0.0")
    assert (ran.code, ran.err.count("trying again")) == (0, 2)


def test_a_release_of_a_private_repository_is_verified_with_the_token(fleet: Fleet) -> None:
    fleet.published()
    fleet.server.repository().private = True
    assert fleet.run("verify", "--tag", "v1.0.0").code == 0
    ran = fleet.run("verify", "--tag", "v1.0.0", GITHUB_TOKEN="")
    assert (ran.code, "contents: write" in ran.err) == (2, True)


def test_a_draft_cannot_be_verified(fleet: Fleet) -> None:
    fleet.uploaded()
    ran = fleet.run("verify", "--tag", "v1.0.0")
    assert (ran.code, "looking for the published release v1.0.0: " in ran.err) == (2, True)


def test_a_missing_permission_of_the_token_is_named(fleet: Fleet) -> None:
    token = fleet.server.add_token("octo-org/fleet", contents="read")
    ran = fleet.run("prepare", "--tag", "v1.0.0", GITHUB_TOKEN=token)
    assert (ran.code, "permissions: contents: write" in ran.err) == (2, True)
    number = fleet.drafted()
    ran = fleet.run("upload", "--release-id", number, "--out", fleet.shards[0], GITHUB_TOKEN=token)
    assert (ran.code, "permissions: contents: write" in ran.err) == (2, True)
    ran = fleet.run("prepare", "--tag", "v1.0.0", GITHUB_TOKEN="ghs_unknown_to_github")
    assert (ran.code, "GitHub refuses the token" in ran.err) == (2, True)


def test_all_missing_variables_are_named_at_once(fleet: Fleet) -> None:
    ran = fleet.run("prepare", "--tag", "v1.0.0", GITHUB_TOKEN="", GITHUB_REPOSITORY="")
    assert ran.code == 2
    assert "GITHUB_TOKEN is not set" in ran.err
    assert "GITHUB_REPOSITORY is not set" in ran.err


def test_a_release_over_the_limits_sends_no_request(fleet: Fleet) -> None:
    crates = [
        {"name": f"c{n}", "version": "1.0.0", "kind": "napi", "source": {"registry": f"c{n}", "version": "1.0.0"}}
        for n in range(1_000)
    ]
    large = {"schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": crates}
    (fleet.top / "large.json").write_text(json.dumps(large))
    ran = fleet.run("prepare", "--tag", "v1.0.0", "--manifest", "large.json")
    assert ran.code == 2
    assert "1002 assets exceed GitHub's limit of 1,000 for a release\nerror: " in ran.err
    assert fleet.server.requests == []


@pytest.mark.attack("no token is shown, not even in a traceback")
def test_no_message_or_traceback_has_the_token(fleet: Fleet) -> None:
    env = {**fleet.environment, "GITHUB_TOKEN": "ghs_unknown_to_github_and_secret"}
    ran = cratematrix("--debug", "release", "prepare", "--tag", "v1.0.0", cwd=fleet.top, env=env)
    assert (ran.code, "Traceback" in ran.err) == (2, True)
    assert "unknown_to_github" not in ran.err + ran.out


def test_an_unreachable_server_is_a_transient_error(fleet: Fleet) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        env, waited = {**fleet.environment, "GITHUB_API_URL": nobody}, list[float]()
        with (
            contextlib.closing(GitHubReleases(connection(env))) as releases,
            pytest.raises(
                Unreachable, match=f"{nobody.removeprefix('http://')} cannot be reached: Connection refused"
            ) as caught,
        ):
            prepare(releases, "v1.0.0", fleet.head, "", False, Retry(lambda _: None, waited.append))
    assert (caught.value.exit_code, "check the network" in (caught.value.fix or "")) == (4, True)
    assert len(waited) == 1


@pytest.mark.parametrize("fault", [Stall(3_600), Delay(3_600)], ids=["no reply", "not done"])
def test_a_stalled_upload_is_retried(fleet: Fleet, fault: Stall | Delay) -> None:
    number, shard = fleet.drafted(), fleet.shards[0]
    fleet.server.inject(UPLOADS, fault)
    packages = packages_of(reports_below(shard), shard)
    said: list[str] = []
    with fleet.releases(TransferTimeouts(idle=4)) as releases:
        upload(releases, int(number), packages, 1, 6_000, Retry(said.append))
    assert any("trying again" in line for line in said)
    assert len(fleet.server.repository().releases[int(number)].assets) == len(packages)


def test_an_upload_over_its_deadline_ends(fleet: Fleet, tmp_path: Path) -> None:
    """A server that reads a few bytes now and then never triggers the idle timeout."""
    large = tmp_path / "large.tgz"
    large.write_bytes(bytes(64 * 1024 * 1024))
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stop = threading.Event()
        reader = threading.Thread(target=_sip, args=(slow, stop))
        reader.start()
        url = f"http://127.0.0.1:{slow.getsockname()[1]}"
        connection = Connection(url, "octo-org/fleet", "ghs_token")
        transfers = Transfers(connection, TransferTimeouts(idle=3_600, minimum=1, bytes_per_second=2**30))
        try:
            with pytest.raises(GitHubError, match="takes too long"):
                transfers.upload(f"{url}/", large, "large.tgz")
        finally:
            stop.set()
            transfers.close()
            reader.join()


def _sip(server: socket.socket, stop: threading.Event) -> None:
    connection, _ = server.accept()
    with connection:
        while not stop.wait(0.01):
            connection.recv(65_536)
