"""A server that speaks the E2B service's protocol and runs commands for real, for tests with the unmodified SDK."""

import generator.sandboxes.e2b.sdk  # noqa: F401  its bounds hold for transports that the SDK makes after it
from tests.e2b_server.faults import Faults, error
from tests.e2b_server.rules import Rules, TemplateSize
from tests.e2b_server.sandboxes import Record
from tests.e2b_server.server import E2BServer
from tests.serving.faults import Cut, Delay, Endless, Fault, LoseReply, Say, Stall, Truncate, html

__all__ = [
    "Cut", "Delay", "E2BServer", "Endless", "Fault", "Faults", "LoseReply", "Record", "Rules", "Say", "Stall", "TemplateSize",
    "Truncate", "error", "html",
]  # fmt: skip
