"""The command `template outdated`."""

from __future__ import annotations

import click

from generator.console.tables import print_table
from generator.npm.managers import MANAGERS
from generator.sandboxes.e2b.template.definition import packaged_definition
from generator.toolchain.updates import tools, updates
from generator.versions import versions


@click.command("outdated")
def template_outdated() -> None:
    """Compare the versions in the image with the newest ones.

    Asks npm, PyPI and Rust's site, and changes nothing. A line is a major version, or a minor one of 0. Exits with 4
    when nobody answers.
    """
    used = versions()
    rows = [
        (each.tool.name, each.tool.version, each.newest_of_line, each.newest, each.problem or each.state)
        for each in updates(tools(used, packaged_definition().holds.targets))
    ]
    rows += [
        (manager, each.version, "", "", f"kept for lock files up to format {each.lock}")
        for manager in MANAGERS
        for each in used.managers[manager][:-1]
    ]
    # No registry has its releases as a list, and every build of the image updates its packages.
    rows.append(("debian", used.debian, "", "", "not asked"))
    print_table(("tool", "here", "newest of its line", "newest", "state"), rows)
