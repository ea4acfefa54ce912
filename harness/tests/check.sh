#!/bin/bash
# make check: every step in turn, whatever the one before said. Last line: "N passed, N failed", the sum of all.
# SPDX-License-Identifier: MIT
set -u
make=${MAKE:-make}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

step() { # step TARGET: runs it, then says what came of it
  local began=$SECONDS
  "$make" --no-print-directory "$1" >"$log" 2>&1
  local code=$? line p f
  # "12 passed, 0 failed[, 3 skipped … in 1.20 s]" of tests and runs, "9 faults: 9 caught, 0 not" of mutants.
  line=$(grep -E '^([0-9]+ passed, [0-9]+ failed|[0-9]+ faults: )' "$log" | tail -n 1)
  p=$(sed -n 's/^\([0-9]*\) passed, .*/\1/p; s/^[0-9]* faults: \([0-9]*\) caught.*/\1/p' <<<"$line")
  f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p; s/^[0-9]* faults: .* \([0-9]*\) not$/\1/p' <<<"$line")
  if [ -z "$line" ]; then p=$((code == 0)) f=0; fi
  if [ "$code" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  passed=$((passed + p))
  failed=$((failed + f))
  if [ "$code" != 0 ]; then tail -n 150 "$log"; fi
  echo "check: $1: ${line:-exit code $code} ($((SECONDS - began)) s)"
}

for target in "$@"; do step "$target"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
