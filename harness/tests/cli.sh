#!/bin/bash
# The command line of mailproof, as a user and a script see it: exit codes, one clear sentence, within a time.
# usage: cli.sh MAILPROOF ODD_SERVER. Last line: "N passed, N failed".
# SPDX-License-Identifier: MIT
set -u
mailproof=$(readlink -f "$1") odd=$(readlink -f "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
passed=0 failed=0 children=()
cleanup() {
  local pid
  for pid in "${children[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
unset MAILPROOF_HOME NO_COLOR

good() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "FAIL $1"
  sed 's/^/     /' "$work/said" | head -n 20
}

# expect NAME CODE SECONDS PATTERN ARGUMENTS…: runs mailproof; wants this exit code and a line that matches, in time.
expect() {
  local name=$1 code=$2 seconds=$3 pattern=$4 got
  shift 4
  timeout -k 2 "$seconds" "$mailproof" "$@" >"$work/said" 2>&1 </dev/null
  got=$?
  if [ "$got" != "$code" ]; then
    bad "$name: exit code $got, expected $code"
  elif ! grep -qE -- "$pattern" "$work/said"; then
    bad "$name: nothing it said matches: $pattern"
  else
    good
  fi
}

one_line() { # the output of the last command is one line
  if [ "$(wc -l <"$work/said")" = 1 ]; then good; else bad "$1: said more than one line"; fi
}

# A server runs until its stdin closes: each gets a fifo that this shell holds open.
serve() {
  mkfifo "$work/in.$1" "$work/port.$1"
  "$odd" "$1" <"$work/in.$1" >"$work/port.$1" &
  children+=("$!")
  eval "exec {hold_$1}>'$work/in.$1'"
  read -r port <"$work/port.$1"
}

# --- words ----------------------------------------------------------------------------------------
expect "no command is a usage error" 2 5 '^usage: mailproof'
expect "--version says it" 0 5 '^mailproof [0-9]+\.[0-9]+' --version
expect "--help lists the commands" 0 5 '^  mutants ' --help
expect "a letter takes its value apart" 2 5 "^mailproof run: -j takes a value, apart from it: -j 4" run -j4
for command in run list explain report mutants; do
  expect "$command has a --help" 0 5 "^usage: mailproof $command" $command --help
done
expect "an unknown command gets the nearest" 2 5 'unknown command rnu; did you mean run\?' rnu
expect "an unknown flag gets the nearest" 2 5 'unknown flag --targte; did you mean --target\?' run --targte x
one_line "an unknown flag"
expect "a flag without its value" 2 5 'needs a value' run --target
expect "a number that is none" 2 5 '"many" is no number' run --jobs many
expect "a shard past the end" 2 5 'I from 1 to N' run --shard 3/2
expect "an unknown level" 2 5 'did you mean "MUST"' run --level MUTS
expect "an unknown format gets the nearest" 2 5 'no format juint; did you mean junit\?' run --format juint
expect "a target file that is not there" 2 5 'No such file' run --target nowhere/x.lua
expect "a target name that is none" 2 5 'neither a URL' run --target nosuchtarget
expect "a URL with an unknown scheme" 2 5 'unknown service "imapx"; did you mean "imap"' run --target imapx://localhost
expect "--fault is for mailproofd" 2 5 'fault is for mailproofd' run --target smtp://127.0.0.1:1 --fault x

# --- the catalogue --------------------------------------------------------------------------------
expect "list" 0 5 '^smtp/rfc5321/4.1.1.4/bare-lf-dot	MUST NOT	' list
expect "list with a glob" 0 5 '^pop3/' list 'pop3/**'
if grep -qv '^pop3/' "$work/said"; then bad "list with a glob: other protocols too"; else good; fi
expect "an id that is none gets the nearest" 5 5 'did you mean "smtp/rfc5321/4.1.1.4/bare-lf-dot"' \
  list smtp/rfc5321/4.1.1.4/bare-lf-dt
expect "coverage as a table" 0 5 '^5321 +MUST ' list --coverage
expect "coverage as JSON" 0 5 '"not_yet"' list --coverage --format json
expect "explain a scenario" 0 5 '^Why:' explain smtp/rfc5321/4.1.1.4/bare-lf-dot
expect "explain a requirement" 0 5 'smtp/rfc5321/4.1.1.4/bare-lf-dot' explain rfc5321-4.1.1.4-5
expect "explain what is not there" 2 5 'did you mean rfc5321-4.1.1.4-5' explain rfc5321-4.1.1.4-5x
expect "a dry run contacts nobody" 0 5 '^run +smtp/' run --dry-run --target smtp://192.0.2.1 --user a:b --allow-destructive 'smtp/**'
expect "run --list" 0 5 '^smtp/rfc5321/4.1.1.4/bare-lf-dot' run --list smtp/rfc5321

# Shards are disjoint and together everything.
"$mailproof" run --list 'smtp/**' | sort >all
for i in 1 2 3; do "$mailproof" run --list --shard $i/3 'smtp/**'; done | sort >parts
if cmp -s all parts; then good; else bad "three shards are not the whole"; fi

# --- scenario files with mistakes -----------------------------------------------------------------
home=$work/home
mkdir -p "$home/harness" "$home/scenarios/smtp/rfc5321"
cp -R "$root/harness/lua" "$home/harness/"
cp -R "$root/scenarios/requirements" "$root/scenarios/targets" "$home/scenarios/"
cp -R "$root/reports" "$home/"
file=$home/scenarios/smtp/rfc5321/4.1.1.4-data.lua
right=(
  'scenario {'
  '  name = "one",'
  '  title = "a title",'
  '  proves = "rfc5321-4.1.1.4-5",'
  '  says = [[what]],'
  '  why = [[why]],'
  '  catches = "smtp-lf-ends-data",'
  '  run = function(t) t:pass "fine" end,'
  '}'
)
mistake() { # mistake NAME LINE TEXT PATTERN: line LINE of the file becomes TEXT (empty: is left out)
  printf '%s\n' "${right[@]}" | awk -v n="$2" -v t="$3" 'NR == n { if (t != "") print t; next } { print }' >"$file"
  MAILPROOF_HOME=$home expect "$1" 2 5 "$4" list
  one_line "$1"
}
printf '%s\n' "${right[@]}" >"$file"
MAILPROOF_HOME=$home expect "a scenario without mistakes" 0 5 '^smtp/rfc5321/4.1.1.4/one' list
mistake "a misspelt field" 3 '  titel = "a title",' '^scenarios/smtp/rfc5321/4.1.1.4-data.lua:3: unknown field "titel"; did you mean "title"\?$'
mistake "a missing field" 6 '' 'data.lua:1: the field "why" is missing$'
mistake "an unknown requirement" 4 '  proves = "rfc5321-4.1.1.4-55",' 'data.lua:4: unknown requirement "rfc5321-4.1.1.4-55"; did you mean "rfc5321-4.1.1.4-5"\?$'
mistake "an unknown service" 7 '  services = { "smpt" },' 'data.lua:7: unknown service "smpt"; did you mean "smtp"\?$'
mistake "a wrong type" 3 '  title = 7,' 'data.lua:3: "title" is a string, got number$'
mistake "a level above the catalogue" 4 '  proves = "rfc5321-4.1.1.2-17", level = "MUSTT",' 'data.lua:4: '
mistake "a syntax error" 8 '  run = function(t) t:pass( end,' 'data.lua:8: '
mistake "a misspelt function" 1 'scenaro {' 'data.lua:1: unknown name "scenaro"; did you mean "scenario"\?$'
printf '%s\n' "${right[@]}" "${right[@]}" >"$file"
MAILPROOF_HOME=$home expect "an id that stands twice" 2 5 'data.lua:11: the id smtp/rfc5321/4.1.1.4/one is taken by scenarios/smtp/rfc5321/4.1.1.4-data.lua:1' list
printf '%s\n' "${right[@]}" >"$file"

# --- targets that are not there, or odd -----------------------------------------------------------
smtp=smtp/rfc5321/4.1.1.4/bare-lf-dot pop3=pop3/rfc1939
expect "an unreachable target" 4 15 'cannot reach smtp at 127.0.0.1:1: connection refused' \
  run --target smtp://127.0.0.1:1 --user a@b.example:c "$smtp"
one_line "an unreachable target"
expect "a host that does not exist" 4 30 'cannot reach smtp at nowhere.invalid:25' \
  run --target smtp://nowhere.invalid --user a@b.example:c "$smtp"
serve close
expect "a server that closes at once" 4 15 "smtp at 127.0.0.1:$port" \
  run --target "smtp://127.0.0.1:$port" --user a@b.example:c "$smtp"
one_line "a server that closes at once"
serve nonsense
expect "a server that talks nonsense" 4 15 "smtp at 127.0.0.1:$port: .*no SMTP reply" \
  run --target "smtp://127.0.0.1:$port" --user a@b.example:c "$smtp"
one_line "a server that talks nonsense"
serve 550
expect "a server that takes no mail for the account" 4 15 'refuses mail for ann@b.example: "550 so" \(--domain names' \
  run --target "smtp://127.0.0.1:$port" --user ann:c --domain b.example "$smtp"
one_line "a server that takes no mail for the account"
expect "--no-probe runs all the same" 1 15 '^FAIL +smtp/' \
  run --no-probe --target "smtp://127.0.0.1:$port" --user ann:c --domain b.example "$smtp"
rm -rf out
serve 450
expect "a server that puts mail off" 4 15 'puts off mail for ann@b.example: "450 so" \(greylisting' \
  run --target "lmtp://127.0.0.1:$port" --user ann@b.example:c 'smtp/rfc2033/**'
serve 530
expect "submission by another name" 4 15 '"530 so" \(a port that wants a login is submission://' \
  run --target "smtp://127.0.0.1:$port" --user ann:c "$smtp"
serve silent
expect "a server that never answers" 4 15 "smtp at 127.0.0.1:$port: .*within .*is it submissions://" \
  run --timeout-scale 0.2 --target "smtp://127.0.0.1:$port" --user a@b.example:c "$smtp"
one_line "a server that never answers"
serve flood
expect "a server that floods" 4 30 "smtp at 127.0.0.1:$port" \
  run --timeout-scale 0.2 --target "smtp://127.0.0.1:$port" --user a@b.example:c "$smtp"
one_line "a server that floods"
serve login
expect "a wrong password" 4 15 'login as "ann" refused by pop3 at 127.0.0.1:[0-9]+: -ERR' \
  run --target "pop3://127.0.0.1:$port" --user ann:wrong "$pop3"
one_line "a wrong password"
serve slow
expect "a server that stops in the middle" 4 15 "pop3 at 127.0.0.1:$port" \
  run --timeout-scale 0.2 --target "pop3://127.0.0.1:$port" --user ann:x "$pop3"
if [ -e out ]; then bad "a run that never began left a folder"; else good; fi
expect "nothing to run is not success" 5 15 'the target has no imap' run --target smtp://127.0.0.1:1 'imap/**'

# A target file whose program does not work.
target() { printf 'return { name = "t", domain = "test.example", throwaway = true, %s }\n' "$1" >target.lua; }
target 'start = { "./no-such-program" }'
expect "a start command that is not there" 4 10 'cannot start ./no-such-program: No such file' run --target ./target.lua "$smtp"
target 'start = { "sh", "-c", "echo no space left on the moon >&2; exit 3" }'
expect "a program that ends at once" 4 10 'exit code 3: no space left on the moon' run --target ./target.lua "$smtp"
one_line "a program that ends at once"
target 'start = { "sh", "-c", "sleep 60" }, ready_seconds = 0.3'
expect "a program that never gets ready" 4 10 'did not say that it is ready within 0.3 s' run --target ./target.lua "$smtp"
target 'start = { "sh", "-c", "echo hello; sleep 60" }'
expect "a program that says something else" 4 10 'expected a line like .*got: hello' run --target ./target.lua "$smtp"
target 'sart = { "true" }'
expect "a typo in a target file" 2 5 'unknown field "sart"; did you mean "start"\?' run --target ./target.lua
target 'services = { smtp = "127.0.0.1:1" }'
printf 'smtp/rfc5321/4.1.1.4/bare-lf-dot\tfail\t\n' >baseline
expect "a baseline line without a reason" 2 5 'baseline:1: smtp/rfc5321/4.1.1.4/bare-lf-dot has no reason' \
  run --target ./target.lua --baseline baseline
printf '# a comment\nsmtp/rfc5321/4.1.1.4/bare-lf-dt\tfail\tbecause\n' >baseline
expect "a baseline line for no scenario" 2 5 'baseline:2: there is no scenario .* did you mean "smtp/rfc5321/4.1.1.4/bare-lf-dot"' \
  run --target ./target.lua --baseline baseline

# --- runs of scenarios made for it, which need no server -------------------------------------------
scenarios() { printf '%s\n' "$@" >"$file"; }
made() { # made NAME EXTRA RUN: a scenario of its own
  printf 'scenario { name = "%s", title = "t", proves = "rfc5321-4.1.1.4-5", says = "s", why = "w", users = 0, %s run = function(t) %s end }\n' "$1" "$2" "$3"
}
scenarios "$(made passes '' 't:check(true, "fine")')" "$(made fails '' 't:check(false, "this is wrong")')" \
  "$(made skips '' 't:skip("not today")')" "$(made weak 'level = "SHOULD",' 't:check(false, "could be better")')" \
  "$(made breaks '' 'local x = nil; x.y = 1')" "$(made hangs 'timeout = 0.3,' 'while true do end')" \
  "$(made dies '' 'os.execute("kill -SEGV $PPID")')"
export MAILPROOF_HOME=$home
cat >fake.lua <<LUA
return { name = "fake", services = { smtp = "127.0.0.1:1" }, throwaway = true }
LUA
run() { # run NAME CODE PATTERN ARGUMENTS…: without the probe of a server
  local name=$1 code=$2 pattern=$3
  shift 3
  expect "$name" "$code" 30 "$pattern" run --no-probe --target ./fake.lua --no-reports --evidence none "$@"
}
id=smtp/rfc5321/4.1.1.4
run "one that passes" 0 '^1 passed, 0 failed in' $id/passes
run "one that fails" 1 '^      this is wrong      \(scenarios/smtp/rfc5321/4.1.1.4-data.lua:2\)' $id/fails
run "--rerun-failed runs what failed" 1 '^0 passed, 1 failed in' --rerun-failed
run "one that is skipped is nothing run" 5 'not today' $id/skips
run "a missed SHOULD warns" 0 '1 weak' $id/weak
run "a missed SHOULD fails with --strict" 1 '1 weak' --strict $id/weak
run "a Lua error is our own trouble" 3 'data.lua:5' $id/breaks
run "one that hangs is ended" 1 'not over after 0.3 s' $id/hangs
run "one that crashes costs only itself" 3 '1 passed, 0 failed, 1 in error' $id/dies $id/passes
run "several rounds" 1 '^3 passed, 3 failed in' --repeat 3 $id/passes $id/fails
run "the first failure stops it" 1 'stopped: at the first failure' --fail-fast --jobs 1 $id/fails $id/passes
run "a deadline ends everything" 124 'stopped: the deadline is over' --deadline 0.3 --timeout-scale 20 $id/hangs
printf '%s\tfail\tknown since 1982\n' $id/fails >baseline
run "an expected failure" 0 '1 failed .1 expected by the baseline' --baseline baseline $id/fails $id/passes
printf '%s\tfail\tknown since 1982\n' $id/passes >baseline
run "a stale baseline" 1 "^STALE $id/passes: baseline lists it, and it is pass now" --baseline baseline $id/passes

# Interrupted: 130, and the record is whole lines.
"$mailproof" run --no-probe --target ./fake.lua --out stopped --timeout-scale 50 --evidence none $id/hangs $id/passes >"$work/said" 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
  sleep 0.1
  grep -q '"pass"' stopped/run.jsonl 2>/dev/null && break
done
kill -INT $pid
wait $pid
code=$?
if [ $code = 130 ] && grep -q '"ev":"run.end".*"exit":130' stopped/run.jsonl; then good; else bad "interrupted: exit code $code"; fi
for f in summary.json junit.xml report.html; do
  if [ -s stopped/$f ]; then good; else bad "interrupted: no $f"; fi
done

# A target that is gone in the middle.
cat >dies.lua <<'LUA'
return { throwaway = true, start = { "sh", "-c",
  [[echo '{"ready":true,"services":{"smtp":"127.0.0.1:1"}}'; sleep 0.3; echo boom >&2; exit 9]] } }
LUA
expect "a target that is gone in the middle" 4 10 'gone in the middle of the run: sh ended with exit code 9: boom' \
  run --no-probe --target ./dies.lua --no-reports --evidence none --timeout-scale 20 $id/hangs
if grep -q boom out/latest/target.log; then good; else bad "what the target said on stderr is not kept"; fi

run "a capture of a kind that there is not" 2 'made .* or wire' --capture wires $id/passes
if [ "$(id -u)" = 0 ]; then
  run "a capture of the wire" 0 'wire.pcap holds 0 packets' --capture wire --out wire $id/passes
else
  run "a capture of the wire without the privilege" 3 'capture wire: ' --capture wire --out wire $id/passes
fi

# A full disk: /dev/full takes nothing.
mkdir full && ln -s /dev/full full/run.jsonl
run "a full disk is said" 3 'full/run.jsonl: No space left on device' --out full $id/passes

# Passwords stay out of the record.
run "a run with an account" 0 'passed' --user ann:sesame --out secret $id/passes
if grep -rq sesame secret; then bad "a password is in the record"; else good; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
