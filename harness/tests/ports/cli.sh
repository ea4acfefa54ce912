#!/bin/bash
# mailproof ports as a user and a script see it: exit codes, expectations, budgets, what stands in its files. Against
# mailproofd, and against a small server that is wrong in one way (tls_server.py).
# usage: cli.sh MAILPROOF MAILPROOFD. Last line: "N passed, N failed". SPDX-License-Identifier: MIT
set -u
mailproof=$(readlink -f "$1") daemon=$(readlink -f "$2")
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
passed=0 failed=0 children=()
cleanup() {
  local pid
  for pid in "${children[@]}"; do kill "$pid" 2> /dev/null; done
  wait 2> /dev/null
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
python=$(python3 -c 'import sys; print(sys.executable)')

good() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "FAIL $1"
  head -n 8 said | sed 's/^/     /'
}

# Servers run in folders of their own; python ones for each MODE that is used below.
for mode in clean both stranger robot cbc limited slow hangs mutual p521 old encipher; do
  mkdir $mode
  (cd $mode && exec "$python" "$here/tls_server.py" $mode) > $mode/port 2> $mode/err &
  children+=("$!")
done
"$daemon" --ports ephemeral --user ann:secret --domain test.example --plaintext-login no < /dev/null > ready 2> log &
children+=("$!")
for _ in $(seq 200); do
  [ -s ready ] && [ "$(cat ./*/port | wc -l)" = 12 ] && break
  sleep 0.05
done
port() { sed -n "s/.*\"$1\":\"127.0.0.1:\([0-9]*\)\".*/\1/p" ready; }
ca=$(sed -n 's/.*"ca":"\([^"]*\)".*/\1/p' ready)
imap=$(port imap) imaps=$(port imaps) mx=$(port smtp)

# look CODE NAME FLAG…: runs it; the exit code has to be this. Verdicts as "993/V03 pass words".
look() {
  local want=$1 name=$2 code
  shift 2
  echo '{"checks": []}' > now.json
  "$mailproof" ports --out out --json now.json "$@" > said 2>&1
  code=$?
  "$python" -c 'if True:
    import json
    for c in json.load(open("now.json"))["checks"]:
        print("%s/%s %s %s" % (c["port"] or "host", c["check"], c["verdict"], c["why"]))' > verdicts
  if [ $code = "$want" ]; then good; else bad "$name: exit code $code, expected $want"; fi
}
want() { # want NAME PATTERN…: each is the beginning of a verdict
  local name=$1 p
  shift
  for p in "$@"; do
    if grep -qE "^$p" verdicts; then good; else bad "$name: no verdict begins with $p: $(grep "${p%% *}" verdicts | head -n 1)"; fi
  done
}
says() { if grep -qE -- "$2" said; then good; else bad "$1: it does not say $2"; fi; }

ours=(127.0.0.1 --name mail.test.example --ca "$ca" --depth gentle)
odd() { # odd MODE: flags that lead to the small server
  cat "$1/rsa.pem" "$1/ec.pem" > "$1/ca.pem"
  flags=(127.0.0.1 --name mail.test.example --ca "$1/ca.pem" --port "$(cat "$1/port")=imap/implicit")
}

# --- exit codes -----------------------------------------------------------------------------------
printf 'return { name = "one", about = "one SHOULD", levels = {' > weak.lua
"$mailproof" ports --list | awk '{ printf " %s = \"off\",", $1 }' | sed 's/ E01 = "off"/ E01 = "SHOULD"/; s/ V06 = "off"/ V06 = "MUST"/' >> weak.lua
echo ' } }' >> weak.lua
sed 's/ V06 = "MUST"/ V03 = "MUST"/; s/ Z07 = "off"/ Z07 = "INFO"/' weak.lua > note.lua
flags=("${ours[@]}" --port "$imaps=imap/implicit" --profile weak.lua)
look 0 "everything holds" "${flags[@]}"
look 0 "everything holds at any level" "${flags[@]}" --fail-on any
kill "${children[-1]}"
wait "${children[-1]}" 2> /dev/null
"$daemon" --ports ephemeral --user ann:secret --domain test.example --plaintext-login no --fault tls-no-close-notify \
  < /dev/null > ready 2> log &
children[-1]=$!
: > ready
for _ in $(seq 100); do
  [ -s ready ] && break
  sleep 0.05
done
ca=$(sed -n 's/.*"ca":"\([^"]*\)".*/\1/p' ready) imap=$(port imap) imaps=$(port imaps) mx=$(port smtp)
ours=(127.0.0.1 --name mail.test.example --ca "$ca" --depth gentle)
flags=("${ours[@]}" --port "$imaps=imap/implicit" --profile weak.lua)
look 0 "a SHOULD does not count by default" "${flags[@]}"
want "a SHOULD" "$imaps/E01 weak" "$imaps/V06 pass"
look 1 "a SHOULD counts with --fail-on should" "${flags[@]}" --fail-on should
look 1 "and with --fail-on any" "${flags[@]}" --fail-on any
printf '# known\n%s/E01\tweak\tour TLS library is old\n' "$imaps" > known.tsv
look 0 "an expected failure" "${flags[@]}" --fail-on should --expected known.tsv
look 0 "an expected failure, shown" "${flags[@]}" --fail-on any --expected known.tsv -v
says "an expected failure" 'known: our TLS library is old'
printf 'E01\tweak\tevery port\n' > every.tsv
look 0 "an expected failure of every port" "${flags[@]}" --fail-on should --expected every.tsv
printf '%s/V06\tfail\tno 1.3 yet\nJ01\tfail\tno such port here\n' "$imaps" > stale.tsv
look 1 "a stale expectation" "${flags[@]}" --expected stale.tsv
says "a stale expectation" '^stale: stale.tsv:1 expects fail of V06'
if grep -q 'stale.tsv:2' said; then bad "what was not tested is not stale"; else good; fi
sed 's/E01 = "SHOULD"/E01 = "MUST"/' weak.lua > must.lua
look 1 "a MUST" "${flags[@]}" --profile must.lua
look 0 "a MUST that is known" "${flags[@]}" --profile must.lua --expected <(printf 'E01\tfail\tso it is\n')
look 1 "known as a SHOULD, and now a MUST" "${flags[@]}" --profile must.lua --expected known.tsv
sed 's/E01 = "SHOULD"/E01 = "MAY"/' weak.lua > may.lua
look 0 "a MAY" "${flags[@]}" --profile may.lua --fail-on should
look 1 "a MAY counts with --fail-on any" "${flags[@]}" --profile may.lua --fail-on any

# --- the exchange beside a failure ------------------------------------------------------------------
"$daemon" --ports ephemeral --user ann:secret --plaintext-login yes < /dev/null > open 2>> log &
children+=("$!")
for _ in $(seq 100); do
  [ -s open ] && break
  sleep 0.05
done
look 1 "a login in clear" 127.0.0.1 --name mail.test.example --depth gentle \
  --port "$(sed -n 's/.*"imap":"127.0.0.1:\([0-9]*\)".*/\1/p' open)=imap/starttls"
sed -n '/\/J10 /,/pcap/p' said > j10
if grep -q 'AUTH=PLAIN' j10 && ! grep -q 'TLSv1' j10; then good; else bad "J10 shows what was said in clear, and not what came after"; fi

# --- mailproofd with an RSA certificate of the operator's is as clean as with its own ---------------
"$daemon" --ports ephemeral --user ann:secret --tls-cert clean/rsa.pem --tls-key clean/rsa.key < /dev/null > rsa 2>> log &
children+=("$!")
for _ in $(seq 100); do
  [ -s rsa ] && break
  sleep 0.05
done
number=$(sed -n 's/.*"imaps":"127.0.0.1:\([0-9]*\)".*/\1/p' rsa)
look 0 "an RSA certificate" 127.0.0.1 --name mail.test.example --ca clean/rsa.pem --port "$number=imap/implicit" --depth gentle
want "an RSA certificate" "$number/K07 pass" "$number/V05 pass"

# --- unreachable is never 0 -----------------------------------------------------------------------
look 4 "a closed port" "${ours[@]}" --port 1
look 4 "two closed ports" "${ours[@]}" --port 1=imap --port 9=smtp --profile weak.lua
look 4 "a name that is none" nosuchhost.invalid
look 0 "one of two ports is there" "${flags[@]}" --port 1=imap
want "the port that is closed" '1/V06 skip not tested: the port is closed'
odd limited
look 4 "a server that sends us away" "${flags[@]}" --profile weak.lua
want "a server that sends us away" "$(cat limited/port)/O01 skip" "$(cat limited/port)/V06 pass"
says "a server that sends us away" 'rate-limited at connection [0-9]+: \* BYE too many'
odd slow
look 0 "a greeting that takes its time" "${flags[@]}" --profile note.lua --depth gentle
odd slow
look 1 "a slow server under the default profile" "${flags[@]}" --depth gentle
want "a slow server" "$(cat slow/port)/O02 noted the greeting came after [1-9]" "$(cat slow/port)/P07 pass"

# --- and nothing is made up of what they do not show ------------------------------------------------
blameless() { # blameless NAME: no verdict about TLS beyond the certificate's is bad
  if grep -E '/[HKVXPSE][0-9]+ fail' verdicts > bads; then bad "$1: $(head -n 1 bads)"; else good; fi
}
odd hangs
look 4 "a server that lets us wait" "${flags[@]}" --depth normal --timeout 1 --greeting-wait 2
blameless "a server that lets us wait"
says "a server that lets us wait" 'rate-limited at connection [0-9]+: it answers no ClientHello any more'
odd mutual
look 0 "a server that wants a client certificate" "${flags[@]}" --depth normal --profile note.lua
look 1 "the same under the default profile" "${flags[@]}" --depth normal
want "a server that wants a client certificate" "$(cat mutual/port)/P07 skip .*client certificate" "$(cat mutual/port)/V06 pass"

odd p521
look 1 "a server with one curve" "${flags[@]}" --depth normal
want "a server with one curve" "$(cat p521/port)/H16 pass" "$(cat p521/port)/K15 weak"

# --- usage ----------------------------------------------------------------------------------------
usage() { # usage PATTERN FLAG…
  local pattern=$1
  shift
  look 2 "usage: $*" "$@"
  says "usage: $*" "$pattern"
}
usage 'which host' --depth gentle
usage 'one host at a time' a b
usage 'a port from 1 to 65535' h --port 0
usage 'a port from 1 to 65535' h --port 70000=imap
usage 'mx, smtp, submission, imap, pop3' h --port 25=http
usage 'starttls or implicit' h --port 25=smtp/tls13
usage 'gentle, normal, deep' h --depth careful
usage 'must, should, any' h --fail-on may
usage 'NAME:PASSWORD' h --user ann
usage 'no check "V99"' h --profile <(echo 'return { levels = { V99 = "MUST" } }')
usage 'expects?|tabs between' h --expected <(echo 'V03 fail because')
usage 'no check "V99"' h --expected <(printf 'V99\tfail\tx\n')
usage 'fail or weak' h --expected <(printf 'V03\tpass\tx\n')
usage 'No such file' h --expected nowhere.tsv
usage 'ca nowhere.pem: it cannot be read' h --ca nowhere.pem
usage 'no PEM in it' h --crl weak.lua

# --- modes ----------------------------------------------------------------------------------------
look 1 "a mode that is swapped" "${ours[@]}" --port "$imap=imap/implicit"
want "a mode that is swapped" "$imap/P04 fail" "$imap/P03 fail .*mode swapped"
look 0 "a mode that nobody told" "${ours[@]}" --port "$imap" --port "$imaps" --port "$mx" --profile weak.lua
want "a mode that nobody told" "$imap/S02 skip" "$imap/V06 pass" "$imaps/V06 pass" "$mx/V06 pass"

# --- budgets --------------------------------------------------------------------------------------
used() { # used NAME MOST: no port took more connections
  "$python" -c 'import json, sys
most = max(p["connections"] for p in json.load(open("now.json"))["ports"])
sys.exit(0 if 0 < most <= int(sys.argv[1]) else "%d connections" % most)' "$2" 2>> said
  if [ $? = 0 ]; then good; else bad "$1: more than $2"; fi
}
look 0 "five connections" "${flags[@]}" --profile weak.lua --port "$imaps=imap/implicit" --budget 5
all=("${ours[@]}" --port "$imaps=imap/implicit" --port "$imap=imap/starttls" --port "$mx=mx")
look 0 "a budget of 5" "${all[@]}" --depth normal --budget 5 --profile weak.lua
used "a budget of 5" 5
look 0 "gentle" "${all[@]}" --profile weak.lua
used "gentle" 15
look 0 "normal" "${all[@]}" --profile weak.lua --depth normal
used "normal" 150
says "normal" 'at most 150 connections a port'

# --- oracles and second certificates --------------------------------------------------------------
for mode in clean both stranger robot cbc encipher old; do
  odd $mode
  look 1 "$mode" "${flags[@]}" --depth normal --timeout 2
  p=$(cat $mode/port)
  case $mode in
    clean) want $mode "$p/H10 pass" "$p/H11 pass" "$p/Z15 skip there is one certificate" ;;
    both) want $mode "$p/Z15 pass" "$p/H11 pass" ;;
    stranger) want $mode "$p/Z15 weak the certificate with the RSA key: it does not name the host" "$p/Z06 pass" ;;
    robot) want $mode "$p/H10 fail .*closed without an alert" "$p/H11 pass" ;;
    encipher) want $mode "$p/Z13 fail .*lacks digitalSignature" ;;
    old) want $mode "$p/X02 pass" "$p/V03 fail" "$p/H02 pass" ;;
    cbc) want $mode "$p/H11 fail a wrong MAC gets: alert bad_record_mac; a wrong byte of padding gets: closed" "$p/H10 pass" ;;
  esac
done

# --- revocation -----------------------------------------------------------------------------------
# crl FILE [SERIAL]: a CRL of the small server's RSA certificate, which is its own issuer, with this serial number in it.
crl() {
  : > index.txt
  [ $# = 1 ] || printf 'R\t400101000000Z\t260101000000Z\t%s\tunknown\t/CN=x\n' "$2" > index.txt
  printf '[ca]\ndefault_ca = a\n[a]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 3\n' > ca.cnf
  openssl ca -config ca.cnf -gencrl -keyfile clean/rsa.key -cert clean/rsa.pem -out "$1" 2> /dev/null
}
odd clean
p=$(cat clean/port)
crl empty.crl
crl full.crl "$(openssl x509 -in clean/rsa.pem -noout -serial | cut -d= -f2)"
look 1 "no CRL" "${flags[@]}" --depth gentle
want "no CRL" "$p/Z16 skip not checked: nothing is stapled"
look 1 "a CRL" "${flags[@]}" --depth gentle --crl empty.crl
want "a CRL" "$p/Z16 pass"
look 1 "a CRL with the certificate" "${flags[@]}" --depth gentle --crl full.crl
want "a CRL with the certificate" "$p/Z16 weak the CRL of its issuer says that it is revoked"
look 1 "a CRL of somebody else" "${flags[@]}" --depth gentle --crl "$ca"
want "a CRL of somebody else" "$p/Z16 skip .*has no CRL of its issuer"

# --- what is left in the folder -------------------------------------------------------------------
look 1 "an account in the command line" "${ours[@]}" --profile must.lua --port "$imaps=imap/implicit" --user ann:secret --depth normal
if grep -q 'ann:secret' out/run.jsonl out/ports.json; then bad "the password is in the files"; else good; fi
"$python" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open("out/ports.json")), json.load(open(sys.argv[1])))' "$root/reports/ports.schema.json" 2>> said
if [ $? = 0 ]; then good; else bad "ports.json is not as its schema says: $(tail -n 3 said)"; fi
read -r file frames frame connection <<< "$("$python" -c 'import json
for c in json.load(open("out/ports.json"))["checks"]:
    if c["verdict"] == "fail": print(c["evidence"], c["frames"], c["frame"], c["connection"])')"
says "where it is seen" "pcap   $file: connection c$connection, frame $frame of $frames"
if command -v tshark > /dev/null; then
  if [ "$(tshark -r "out/$file" 2> /dev/null | wc -l)" = "$frames" ]; then good; else bad "the capture has not $frames frames"; fi
  if [ "$(tshark -r "out/$file" -Y "frame.number == $frame && tcp.len > 0 && tcp.srcport == 993" 2> /dev/null | wc -l)" = 1 ]; then
    good
  else
    bad "frame $frame is not one of the server's"
  fi
fi
if grep -q "\"where\":\"connection c$connection, frame $frame of $frames\"" out/run.jsonl; then good; else bad "run.jsonl does not say where"; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
