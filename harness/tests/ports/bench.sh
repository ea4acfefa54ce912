#!/bin/bash
# Part of make bench: what a look at ports costs, beside sslscan, nmap and testssl, in one run against one mailproofd.
# Wall and CPU seconds, and for ours connections; one port and eight. Usage: bench.sh MAILPROOF MAILPROOFD
# A peer that is not installed is left out, in words. SPDX-License-Identifier: MIT
set -u
mailproof=$1 daemon=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [ -z "${server:-}" ] || kill "$server" 2> /dev/null' EXIT
: > "$tmp/ready"
"$daemon" --ports ephemeral --user ann:secret --plaintext-login no < /dev/null > "$tmp/ready" 2> "$tmp/log" &
server=$!
for _ in $(seq 100); do [ -s "$tmp/ready" ] && break; sleep 0.05; done
[ -s "$tmp/ready" ] || { echo "mailproofd did not start: $(head -c 300 "$tmp/log")"; exit 1; }

service() { sed -n "s/.*\"$1\":\"127.0.0.1:\([0-9]*\)\".*/\1/p" "$tmp/ready"; }
ca=$(sed -n 's/.*"ca":"\([^"]*\)".*/\1/p' "$tmp/ready")
one="--port $(service imaps)=imap/implicit"
eight="--port $(service smtp)=mx/starttls --port $(service submission)=smtp/starttls --port $(service submissions)=smtp/implicit
  --port $(service lmtp)=smtp/starttls --port $(service imap)=imap/starttls $one --port $(service pop3)=pop3/starttls
  --port $(service pop3s)=pop3/implicit"

measure() { # measure NAME COMMAND…: a row of the table
  local name=$1 times conns ratio
  shift
  TIMEFORMAT='%R %U %S'
  times=$({ time "$@" > "$tmp/out" 2>&1; } 2>&1)
  conns=$(sed -n 's/.*; \([0-9]*\) connections.*/\1/p' "$tmp/out" | tail -n 1)
  [ -n "${first:-}" ] || first=${times%% *}
  ratio=$(awk -v a="${times%% *}" -v b="$first" 'BEGIN { print (b > 0) ? sprintf("%.1f", a / b) : "-" }')
  awk -v n="$name" -v t="$times" -v c="${conns:--}" -v r="$ratio" \
    'BEGIN { split(t, a, " "); printf "%-34s %8.2f s %8.2f s CPU %6s connections %7s x\n", n, a[1], a[2] + a[3], c, r }'
}

ours() { # ours NAME DEPTH PORTS
  # shellcheck disable=SC2086
  measure "mailproof, $1, $2" "$mailproof" ports 127.0.0.1 --name mail.test.example --ca "$ca" --depth "$2" $3 --out "$tmp/run"
}

for depth in gentle normal deep; do ours "one port" "$depth" "$one"; done
for depth in gentle normal deep; do ours "eight ports" "$depth" "$eight"; done
port=$(service imaps)
if command -v sslscan > /dev/null; then
  measure "sslscan, one port" sslscan --no-colour "127.0.0.1:$port"
else
  echo "sslscan is not installed"
fi
if command -v nmap > /dev/null; then
  measure "nmap, scripts of TLS, one port" nmap -Pn -p "$port" --script "+ssl-enum-ciphers,+ssl-cert,+ssl-heartbleed" 127.0.0.1
else
  echo "nmap is not installed"
fi
if command -v testssl > /dev/null; then
  measure "testssl, one port" timeout 600 testssl --quiet --color 0 --warnings off "127.0.0.1:$port"
else
  echo "testssl is not installed"
fi
