"""A server that stands in for GitHub's API, uploads and downloads, for tests with the unmodified PyGithub."""

from tests.github_server.account import Asset, Pull, Release, Repository, Token
from tests.github_server.faults import Faults, Starter, error, primary, secondary
from tests.github_server.rules import Rules
from tests.github_server.server import GitHubServer, Seen
from tests.serving.faults import Cut, Delay, Endless, Fault, LoseReply, Say, Stall, Truncate, html

__all__ = [
    "Asset", "Cut", "Delay", "Endless", "Fault", "Faults", "GitHubServer", "LoseReply", "Pull", "Release", "Repository", "Rules",
    "Say", "Seen", "Stall", "Starter", "Token", "Truncate", "error", "html", "primary", "secondary",
]  # fmt: skip
