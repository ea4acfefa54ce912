#!/bin/bash
# Group U of mailproof ports: a client that is right, the same with one fault at a time, and real ones where they are installed.
# Three tests run side by side, each in a folder of its own.
# usage: client.sh MAILPROOF MAILPROOFD. Last line: "N passed, N failed". SPDX-License-Identifier: MIT
set -u
mailproof=$(readlink -f "$1")
mailproofd=$(readlink -f "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
tests=0 running=0

good() { echo good >> results; }
bad() {
  echo bad >> results
  echo "FAIL $1"
  head -n 12 said | sed 's/^/     /'
}

# client PROTOCOL COMMAND FLAG…: tests it; the verdicts as "U01 pass words".
client() {
  local protocol=$1 command=$2
  shift 2
  echo '{"checks": []}' > now.json
  "$mailproof" ports --client "$command" --protocol "$protocol" --out out --json now.json "$@" > said 2>&1
  code=$?
  "$python" -c 'if True:
    import json
    for c in json.load(open("now.json"))["checks"]: print(c["check"], c["verdict"], c["why"])' > verdicts
}

# only NAME ID…: exactly these are fail or weak, and the exit code says so.
only() {
  local name=$1 got want
  shift
  got=$(awk '$2 == "fail" || $2 == "weak" { printf "%s ", $1 }' verdicts)
  want=$([ $# = 0 ] || printf '%s ' "$@")
  if [ ! -s verdicts ]; then
    bad "$name: no verdicts, exit code $code"
  elif [ "$got" != "$want" ]; then
    bad "$name: bad are ${got:-none}, expected ${want:-none}"
  elif grep -qE '^U[0-9]+ fail' verdicts && [ "$code" != 1 ]; then
    bad "$name: exit code $code, expected 1"
  else
    good
  fi
}

want() { # want NAME PATTERN…
  local name=$1 p
  shift
  for p in "$@"; do
    if grep -qE "^$p" verdicts; then good; else bad "$name: no line begins with $p"; fi
  done
}

# beside COMMAND…: runs it in the background, three at a time; its results are counted at the end.
beside() {
  tests=$((tests + 1))
  mkdir "$work/t$tests"
  (cd "$work/t$tests" && "$@" > text 2>&1) &
  running=$((running + 1))
  if [ $running -ge 3 ]; then
    wait -n
    running=$((running - 1))
  fi
}

# The real interpreter: wrappers around it take longer than a whole run.
python=$(python3 -c 'import sys; print(sys.executable)')
py() { echo "$python -S -E $here/bad_client.py $1 {host} {port} {ca} {user} {password} ${2:-}"; }

right() { # right PROTOCOL
  client "$1" "$(py "$1")"
  only "a good client of $1"
  want "a good client of $1" 'U01 pass' 'U02 pass' 'U03 pass' 'U04 pass' 'U07 pass' 'U08 pass' 'U10 skip not checked'
}
wrong() { # wrong PROTOCOL FAULT ID…
  local protocol=$1 fault=$2
  shift 2
  client "$protocol" "$(py "$protocol" "$fault")"
  only "$fault, $protocol" "$@"
}

# Names with several labels need a hosts file of the client's own, which needs root or user namespaces.
client imap "$(py imap)"
star=$(grep -q '^U09 pass' verdicts && echo U09)
[ -n "$star" ] || echo "no hosts file of its own here: U09 is not tested"
beside right smtp
beside right imap
beside right pop3
beside wrong smtp keeps-buffer U01
beside wrong imap keeps-buffer U01
beside wrong pop3 keeps-buffer U01
beside wrong smtp falls-back U03 U04
beside wrong imap falls-back U03 U04
beside wrong pop3 falls-back U03 U04
beside wrong smtp keeps-list U02
beside wrong imap keeps-list U02
beside wrong pop3 keeps-list U02
beside wrong imap takes-preauth U05
beside wrong imap follows-referral U06
beside wrong imap shows-noise U06
# shellcheck disable=SC2086
beside wrong smtp no-verify U07 U08 $star
# shellcheck disable=SC2086
beside wrong smtp no-name U07 U08 $star
beside wrong imap common-name U08
[ -z "$star" ] || beside wrong imap loose-star U09
beside wrong smtp drops-requiretls U13
requiretls() {
  wrong smtp wants-requiretls
  want "wants-requiretls" 'U13 pass'
}
beside requiretls

# Early data, which Python cannot send: the second run resumes the session of the first one.
cat > early.sh << 'X'
session=$4/session early=
[ ! -s "$session" ] || early="-sess_in $session"
[ "$5" != early ] || [ -z "$early" ] || { printf 'a NOOP\r\n' > "$4/early" && early="$early -early_data $4/early"; }
(printf 'b LOGIN ann secret\r\n'; sleep 0.2; printf 'c LOGOUT\r\n'; sleep 0.1) |
  openssl s_client -quiet -verify_return_error -verify_hostname "$1" -connect "$1:$2" -CAfile "$3" -sess_out "$session" $early
X
resumes() { # resumes early|late
  client imap/implicit "sh $work/early.sh {host} {port} {ca} $PWD $1"
  # OpenSSL takes a star inside of a label for a wildcard unless it is told not to.
  # shellcheck disable=SC2086
  if [ "$1" = early ]; then only "early data" $star U14; else
    only "a session that is resumed" $star
    want "a session that is resumed" 'U14 pass' 'U01 skip TLS comes first here'
  fi
}
beside resumes early
beside resumes late

# --- clients that find their server by the DNS -------------------------------------------------------
# By SRV records, in a network of the client's own.
found() { # found FAULT ID…
  client imap "$py_run imap srv:{domain} - {ca} {user} {password} $1"
  shift
  only "a client that finds its server by SRV" "$@"
}
py_run="$python -S -E $here/bad_client.py"
found_right() {
  found ''
  want "a client that finds its server by SRV" 'U09 pass' 'U10 pass' 'U11 skip only MTAs'
}
if unshare -n true 2> /dev/null || unshare -Un true 2> /dev/null; then
  beside found_right
  beside found no-srv-id U10
  beside found any-srv-id U10
else
  echo "no network of its own here: SRV-IDs are not tested"
fi
# An MTA, which is told whom to ask: our own queue.
mta() { # mta FAULTS ID…
  client mx "$python -S -E $here/mta_client.py $mailproofd {domain} {port} {ca} {dns} {dns_port} {dns_anchor} {policy} $1" \
    --client-timeout 60
  shift
  only "mailproofd as an MTA" "$@"
}
mta_right() {
  mta -
  want "mailproofd as an MTA" 'U01 pass' 'U02 pass' 'U03 skip' 'U07 skip' 'U11 pass' 'U12 pass'
}
beside mta_right
beside mta queue-dane-ignored+queue-sts-ignored U11 U12

# --- what cannot be tested ------------------------------------------------------------------------
cannot() { # cannot NAME CODE PATTERN FLAG…
  local name=$1 want=$2 pattern=$3
  shift 3
  "$mailproof" ports --out out "$@" > said 2>&1
  code=$?
  if [ "$code" = "$want" ] && grep -qE -- "$pattern" said; then good; else bad "$name: exit code $code"; fi
}
nothing() {
  cannot "a client that does nothing" 4 'did not connect' --client true --protocol smtp
  cannot "a client that never ends" 4 'did not connect in time' --client 'sleep 60' --client-timeout 0.5 --protocol imap
  cannot "a client that is not there" 4 'did not connect \(exit status 127\)' --client /nowhere/client --protocol imap
  cannot "no protocol" 2 'needs --protocol' --client true
  cannot "a protocol that is none" 2 'smtp, imap or pop3' --client true --protocol http
  cannot "a protocol without a client" 2 'needs --client' --protocol smtp host.example
  cannot "an MTA without a domain" 2 'needs \{domain\}' --client 'x {host}' --protocol mx
  cannot "a name server without a domain" 4 'only commands with \{domain\}' --client 'x {dns}' --protocol imap
  cannot "a host besides" 2 'no HOST' --client true --protocol smtp host.example
  cannot "a password for a shell" 4 'would not read' --client 'echo {password}' --protocol smtp --user 'ann:a;b'
}
beside nothing

# --- real ones ------------------------------------------------------------------------------------
have() {
  command -v "$1" > /dev/null && return
  echo "$1 is not installed: skipped"
  return 1
}
real() { # real NAME PROTOCOL COMMAND ID…
  local name=$1 protocol=$2 command=$3
  shift 3
  client "$protocol" "$command"
  only "$name" "$@"
}
echo hello > mail
send="--user {user}:{password} --mail-from a@b.example --mail-rcpt c@d.example -T $work/mail"
if have curl; then
  beside real "curl, smtp" smtp "curl -s --ssl-reqd --cacert {ca} smtp://{host}:{port} $send"
  beside real "curl, imap" imap "curl -s --ssl-reqd --cacert {ca} imap://{host}:{port}/INBOX --user {user}:{password}"
  beside real "curl, pop3s" pop3/implicit "curl -s --cacert {ca} pop3s://{host}:{port}/ --user {user}:{password}"
  # shellcheck disable=SC2086
  beside real "curl that is told not to care" smtp "curl -sk --ssl smtp://{host}:{port} $send" U03 U04 U07 U08 $star
fi
# msmtp, fetchmail and mutt of Debian 12: what they fail is so. GnuTLS does not look at the purpose unless it is asked to.
if have msmtp; then
  beside real msmtp smtp "msmtp --host={host} --port={port} --tls=on --tls-starttls=on --tls-trust-file={ca} --auth=on \
    --user={user} --passwordeval='echo {password}' --from=a@b.example c@d.example < $work/mail" U07
fi
if have fetchmail; then
  cat > fetch.sh << 'X'
umask 077
printf 'poll %s\n service %s protocol %s\n user "%s" password "%s"\n sslproto "TLS1.2+" sslcertck sslcertfile "%s"\n mda "cat"\n' \
  "$1" "$2" "$6" "$4" "$5" "$3" > "$7/fetchrc"
FETCHMAILHOME=$7 fetchmail -f "$7/fetchrc" --pidfile "$7/pid"
X
  beside real "fetchmail, imap" imap "sh $work/fetch.sh {host} {port} {ca} {user} {password} imap $work"
fi
if have mutt && have script; then
  printf 'set ssl_force_tls = yes\nset ssl_starttls = yes\nset ssl_usesystemcerts = no\nset imap_pass = secret\nset folder = ""\n' > muttrc
  mutt_() {
    client imap "(cat $work/muttrc; echo 'set certificate_file = {ca}') > rc
      TERM=vt100 script -qec \"mutt -n -F rc -f imap://{user}@{host}:{port}/INBOX -e 'push <quit>y'\" /dev/null" --client-timeout 3
    # It asks its user and waits: on a busy machine its time is over before it has begun.
    if [ "$code" = 4 ] && grep -q 'in time' said; then echo "mutt is too slow here: skipped" && good; else
      want mutt 'U01 pass' 'U03 pass' 'U04 pass' 'U05 pass'
    fi
  }
  beside mutt_
fi
if have swaks; then
  swaks_() {
    client smtp "swaks --tls --tls-verify --tls-ca-path {ca} --server {host} --port {port} --auth-user {user} \
      --auth-password {password} --from a@b.example --to c@d.example"
    want swaks 'U03 pass' 'U04 pass'
  }
  beside swaks_
fi

wait
cat t*/text
passed=$(cat t*/results | grep -c good)
failed=$(cat t*/results | grep -c bad)
for t in t*; do [ -s "$t/results" ] || { echo "FAIL $t came to nothing"; failed=$((failed + 1)); }; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
