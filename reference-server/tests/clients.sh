#!/bin/bash
# Mail programs that people use, against mailproofd: what they send arrives and what they retrieve is what was there, octet
# for octet. usage: clients.sh MAILPROOFD. A program that is not installed is skipped, in words; `make deps` installs all.
# Last line: "N passed, N failed". SPDX-License-Identifier: MIT
set -u
server=$(readlink -f "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 711 "$work" # Postfix gives up its rights and has to come through
passed=0 failed=0 skipped=0 names="" pid=
cleanup() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; fi
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
export HOME=$work TERM=xterm LC_ALL=C.UTF-8
unset MAILRC EMAIL MAIL FETCHMAILHOME no_proxy http_proxy https_proxy all_proxy ALL_PROXY

mkfifo ready
"$server" --ports ephemeral --hostname localhost --state "$work/state" --user ann:secret --user bob:secret >ready 2>server.log </dev/null &
pid=$!
read -r -t 20 line <ready || { echo "FAIL mailproofd did not start"; cat server.log; echo "0 passed, 1 failed"; exit 1; }
port() { sed -n "s/.*\"$1\":\"[^\"]*:\([0-9]*\)\".*/\1/p" <<<"$line"; }
smtp=$(port smtp) submission=$(port submission) submissions=$(port submissions) lmtp=$(port lmtp)
imap=$(port imap) imaps=$(port imaps) pop3=$(port pop3) pop3s=$(port pop3s)
ca=$work/state/ca.pem

# Dots at the beginning of lines, a line of 998 octets, UTF-8, spaces at the ends of lines, empty lines at the end.
{
  printf 'From: Bob <bob@client.example>\nTo: Ann <ann@test.example>\nSubject: dots and other things\n'
  printf 'Date: Fri, 20 Nov 2026 10:00:00 +0000\nMessage-ID: <dots.1@client.example>\nMIME-Version: 1.0\n'
  printf 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
  printf '.\n..\n.leading dot\n\nFrom the beginning of a line\nGr\303\274\303\237e aus M\303\274nchen\ntrailing \t\n'
  printf '%0998d\n' 0
  for i in $(seq 500); do echo "line $i of the message, which is longer than one segment of TCP"; done
  printf 'the last line, and an empty one:\n\n'
} >message.lf
sed 's/$/\r/' message.lf >message

helper() { timeout -k 2 20 python3 "$here/clients.py" "$1" "$imap" "${2:-0}" "$ca" "${3:-$work/message}"; }
# try NAME COMMAND…: passes if the command does, in time.
try() {
  local name=$1
  shift
  if "$@" >said 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1)) names="$names, $name"
    echo "FAIL $name"
    tail -n 15 said | cut -c 1-300 | sed 's/^/     /'
    helper clear >/dev/null 2>&1
  fi
}
has() { # the program is there, or the reader is told
  command -v "$1" >/dev/null && return
  skipped=$((skipped + 1))
  echo "skipped: $1 is not installed (make deps)"
  return 1
}
run() { timeout -k 2 20 "$@" </dev/null; }
sends() { run "$@" && helper arrived; }
# retrieves FILE COMMAND…: the command leaves in FILE what was in INBOX.
retrieves() {
  local file=$1
  shift
  helper clear && helper put && rm -f "$file" && run "$@" && cmp "$file" message
}
retrieves_lines() { # the same for programs that write lines as Unix has them, under a header field or two of their own
  local file=$1
  shift
  helper clear && helper put && rm -rf "$file" && run "$@" && helper same "$file"
}

for how in smtplib:$smtp smtplib-starttls-auth:$submission smtplib-tls:$submissions lmtplib:$lmtp \
  poplib:$pop3 poplib-stls:$pop3 poplib-tls:$pop3s imaplib:$imap imaplib-starttls:$imap imaplib-tls:$imaps; do
  try "Python ${how%:*}" helper "${how%:*}" "${how#*:}"
done

if has swaks; then
  head -c -1 message.lf >message.swaks # it ends the last line itself
  with_swaks() { sends swaks --silent 2 --helo client.example --from bob@client.example --to ann@test.example --data @message.swaks "$@"; }
  try "swaks" with_swaks --server "localhost:$smtp"
  try "swaks STARTTLS" with_swaks --server "localhost:$smtp" --tls --tls-verify --tls-ca-path "$ca"
  try "swaks pipelining" with_swaks --server "localhost:$smtp" --pipeline
  try "swaks LMTP" with_swaks --server "localhost:$lmtp" --protocol LMTP
  for mechanism in PLAIN LOGIN CRAM-MD5; do
    try "swaks STARTTLS AUTH $mechanism" with_swaks --server "localhost:$submission" --tls --auth $mechanism \
      --auth-user ann --auth-password secret
  done
  try "swaks TLS from the start" with_swaks --server "localhost:$submissions" --tlsc --auth PLAIN --auth-user ann --auth-password secret
fi

if has msmtp; then
  with_msmtp() { # OPTION…
    timeout -k 2 20 msmtp --host=localhost --from=bob@client.example "$@" ann@test.example <message.lf && helper arrived
  }
  auth=(--user=ann "--passwordeval=echo secret" --tls=on "--tls-trust-file=$ca")
  try "msmtp" with_msmtp --port="$smtp"
  try "msmtp LMTP" with_msmtp --port="$lmtp" --protocol=lmtp
  for mechanism in plain scram-sha-256 login; do
    try "msmtp STARTTLS AUTH $mechanism" with_msmtp --port="$submission" --auth=$mechanism "${auth[@]}"
  done
  try "msmtp TLS from the start" with_msmtp --port="$submissions" --tls-starttls=off --auth=on "${auth[@]}"
fi

if has curl; then
  get=(curl -sS --cacert "$ca" --user ann:secret -o got)
  put=(curl -sS --cacert "$ca" --mail-from bob@client.example --mail-rcpt ann@test.example --upload-file message)
  try "curl smtp" sends "${put[@]}" "smtp://localhost:$smtp/client.example"
  try "curl smtp STARTTLS AUTH" sends "${put[@]}" --ssl-reqd --user ann:secret "smtp://localhost:$submission"
  try "curl smtps" sends "${put[@]}" --user ann:secret "smtps://localhost:$submissions"
  try "curl imap" retrieves got "${get[@]}" "imap://localhost:$imap/INBOX;MAILINDEX=1"
  try "curl imap STARTTLS" retrieves got "${get[@]}" --ssl-reqd "imap://localhost:$imap/INBOX;MAILINDEX=1"
  try "curl imaps" retrieves got "${get[@]}" "imaps://localhost:$imaps/INBOX;MAILINDEX=1"
  try "curl pop3" retrieves got "${get[@]}" "pop3://localhost:$pop3/1"
  try "curl pop3 STLS" retrieves got "${get[@]}" --ssl-reqd "pop3://localhost:$pop3/1"
  try "curl pop3s" retrieves got "${get[@]}" "pop3s://localhost:$pop3s/1"
  helper clear
  append=(curl -sS --cacert "$ca" --user ann:secret --upload-file message)
  try "curl imap APPEND" sends "${append[@]}" "imap://localhost:$imap/INBOX"
fi

if has mutt; then
  cat >muttrc <<END
set ssl_ca_certificates_file="$ca" ssl_verify_host=no folder="imap://ann@localhost:$imap/" imap_user=ann imap_pass=secret
set smtp_url="smtp://ann@localhost:$submission" smtp_pass=secret smtp_authenticators=plain imap_authenticators=login from=ann@test.example use_envelope_from=yes
set ssl_force_tls=yes copy=no net_inc=0 mail_check=600 mbox_type=mbox confirmappend=no quit=yes delete=yes
set wait_key=no sleep_time=0 crypt_autosign=no header_cache= certificate_file="$work/certificates" sendmail_wait=0
END
  mutt_sends() { timeout -k 2 20 mutt -F muttrc -s "from mutt" ann@test.example <message.body && helper body-arrived 0 mutt.sent; }
  # The message is piped into a file, as it is; mutt wants a terminal for that.
  pipes="unset pipe_decode; push \"<pipe-entry>cat >got<enter><exit>\""
  # Nothing that has to be encoded on the way: mutt would.
  { printf 'Subject: any\n\nhello\n'; for i in $(seq 500); do echo "line $i"; done; } >mutt.lf
  sed '1,/^$/d' mutt.lf >message.body
  sed 's/$/\r/' mutt.lf >mutt.sent
  helper clear
  try "mutt smtp" mutt_sends
  try "mutt imap" retrieves_lines got script -qec "mutt -F muttrc -f imap://ann@localhost:$imap/INBOX -e '$pipes'" /dev/null
  try "mutt imaps" retrieves_lines got script -qec "mutt -F muttrc -f imaps://ann@localhost:$imaps/INBOX -e '$pipes'" /dev/null
fi

if has fetchmail; then
  with_fetchmail() { # PROTOCOL PORT OPTION…
    printf 'poll localhost protocol %s port %s user ann password secret is nobody here %s\n' "$1" "$2" "${*:3}" >fetchmailrc
    echo " sslcertfile $ca mda \"cat >got\" no rewrite fetchall" >>fetchmailrc
    chmod 600 fetchmailrc
    timeout -k 2 20 fetchmail --fetchmailrc fetchmailrc --invisible --nosyslog --idfile ids --pidfile fetchmail.pid </dev/null
  }
  fetches() { helper clear && helper put && rm -f got && with_fetchmail "$@" && helper same got; }
  try "fetchmail pop3" fetches pop3 "$pop3" "sslproto ''"
  try "fetchmail pop3 STLS" fetches pop3 "$pop3" sslproto TLS1+ sslcertck
  try "fetchmail pop3s" fetches pop3 "$pop3s" ssl sslcertck
  try "fetchmail imap" fetches imap "$imap" "sslproto ''"
  try "fetchmail imaps" fetches imap "$imaps" ssl sslcertck
fi

if has getmail; then
  getmails() { # TYPE PORT OPTION…: what is retrieved is given to a command, as root may not own a maildir, and deleted
    rm -rf getmail got
    mkdir getmail
    {
      printf '[retriever]\ntype = %s\nserver = localhost\nport = %s\nusername = ann\npassword = secret\n' "$1" "$2"
      printf '%s\n' "${@:3}"
      printf '[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat >%s/got")\n' "$work"
      printf 'allow_root_commands = true\n'
      printf '[options]\nverbose = 0\ndelete = true\nreceived = false\ndelivered_to = false\n'
    } >getmail/getmailrc
    helper clear && helper put && run getmail --getmaildir getmail &&
      sed -i '/^X-getmail-retrieved-from-mailbox: /d' got && helper same got
  }
  try "getmail pop3" getmails SimplePOP3Retriever "$pop3"
  try "getmail pop3s" getmails SimplePOP3SSLRetriever "$pop3s" "ca_certs = $ca"
  try "getmail imap" getmails SimpleIMAPRetriever "$imap"
  try "getmail imaps" getmails SimpleIMAPSSLRetriever "$imaps" "ca_certs = $ca"
fi

# Postfix hands mail on to mailproofd, and takes from another mailproofd what that one has for other hosts.
postfix_starts() {
  local i
  export RELAY_SMTP=$smtp RELAY_SUBMISSION=$submission RELAY_LMTP=$lmtp RELAY_CA=$ca
  mkfifo postfix.in
  MAILPROOF_STATE=$work/postfix "$here/../../scenarios/targets/servers/postfix-relay.sh" <postfix.in >postfix.ready 2>postfix.log &
  postfix=$!
  exec 7>postfix.in # it ends when this does
  for i in $(seq 300); do
    [ -s postfix.ready ] && return
    kill -0 "$postfix" 2>/dev/null || break
    sleep 0.1
  done
  cat postfix.log
  return 1
}
relay_starts() { # a second mailproofd, whose smarthost is Postfix
  local of i
  of=$(sed -n 's/.*"submission":"[^"]*:\([0-9]*\)".*/\1/p' postfix.ready)
  "$server" --ports ephemeral --hostname relay.example --domain relay.example --state "$work/relay" --user carol:secret \
    --smarthost "user1:pass@127.0.0.1:$of" --relay-ca "$work/postfix/tls/ca.pem" >relay.ready 2>relay.log </dev/null &
  relay=$!
  for i in $(seq 100); do
    [ -s relay.ready ] && return
    sleep 0.1
  done
  cat relay.log
  return 1
}
# through PORT CA USER:PASSWORD SENDER RECIPIENT [MAILBOX]: submitted there, it arrives in the mailbox (ann's).
through() {
  curl -sS --cacert "$2" --ssl-reqd --user "$3" --mail-from "$4" --mail-rcpt "$5" --upload-file message "smtp://localhost:$1/client.example" &&
    MAILBOX=${6:-ann} helper arrived
}
if [ "$(id -u)" = 0 ] && has curl; then
  postfix= relay=
  try "Postfix starts" postfix_starts
  front=$(sed -n 's/.*"submission":"[^"]*:\([0-9]*\)".*/\1/p' postfix.ready)
  pca=$work/postfix/tls/ca.pem
  try "Postfix relays, STARTTLS" through "$front" "$pca" user1:pass bob@client.example ann@test.example
  try "Postfix relays, LMTP" through "$front" "$pca" user1:pass bob@client.example bob@test.example bob
  try "Postfix relays, STARTTLS AUTH" through "$front" "$pca" user1:pass ann@test.example ann@other.example
  try "a mailproofd with a smarthost starts" relay_starts
  hop=$(sed -n 's/.*"submission":"[^"]*:\([0-9]*\)".*/\1/p' relay.ready)
  try "Postfix as smarthost" through "$hop" "$work/relay/ca.pem" carol:secret carol@relay.example ann@test.example
  exec 7>&-
  for p in "$relay" "$postfix"; do
    if [ -n "$p" ]; then kill "$p" 2>/dev/null && wait "$p" 2>/dev/null; fi
  done
elif [ "$(id -u)" != 0 ]; then
  skipped=$((skipped + 1))
  echo "skipped: Postfix runs in namespaces of its own, for which root is needed"
fi

if ! kill -0 "$pid" 2>/dev/null; then failed=$((failed + 1)) names="$names, mailproofd has ended"; fi
if [ -n "$names" ]; then echo "failed: ${names#, }"; fi
if [ "$skipped" -gt 0 ]; then echo "$skipped programs skipped"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
