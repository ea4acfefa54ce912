#!/bin/bash
# Versions, suites and groups of a port as mailproof ports, sslscan and testssl find them, side by side.
# Usage: compare.sh MAILPROOF PROTOCOL HOST:PORT   (PROTOCOL: smtp, imap, pop3; TLS begins with STARTTLS)
# Prints what differs; the last line: "N the same, N differ". SPDX-License-Identifier: MIT
set -u
mailproof=$1 protocol=$2 where=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
host=${where%:*} port=${where##*:}

"$mailproof" ports "$host" --port "$port=$protocol/starttls" --budget 1000 --quiet --out "$tmp/out" --json "$tmp/ours.json" > /dev/null
sslscan --no-colour "--starttls-$protocol" "$where" > "$tmp/sslscan" 2> /dev/null
timeout 300 testssl --quiet --color 0 --warnings off --mapping iana --jsonfile "$tmp/testssl.json" -p -E --starttls "$protocol" "$where" > "$tmp/testssl" 2>&1

openssl ciphers -V -stdname ALL:COMPLEMENTOFALL:@SECLEVEL=0 > "$tmp/names"

python3 - "$tmp" << 'X'
import json, re, sys
tmp = sys.argv[1]
p = json.load(open(tmp + "/ours.json"))["ports"][0]
ours = {(v, s) for v in p["suites"] for s in p["suites"][v]}
groups = set(p["groups"])
names = {}
for line in open(tmp + "/names"):
    f = line.split()
    names[f[4]] = f[2]
scan, scan_groups = set(), set()
for line in open(tmp + "/sslscan"):
    m = re.match(r"(?:Preferred|Accepted)\s+TLSv(1\.\d)\s+\d+ bits\s+(\S+)", line)
    if m:
        scan.add(("TLS " + m[1], names.get(m[2], m[2])))
    m = re.match(r"TLSv1\.3\s+\d+ bits\s+(\S+)(?: \(|$)", line)
    if m:
        scan_groups.add(m[1])
test, version = set(), None
for line in open(tmp + "/testssl"):
    m = re.match(r"\s*TLS ?(?:v)?(1(?:\.\d)?)\s", line)
    if m:
        version = "TLS " + (m[1] if "." in m[1] else "1.0")
    m = re.search(r"\b(TLS_[A-Za-z0-9_]+)\b", line)
    if m and version and re.match(r"\s*x[0-9a-f]{2,6}\s", line):
        test.add((version, m[1]))
same = differ = 0
for name, other in (("sslscan", scan), ("testssl", test)):
    for v in ("TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"):
        a, b = {s for w, s in ours if w == v}, {s for w, s in other if w == v}
        if a == b:
            same += 1
        else:
            differ += 1
            print(f"{v}: ours {len(a)}, {name} {len(b)}; only ours {sorted(a - b)}; only {name} {sorted(b - a)}")
if scan_groups and scan_groups != groups:
    differ += 1
    print(f"groups of TLS 1.3: only ours {sorted(groups - scan_groups)}, only sslscan {sorted(scan_groups - groups)}")
else:
    same += 1
print(f"{same} the same, {differ} differ")
X
