"""Commands that outlive the connection they were started through: the scripts, and reading what they say.

A supervisor in the sandbox runs the command in a session of its own, keeps its output in a file, holds it to its time,
and when it has ended ends all that it left behind and writes down how. The runner asks for the output by offset, so a
stream that breaks costs nothing but the question.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.sandboxes.contract import Command, SandboxError

# Output beyond this is read and thrown away, so that it cannot fill the disk.
MAX_LOG_BYTES: Final = 256 * 1024 * 1024
MAX_CHUNK_BYTES: Final = 1024 * 1024
# Less than this free at the end of a command that failed is why it failed.
FULL_DISK_BYTES: Final = 16 * 1024 * 1024
# Room for the few bytes that say how a command ended, given free when the disk is full.
_RESERVE_BYTES: Final = 64 * 1024

NO_DIRECTORY: Final = "no-directory"
# The first line of an answer, in numbers that a float and an int of C can hold.
_HEAD: Final = re.compile(
    r"(\d{1,15}) (-?\d{1,15}) (\d{1,15}) (?:running|(-?\d{1,9}) ([a-z-]{1,20}) (-?\d{1,15}))", re.ASCII
)

# A process of the command's is found by this variable, whatever session it has moved to.
_MARK: Final = "CRATEMATRIX_COMMAND"

# Arguments: its directory, the command's directory, the time in microseconds, HOME and PATH, which a login shell would
# read or set, the names of the other variables that the command keeps, and its script.
_SUPERVISOR: Final = f"""
own=$1 cwd=$2 limit=$3 home=$4 path=$5 keep=" $6 " script=$7
exec 2> "$own/supervisor.err"
now() {{ echo "${{EPOCHREALTIME/[.,]/}}"; }}
killed() {{ while read -r name count; do [ "$name" = oom_kill ] && echo "$count"; done < /proc/vmstat; }}
free() {{ df --output=avail -B1 "$own" | tail -n 1; }}
finish() {{ rm -f "$own/reserve"; echo "$1 $2 $3" > "$own/end.tmp"; mv "$own/end.tmp" "$own/end"; }}
head -c {_RESERVE_BYTES} /dev/zero > "$own/reserve"
: > "$own/log"
began=$(now)
mkdir -p -- "$home"
cd -- "$cwd" || {{ finish 1 {NO_DIRECTORY} 0; exit; }}
mkfifo "$own/pipe" "$own/tick"
exec 9<> "$own/tick"
{{ stdbuf -o0 head -c {MAX_LOG_BYTES} > "$own/log"; cat > /dev/null; }} < "$own/pipe" &
relay=$!
before=$(killed)
(
  exec 9>&-
  for name in $(compgen -e); do case "$keep" in *" $name "*) ;; *) unset "$name";; esac; done
  export HOME="$home" PATH="$path" {_MARK}="$own"
  unset OLDPWD
  SHLVL=1
  ulimit -c 0
  echo 1000 > /proc/self/oom_score_adj
  exec setsid bash --norc --noprofile -c "$script"
) > "$own/pipe" 2>&1 < /dev/null &
child=$!
why=- beat=0
while kill -0 "$child"; do
  at=$(now)
  if [ -e "$own/stop" ]; then why=stopped; break; fi
  if (( at - began > limit )); then why=timeout; break; fi
  if (( at - beat > 2000000 )); then : > "$own/beat"; beat=$at; fi
  read -rt 0.05 -u 9 _
done 2> /dev/null
took=$(( $(now) - began ))
for _ in {{1..50}}; do
  kill -KILL -- "-$child"
  left=$(grep -lsz -- "^{_MARK}=$own\\$" /proc/[0-9]*/environ | cut -d/ -f3)
  [ -z "$left" ] && break
  kill -KILL $left
  read -rt 0.02 -u 9 _
done 2> /dev/null
wait "$child"
code=$?
for _ in {{1..20}}; do kill -0 "$relay" 2> /dev/null || break; read -rt 0.05 -u 9 _; done
kill -KILL "$relay" 2> /dev/null
if [ "$why" = - ] && [ "$code" != 0 ]; then
  if [ "$(killed)" != "$before" ]; then why=memory
  elif (( $(free) < {FULL_DISK_BYTES} )); then why=disk; fi
fi
finish "$code" "$why" "$took"
"""


@dataclass(frozen=True)
class DetachedCommand:
    """One command's own directory in the sandbox."""

    directory: str

    def start_script(self, command: Command, env: Mapping[str, str]) -> str:
        """Start it, unless an earlier try already did: the reply to that may have been lost.

        Of `env`, HOME and PATH are in the script; the others come with the call, so that no secret is in an argument,
        which every process of the sandbox can read.
        """
        limit = str(max(1, int(command.timeout * 1_000_000)))
        names = " ".join(name for name in env if name not in ("HOME", "PATH"))
        arguments = (self.directory, command.cwd, limit, env["HOME"], env["PATH"], names, command.script)
        supervise = shlex.join(("bash", "--norc", "--noprofile", "-c", _SUPERVISOR, "supervisor", *arguments))
        own = shlex.quote(self.directory)
        return (
            f'mkdir -p -- "$(dirname {own})" && if mkdir -- {own} 2> /dev/null; '
            f"then setsid --fork {supervise} < /dev/null > /dev/null 2>&1; else [ -d {own} ]; fi"
        )

    def poll_script(self, offset: int, wait: float) -> str:
        """Print what there is beyond `offset`, waiting at most `wait` seconds for anything to say.

        How it ended is read before the output: what ends is written after the last of the output.
        """
        return f"""own={shlex.quote(self.directory)}
ends=$(( ${{EPOCHREALTIME/[.,]/}} + {int(wait * 1_000_000)} ))
while :; do
  end=$(cat "$own/end" 2> /dev/null)
  size=$(stat -c %s "$own/log" 2> /dev/null || echo 0)
  if [ -n "$end" ] || [ "$size" -gt {offset} ] || (( ${{EPOCHREALTIME/[.,]/}} >= ends )); then break; fi
  sleep 0.05
done
beat=$(stat -c %Y "$own/beat" 2> /dev/null || stat -c %Y "$own" 2> /dev/null || echo 0)
echo "{offset} $(( EPOCHSECONDS - beat )) $size ${{end:-running}}"
tail -c +{offset + 1} "$own/log" 2> /dev/null | head -c {MAX_CHUNK_BYTES} | base64 -w 0"""

    def stop_script(self) -> str:
        """End it now, and wait a little until it has ended."""
        own = shlex.quote(self.directory)
        return f": > {own}/stop; for _ in {{1..40}}; do [ -e {own}/end ] && break; sleep 0.05; done"


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended: its exit code, why it was ended ("-" for by itself), and after how many seconds."""

    exit_code: int
    reason: str
    seconds: float


@dataclass(frozen=True)
class PollResult:
    """One answer: output from the offset that was asked for, the whole size so far, and the end, if it has ended.

    `silent_seconds` is how long the supervisor has given no sign of life.
    """

    chunk: bytes
    size: int
    silent_seconds: int
    end: CommandEnd | None


def read_poll(said: str, offset: int) -> PollResult:
    """Read an answer; SandboxError when it is not one, for the sandbox can say what it likes."""
    first, _, rest = said.partition("\n")
    head, chunk = _HEAD.fullmatch(first), _decoded(rest)
    if head is None or chunk is None:
        raise SandboxError("the sandbox gave no usable answer about its command")
    at, silent, size, code, why, took = head.groups()
    if int(at) != offset or len(chunk) > MAX_CHUNK_BYTES:
        raise SandboxError("the sandbox gave another piece of output than the one it was asked for")
    return PollResult(chunk, int(size), int(silent), CommandEnd(int(code), why, int(took) / 1_000_000) if why else None)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return None
