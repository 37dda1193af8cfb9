"""Permissions of the jobs of generated workflows: a job that runs crates' code can only read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.workflows.rendered import render

READ = {"contents": "read"}


def jobs(fleets: Any, backend: str, name: str, **more: object) -> dict[str, Any]:
    manifest = fleets.make()
    fleet = manifest.fleet.model_copy(update={"backend": backend, **more})
    rendered = render(manifest.model_copy(update={"fleet": fleet}), 3, "crates.json")
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(rendered[f".github/workflows/cratematrix-{name}.yml"])[
        "jobs"
    ]
    return found


def builds(job: Any) -> bool:
    """Whether a job runs the action, which builds crates."""
    return any(step.get("uses") == "./" for step in job["steps"])


@pytest.mark.parametrize(("backend", "name"), [("local", "build"), ("local", "release"), ("e2b", "build")])
@pytest.mark.attack("a job that runs crates' code may only read, and holds no token", entry="W2")
def test_a_job_that_runs_crates_code_can_only_read_and_gets_no_token(fleets: Any, backend: str, name: str) -> None:
    (job,) = (job for job in jobs(fleets, backend, name).values() if builds(job))
    assert job["permissions"] == READ
    assert "github.token" not in json.dumps(job)
    (step,) = (step for step in job["steps"] if step.get("uses") == "./")
    assert not {"release-id", "github-token"} & step["with"].keys()


def test_with_builds_at_e2b_each_job_uploads_its_packages(fleets: Any) -> None:
    found = jobs(fleets, "e2b", "release")
    assert found.keys() == {"prepare", "build", "publish", "report"}
    assert found["build"]["permissions"] == {"contents": "write"}
    (step,) = (step for step in found["build"]["steps"] if step.get("uses") == "./")
    assert step["with"]["release-id"] == "${{ needs.prepare.outputs.release-id }}"


def test_a_separate_job_uploads_also_after_a_failure_and_before_the_publication(fleets: Any) -> None:
    found = jobs(fleets, "local", "release")
    upload, publish = found["upload"], found["publish"]
    assert upload["permissions"] == {"contents": "write"}
    assert upload["needs"] == ["prepare", "build"]
    assert "!cancelled()" in upload["if"]
    assert {"build", "upload"} <= {*publish["needs"]}
    assert "if" not in publish


@pytest.mark.parametrize("backend", ["local", "e2b"])
@pytest.mark.parametrize("name", ["build", "release", "regenerate"])
@pytest.mark.attack("no checkout leaves credentials behind", entry="W2")
def test_no_checkout_leaves_credentials_and_only_who_attests_has_an_identity(
    fleets: Any, backend: str, name: str
) -> None:
    found = jobs(fleets, backend, name)
    checkouts = [step for job in found.values() for step in job["steps"] if "checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert checkouts
    identified = [each for each, job in found.items() if "id-token" in job["permissions"]]
    assert identified == (["publish"] if name == "release" else [])


@pytest.mark.parametrize("backend", ["local", "e2b"])
@pytest.mark.attack("only a push to the default branch publishes a page, in a job of one action")
def test_only_a_push_to_the_default_branch_publishes_a_page_in_a_job_of_its_own(fleets: Any, backend: str) -> None:
    found = jobs(fleets, backend, "build", pages=True)
    assert [name for name, job in found.items() if {"pages", "id-token"} & job["permissions"].keys()] == ["page"]
    page, report = found["page"], found["report"]
    assert page["permissions"] == {"pages": "write", "id-token": "write"}
    assert [step["uses"].partition("@")[0] for step in page["steps"]] == ["actions/deploy-pages"]
    pushed = "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch"
    (chosen,) = (step for step in report["steps"] if step.get("id") == "page")
    assert all(f" && {pushed} }}}}" in each["if"] for each in (page, chosen))
    (kept,) = (step for step in report["steps"] if "upload-pages-artifact@" in step.get("uses", ""))
    assert kept["with"]["path"] == "${{ runner.temp }}/page"
    assert not {"page", "report"} & {*found["gate"]["needs"]}
    assert "page" not in jobs(fleets, backend, "build")


@pytest.mark.parametrize("backend", ["local", "e2b"])
@pytest.mark.attack("only a push to the default branch keeps times and packages for the runs of others")
def test_only_pushes_to_the_default_branch_save_what_others_read(fleets: Any, backend: str) -> None:
    """GitHub gives the cache of a pull request to no other ref; the keys keep both apart once more."""

    def uses(name: str, action: str) -> list[tuple[str, Any]]:
        found = jobs(fleets, backend, name)
        return [(job, step) for job in found for step in found[job]["steps"] if action in step.get("uses", "")]

    assert uses("release", "actions/cache") == uses("regenerate", "actions/cache") == []
    pushed = "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch"
    run = "-${{ github.run_id }}-${{ github.run_attempt }}"
    number = "${{ github.event.pull_request.number }}"
    packages, times = "${{ runner.temp }}/builds", "dist/report.json"
    push, pull, measured = (
        f"cratematrix-{each}"
        for each in ("builds-crates.json-push", f"builds-crates.json-pull-{number}", "crates.json")
    )
    saved = [(job, step["if"], step["with"]) for job, step in uses("build", "actions/cache/save")]
    assert saved == [
        ("report", f"${{{{ !cancelled() && {pushed} }}}}", {"path": packages, "key": f"{push}{run}"}),
        (
            "report",
            "${{ !cancelled() && github.event_name == 'pull_request' }}",
            {"path": packages, "key": f"{pull}{run}"},
        ),
        ("report", f"${{{{ !cancelled() && {pushed} }}}}", {"path": times, "key": f"{measured}{run}"}),
    ]

    def restored(prefix: str, path: str) -> dict[str, str]:
        return {"path": path, "key": f"{prefix}{run}", "restore-keys": f"{prefix}-"}

    found = [(job, step.get("if"), step["with"]) for job, step in uses("build", "actions/cache/restore")]
    assert found == [
        ("plan", None, restored(measured, times)),
        ("build", None, restored(push, packages)),
        ("build", "github.event_name == 'pull_request'", restored(pull, packages)),
        ("report", f"${{{{ {pushed} }}}}", restored(push, packages)),
    ]
    assert len(uses("build", "actions/cache")) == len(saved) + len(found)


@pytest.mark.parametrize("backend", ["local", "e2b"])
@pytest.mark.parametrize(("name", "planner"), [("build", "plan"), ("release", "prepare")])
def test_all_jobs_that_build_take_the_one_plan_of_their_run(fleets: Any, backend: str, name: str, planner: str) -> None:
    found = jobs(fleets, backend, name)
    assert "--json" in json.dumps(found[planner])
    (job,) = (job for job in found.values() if builds(job))
    (step,) = (step for step in job["steps"] if step.get("uses") == "./")
    assert step["with"]["plan"] == "${{ runner.temp }}/plan/plan.json"
    assert "crates" not in step["with"]
    download, *earlier = (step for step in job["steps"] if "download-artifact" in step.get("uses", ""))
    assert [step["if"] for step in earlier] == ["github.run_attempt > 1"] * (name == "release" and backend == "local")
    assert download["with"] == {
        "name": f"${{{{ needs.{planner}.outputs.plan }}}}",
        "path": "${{ runner.temp }}/plan",
    }


@pytest.mark.parametrize("schedule", [None, "0 3 * * *"])
def test_only_a_scheduled_release_without_a_change_ends_without_a_publication(
    fleets: Any, schedule: str | None
) -> None:
    steps = {step["name"]: step for step in jobs(fleets, "e2b", "release", schedule=schedule)["publish"]["steps"]}
    names = ("Attest the packages", "Publish the release", "Verify the published release")
    conditions = [steps[name].get("if", "") for name in names]
    assert [each.endswith("steps.check.outputs.unchanged == ''") for each in conditions] == [bool(schedule)] * 3
    variables = steps["Check that the release is complete"]["env"]
    only_scheduled = variables.get("CRATEMATRIX_RELEASE_PUBLISH_UNLESS_UNCHANGED")
    assert only_scheduled == ("${{ github.event_name == 'schedule' }}" if schedule else None)
