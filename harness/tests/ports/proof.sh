#!/bin/bash
# make ports-proof: mailproof ports against mailproofd, clean and with each of its TLS and STARTTLS faults. A check has to
# fail on its fault, no other check may, and the clean server passes what its own defaults allow (below, with reasons).
# Usage: proof.sh MAILPROOF MAILPROOFD [TABLE.md]: with TABLE what sslscan and nmap notice stands beside ours.
# Last line: "N passed, N failed". SPDX-License-Identifier: MIT
set -u
mailproof=$1 daemon=$2 table=${3:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [ -z "${server:-}" ] || kill "$server" 2> /dev/null' EXIT
passed=0 failed=0

# fault, and the checks that have to fail on it, PROTOCOL/CHECK.
faults() {
  cat << X
tls-wrong-name SMTP/Z05 SMTP/Z06 SMTP/X01 IMAP/Z06 IMAP/X01 POP3/Z06 POP3/X01
tls-expired-certificate SMTP/Z04 IMAP/Z04 POP3/Z04
tls-no-close-notify SMTP/E01 IMAP/E01 POP3/E01 SMTP/E02 IMAP/E02 POP3/E02
smtp-starttls-keeps-buffer SMTP/J01 SMTP/J04 SMTP/J05 SMTP/J07
imap-starttls-keeps-buffer IMAP/J02 IMAP/J04 IMAP/J05 IMAP/J06
pop3-stls-keeps-buffer POP3/J03 POP3/J04 POP3/J05 POP3/J06
imap-logindisabled-hidden IMAP/J10 IMAP/J18 IMAP/P13
imap-starttls-listed-in-tls IMAP/S09 IMAP/P08
pop3-stls-takes-argument POP3/S07
smtp-starttls-ignores-argument SMTP/S05
smtp-starttls-falls-back SMTP/S16 SMTP/H03 SMTP/J04
smtp-starttls-offered-in-tls SMTP/S08 SMTP/P08
smtp-starttls-keeps-transaction SMTP/S11
smtp-plaintext-login-in-clear SMTP/J14 SMTP/J15 SMTP/J18
X
}

start() { # start FAULT…: mailproofd with these faults; its ports in $tmp/ready
  local f flags=()
  for f in "$@"; do flags+=(--fault "$f"); done
  : > "$tmp/ready"
  "$daemon" --ports ephemeral --user ann:secret --domain test.example --plaintext-login no "${flags[@]}" \
    < /dev/null > "$tmp/ready" 2> "$tmp/log" &
  server=$!
  for _ in $(seq 100); do [ -s "$tmp/ready" ] && return; sleep 0.05; done
  echo "mailproofd did not start: $(head -c 300 "$tmp/log")" >&2
  return 1
}

stop() {
  kill "$server" 2> /dev/null
  wait "$server" 2> /dev/null
  server=
}

service() { # service NAME: its port
  sed -n "s/.*\"$1\":\"127.0.0.1:\([0-9]*\)\".*/\1/p" "$tmp/ready"
}

look() { # look NAME: examines what runs; the checks that are bad, PROTOCOL/CHECK, into $tmp/NAME
  local ca
  ca=$(sed -n 's/.*"ca":"\([^"]*\)".*/\1/p' "$tmp/ready")
  "$mailproof" ports 127.0.0.1 --name mail.test.example --ca "$ca" --user ann:secret --recipient ann@test.example \
    --port "$(service smtp)=mx/starttls" --port "$(service submission)=smtp/starttls" \
    --port "$(service submissions)=smtp/implicit" --port "$(service imap)=imap/starttls" \
    --port "$(service imaps)=imap/implicit" --port "$(service pop3)=pop3/starttls" \
    --port "$(service pop3s)=pop3/implicit" --out "$tmp/out" --json "$tmp/$1.json" --quiet > "$tmp/$1.log" 2>&1
  python3 - "$tmp/$1.json" > "$tmp/$1" << 'X'
import json, sys
j = json.load(open(sys.argv[1]))
protocol = {(p["address"], p["port"]): p["protocol"] for p in j["ports"]}
bad = {(protocol.get((c["address"], c["port"]), "host"), c["check"]) for c in j["checks"] if c["verdict"] in ("fail", "weak")}
print("\n".join(sorted("/".join(b) for b in bad)))
X
}

# What a peer prints, without what differs from one start to the next.
plain() {
  sed -E 's/\x1b\[[0-9;]*m//g; s/[0-9]{2}:[0-9]{2}:[0-9]{2}//g; s/\b[0-9]{5}\b/PORT/g; s/[0-9.]+s( latency)?//g' |
    grep -viE 'serial|sha-?1|md5|sha256:|scanned|starting|latency|start |done |PORT/tcp' || true
}

peers() { # peers PROTOCOL NAME: each peer's output into $tmp/NAME.PEER
  local port
  port=$(service "$1")
  if command -v sslscan > /dev/null; then
    sslscan --no-colour "--starttls-$1" --sni-name=mail.test.example "127.0.0.1:$port" 2>&1 | plain > "$tmp/$2.sslscan"
  fi
  if command -v nmap > /dev/null; then
    nmap -Pn -p "$port" -sV --version-light --script "+ssl-cert,+$([ "$1" = smtp ] && echo smtp-commands || echo "$1-capabilities")" 127.0.0.1 2>&1 | plain > "$tmp/$2.nmap"
  fi
}

noticed() { # noticed PROTOCOL NAME: which peers print something else than of the clean server
  local peer out=""
  for peer in sslscan nmap; do
    [ -e "$tmp/$2.$peer" ] || { out="$out | not installed"; continue; }
    if cmp -s "$tmp/clean-$1.$peer" "$tmp/$2.$peer"; then out="$out | the same as clean"; else out="$out | a difference"; fi
  done
  echo "$out"
}

[ -z "$table" ] || {
  echo "# Defects of mailproofd, and who sees them"
  echo
  echo "Made by \`make ports-proof\`. Ours: checks that fail on the defect and not on the clean server."
  echo
  echo "For the peers: whether what they print differs from what they print of the clean server. testssl, as Debian has it,"
  echo "has no check of STARTTLS injection or of what is offered before and inside TLS, and is left out."
  echo
  echo "| fault | ours | sslscan | nmap |"
  echo "| --- | --- | --- | --- |"
} > "$table"

start || exit 1
look clean
[ -z "$table" ] || for p in smtp imap pop3; do peers $p "clean-$p"; done
stop
# What mailproofd's defaults leave to wish, the same in every line of the table and no defect of STARTTLS: it lets an unknown
# name and h2 in, keeps on reading lines of HTTP, gives no tickets, and its certificate names localhost.
allowed="S18 X03 X06 X08 R04 Z18"
others=$(grep -vE "/($(tr ' ' '|' <<< "$allowed"))$" "$tmp/clean")
if [ -n "$others" ]; then
  echo "the clean server fails: $(tr '\n' ' ' <<< "$others")"
  failed=$((failed + 1))
else
  passed=$((passed + 1))
fi

while read -r fault expected; do
  start "$fault" || { failed=$((failed + 1)); continue; }
  look now
  seen=$(comm -13 "$tmp/clean" "$tmp/now" | tr '\n' ' ')
  if [ -n "$table" ]; then
    p=${fault%%-*}
    [ "$p" = tls ] && p=imap
    peers "$p" now
    echo "| $fault | ${seen:-none}$(noticed "$p" now) |" >> "$table"
  fi
  stop
  want=$(tr ' ' '\n' <<< "$expected" | sort)
  missing=$(comm -23 <(echo "$want") "$tmp/now" | tr '\n' ' ')
  extra=$(comm -13 <(echo "$want") <(tr ' ' '\n' <<< "$seen" | grep . | sort) | tr '\n' ' ')
  if [ -n "${missing// /}${extra// /}" ]; then
    echo "$fault: missing ${missing:-none}; besides ${extra:-none}"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
done < <(faults)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
