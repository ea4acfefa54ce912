#!/bin/bash
# make bench, the server's part: mailproofd beside Postfix, smtp-sink and Dovecot (from Debian packages, in jails; needs
# root), all in one run and by turns, ROUNDS times; medians. CPU is the server's, all of its processes, from /proc.
# Durable means: a message is on disk when its 250 goes out, in each of them but smtp-sink. Postfix only takes the mail
# in here (it is held, nothing is delivered); mailproofd puts it into mailboxes.
# Usage: bench.sh MAILPROOFD LOAD SLOW_FLUSH_SO   (ROUNDS=5 SECONDS_EACH=1.5)
# SPDX-License-Identifier: MIT
set -u
mailproofd=$(readlink -f "$1") load=$(readlink -f "$2") slow=$(readlink -f "$3")
rounds=${ROUNDS:-5} each=${SECONDS_EACH:-1.5}
here=$(cd "$(dirname "$0")/../../.." && pwd)
jails=$here/scenarios/targets/servers
dir=$(mktemp -d "${TMPDIR:-/tmp}/mailproof-bench-XXXXXX")
chmod 755 "$dir"
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2> /dev/null; done; wait 2> /dev/null; rm -rf "$dir"' EXIT
users=()
for i in 1 2 3 4 5 6; do users+=(--user "user$i:pass"); done

launch() { # launch NAME COMMAND…: starts it, waits for its line; its process is in $dir/NAME/pid
  local name=$1 i fd
  shift
  mkdir -p "$dir/$name"
  mkfifo "$dir/$name/in"
  exec {fd}<> "$dir/$name/in"
  "$@" < "$dir/$name/in" > "$dir/$name/ready" 2> "$dir/$name/err" &
  pids+=($!)
  echo $! > "$dir/$name/pid"
  for i in $(seq 1 300); do
    [ -s "$dir/$name/ready" ] && return 0
    kill -0 "$(cat "$dir/$name/pid")" 2> /dev/null || break
    sleep 0.1
  done
  echo "$name does not start: $(tail -n 1 "$dir/$name/err")"
  return 1
}
at() { sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$dir/$1/ready"; } # at NAME SERVICE
pid() { cat "$dir/$1/pid"; }

own() { # own NAME [VARIABLE=VALUE]: a mailproofd with its store on disk
  launch "$1" env ${2:+"$2"} "$mailproofd" --ports ephemeral "${users[@]}" --store "$dir/$1/store.db" \
    --state "$dir/$1" --log "$dir/$1/log" --limit smtp_transactions=100000000
}

children() { cat "/proc/$1/task/$1/children"; }
jail() { # jail NAME SCRIPT: the first process of the jail is in $dir/NAME/pid afterwards
  local outer
  mkdir -p "$dir/$1/state"
  launch "$1" env MAILPROOF_STATE="$dir/$1/state" MAILPROOF_PORT_BASE=$((20000 + RANDOM % 8000)) "$jails/$2" || return 1
  for outer in $(children "$(pid "$1")"); do
    [ "$(cat "/proc/$outer/comm")" = unshare ] && children "$outer" | tr -d ' ' > "$dir/$1/pid"
  done
}
inside() { nsenter -t "$(pid "$1")" -m -p -r -w -- "${@:2}"; } # inside NAME COMMAND…
hold() { # Postfix takes mail in as fast as it can, and keeps it
  inside "$1" /usr/sbin/postconf -e 'smtpd_client_restrictions = static:HOLD' 'in_flow_delay = 0' \
    "smtpd_recipient_restrictions =" && inside "$1" /usr/sbin/postfix reload > /dev/null 2>&1
  sleep 1
}

declare -A got
note() { # note KEY NUMBERS…: keeps the numbers of one round
  local key=$1 n=0
  shift
  for v in "$@"; do n=$((n + 1)) got[$key.$n]="${got[$key.$n]:-} $v"; done
}
median() { # median KEY N
  local v
  v=$(tr ' ' '\n' <<< "${got[$1.$2]:-}" | grep . | sort -n)
  [ -n "$v" ] && sed -n "$((($(wc -l <<< "$v") + 1) / 2))p" <<< "$v" || echo -
}
ratio() { LC_ALL=C awk -v a="$1" -v b="$2" 'BEGIN { if (a + 0 > 0 && b + 0 > 0) printf "%.1f", a / b; else printf "-" }'; }

# Before anything of ours runs.
read -r busy _ < /proc/loadavg
awk -v b="$busy" 'BEGIN { if (b > 0.5) print "Others work on this machine (load " b "): read the CPU, not the rates" }'
own mailproofd || exit 1
own mailproofd-slow LD_PRELOAD="$slow" || exit 1
postfix=no dovecot=no sink=no
if [ "$(id -u)" != 0 ]; then
  echo "without root there are no jails: mailproofd alone"
else
  if jail postfix postfix.sh && hold postfix; then postfix=yes; else echo "Postfix left out"; fi
  if [ $postfix = yes ] && jail postfix-slow postfix.sh; then
    cp "$slow" "$dir/postfix-slow/state/slow.so"
    inside postfix-slow /bin/sh -c "echo $dir/postfix-slow/state/slow.so > /etc/ld.so.preload"
    hold postfix-slow
  fi
  if jail dovecot dovecot.sh; then dovecot=yes; else echo "Dovecot left out"; fi
fi
root=${MAILPROOF_SERVERS:-$here/build/servers}/postfix
if [ -x "$root/usr/sbin/smtp-sink" ]; then
  port=$((28100 + RANDOM % 900))
  LD_LIBRARY_PATH=$root/usr/lib/postfix "$root/usr/sbin/smtp-sink" $([ "$(id -u)" = 0 ] && echo -u nobody) -c "127.0.0.1:$port" 1000 > /dev/null 2>&1 &
  pids+=($!)
  mkdir "$dir/sink"
  echo $! > "$dir/sink/pid"
  echo "{\"smtp\":\"127.0.0.1:$port\"}" > "$dir/sink/ready"
  sink=yes
  sleep 0.3
fi

deliver() { # deliver NAME SESSIONS BYTES
  # shellcheck disable=SC2046
  note "$1.$2.$3" $("$load" deliver "$(at "$1" smtp)" "$(pid "$1")" "$2" "$3" "$each" 2>> "$dir/errors")
}
source_to() { # source_to NAME SESSIONS BYTES: smtp-source, without pipelining; messages a second
  local t
  t=$( { TIMEFORMAT=%R; time LD_LIBRARY_PATH=$root/usr/lib/postfix "$root/usr/sbin/smtp-source" -d -s "$2" -l "$3" -m 2000 \
    -f load@client.example -t user1@test.example "$(at "$1" smtp)" > /dev/null 2>> "$dir/errors"; } 2>&1)
  note "source.$1" "$(ratio 2000 "$t")"
}

sizes="4096 65536" counts="1 10 50"
for round in $(seq "$rounds"); do
  for bytes in $sizes; do
    for n in $counts; do
      deliver mailproofd "$n" "$bytes"
      [ $postfix = yes ] && deliver postfix "$n" "$bytes"
      [ $sink = yes ] && deliver sink "$n" "$bytes"
    done
  done
  for n in $counts; do
    deliver mailproofd-slow "$n" 4096
    [ $postfix = yes ] && deliver postfix-slow "$n" 4096
  done
  if [ $sink = yes ]; then
    source_to mailproofd 50 4096
    [ $postfix = yes ] && source_to postfix 50 4096
    source_to sink 50 4096
  fi
done

table() { # table TITLE OURS THEIRS SINK SIZES
  printf '\n%s\n%-19s %25s %25s %17s %22s\n' "$1" "" "mailproofd" "Postfix" "ratio: rate  CPU" "smtp-sink, no disk"
  for bytes in $5; do
    for n in $counts; do
      local a=$2.$n.$bytes b=$3.$n.$bytes c=$4.$n.$bytes
      printf '%2d sessions, %2d KiB  %9s /s %7s us CPU %9s /s %7s us CPU %11s %5s %10s /s %s us\n' "$n" $((bytes / 1024)) \
        "$(median "$a" 1)" "$(median "$a" 2)" "$(median "$b" 1)" "$(median "$b" 2)" \
        "$(ratio "$(median "$a" 1)" "$(median "$b" 1)")" "$(ratio "$(median "$b" 2)" "$(median "$a" 2)")" "$(median "$c" 1)" "$(median "$c" 2)"
    done
  done
}
table "Durable accepts (goal at 50 sessions of 4 KiB: 8 times Postfix, 60 us or less)" mailproofd postfix sink "$sizes"
table "The same, each flush 5 ms slower" mailproofd-slow postfix-slow none 4096
[ $sink = yes ] && printf '\nsmtp-source, 50 sessions of 4 KiB, a connection for all: mailproofd %s /s, Postfix %s /s, smtp-sink %s /s\n' \
  "$(median source.mailproofd 1)" "$(median source.postfix 1)" "$(median source.sink 1)"

# POP3: 200 messages of 16 KiB each, read again and again by six users at once.
own reader || exit 1
fill() { "$load" deliver "$(at "$1" "$2")" "$(pid "$1")" 6 16384 "$3" ${4:-} > /dev/null 2>> "$dir/errors"; }
fill reader lmtp 1 lmtp
[ $dovecot = yes ] && fill dovecot lmtp 2 lmtp
for round in $(seq "$rounds"); do
  for s in reader dovecot; do
    [ $s = dovecot ] && [ $dovecot = no ] && continue
    # shellcheck disable=SC2046
    note "retr.$s" $("$load" retrieve "$(at $s pop3)" "$(pid $s)" 6 "$each" 2>> "$dir/errors")
  done
done
printf '\nPOP3 RETR, 6 sessions of 16 KiB: mailproofd %s /s, %s MB/s, %s us CPU; Dovecot %s /s, %s MB/s, %s us CPU; ratio %s\n' \
  "$(median retr.reader 1)" "$(median retr.reader 2)" "$(median retr.reader 3)" "$(median retr.dovecot 1)" \
  "$(median retr.dovecot 2)" "$(median retr.dovecot 3)" "$(ratio "$(median retr.reader 1)" "$(median retr.dovecot 1)")"

# Memory of idle sessions, in servers that have done nothing else.
for kind in imap imaps; do
  own "idle-$kind" && note "idle.mailproofd.$kind" \
    "$("$load" idle "$(at "idle-$kind" $kind)" "$(pid "idle-$kind")" 500 $([ $kind = imaps ] && echo tls) 2>> "$dir/errors")"
  [ $dovecot = yes ] && note "idle.dovecot.$kind" \
    "$("$load" idle "$(at dovecot $kind)" "$(pid dovecot)" 60 $([ $kind = imaps ] && echo tls) 2>> "$dir/errors")"
done
printf '\nIdle IMAP session (goals 8 and 24 KB): plain %s KB, TLS %s KB; Dovecot %s and %s KB\n' \
  "$(median idle.mailproofd.imap 1)" "$(median idle.mailproofd.imaps 1)" "$(median idle.dovecot.imap 1)" \
  "$(median idle.dovecot.imaps 1)"
mkdir "$dir/kept" # certificates are made at the first start, and kept
printf 'Start with all ports (goal 10 ms): %s; at the first start, with new certificates, %s\n' \
  "$("$load" start 21 "$mailproofd" --ports ephemeral --user ann:pass --state "$dir/kept")" \
  "$("$load" start 21 "$mailproofd" --ports ephemeral --user ann:pass)"
if [ -s "$dir/errors" ]; then sort "$dir/errors" | uniq -c | head -n 20; fi
