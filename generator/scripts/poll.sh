#!/bin/bash
# Prints the state of a supervised command and its output beyond an offset, and waits for news when there is none.
# Arguments: the directory of the command's files; the offset; the longest wait in microseconds; the most bytes.
# The first line holds: offset, seconds since the last sign of life, size of the output, then "running" or the end.
own=$1 offset=$2 wait=$3 max_bytes=$4
ends=$(( ${EPOCHREALTIME/[.,]/} + wait ))
# The loop starts few processes: it goes on as long as the build, which needs the processors. A pipe that nobody writes to
# is its clock.
exec 9<> <(:)
end='' turn=0
while :; do
  # The end is read before the output, because the supervisor writes it after the last output.
  if [ -e "$own/end" ]; then read -r end < "$own/end"; fi
  if [ -n "$end" ] || (( turn++ % 10 == 0 )); then size=$(stat -c %s "$own/log" 2> /dev/null || echo 0); fi
  if [ -n "$end" ] || [ "$size" -gt "$offset" ] || (( ${EPOCHREALTIME/[.,]/} >= ends )); then break; fi
  read -rt 0.05 -u 9 _
done
beat=$(stat -c %Y "$own/beat" 2> /dev/null || stat -c %Y "$own" 2> /dev/null || echo 0)
echo "$offset $(( EPOCHSECONDS - beat )) $size ${end:-running}"
tail -c "+$(( offset + 1 ))" "$own/log" 2> /dev/null | head -c "$max_bytes" | base64 -w 0
