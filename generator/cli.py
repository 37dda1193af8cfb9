"""The command line: each command parses, calls, and prints.

Nothing heavy is imported before a command needs it, so that --help and --version answer at once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator import __version__, console
from generator.errors import BuildFailed, CratematrixError, InputError, Interrupted, Stale
from generator.step_files import in_github, step_outputs, step_summary

if TYPE_CHECKING:
    from generator.e2b_backend.connection import Connection, Gateway
    from generator.github_api.pace import Patience
    from generator.manifest.models import Layout, Manifest, Size
    from generator.redaction import Redactor
    from generator.releases.service import Releases
    from generator.reports.models import Report


class Cli(click.Group):
    """Turns errors into sentences and exit codes, in this one place."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except CratematrixError as problem:
            if ctx.params["debug"]:
                console.trace()
            console.error(problem)
            ctx.exit(problem.exit_code)
        except BrokenPipeError:
            # Whoever read stdout has gone; Python would complain again when it closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(1)
        except KeyboardInterrupt:
            console.error(Interrupted("interrupted"))
            ctx.exit(Interrupted.exit_code)
        except OSError as problem:
            if ctx.params["debug"]:
                console.trace()
            where = f"{problem.filename}: " if problem.filename else ""
            console.error(InputError(f"{where}{problem.strerror or problem}"))
            ctx.exit(InputError.exit_code)
        except Exception as bug:
            if ctx.params["debug"]:
                console.trace()
            console.error(CratematrixError(f"a bug: {type(bug).__name__}: {bug}", fix="run it again with --debug"))
            ctx.exit(1)


manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crates.json"),
    show_default=True,
    help="The manifest, JSON or YAML.",
)


backend_option = click.option(
    "--backend", type=click.Choice(["local", "e2b"]), default="local", show_default=True, help="Where sandboxes are."
)


def gateway_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where E2B is; the command gets them as one `gateway`."""

    @click.option(
        "--e2b-api-url", metavar="URL", help="Where E2B's API is.  [default: $E2B_API_URL, or the manifest's]"
    )
    @click.option(
        "--e2b-sandbox-url",
        metavar="URL",
        help="Where its sandboxes are.  [default: $E2B_SANDBOX_URL, or the manifest's]",
    )
    @click.option(
        "--e2b-header",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Sent with every call, for a gateway; ${NAME} in it is replaced by that variable.",
    )
    @functools.wraps(command)
    def with_gateway(
        e2b_api_url: str | None, e2b_sandbox_url: str | None, e2b_header: tuple[str, ...], **rest: Any
    ) -> None:
        from generator.e2b_backend.connection import Gateway

        command(gateway=Gateway(e2b_api_url, e2b_sandbox_url, e2b_header), **rest)

    return with_gateway


@click.group(cls=Cli, context_settings={"auto_envvar_prefix": "CRATEMATRIX", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cratematrix", allow_from_autoenv=False)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Build a fleet of Rust crates in sandboxes and ship them as npm packages.

    Start with `cratematrix init`, look at `cratematrix plan`, then run `cratematrix build --all`.

    Every option can be given as a variable, such as CRATEMATRIX_BUILD_JOBS for build --jobs.

    Exit codes: 0 done, 1 a build failed or a release is not complete, 2 input is wrong, 3 generated files are stale,
    4 sandboxes or GitHub cannot be reached, 130 interrupted.
    """


@main.command()
@manifest_option
@click.option("--force", is_flag=True, help="Overwrite the manifest.")
def init(manifest: Path, force: bool) -> None:
    """Find the crates of this repository and write the manifest.

    Looks for Cargo workspace members, packages with a napi key, wasm-bindgen crates and programs below the
    manifest's directory, and says what it left out and why.
    """
    from generator.discovery import discover, manifest_text, write_new

    found = discover(manifest.absolute().parent)
    write_new(manifest, manifest_text(found), force=force)
    console.table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.why) for c in found.found))
    for left in found.left_out:
        console.say(f"left out {left.path}: {left.why}")
    for note in found.notes:
        console.say(f"note: {note}")
    console.say(f"{manifest}: {len(found.found)} crates; next: cratematrix plan")


@main.command()
@manifest_option
def check(manifest: Path) -> None:
    """Validate the manifest and show every error at once, each with its line."""
    from generator.manifest.reading import load_manifest

    console.say(f"{manifest}: {len(load_manifest(manifest).crates)} crates, no errors")


@main.command()
@manifest_option
@click.option("--slots", type=click.IntRange(1, 256), help="Number of slots, instead of the manifest's.")
@click.option("--json", "as_json", is_flag=True, envvar="CRATEMATRIX_PLAN_JSON", help="Print the plan for machines.")
@click.option(
    "--changed-since",
    metavar="REF",
    help="Only crates that changed since the merge base of REF and HEAD, committed or not (of files that git tracks), "
    "and those that depend on them; with a reason for every crate.",
)
@backend_option
def plan(manifest: Path, slots: int | None, as_json: bool, changed_since: str | None, backend: str) -> None:
    """Show which slot builds which crates, and how long that takes.

    The longest crate goes first onto the least loaded slot. The lower bound is proven: no assignment of these crates
    to these slots can be faster.

    With --changed-since and --backend e2b, a change of the sandboxes' template affects every crate.
    """
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.planning.table import COLUMNS, REASON_COLUMNS, reason_rows, rows, summary

    loaded = load_manifest(manifest)
    if changed_since is None:
        made = make_plan(loaded, slots)
    else:
        from generator.planning.affected import affected
        from generator.sources.changes import changes

        made = make_plan(loaded, slots, affected(loaded, changes(loaded, manifest, changed_since, backend)))
    if as_json:
        console.data(made.model_dump_json(indent=2))
    else:
        if made.shards:
            console.table(COLUMNS, rows(made))
        if made.reasons:
            console.table(REASON_COLUMNS, reason_rows(made))
    console.say(summary(made))
    if in_github(os.environ):
        from generator.planning.markdown import page

        matrix = made.matrix.model_dump_json()
        step_outputs(os.environ, {"count": str(made.count), "crates": made.crates, "matrix": matrix})
        step_summary(os.environ, page(made))


@main.command()
@manifest_option
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_CHECK",
    help="Write nothing; show the difference and exit 3 when stale.",
)
@click.option(
    "--pull-request",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_PULL_REQUEST",
    help="Write nothing; open or update one pull request on GitHub with what is stale.",
)
def generate(manifest: Path, only_check: bool, pull_request: bool) -> None:
    """Render the GitHub Actions workflows, and the Dockerfile of E2B's sandboxes, from the manifest.

    --pull-request needs GITHUB_REPOSITORY and, in GITHUB_TOKEN, a token that may change workflows.
    """
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.sources.collect import repository_top
    from generator.workflows import check as difference
    from generator.workflows import render, write

    loaded = load_manifest(manifest)
    top = repository_top(manifest.resolve().parent)
    name = manifest.resolve().relative_to(top).as_posix()
    rendered = render(loaded, len(make_plan(loaded).shards), name)
    if only_check and pull_request:
        raise InputError("--check and --pull-request exclude each other", fix="leave one of the two out")
    if only_check or pull_request:
        if found := difference(rendered, top):
            if not pull_request:
                raise _stale(manifest, found)
            _propose(rendered, top, name)
            return
    else:
        for change in write(rendered, top):
            console.say(str(change))
    console.say(f"up to date: {', '.join(rendered)}")
    if loaded.fleet.action == "./" and not (top / "action.yml").exists():
        console.say(
            "note: the workflow uses ./, and this repository has no action.yml: set fleet.action in the manifest"
        )


def _propose(rendered: dict[str, str], top: Path, manifest: str) -> None:
    """Open or update the pull request with what is stale."""
    from generator.github_api.connection import commit_of, connection
    from generator.proposals.proposal import proposal
    from generator.workflows import differences

    _redactor()
    where = connection(os.environ)
    wanted = proposal(
        differences(rendered, top), manifest, os.environ.get("GITHUB_REF_NAME", ""), commit_of(os.environ, top)
    )
    from generator.proposals.github import propose

    made = propose(where, wanted, console.say)
    console.say(f"{'opened' if made.opened else 'updated'} pull request {made.number}: {made.url}")


def _stale(manifest: Path, found: str) -> Stale:
    """Show how generated files differ, and return the error that says what to run."""
    from generator.workflow_commands import Annotation

    option = "" if manifest == Path("crates.json") else f" --manifest {shlex.quote(str(manifest))}"
    problem = Stale(f"the generated files are not what {manifest} would generate", fix=f"cratematrix generate{option}")
    console.data(found)
    if in_github(os.environ):
        paths = [line.removeprefix("+++ b/") for line in found.splitlines() if line.startswith("+++ b/")]
        for path in paths[:10]:
            console.command(Annotation("error", "Stale generated file", problem.advice, path, 1).command)
        step_summary(os.environ, f"### {problem.message}\n\nRun `{problem.fix}`.\n\n````diff\n{found}````\n")
    return problem


@main.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Build part I of N: of the --crate ones, or of the whole fleet.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    envvar="CRATEMATRIX_BUILD_CRATE",
    help="Build this crate; may be given several times, and in the variable with spaces between.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    envvar="CRATEMATRIX_BUILD_ALL",
    help="Build every crate of the manifest.",
)
@backend_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Sandboxes at the same time.  [default: local, half of the processors; e2b, the manifest's slots, 1 for a "
    "shard]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where packages, logs and the report go.",
)
@click.option(
    "--layout",
    type=click.Choice(["single", "split"]),
    help="One package per crate, or one per platform and a root.  [default: the manifest's]",
)
@click.option(
    "--no-isolation",
    is_flag=True,
    help="local: run crates' code as yourself, with all your files and the network in reach.",
)
@click.option(
    "--keep-failed", is_flag=True, help="e2b: keep the sandboxes of failed crates for an hour to look inside."
)
@gateway_options
def build(
    manifest: Path,
    shard: str | None,
    crates: tuple[str, ...],
    everything: bool,
    backend: str,
    jobs: int | None,
    out: Path,
    layout: Layout | None,
    no_isolation: bool,
    keep_failed: bool,
    gateway: Gateway,
) -> None:
    """Build crates, each in its own sandbox, and pack them for npm.

    Give --shard, --crate or both, or --all. What was built before from the same input is taken up, not built again.

    --backend e2b needs E2B_API_KEY and a template: see cratematrix doctor --backend e2b.
    """
    from generator.builds.run import Choice, Options, Place
    from generator.builds.run import build as run_build
    from generator.manifest.models import with_layout
    from generator.manifest.reading import load_manifest

    if everything == bool(shard or crates):
        raise InputError(
            "say what to build: --shard I/N, --crate NAME or both, or --all", fix="cratematrix build --all"
        )
    if backend == "local" and keep_failed:
        raise InputError("--keep-failed is for sandboxes of E2B", fix="add --backend e2b")
    if backend == "e2b" and no_isolation:
        raise InputError("--no-isolation is for local sandboxes", fix="leave one of the two out")
    loaded = with_layout(load_manifest(manifest), layout)
    choice = Choice(shard, crates)
    redactor = _redactor(loaded)
    progress = console.progress(len(choice.names(loaded)), grouped=in_github(os.environ))
    place = Place(manifest, out, os.environ, redactor)
    if backend == "e2b":
        from generator.builds.e2b_site import e2b_jobs, e2b_site, run_of

        run = run_of(os.environ, shard)
        options = Options(e2b_jobs(loaded.fleet, jobs, shard), keep_failed)
        site = partial(e2b_site, manifest=loaded, run=run, gateway=gateway)
        console.say(f"run {run.id}; if this process is killed: cratematrix reap --run {run.id}")
    else:
        from generator.builds.local_site import local_site

        options = Options(jobs or max(1, (os.cpu_count() or 1) // 2))
        site = partial(local_site, isolated=not no_isolation)
    with progress.shown():
        report = run_build(loaded, choice, place, options, site, progress)
    _tell(report, out / choice.report_name, loaded)
    if report.interrupted:
        raise Interrupted("interrupted: what was finished is kept", fix="run the same command again to go on")
    _raise_failed(report, f"read {out}/logs/{{}}.log")


def _tell(report: Report, path: Path, manifest: Manifest | None) -> None:
    """Show what a run did: to a person as a table, and in GitHub Actions also as outputs, annotations and a summary."""
    from generator.reports import markdown, table
    from generator.reports.annotations import worst_failures

    console.table(table.COLUMNS, table.rows(report), talk=True)
    for remark in table.remarks(report):
        console.say(remark)
    console.say(f"{table.summary(report)}; report: {path}")
    if not in_github(os.environ):
        return
    for each in worst_failures(report, manifest):
        console.command(each.command)
    states = [crate.state for crate in report.crates]
    counts = {state: str(states.count(state)) for state in ("built", "failed")}
    step_outputs(os.environ, {"report": str(path), **counts})
    step_summary(os.environ, console.redacted(markdown.page(report)))


def _raise_failed(report: Report, fix: str) -> None:
    """Raise BuildFailed when a crate failed; `fix` has the first one's name at {}."""
    if failed := [crate.name for crate in report.crates if crate.state == "failed"]:
        raise BuildFailed(f"{len(failed)} of {len(report.crates)} crates failed", fix=fix.format(failed[0]))


def _redactor(manifest: Manifest | None = None) -> Redactor:
    """Know every secret of this process, and keep it from the terminal from now on."""
    from generator.manifest.models import passed_names
    from generator.redaction import Redactor, secrets_of

    secrets = secrets_of(os.environ, passed_names(manifest) if manifest else ())
    if in_github(os.environ):
        for secret in secrets.values():
            console.mask(secret)
    redactor = Redactor(secrets)
    console.redact_with(redactor)
    for name in redactor.too_short:
        console.say(f"note: the value of {name} is too short to be kept out of what is printed")
    return redactor


@main.command()
@manifest_option
@click.option(
    "--run",
    required=True,
    envvar=["CRATEMATRIX_REAP_RUN", "GITHUB_RUN_ID"],
    metavar="ID",
    help="The run, as `build` said at its start and its report says.  [default in GitHub Actions: this run]",
)
@click.option("--shard", metavar="I/N", help="Only the sandboxes of this shard.")
@gateway_options
def reap(manifest: Path, run: str, shard: str | None, gateway: Gateway) -> None:
    """End the sandboxes that a run left behind at E2B, running or paused, also those kept by --keep-failed.

    What a killed run leaves ends by itself after some minutes; this ends it now. Other runs' sandboxes stay.
    """
    from generator.e2b_backend.reaping import reap as end_all

    redactor = _redactor()
    ended = 0
    for sandbox in end_all(_connection(manifest, gateway, redactor), run, shard):
        console.say(f"ended sandbox {sandbox.id} of {sandbox.crate}, started at {sandbox.started}")
        ended += 1
    console.say(f"run {run}: {ended} sandbox{'es' * (ended != 1)} ended")


@main.command()
@manifest_option
@backend_option
@gateway_options
def doctor(manifest: Path, backend: str, gateway: Gateway) -> None:
    """Say what is missing before anything is spent: tools, keys, the template, room on the disk.

    Exits with 2 when something is missing, with 4 when the service cannot be asked.
    """
    from generator.builds.doctor import COLUMNS, examine_e2b, examine_local, verdict
    from generator.manifest.reading import load_manifest

    if backend == "local":
        found = examine_local(os.environ)
    else:
        loaded = load_manifest(manifest)
        redactor = _redactor(loaded)
        found = examine_e2b(loaded, manifest.resolve().parent, lambda: _connection(manifest, gateway, redactor))
    console.table(COLUMNS, ((each.what, each.state, each.words) for each in found))
    if problem := verdict(found):
        raise problem


@main.group()
def template() -> None:
    """The image that sandboxes of E2B start from."""


@template.command("build")
@manifest_option
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.Choice(["small", "standard", "large"]),
    envvar="CRATEMATRIX_TEMPLATE_BUILD_SIZE",
    help="Only this size class; may be given several times.  [default: those that crates of the manifest use, and the "
    "next larger]",
)
@click.option("--force", is_flag=True, help="Build also what is there already, from the first layer on.")
@gateway_options
def template_build(manifest: Path, sizes: tuple[Size, ...], force: bool, gateway: Gateway) -> None:
    """Build the sandbox template at E2B from the rendered Dockerfile, one image per size class, and try it.

    What exists with the same content is not built again.
    """
    from generator.e2b_template.building import build_templates, sizes_in_use
    from generator.e2b_template.definition import load_definition
    from generator.manifest.reading import load_manifest

    loaded = load_manifest(manifest)
    redactor = _redactor(loaded)
    connection = _connection(manifest, gateway, redactor)
    definition = load_definition(manifest.resolve().parent)
    build_templates(loaded, definition, connection, sizes or sizes_in_use(loaded), force, console.say)


def _connection(manifest: Path, gateway: Gateway, redactor: Redactor) -> Connection:
    """Say how E2B is reached, by the options, the environment and the manifest, if there is one."""
    from generator.e2b_backend.connection import resolve
    from generator.manifest.models import E2BService
    from generator.manifest.reading import load_manifest

    service = load_manifest(manifest).fleet.e2b if manifest.exists() else E2BService()
    connection = resolve(service, gateway, os.environ)
    for name, secret in connection.secrets().items():
        redactor.add(name, secret)
    return connection


@main.group()
def release() -> None:
    """One GitHub release for the whole fleet: a draft until everything is there, and then published.

    GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL say which repository; in GitHub Actions they are there.
    """


tag_option = click.option("--tag", required=True, help="The release's tag, such as v1.0.0.")
release_id_option = click.option(
    "--release-id", required=True, type=click.IntRange(1), metavar="ID", help="The number that `prepare` printed."
)
reports_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("dist"),
    show_default=True,
    help="Where the reports are, in it or in directories below, and the packages beside them.",
)


@release.command()
@manifest_option
@tag_option
def prepare(manifest: Path, tag: str) -> None:
    """Create the draft of a tag, or adopt the one that is there, and print its number.

    Before that, the assets, requests and minutes of the whole release are counted against GitHub's limits. There is
    one draft of a tag, of one commit: GITHUB_SHA, or the one that is checked out.
    """
    from generator.github_api.connection import checked_tag, commit_of
    from generator.manifest.reading import load_manifest
    from generator.releases.budget import check_budget
    from generator.releases.preparing import prepare as prepare_draft
    from generator.releases.promise import promised

    checked_tag(tag)
    loaded = load_manifest(manifest)
    console.say(f"{tag}: {check_budget(loaded)}")
    with _releases() as releases:
        commit = commit_of(os.environ, manifest.resolve().parent)
        body = f"{len(promised(loaded))} npm packages. Check them: `cratematrix release verify --tag {tag}`"
        draft = prepare_draft(releases, tag, commit, body, _patience())
    console.say(f"draft {draft.id} of {tag} at {commit}")
    console.data(str(draft.id))


@release.command()
@release_id_option
@reports_option
@click.option(
    "--writes-per-minute",
    type=click.IntRange(1),
    default=80,
    show_default=True,
    help="What GitHub allows all shards together; a server of your own may allow more.",
)
def upload(release_id: int, out: Path, writes_per_minute: int) -> None:
    """Bring the packages that the reports tell of onto the draft.

    What is there with the same digest is not sent again, and what is there in another state is replaced.
    """
    import json

    from generator.releases.uploading import packages_in
    from generator.releases.uploading import upload as upload_all
    from generator.reports.merging import merge_directory

    told = merge_directory(out)
    packages = packages_in(told, out)
    if not packages:
        console.say("no package was built, so there is nothing to upload")
        return
    # Shards whose reports are not here are at work elsewhere, at the same time.
    shards = 1 + len(told.missing_shards)
    with _releases() as releases:
        done = upload_all(releases, release_id, packages, shards, writes_per_minute, _patience())
    step_outputs(os.environ, {"assets": json.dumps([package.file.file for package in packages])})
    console.say(f"{done['upload']} uploaded, {done['skip']} skipped, {done['replace']} replaced")


@release.command()
@manifest_option
@release_id_option
@reports_option
@click.option("--keep-draft", is_flag=True, help="Stop before publishing, with SHA256SUMS written and uploaded.")
def publish(manifest: Path, release_id: int, out: Path, keep_draft: bool) -> None:
    """Publish the draft when every package that the manifest promises is on it as built, and nothing else.

    Otherwise all that is wrong is listed, and the draft stays one. SHA256SUMS is written into --out and goes last.
    """
    from generator.manifest.reading import load_manifest
    from generator.releases.publishing import publish as publish_draft
    from generator.reports.merging import merge_directory

    loaded, told = load_manifest(manifest), merge_directory(out)
    with _releases() as releases:
        published = publish_draft(releases, release_id, loaded, told, out, keep_draft, _patience())
    console.say(f"{published.tag}: complete, and {'still a draft' if published.draft else 'published'}")


@release.command()
@manifest_option
@tag_option
def verify(manifest: Path, tag: str) -> None:
    """Download a published release as anybody does, and compare it with the manifest and with its SHA256SUMS.

    Works without a token for a public repository.
    """
    from generator.github_api.connection import checked_tag
    from generator.manifest.reading import load_manifest
    from generator.releases.verifying import verify as verify_release

    checked_tag(tag)
    loaded = load_manifest(manifest)
    with _releases(anonymous=True) as releases:
        count = verify_release(releases, tag, loaded, _patience())
    console.say(f"{tag}: {count} packages, all as promised")


@contextlib.contextmanager
def _releases(*, anonymous: bool = False) -> Iterator[Releases]:
    """Open the repository that the environment names."""
    from generator.github_api.connection import connection

    _redactor()
    where = connection(os.environ, anonymous=anonymous)
    # PyGithub takes a fifth of a second, which a wrong environment need not wait for.
    from generator.releases.github import GitHubReleases

    with contextlib.closing(GitHubReleases(where)) as releases:
        yield releases


def _patience() -> Patience:
    from generator.github_api.pace import Patience

    return Patience(console.say)


@main.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("dist"),
    show_default=True,
    help="Where the reports of shards lie, in it or in directories below; the merged one goes to report.json in it.",
)
def report(out: Path) -> None:
    """Merge the reports of a run's shards into one.

    Of a shard that ran several times the last attempt counts. Exits with 1 when a crate failed.
    """
    from generator.files import write_atomically
    from generator.reports.merging import merge_directory

    merged = merge_directory(out)
    write_atomically(out / "report.json", f"{merged.model_dump_json(indent=2)}\n".encode())
    _tell(merged, out / "report.json", None)
    if merged.missing_shards:
        raise BuildFailed(f"{len(merged.missing_shards)} shards left no report: see their jobs")
    _raise_failed(merged, "read logs/{}.log beside its shard's report")


@main.command()
def schema() -> None:
    """Print the manifest's JSON Schema."""
    import json

    from generator.manifest.schema import manifest_schema

    console.data(json.dumps(manifest_schema(), indent=2))
