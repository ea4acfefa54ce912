#!/bin/bash
# Part of make servers: mailproof ports against real servers from Debian packages, two at a time, each held to its record:
# the known failures with their reasons in scenarios/targets/NAME.ports, where one that is none any more fails too. Each
# server has a network of its own, so that it has the ports of mail and nobody else is there. Needs root.
# Usage: servers.sh [-w] MAILPROOF SERVER…   -w writes the records anew, with our words where a reason is missing; a server
# without a record is left out otherwise. Last line: "N passed, N failed", servers. SPDX-License-Identifier: MIT
set -u
here=$(dirname "$(readlink -f "$0")")
targets=$here/../../../scenarios/targets

inside() { # inside NAME FOLDER COMMAND…: in a network of its own; runs the command beside the server
  local name=$1 folder=$2 ready pid into code
  shift 2
  ip link set lo up || return 3
  coproc server { MAILPROOF_STATE="$folder/state" MAILPROOF_PORT_BASE=nominal "$targets/servers/$name.sh" 2> "$folder/log"; }
  # shellcheck disable=SC2154
  pid=$server_PID into=${server[1]}
  read -r -t 120 -u "${server[0]}" ready
  if [ -n "${ready:-}" ]; then
    "$@"
    code=$?
  else
    echo "$name did not start: $(tail -n 3 "$folder/log")"
    code=3
  fi
  eval "exec $into>&-"
  wait "$pid"
  return "$code"
}
if [ "$1" = inside ]; then
  shift
  inside "$@"
  exit
fi

write=
[ "$1" = -w ] && { write=1; shift; }
mailproof=$(readlink -f "$1")
shift
tmp=$(mktemp -d /tmp/mailproof-XXXXXX)
chmod 755 "$tmp" # servers give up root
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 names=() running=0

for name in "$@"; do
  record=(--expected "$targets/$name.ports")
  if [ -n "$write" ]; then record=(); elif [ ! -e "$targets/$name.ports" ]; then continue; fi
  names+=("$name")
  mkdir -p "$tmp/$name/state"
  [ "$running" -lt 2 ] || { wait -n; running=$((running - 1)); }
  {
    # Where it runs nothing can be fetched any more.
    "$targets/servers/$name.sh" fetch > "$tmp/$name/out" 2>&1 && unshare -n "$0" inside "$name" "$tmp/$name" \
      "$mailproof" ports 127.0.0.1 --name mail.test.example --ca "$tmp/$name/state/tls/ca.pem" --user user1:pass \
      --recipient user1@test.example "${record[@]}" --out "out/$name-ports" --json "$tmp/$name/json" --fail-on should \
      >> "$tmp/$name/out" 2>&1
    echo $? > "$tmp/$name/code"
  } &
  running=$((running + 1))
done
wait
for name in "${names[@]}"; do
  code=$(cat "$tmp/$name/code")
  if [ -n "$write" ] && [ -s "$tmp/$name/json" ]; then
    python3 "$here/record.py" "$tmp/$name/json" "$targets/$name.ports"
    code=0
  fi
  if [ "$code" = 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    cat "$tmp/$name/out"
  fi
  line=$(grep -E 'pass, .* connections' "$tmp/$name/out" | tail -n 1)
  echo "ports of $name: ${line:-exit code $code} -> out/$name-ports/report.html"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
