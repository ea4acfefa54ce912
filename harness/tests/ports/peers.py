"""What sslscan, nmap and testssl make of a defect: the first line that they print of it and not of the clean server.
Part of proof.py. SPDX-License-Identifier: MIT"""
import re
import shutil
import subprocess

NAMES = ("testssl", "sslscan", "nmap")
# Groups of checks that a peer is meant for, after its manual: what it does not know it cannot see.
MEANT = {"sslscan": "VKZR", "nmap": "VKHZXR", "testssl": "VKHZXR"}
SCRIPTS = "ssl-enum-ciphers,ssl-cert,ssl-heartbleed,ssl-ccs-injection,sslv2,ssl-dh-params,tls-alpn"
TESTSSL = {"V": "-p", "K": "-s", "H": "-H -I -T -C", "X": "-S", "R": "-R", "Z": "-S"}
NOISE = re.compile(r"ffdhe8192|PORT/tcp|serial|fingerprint|sha-?1:|sha-?256:|md5:|scanned|starting|latency|^-+|start |done |testing server|"
                   r"further ip|rdns|BEGIN CERT|END CERT|[A-Za-z0-9+/]{50}", re.I)
CLOCK = re.compile(r"T?\d\d?:\d\d(:\d\d)?")


def plain(text, port):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace(str(port), "PORT")
    text = CLOCK.sub("", text)
    lines = [re.sub(r"\s+", " ", line.strip(" |_\t")) for line in text.splitlines()]
    return [line for line in lines if line and not NOISE.search(line)]


def command(peer, protocol, implicit, port, groups):
    where = f"127.0.0.1:{port}"
    if peer == "sslscan":
        start = [] if implicit else [f"--starttls-{protocol}"]
        return ["sslscan", "--no-colour", "--sni-name=mail.test.example", *start, where]
    if peer == "nmap":
        return ["nmap", "-Pn", "-p", str(port), "--script", ",".join("+" + s for s in SCRIPTS.split(",")),
                "--script-args", "tls.servername=mail.test.example", "127.0.0.1"]
    flags = sorted({f for g in groups if g in TESTSSL for f in TESTSSL[g].split()})
    start = [] if implicit else ["--starttls", protocol]
    return ["testssl", "--quiet", "--color", "0", "--warnings", "off", *flags, *start, "--ip", "127.0.0.1",
            f"mail.test.example:{port}"]


def meant(peer, groups):
    return any(g in MEANT[peer] for g in groups)


def output(peer, server, service, groups, seconds):
    """Its lines, or None with the reason."""
    if shutil.which(peer) is None:
        return None, "not installed"
    protocol = {"s": "smtp", "i": "imap", "p": "pop3"}[service[0]]
    port = server.ports[service]
    try:
        done = subprocess.run(command(peer, protocol, service in ("submissions", "imaps", "pop3s"), port, groups),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no end in {seconds} s"
    return plain(done.stdout.decode(errors="replace"), port), ""


def difference(clean, now):
    """The first line that is new, else the first that is gone; None: the same."""
    for line in now:
        if line not in clean:
            return line
    for line in clean:
        if line not in now:
            return "no more: " + line
    return None
