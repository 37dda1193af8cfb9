#!/bin/sh
# Runs a command that writes to a file, and prints the file when it has ended. Arguments: the command.
# Wine does not pass Linux pipes on as Windows pipes, and Node for Windows ends when it first writes to one.
output=$(mktemp)
"$@" > "$output" 2>&1
code=$?
cat "$output"
rm -f "$output"
exit $code
