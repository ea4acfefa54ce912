#!/usr/bin/env python3
"""make ports-proof: mailproof ports against mailproofd, clean and with each defect of defects.tsv. A check has to fail on
its defect, no other may, and the clean server passes all. Every fault that mailproofd calls one of "ports" has to be
among the defects. Usage: proof.py MAILPROOF MAILPROOFD [-t TABLE.md] [-l] [DEFECT…]: with TABLE what testssl, sslscan and
nmap see stands beside ours (a quarter of an hour of one processor); -l prints what is seen as lines for defects.tsv. Last line: "N passed, N failed".
SPDX-License-Identifier: MIT"""
import argparse
import concurrent.futures
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import peers

HERE = os.path.dirname(os.path.abspath(__file__))
WANT = {"smtp": "mx/starttls", "submission": "smtp/starttls", "submissions": "smtp/implicit", "imap": "imap/starttls",
        "imaps": "imap/implicit", "pop3": "pop3/starttls", "pop3s": "pop3/implicit"}
BAD = ("fail", "weak")
HEAD = """# Defects of mailproofd, and who sees them

Made by `make ports-proof TABLE=reports/ports-proof.md`. Each row is one run of mailproofd with the fault switched on; all
checks that are not named kept the verdict that they have of the clean server, which fails none. `*`: a note, for the check
judges nothing. "not asked any more": checks that build on what the defect takes away.

For the peers, each asked alone about one port: the first line that they print of the defect and not of the clean server,
which has a key of the same kind. "nothing": the output is the same. "not meant to": the peer has no test of this kind, so
that its silence is no fault of it. testssl is asked the sections that could see it, which stand before the colon (its manual
has them), sslscan everything, nmap its scripts of TLS. "forged" defects are a ServerHello and no session: a peer that goes on
with the handshake cannot see them, and need not.

| defect | what is wrong | mailproof ports | testssl | sslscan | nmap |
| --- | --- | --- | --- | --- | --- |
"""
# Checks that judge nothing: what they tell is compared.
FIRST, SECOND = "127.0.0.1", "127.0.0.3"
TOLD = ("H17", "J17", "O01", "O02", "P06", "X07")


class Defect:
    def __init__(self, line):
        name, ports, options, checks = line.rstrip("\n").split("\t")[:4]
        self.name, self.faults = name, name.split("+")
        self.ports, self.options = ports.split(","), [o for o in options.split(",") if o != "-"]
        self.checks = checks.split()


def defects():
    with open(os.path.join(HERE, "defects.tsv"), encoding="utf-8") as f:
        return [Defect(line) for line in f if line.strip() and not line.startswith("#")]


class Server:
    """mailproofd with these faults, for as long as the block lasts."""

    def __init__(self, daemon, faults, options, extra=()):
        self.options = options
        flags = [daemon, "--ports", "ephemeral", "--user", "ann:secret", "--domain", "test.example", "--exit-with-stdin",
                 "--plaintext-login", "yes" if "plaintext" in options else "no", *extra]
        for fault in faults:
            flags += ["--fault", fault]
        if "two" in options:
            port = free_port()
            flags += ["--listen", f"imaps={FIRST}:{port}", "--listen", f"imaps={SECOND}:{port}"]
        self.process = subprocess.Popen(flags, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("mailproofd did not start: " + self.process.stderr.read().decode(errors="replace"))
        ready = json.loads(line)
        self.ca = ready["ca"]
        self.ports = {name: int(where.rsplit(":", 1)[1]) for name, where in ready["services"].items()}
        if "rsa" in self.options:  # the first handshake makes the key, and takes its time
            context = ssl.create_default_context(cafile=self.ca)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", self.ports["imaps"])) as raw, context.wrap_socket(raw):
                pass
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def look(mailproof, server, services, options, folder):
    """{(service or "host", check): (verdict, words)}"""
    depth = next((o[6:] for o in options if o.startswith("depth=")), "normal")
    out = os.path.join(folder, "ports.json")
    command = [mailproof, "ports", "mail.test.example" if "two" in options else FIRST, "--ca", server.ca,
               "--user", "ann:secret", "--recipient", "ann@test.example", "--depth", depth, "--budget", "400",
               "--out", folder, "--json", out, "--quiet"]
    if "two" in options:  # a name of two addresses, in a namespace with a file of hosts of its own
        hosts = os.path.join(folder, "hosts")
        with open(hosts, "w", encoding="utf-8") as f:
            f.write(f"{FIRST} localhost mail.test.example\n{SECOND} mail.test.example\n")
        command = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts] + command
    else:
        command += ["--name", "mail.test.example"]
    for service in services:
        command += ["--port", f"{server.ports[service]}={WANT[service]}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    if not os.path.exists(out):
        raise RuntimeError("mailproof ports: " + done.stdout.decode(errors="replace")[-400:])
    with open(out, encoding="utf-8") as f:
        found = json.load(f)
    names = {server.ports[s]: s for s in services}
    return {(names.get(c["port"], "host"), c["check"]): (c["verdict"], c["why"]) for c in found["checks"]}


def changed(clean, now):
    """What is bad now and was not; and what cannot be asked any more."""
    bad, lost = {}, []
    for key, (verdict, why) in now.items():
        before, words = clean.get(key, ("none", ""))
        if verdict in BAD and before not in BAD:
            bad[key] = why
        elif verdict == "noted" and before == "pass":
            bad[(key[0], key[1] + "*")] = why
        elif verdict not in BAD + ("pass", "noted") and before == "pass":
            lost.append(key[1])
        elif verdict == "noted" and before == "noted" and why != words and key[1] in TOLD:
            bad[(key[0], key[1] + "*")] = why
    return bad, sorted(set(lost))


def expected(defect, clean):
    want = set()
    for token in defect.checks:
        check, _, service = token.partition("@")
        plain = check.rstrip("*?")
        for key, (verdict, _) in clean.items():
            if key[1] == plain and (service in ("", key[0])) and (service or verdict in ("pass", "noted")):
                want.add((key[0], check))
    return want


def words_of(keys):
    return " ".join(sorted(f"{c}@{s}" for s, c in keys)) or "none"


def examine(args, defect, faults):
    began = time.monotonic()
    folder = tempfile.mkdtemp(dir=args.tmp)
    with Server(args.daemon, faults, defect.options) as server:
        seen = look(args.mailproof, server, defect.ports, defect.options, folder)
    shutil.rmtree(folder, ignore_errors=True)
    return seen, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mailproof")
    parser.add_argument("daemon")
    parser.add_argument("-t", "--table")
    parser.add_argument("-p", "--peer-jobs", type=int, default=1, help="so many peers at a time")
    parser.add_argument("-l", "--lines", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=10)
    parser.add_argument("only", nargs="*")
    args = parser.parse_intermixed_args()
    args.tmp = tempfile.mkdtemp(prefix="ports-proof-")
    try:
        return prove(args)
    finally:
        shutil.rmtree(args.tmp, ignore_errors=True)


def verdict(args, defect, clean, result):
    """Whether exactly the checks fail that have to, else with what differs."""
    try:
        now, _ = result()
    except (RuntimeError, subprocess.TimeoutExpired) as e:
        return False, f"{defect.name}: {e}"
    bad, lost = changed(clean, now)
    want = expected(defect, clean)
    for key in [k for k in want if k[1].endswith("?")]:  # a race that the defect may win
        want.remove(key)
        if (key[0], key[1][:-1]) in bad:
            want.add((key[0], key[1][:-1]))
    if args.lines:
        print(f"{defect.name}\t{words_of(bad)}\tlost {' '.join(lost)}")
        for key, why in sorted(bad.items()):
            print(f"    {key[1]}@{key[0]}: {why}")
    defect.bad, defect.lost = bad, lost
    if not want:
        return False, f"{defect.name}: it names no check that applies; seen {words_of(bad)}"
    return set(bad) == want, f"{defect.name}: missing {words_of(want - set(bad))}; besides {words_of(set(bad) - want)}"


def rsa_identity(folder):
    """A certificate with a key of the kind that defects with the option rsa have: for the clean server beside them."""
    cert, key = os.path.join(folder, "rsa.pem"), os.path.join(folder, "rsa.key")
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", "-subj",
                        "/CN=mail.test.example", "-addext", "subjectAltName=DNS:mail.test.example", "-keyout", key,
                        "-out", cert], stderr=subprocess.DEVNULL, check=True)
    return ["--tls-cert", cert, "--tls-key", key]


def checks_of(defect):
    return sorted({token.partition("@")[0].rstrip("*?") for token in defect.checks})


def ask_peer(args, peer, faults, service, checks, extra):
    with Server(args.daemon, faults, [], extra) as server:
        return peers.output(peer, server, service, checks)


def peer_cell(peer, defect, clean, now):
    said = " ".join(peers.sections(checks_of(defect))) + ": " if peer == "testssl" else ""
    for lines, why in (now, clean):
        if lines is None:
            return said + why
    seen = peers.difference(clean[0], now[0], "rsa" in defect.options)
    return said + ("nothing" if seen is None else "`" + seen[:60].replace("|", "/").replace("`", "'").strip() + "`")


def write_table(args, chosen, says):
    def service_of(defect):
        return next((s for s in ("imaps", "submissions", "pop3s") if s in defect.ports), defect.ports[0])

    def kind(defect, peer):
        """What decides how the clean server looks to this peer."""
        sections = tuple(peers.sections(checks_of(defect))) if peer == "testssl" else ()
        return peer, service_of(defect), sections, "rsa" in defect.options

    identity = rsa_identity(args.tmp)
    with concurrent.futures.ThreadPoolExecutor(args.peer_jobs) as pool:
        cleans, asked = {}, {}
        for d in chosen:
            for peer in peers.NAMES:
                if not peers.meant(peer, checks_of(d)):
                    continue
                k = kind(d, peer)
                if k not in cleans:
                    cleans[k] = pool.submit(ask_peer, args, peer, [], k[1], checks_of(d), identity if k[3] else [])
                asked[d, peer] = pool.submit(ask_peer, args, peer, d.faults, k[1], checks_of(d), [])
        lines = []
        for n, d in enumerate(chosen):
            cells = [peer_cell(p, d, cleans[kind(d, p)].result(), asked[d, p].result()) if (d, p) in asked else "not meant to"
                     for p in peers.NAMES]
            sees = " ".join(sorted({check for _, check in d.bad})) or "none"
            what = "; ".join(says.get(f, "") for f in d.faults)
            lost = f" ({len(d.lost)} not asked any more)" if d.lost else ""
            lines.append(f"| {d.name} | {what} | {sees}{lost} | " + " | ".join(cells) + " |")
            print(f"{n + 1} of {len(chosen)}: {d.name}", file=sys.stderr, flush=True)
    with open(os.path.join(HERE, "without.md"), encoding="utf-8") as f:
        without = f.read()
    with open(args.table, "w", encoding="utf-8") as f:
        f.write(HEAD + "\n".join(lines) + "\n\n" + without)


def prove(args):
    passed = failed = 0
    two = set()
    every = defects()
    if subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        for defect in [d for d in every if "two" in d.options]:
            print(f"{defect.name}: not tried, for a name with two addresses needs a namespace")
            every.remove(defect)
            two.update(defect.faults)
    chosen = [d for d in every if not args.only or d.name in args.only]
    listing = subprocess.run([args.daemon, "--fault", "help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = [line.split("\t") for line in listing.splitlines()]
    named = {f for d in every for f in d.faults} | two
    for row in rows:
        if len(row) > 3 and row[3] == "ports" and row[0] not in named:
            print(f"{row[0]}: defects.tsv does not have it")
            failed += 1
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        # The clean server first, seen as each kind of defect is.
        kinds = {(tuple(d.ports), tuple(d.options)): d for d in chosen}
        cleans = {k: pool.submit(examine, args, d, []) for k, d in kinds.items()}
        results = [(d, pool.submit(examine, args, d, d.faults)) for d in chosen]
        for kind, result in cleans.items():
            clean = result.result()[0]
            bad = [k for k, (v, _) in clean.items() if v in BAD]
            if bad and "plaintext" not in kind[1]:
                print(f"the clean server fails, {' '.join(kind[0])}: {words_of(bad)}")
                failed += 1
            else:
                passed += 1
        seen = []
        for defect, result in results:
            clean = cleans[(tuple(defect.ports), tuple(defect.options))].result()[0]
            seen.append((defect, clean, verdict(args, defect, clean, result.result)))
    for defect, clean, (good, words) in seen:
        if not good:  # silence on a busy machine is not always silence: another look, alone
            good, words = verdict(args, defect, clean, lambda d=defect: examine(args, d, d.faults))
        if good:
            passed += 1
        else:
            failed += 1
            print(words)
    if args.table:
        write_table(args, [d for d, _, _ in seen], {row[0]: row[2] for row in rows})
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
