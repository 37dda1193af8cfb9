"""A clean root of Debian's packages, and commands in it as another user, as at E2B."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from generator.errors import CratematrixError
from generator.processes import output
from generator.sandboxes.local.network_environment import network_environment, npm_registry
from generator.sandboxes.local.relay import PROXY_VARIABLES

SUITES: Final = {"13": "trixie", "14": "forky"}
# Files of this machine that commands need for the network.
_NETWORK: Final = ("/etc/resolv.conf", "/etc/hosts")
STAND_INS: Final = "/stand-ins"
# Variables that lead other tools to this machine's certificates, which Python and Node.js take by other names.
_CERTIFICATES: Final = ("CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO", "PIP_CERT", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Root:
    """The root below `directory`, in which `stand_ins` is mounted."""

    directory: Path
    stand_ins: Path

    def make(self, debian: str, log: IO[bytes]) -> None:
        """Install Debian's smallest system, without anything of this machine but apt's own settings."""
        suite = SUITES.get(debian.partition(".")[0])
        if suite is None:
            raise CratematrixError(f"tests/image/root.py does not know the name of Debian {debian}")
        if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
            raise CratematrixError("a root of Debian needs root and mmdebstrap", fix="apt-get install mmdebstrap")
        settings = self.directory.with_name("apt.conf")
        settings.write_bytes(
            output(["apt-config", "dump", "--format", '%f "%v";%n', "Acquire"], timeout=60, cwd=Path("/"))
        )
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--aptopt={settings}", suite, str(self.directory)]
        if code := subprocess.call(words, stdout=log, stderr=log):
            raise CratematrixError(f"mmdebstrap ended with exit code {code}")
        for name in _NETWORK:
            (self.directory / name[1:]).touch()
        (self.directory / STAND_INS[1:]).mkdir()

    def run(self, command: str, user: str, directory: str, env: Mapping[str, str], log: IO[bytes]) -> int:
        """Run a command in a login shell and return its exit code."""
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"HOME": home, "USER": user, "LOGNAME": user, **env}
        words = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--new-session", "--cap-add", "ALL"]
        words += ["--bind", str(self.directory), "/", "--dev", "/dev", "--proc", "/proc", "--clearenv"]
        words += ["--ro-bind", str(self.stand_ins), STAND_INS]
        words += self._network(variables)
        words += [word for name, value in variables.items() for word in ("--setenv", name, value)]
        words += ["--chdir", directory] if (self.directory / directory[1:]).is_dir() else ["--chdir", "/"]
        as_user = [] if user == "root" else ["/usr/sbin/runuser", "-u", user, "--"]
        return subprocess.call(
            [*words, "--", *as_user, "/bin/bash", "-l", "-c", command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip

    def _network(self, variables: dict[str, str]) -> Sequence[str]:
        """Return the mounts that commands need for the network, and add its variables."""
        beyond = network_environment(os.environ, npm_registry(os.environ), True)
        proxies = {name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}
        mounted = {name: value for name, value in beyond.proxy_variables.items() if name not in PROXY_VARIABLES}
        variables |= {**beyond.registry_variables, **proxies, **mounted}
        words = [word for name in _NETWORK for word in ("--ro-bind", name, name)]
        for bind in beyond.certificates:
            (self.directory / bind.target[1:]).parent.mkdir(exist_ok=True)
            words += ["--ro-bind", bind.source, bind.target]
        if certificates := mounted.get("SSL_CERT_FILE") or mounted.get("NODE_EXTRA_CA_CERTS"):
            variables |= dict.fromkeys(_CERTIFICATES, certificates)
        return words
