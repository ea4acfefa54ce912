#!/usr/bin/env python3
"""make ports-compare: versions, suites and groups of a port as mailproof ports, sslscan and testssl find them. Where they
differ openssl s_client is the witness: it is asked for what is in doubt and for nothing else. Prints rows of a table, and the
number of differences in which the witness is against us as exit code.
Usage: compare.py MAILPROOF NAME PORT=PROTOCOL/MODE…, on 127.0.0.1. Part of compare.sh. SPDX-License-Identifier: MIT"""
import json
import os
import re
import subprocess
import sys
import tempfile

HOST = "127.0.0.1"
VERSIONS = ("SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
GROUPS = {"prime256v1": "secp256r1", "P-256": "secp256r1"}


HEAD = """# Versions, suites and groups of six servers, as three programs find them

Made by `make ports-compare`: Debian 12 packages as `scenarios/targets/servers` sets them up, mailproof ports at depth deep,
sslscan {sslscan}, testssl.sh {testssl} with `-p -E -f`. Where one of them differs from us, what is in doubt is asked of the
server alone by `openssl s_client`, the witness. Suites of a version that a program does not see at all are not told again.
Groups are those of TLS 1.3; testssl.sh tells the curves of 1.2 among them.

Why they differ:

- Dovecot has no file with Diffie-Hellman parameters (as shipped), and a hello that lists DHE before ECDHE kills its handshake
  of TLS 1.2. sslscan then sees no TLS 1.2 at all, and testssl.sh misses the suites that it asks for in such a hello. We ask
  family by family, and tell it as K19.
- OpenSMTPD ends every handshake of anybody behind its ServerHello (S04). We read that; sslscan wants a session, and testssl.sh
  for the suites of 1.2 too. The witness gets no session either, so that it cannot say.
- Courier (GnuTLS) takes DHE only from clients that name a group of RFC 7919, which OpenSSL, and so sslscan and the witness, do
  not below TLS 1.3. A client with GnuTLS gets DHE there, and does not without those groups.
- sslscan sometimes misses ffdhe8192, the slowest group, of a server that is busy; on a quiet machine it has it.

| server | port | what | ours | sslscan | testssl.sh |
| --- | --- | --- | --- | --- | --- |"""


def head():
    said = [run([peer, "--version"], 60) for peer in ("sslscan", "testssl")]
    found = [re.search(pattern, re.sub(r"\x1b\[[0-9;]*m", "", text)) for pattern, text in
             zip((r"(\d+\.\d+\.\d+)", r"testssl(?:\.sh)?\s+(\d\S+)"), said)]
    print(HEAD.format(sslscan=found[0][1] if found[0] else "", testssl=found[1][1] if found[1] else ""))


def run(command, seconds):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          check=False)
    return done.stdout.decode(errors="replace")


def openssl_names():
    """{IANA name: OpenSSL's}"""
    rows = (line.split() for line in run(["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], 20).splitlines())
    return {row[0]: row[2] for row in rows if len(row) > 2}


NAMES = openssl_names()
IANA = {v: k for k, v in NAMES.items()}


def group(name):
    return GROUPS.get(name, name).lower()


def ours(mailproof, port, protocol, mode, folder):
    out = os.path.join(folder, "ours.json")
    run([mailproof, "ports", HOST, "--port", f"{port}={protocol}/{mode}", "--depth", "deep", "--quiet", "--timeout", "20", "--out",
         os.path.join(folder, "out"), "--json", out], 300)
    with open(out, encoding="utf-8") as f:
        found = json.load(f)["ports"][0]
    return (set(found["versions"]), {(v, s) for v in found["suites"] for s in found["suites"][v]},
            {group(g) for g in found["groups"]})


def sslscan(port, protocol, mode):
    start = [] if mode == "implicit" else [f"--starttls-{protocol}"]
    versions, suites, groups = set(), set(), set()
    for line in run(["sslscan", "--no-colour", *start, f"{HOST}:{port}"], 300).splitlines():
        m = re.match(r"(SSL|TLS)v(\S+)\s+enabled", line)
        if m:
            versions.add(f"{m[1]} {m[2]}")
        m = re.match(r"(?:Preferred|Accepted)\s+TLSv(1\.\d)\s+\d+ bits\s+(\S+)", line)
        if m:
            suites.add((f"TLS {m[1]}", IANA.get(m[2], m[2])))
        m = re.match(r"TLSv1\.3\s+\d+ bits\s+(\S+)(?: \(|$)", line)
        if m:
            groups.add(group(m[1]))
    return versions, suites, groups


def testssl(port, protocol, mode, folder):
    out = os.path.join(folder, "testssl.json")
    start = [] if mode == "implicit" else ["--starttls", protocol]
    run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "-n", "none", "--mapping", "iana", "--jsonfile", out, "-p", "-E",
         "-f", *start, f"{HOST}:{port}"], 900)
    versions, suites, groups = set(), set(), set()
    words = {"SSLv2": "SSL 2", "SSLv3": "SSL 3", "TLS1": "TLS 1.0", "TLS1_1": "TLS 1.1", "TLS1_2": "TLS 1.2", "TLS1_3": "TLS 1.3"}
    with open(out, encoding="utf-8") as f:
        for one in json.load(f):
            name, says = one["id"], one["finding"]
            if name in words and says.startswith("offered"):
                versions.add(words[name])
            m = re.match(r"cipher-tls1(?:_(\d))?_x", name)
            if m:
                suites.add((f"TLS 1.{m[1] or 0}", next(w for w in says.split() if w.startswith("TLS_"))))
            if "curves" in name or name == "DH_groups":
                groups.update(group(g) for g in says.split())
    return versions, suites, groups


def s_client(port, protocol, mode, flags):
    start = [] if mode == "implicit" else ["-starttls", protocol]
    return run(["openssl", "s_client", "-connect", f"{HOST}:{port}", *start, "-brief", *flags], 60)


def witness(port, protocol, mode, what):
    """What OpenSSL's own client makes of one version, suite or group alone: True, False, or None where it has no such thing."""
    flags = {"TLS 1.0": ["-tls1"], "TLS 1.1": ["-tls1_1"], "TLS 1.2": ["-tls1_2"], "TLS 1.3": ["-tls1_3"]}
    kind, value = what
    if kind == "version":
        if value not in flags:
            return None
        command = flags[value] + ["-cipher", "ALL:@SECLEVEL=0:!DH" if value == "TLS 1.2" else "ALL:@SECLEVEL=0"]
    elif kind == "suite":
        version, name = value
        if version == "TLS 1.3":
            command = ["-tls1_3", "-ciphersuites", name]
        elif name in NAMES:
            command = flags[version] + ["-cipher", NAMES[name] + ":@SECLEVEL=0"]
        else:
            return None
    else:
        command = ["-tls1_3", "-groups", {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "x25519": "X25519",
                                           "x448": "X448"}.get(value, value)]
    said = s_client(port, protocol, mode, command)
    if "Call to SSL_CONF_cmd" in said or "unknown group" in said.lower() or "Error with command" in said:
        return None
    if kind == "suite" and "_DHE_" in value[1] and "CONNECTION ESTABLISHED" not in said:
        return None  # it names no group of RFC 7919 below TLS 1.3, and GnuTLS wants one
    return "CONNECTION ESTABLISHED" in said


def words_of(things):
    if len(things) > 8:
        return f"{len(things)} of them"
    return ", ".join(sorted(" ".join(t) if isinstance(t, tuple) else t for t in things))


def judge(kind, mine, theirs, has):
    """(words, how often the witness is against us)"""
    against = 0
    said = []
    for sign, things, we_say in (("only ours", mine - theirs, True), ("only theirs", theirs - mine, False)):
        by = {}
        for thing in things:
            by.setdefault(has((kind, thing)), set()).add(thing)
        for seen, some in sorted(by.items(), key=str):
            word = {True: "the witness gets it", False: "the witness does not get it", None: "the witness cannot ask"}[seen]
            right = "" if seen is None else ": ours is right" if seen == we_say else ": OURS IS WRONG"
            against += len(some) if seen is not None and seen != we_say else 0
            said.append(f"{sign} {words_of(some)} ({word}{right})")
    return "; ".join(said) or "the same", against


def main():
    if sys.argv[1] == "head":
        head()
        return 0
    mailproof, name = sys.argv[1:3]
    wrong = 0
    for text in sys.argv[3:]:
        port, protocol, mode = re.match(r"(\d+)=(\w+)/(\w+)$", text).groups()
        with tempfile.TemporaryDirectory() as folder:
            mine = ours(mailproof, port, protocol, mode, folder)
            others = {"sslscan": sslscan(port, protocol, mode), "testssl": testssl(port, protocol, mode, folder)}
        seen = {}
        able = "CONNECTION ESTABLISHED" in s_client(port, protocol, mode, [])  # OpenSMTPD ends every handshake of anybody

        def has(what, port=port, protocol=protocol, mode=mode, seen=seen, able=able):
            if not able:
                return None
            if what not in seen:
                seen[what] = witness(port, protocol, mode, what)
            return seen[what]
        for i, kind in enumerate(("version", "suite", "group")):
            count = words_of(mine[0]) if i == 0 else str(len(mine[i]))
            cells = []
            for peer in ("sslscan", "testssl"):
                theirs = others[peer][i]
                if kind == "suite":  # of a version that a peer does not see it sees no suite: told once, as a version
                    shared = mine[0] & others[peer][0]
                    said, against = judge(kind, {s for s in mine[i] if s[0] in shared}, {s for s in theirs if s[0] in shared}, has)
                else:
                    said, against = judge(kind, mine[i], theirs, has)
                wrong += against
                cells.append(said)
            print(f"| {name} | {port} {protocol}, {mode} | {kind}s | {count} | {cells[0]} | {cells[1]} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
