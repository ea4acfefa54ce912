#!/bin/bash
# make servers: the scenarios against real servers, side by side, each with its baseline. A target passes when its run
# ends as its baseline says. Last line: "N passed, N failed", scenarios of all targets together.
# Usage: servers.sh MAILPROOF TARGET…
# SPDX-License-Identifier: MIT
set -u
mailproof=$1
shift
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0 pids=()

for target in "$@"; do
  jobs=2 scale=1
  [ "$target" != courier ] || jobs=4 # it sleeps five seconds after each wrong password
  case $target in opensmtpd | sendmail) scale=3 ;; esac # they greet some clients after five seconds
  "$mailproof" run --target "$target" --jobs $jobs --timeout-scale $scale --out "out/$target" > "$out/$target" 2>&1 &
  pids+=($!)
done
i=0
for target in "$@"; do
  wait "${pids[$i]}"
  code=$?
  i=$((i + 1))
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out/$target" | tail -n 1)
  p=$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' <<< "$line")
  passed=$((passed + ${p:-0}))
  if [ "$code" != 0 ]; then
    cat "$out/$target"
    failed=$((failed + 1))
  fi
  echo "servers: $target: ${line:-exit code $code} -> out/$target/report.html"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
