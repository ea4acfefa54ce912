#!/bin/bash
# make ports-compare: what mailproof ports, sslscan and testssl find on real servers, STARTTLS and implicit TLS, as
# reports/ports-compare.md has it. A quarter of an hour, most of it testssl's; needs root and make deps-peers.
# Usage: compare.sh MAILPROOF TABLE.md; exit code 1: a difference in which OpenSSL's client is against us.
# SPDX-License-Identifier: MIT
set -u
here=$(dirname "$(readlink -f "$0")")
mailproof=$(readlink -f "$1") table=$2 failed=0 running=0
tmp=$(mktemp -d /tmp/mailproof-XXXXXX)
chmod 755 "$tmp" # servers give up root
trap 'rm -rf "$tmp"' EXIT
for peer in sslscan testssl; do
  command -v $peer > /dev/null || { echo "$peer is not installed: make deps-peers"; exit 1; }
done

servers="dovecot:143=imap/starttls:993=imap/implicit postfix:25=smtp/starttls:465=smtp/implicit
  exim:25=smtp/starttls:465=smtp/implicit opensmtpd:25=smtp/starttls courier:143=imap/starttls:993=imap/implicit
  cyrus:143=imap/starttls:993=imap/implicit"
for server in $servers; do
  IFS=: read -r name ports <<< "$server"
  mkdir -p "$tmp/$name/state"
  [ "$running" -lt "${JOBS:-2}" ] || { wait -n; running=$((running - 1)); }
  {
    # shellcheck disable=SC2086
    unshare -n "$here/servers.sh" inside "$name" "$tmp/$name" "$here/compare.py" "$mailproof" "$name" ${ports//:/ } \
      > "$tmp/$name/rows" 2> "$tmp/$name/err"
    echo $? > "$tmp/$name/code"
  } &
  running=$((running + 1))
done
wait
{
  "$here/compare.py" head
  for server in $servers; do
    name=${server%%:*}
    grep '^|' "$tmp/$name/rows"
    [ "$(cat "$tmp/$name/code")" = 0 ] || { failed=1; echo "$name: $(tail -n 3 "$tmp/$name/err") $(grep WRONG "$tmp/$name/rows")" >&2; }
  done
} > "$table"
exit $failed
