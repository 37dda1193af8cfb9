"""Commands in a clean root of Debian's packages, as at E2B."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from generator.versions import versions
from tests.image.__main__ import instructions
from tests.image.root import Root

pytestmark = [
    pytest.mark.slow,  # it installs a system
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("mmdebstrap", "bwrap"))), reason="needs root and mmdebstrap"
    ),
]
DOCKERFILE = f"""FROM debian:{versions().debian}
ARG WORD=honoured
ENV PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY <<'PROFILE' /etc/profile.d/own.sh
export PATH=/opt/bin:/usr/sbin:/usr/bin:/bin
PROFILE
RUN useradd --create-home --shell /bin/bash user && mkdir /build && chown user:user /build
USER user
WORKDIR /build
RUN <<'SCRIPT'
#!/bin/bash
set -euo pipefail
echo "$WORD $PATH $PWD $(id --user --name) $HOME" >found
SCRIPT
"""


def test_instructions_run_as_their_user_with_their_environment(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = Root(tmp_path / "root", tmp_path / "stand-ins")
    root.stand_ins.mkdir()
    assert instructions(root, DOCKERFILE, ()) == 0
    found = root.directory / "build/found"
    assert found.read_text() == "honoured /opt/bin:/usr/sbin:/usr/bin:/bin /build user /home/user\n"
    assert (root.directory / "etc/debian_version").read_text().startswith(versions().debian.partition(".")[0])
    found.unlink()
    assert instructions(root, DOCKERFILE, ()) == 0
    assert not found.exists(), "what ran before is not run again"
    assert instructions(root, f"{DOCKERFILE}RUN exit 3\n", ()) == 1
    assert "instruction 10 failed: RUN exit 3" in capfd.readouterr().err
