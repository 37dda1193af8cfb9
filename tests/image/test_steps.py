"""The instructions of a Dockerfile, with the user, directory and environment of each."""

from __future__ import annotations

import pytest

from generator.sandboxes.e2b.template.dockerfile import render_dockerfile
from generator.versions import versions
from tests.image.steps import steps_of

DOCKERFILE = """FROM debian:13.1
ARG VERSION=1.2.3
ENV A=1 B=2
COPY <<'PROFILE' /etc/profile.d/a.sh
export A=$A
PROFILE
RUN echo one && \\
    echo two
USER user
WORKDIR /build
RUN <<'SCRIPT'
#!/bin/bash
echo three
SCRIPT
"""


def test_each_instruction_has_its_user_directory_and_environment() -> None:
    image, steps = steps_of(DOCKERFILE)
    assert image == "debian:13.1"
    ran = [(step.name, step.user, step.directory) for step in steps if step.command]
    assert ran == [
        ("COPY /etc/profile.d/a.sh", "root", "/"),
        ("RUN echo one && echo two", "root", "/"),
        ("RUN <<SCRIPT", "user", "/build"),
    ]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].env == {"VERSION": "1.2.3", "A": "1", "B": "2"}


def test_an_instruction_that_would_run_otherwise_here_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"instruction 3 is of an unknown form: ENV A \$B"):
        steps_of("FROM debian:13.1\nENV A=$B\n")


def test_the_images_own_dockerfile_is_understood() -> None:
    image, steps = steps_of(render_dockerfile())
    assert image == f"debian:{versions().debian}"
    assert [step.name for step in steps if step.name.startswith("RUN <<")] == [
        "RUN <<RUST", "RUN <<NODE", "RUN <<ZIG", "RUN <<PREFETCH"
    ]  # fmt: skip
    assert {step.user for step in steps[-3:]} == {"user"}
