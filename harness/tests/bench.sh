#!/bin/bash
# make bench: what the driver costs. Runs every scenario against mailproofd ROUNDS times and prints, for each round and
# in all, the wall time of the whole run and the CPU of the driver and its children per scenario (from run.jsonl, which
# has the CPU of each scenario's process) and of mailproofd beside it in the same run.
# Usage: bench.sh MAILPROOF [ROUNDS]
# SPDX-License-Identifier: MIT
set -eu
mailproof=$1
rounds=${2:-5}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
wall=() cpu=()

for round in $(seq "$rounds"); do
  TIMEFORMAT='%R %U %S'
  times=$( { time "$mailproof" run --quiet --no-reports --out "$out/$round" > /dev/null 2>&1; } 2>&1 | tail -n 1)
  LC_ALL=C awk -v times="$times" -v round="$round" '
    /"ev":"case.end"/ || /"ev": "case.end"/ {
      if (match($0, /"cpu_ms": ?[0-9.]+/)) {
        v = substr($0, RSTART, RLENGTH); sub(/.*: ?/, "", v)
        v += 0; n++; sum += v; if (v > most) most = v
      }
    }
    /"ev":"run.end"/ || /"ev": "run.end"/ { if (match($0, /"seconds": ?[0-9.]+/)) { s = substr($0, RSTART, RLENGTH); sub(/.*: ?/, "", s) } }
    END {
      split(times, t, " ")
      printf "round %d: %d scenarios, run %.2f s, with start and load %.2f s; driver CPU %.2f ms a scenario (most %.1f), " \
        "driver and mailproofd together %.2f s\n", round, n, s, t[1], sum / n, most, t[2] + t[3]
      printf "%.3f %.3f\n", s, sum / n > "/dev/stderr"
    }' "$out/$round/run.jsonl" 2> "$out/numbers"
  read -r w c < "$out/numbers"
  wall+=("$w")
  cpu+=("$c")
done
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
echo "median of $rounds rounds: run $(median "${wall[@]}") s, driver CPU $(median "${cpu[@]}") ms a scenario (goal 3 ms)"
