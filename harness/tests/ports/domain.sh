#!/bin/bash
# Group D of mailproof ports on the command line: zones made and signed here (ldns), a policy served here, mailproofd as the
# host. Each case changes one thing and says what has to come of it.
# usage: domain.sh MAILPROOF MAILPROOFD. Last line: "N passed, N failed". SPDX-License-Identifier: MIT
set -u
mailproof=$(readlink -f "$1") daemon=$(readlink -f "$2")
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

"$daemon" --ports ephemeral --user ann:secret --domain test.example --plaintext-login no < /dev/null > ready 2> log &
children+=("$!")
for _ in $(seq 100); do
  [ -s ready ] && break
  sleep 0.05
done
port() { sed -n "s/.*\"$1\":\"127.0.0.1:\([0-9]*\)\".*/\1/p" ready; }
ca=$(sed -n 's/.*"ca":"\([^"]*\)".*/\1/p' ready)
mx=$(port smtp) imap=$(port imap) imaps=$(port imaps)

# The digest of the key in use, and of the whole leaf.
openssl s_client -connect "127.0.0.1:$imaps" -servername mail.test.example < /dev/null 2> /dev/null | openssl x509 > leaf.pem
key=$(openssl x509 -in leaf.pem -pubkey -noout | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1)
leaf=$(openssl x509 -in leaf.pem -outform der | sha512sum | cut -d' ' -f1)
other=$(printf '%064d' 0)

# zone LINE…: the file "plain" with the usual records and these; "-NAME TYPE" takes the usual ones of that name away.
zone() {
  local line
  cat > plain << X
\$ORIGIN test.example.
@ 3600 IN SOA ns h 1 3600 900 86400 300
@ 3600 IN NS ns
ns 3600 IN A 127.0.0.1
mail 3600 IN A 127.0.0.1
mta-sts 3600 IN A 127.0.0.1
@ 3600 IN MX 10 mail
_25._tcp.mail 3600 IN TLSA 3 1 1 $key
_25._tcp.mail 3600 IN TLSA 3 1 1 $other
_mta-sts 3600 IN TXT "v=STSv1; id=20260101;"
_smtp._tls 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls@test.example,https://test.example/tls"
_imaps._tcp 3600 IN SRV 0 1 $imaps mail
_imap._tcp 3600 IN SRV 10 1 $imap mail
X
  for line in "$@"; do
    case $line in
      -*)
        line=${line#-}
        sed -i "/^${line% *} 3600 IN ${line##* } /d" plain
        ;;
      *) echo "$line" >> plain ;;
    esac
  done
}

key_name=$(ldns-keygen -a ECDSAP256SHA256 -k test.example.) || exit 1
sign() { ldns-signzone -o test.example -f signed plain "$key_name" || exit 1; }

# look FLAG…: examines the three ports; the verdicts as "host/D01 pass words".
look() {
  echo '{"checks": []}' > now.json
  "$mailproof" ports 127.0.0.1 --name mail.test.example --ca "$ca" --depth gentle --port "$mx=mx/starttls" \
    --port "$imap=imap/starttls" --port "$imaps=imap/implicit" --out out --json now.json --quiet "$@" > said 2>&1
  code=$?
  python3 - now.json > verdicts << 'X'
import json, sys
for c in json.load(open(sys.argv[1]))["checks"]:
    print("%s/%s %s %s" % (c["port"] or "host", c["check"], c["verdict"], c["why"]))
X
}
signed() { look --zone signed --trust-anchor "$key_name.key" --domain test.example --sts-policy policy "$@"; }

want() { # want NAME PATTERN…: each is the beginning of a verdict
  local name=$1 p
  shift
  for p in "$@"; do
    if grep -qE "^$p" verdicts; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAIL $name: no line begins with $p"
      grep -E "^${p%% *} " verdicts | sed 's/^/     /'
      head -n 3 said
    fi
  done
}

policy() { printf '%s\r\n' "$@" > policy; }
policy 'version: STSv1' 'mode: enforce' 'mx: mail.test.example' 'max_age: 86400'

# --- what is right --------------------------------------------------------------------------------
zone
sign
signed
want "a domain in order" 'host/D01 pass' 'host/D02 pass' 'host/D03 pass' 'host/D04 pass' 'host/D05 pass' 'host/D06 pass' \
  'host/D07 pass' 'host/D08 noted .*came from a file' 'host/D09 pass' 'host/D10 pass' 'host/D11 pass' \
  'host/D12 skip no CAA' "$imaps/Z07 noted no SRV-ID" "$imaps/Z08 pass"
look --zone plain --domain test.example --sts-policy policy
want "signatures nobody can check" 'host/D04 skip .*--trust-anchor' 'host/D03 pass' \
  "$imaps/Z08 weak .*neither test.example nor _imaps"
look --zone plain
want "no domain named" 'host/D01 skip .*--domain' 'host/D07 skip .*--domain' 'host/D03 pass'
look
want "no DNS at all" 'host/D01 skip .*needs DNS' 'host/D03 skip .*needs DNS' 'host/D08 skip .*--sts-policy'
zone "-_mta-sts TXT" "-_25._tcp.mail TLSA" "-_smtp._tls TXT"
sign
look --zone signed --trust-anchor "$key_name.key" --domain test.example
want "what a domain need not have" 'host/D03 skip no TLSA record' 'host/D07 skip no TXT' \
  'host/D08 skip the domain does not use' 'host/D10 skip no TXT'

# --- one thing wrong at a time --------------------------------------------------------------------
zone "-@ MX" "@ 3600 IN MX 10 nowhere" "@ 3600 IN MX 20 alias" "alias 3600 IN CNAME mail"
sign
signed
want "MX without an address, and an alias" 'host/D01 fail .*nowhere.test.example has no address: no such name' \
  'host/D01 fail .*alias.test.example is an alias' 'host/D09 fail .*the MX nowhere.test.example is not in the policy'
zone "-@ MX" "@ 3600 IN MX 10 other" "other 3600 IN A 127.0.0.1"
sign
signed
want "the host is none of the MX" 'host/D01 noted mail.test.example, which was looked at, is none'
zone "-_25._tcp.mail TLSA" "_25._tcp.mail 3600 IN TLSA 1 1 1 $key"
sign
signed
want "a usage that mail servers do not use" 'host/D02 weak _25._tcp.mail.test.example has 1 1 1' \
  'host/D03 fail .*do not count'
zone "-_25._tcp.mail TLSA" "_25._tcp.mail 3600 IN TLSA 3 1 1 $other" "_$imaps._tcp.mail 3600 IN TLSA 3 0 2 $leaf"
sign
signed
want "a key that is not served" 'host/D05 weak' \
  "host/D03 fail [^;]*_25._tcp.mail.test.example, 127.0.0.1 port $mx: it is of another certificate or key$"
zone
sign
sed -i 's/\(_25._tcp.mail.*TLSA.*3 1 1 \)0000/\11111/' signed
signed
want "a signature that is wrong" 'host/D04 fail the signatures are wrong'
zone '-_mta-sts TXT' '_mta-sts 3600 IN TXT "v=STSv1; id=one two;"' '-_smtp._tls TXT' \
  '_smtp._tls 3600 IN TXT "v=TLSRPTv1; rua=ftp://x"'
sign
signed
want "records that cannot be read" 'host/D07 fail .*letters and digits' 'host/D10 fail .*mailto: or https:'
zone '_mta-sts 3600 IN TXT "v=STSv1; id=2;"' '_smtp._tls 3600 IN TXT "v=TLSRPTv1; rua=mailto:b@test.example"'
sign
signed
want "two of a kind" 'host/D07 fail .*2 records' 'host/D10 fail .*2 records'
zone "-_imap._tcp SRV" "_imap._tcp 3600 IN SRV 0 1 $imap mail" "_pop3s._tcp 3600 IN SRV 0 1 $imap mail" \
  "_submission._tcp 3600 IN SRV 0 1 9 mail"
sign
signed
want "SRV that leads astray" 'host/D11 weak .*_pop3s points to port [0-9]+, which speaks IMAP' \
  'host/D11 weak .*_imaps \(priority 0\) does not come before _imap'
zone 'mail 3600 IN CAA 0 issue ";"'
sign
signed
want "CAA forbids everybody" 'host/D12 weak CAA of mail.test.example lets nobody issue'
zone '@ 3600 IN CAA 0 issue "letsencrypt.org"'
sign
signed
want "CAA of the domain counts for the host" 'host/D12 noted CAA of test.example allows letsencrypt.org'
zone
sign
policy 'version: STSv1' 'mode: enforce' 'mx: *.other.example' 'max_age: 86400'
signed
want "an MX outside of the policy" 'host/D09 fail the MX mail.test.example is not in the policy'
policy 'version: STSv1' 'mode: enforced' 'mx: mail.test.example' 'max_age: 86400'
signed
want "a policy that is none" 'host/D08 fail .*line 2: mode enforce'

# --- the policy over HTTPS ------------------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=policy -keyout web.key -out web.pem \
  -addext 'subjectAltName=DNS:mta-sts.test.example' 2> /dev/null
cat "$ca" web.pem > both.pem
cat > web.py << 'X'
import http.server, ssl
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_GET(self):
        how = open("how").read().strip()
        body = open("policy", "rb").read()
        self.send_response({"redirect": 302, "missing": 404}.get(how, 200))
        if how == "redirect": self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Content-Type", "text/html" if how == "html" else "text/plain; charset=utf-8")
        self.send_header("Connection", "close")
        if how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(body), 10):
                part = body[i:i + 10]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True
s = http.server.HTTPServer(("127.0.0.1", 0), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("web.pem", "web.key")
s.socket = c.wrap_socket(s.socket, server_side=True)
open("web.port", "w").write(str(s.server_port))
s.serve_forever()
X
echo plain > how
python3 web.py 2> web.log &
children+=("$!")
for _ in $(seq 100); do
  [ -s web.port ] && break
  sleep 0.05
done
web="127.0.0.1:$(cat web.port)"
policy 'version: STSv1' 'mode: enforce' 'mx: *.test.example' 'max_age: 86400'
online() {
  echo "$1" > how
  signed --ca both.pem --sts-policy "$web"
}
online plain
want "a policy served well" 'host/D08 pass' 'host/D09 pass'
online chunked
want "a policy in chunks" 'host/D08 pass'
online redirect
want "a redirect" 'host/D08 fail .*answers 302 and sends on to https://elsewhere' 'host/D09 skip'
online missing
want "no policy there" 'host/D08 fail .*answers 404'
online html
want "a policy of another type" 'host/D08 fail .*"text/html", not text/plain'
echo plain > how
signed --sts-policy "$web"
want "a policy host that nobody trusts" 'host/D08 fail .*the certificate of mta-sts.test.example is not trusted'
signed --sts-policy 127.0.0.1:9
want "no policy host" 'host/D08 fail .*https://mta-sts.test.example/.*efused'

# --- what cannot be used --------------------------------------------------------------------------
usage() { # usage NAME PATTERN FLAG…: exit code 2 and words
  local name=$1 pattern=$2
  shift 2
  look "$@"
  if [ "$code" = 2 ] && grep -qE -- "$pattern" said; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL $name: exit code $code: $(head -n 1 said)"
  fi
}
echo 'mail.test.example. IN A 127.0.0.1' > nosoa
printf '$ORIGIN test.example.\n@ 3600 IN SOA ns h 1 3600 900 86400 300\n@ IN MX what\n' > broken
usage "a zone that is not there" 'nowhere: No such file' --zone nowhere
usage "a zone without SOA" 'no SOA' --zone nosoa
usage "a zone that cannot be read" 'broken: ' --zone broken
usage "a resolver that is none" 'ADDRESS\[:PORT\]' --resolver dns.example
usage "an anchor without DNS" 'needs --zone' --trust-anchor x
usage "an anchor that is not there" 'nothere: No such file' --zone plain --trust-anchor nothere
look --resolver 127.0.0.1:9 --domain test.example --timeout 1
want "a resolver that does not answer" 'host/D01 skip not tested: MX of test.example'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
