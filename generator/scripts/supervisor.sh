#!/bin/bash
# Runs a command in a session of its own, limits its time and output, kills all its processes and writes how it ended.
# Arguments: the directory of the command's files; the working directory; the time limit in microseconds; HOME and PATH,
# which a login shell would change; names of the other variables that the command keeps; its script; the most bytes of
# output to keep. More output is read and dropped, so that it cannot fill the disk.
# Files: log; beat, a sign of life every 2 s; end, with the exit code, a reason or "-", and the time in microseconds.
# The command is stopped when the file stop appears.
own=$1 cwd=$2 limit=$3 home=$4 path=$5 keep=" $6 " script=$7 max_output=$8
# A failed command that leaves less free space failed for lack of it.
full_disk_bytes=16777216
# Freed at the end, so that the result can be written to a full disk.
reserve_bytes=65536

exec 2> "$own/supervisor.err"
now() { echo "${EPOCHREALTIME/[.,]/}"; }
killed() { while read -r name count; do [ "$name" = oom_kill ] && echo "$count"; done < /proc/vmstat; }
free() { df --output=avail -B1 "$own" | tail -n 1; }
finish() { rm -f "$own/reserve"; echo "$1 $2 $3" > "$own/end.tmp"; mv "$own/end.tmp" "$own/end"; }
head -c "$reserve_bytes" /dev/zero > "$own/reserve"
: > "$own/log"
began=$(now)
mkdir -p -- "$home"
cd -- "$cwd" || { finish 1 no-directory 0; exit; }
mkfifo "$own/pipe" "$own/tick"
exec 9<> "$own/tick"
{ stdbuf -o0 head -c "$max_output" > "$own/log"; cat > /dev/null; } < "$own/pipe" &
writer=$!
before=$(killed)
(
  exec 9>&-
  for name in $(compgen -e); do case "$keep" in *" $name "*) ;; *) unset "$name";; esac; done
  # CRATEMATRIX_COMMAND marks all processes of the command, whatever session they move to.
  export HOME="$home" PATH="$path" CRATEMATRIX_COMMAND="$own"
  unset OLDPWD
  SHLVL=1
  ulimit -c 0
  echo 1000 > /proc/self/oom_score_adj
  exec setsid bash --norc --noprofile -c "$script"
) > "$own/pipe" 2>&1 < /dev/null &
child=$!
why=- beat=0
while kill -0 "$child"; do
  at=${EPOCHREALTIME/[.,]/} # no process: the loop goes on as long as the command
  if [ -e "$own/stop" ]; then why=stopped; break; fi
  if (( at - began > limit )); then why=timeout; break; fi
  if (( at - beat > 2000000 )); then : > "$own/beat"; beat=$at; fi
  read -rt 0.05 -u 9 _
done 2> /dev/null
took=$(( $(now) - began ))
for _ in {1..50}; do
  kill -KILL -- "-$child"
  left=$(grep -lsz -- "^CRATEMATRIX_COMMAND=$own\$" /proc/[0-9]*/environ | cut -d/ -f3)
  [ -z "$left" ] && break
  # shellcheck disable=SC2086  # one word per process
  kill -KILL $left
  read -rt 0.02 -u 9 _
done 2> /dev/null
wait "$child"
code=$?
for _ in {1..20}; do kill -0 "$writer" 2> /dev/null || break; read -rt 0.05 -u 9 _; done
kill -KILL "$writer" 2> /dev/null
if [ "$why" = - ] && [ "$code" != 0 ]; then
  if [ "$(killed)" != "$before" ]; then why=memory
  elif (( $(free) < full_disk_bytes )); then why=disk; fi
fi
finish "$code" "$why" "$took"
