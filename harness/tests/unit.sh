#!/bin/bash
# Runs test programs, two at a time, each with an end to its time; shows what failed. Last line: "N passed, N failed".
# SPDX-License-Identifier: MIT
set -u
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
export log CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-60}

one() { # one PROGRAM: its output and exit code into files
  name=${1//\//-}
  timeout -k 5 300 "$1" >"$log/$name.out" 2>&1
  echo "$?" >"$log/$name.code"
}
export -f one
printf '%s\0' "$@" | xargs -0 -r -P "${JOBS:-2}" -I{} bash -c 'one {}'

passed=0 failed=0
for program in "$@"; do
  name=${program//\//-}
  code=$(cat "$log/$name.code" 2>/dev/null || echo 127)
  # Check's summary: "98%: Checks: 50, Failures: 1, Errors: 0", one for each runner of the program.
  sums=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log/$name.out")
  checks=$(awk '{ n += $1 } END { print n + 0 }' <<<"$sums")
  bad=$(awk '{ n += $2 + $3 } END { print n + 0 }' <<<"$sums")
  if [ "$checks" = 0 ]; then checks=1; fi # a test program without Check counts as one
  if [ "$code" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + checks - bad))
  failed=$((failed + bad))
  if [ "$code" != 0 ]; then
    echo "== $program: exit code $code"
    tail -n 40 "$log/$name.out"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
