"""What sslscan, nmap and testssl make of a defect: the first line that they print of it and not of the clean server.
Part of proof.py. SPDX-License-Identifier: MIT"""
import os
import re
import shutil
import subprocess

NAMES = ("testssl", "sslscan", "nmap")
# Groups of checks that a peer is meant for, after its manual: what it does not know it cannot see. Of testssl, which takes
# a minute for everything, the sections that could see a check's defect; a check that is not here has none.
MEANT = {"sslscan": "VKZR", "nmap": "VKHZXR"}
SECTIONS = {
    "V01": "-p", "V02": "-p", "V03": "-p", "V04": "-p", "V05": "-p", "V06": "-p", "V07": "-P", "V08": "-p", "V10": "-Z",
    "K02": "-s", "K03": "-4", "K04": "-s", "K05": "-s", "K06": "-s", "K07": "-E", "K08": "-E", "K09": "-L", "K10": "-E",
    "K11": "-E", "K12": "-P", "K13": "-f", "K15": "-f", "K17": "-f", "K18": "-f", "K19": "-p", "K20": "-g", "K21": "-S",
    "H01": "-C", "H05": "-g", "H06": "-g", "H08": "-I", "H09": "-H", "H12": "-T", "H13": "-S", "H14": "-S", "H17": "-S",
    "X01": "-S", "X02": "-S", "X09": "-S", "R01": "-R", "R02": "-R", "R04": "-S", "R05": "-S",
    "Z01": "-S", "Z02": "-S", "Z03": "-S", "Z04": "-S", "Z06": "-S", "Z09": "-S", "Z10": "-S", "Z11": "-S", "Z12": "-S",
    "Z13": "-S", "Z14": "-S", "Z17": "-S", "Z18": "-S",
}
SCRIPTS = "ssl-enum-ciphers,ssl-cert,ssl-heartbleed,ssl-ccs-injection,sslv2,ssl-dh-params,tls-alpn"
SECONDS = {"sslscan": 90, "nmap": 120, "testssl": 300}
NOISE = re.compile(r"ffdhe8192|PORT/tcp|serial|fingerprint|sha-?1:|sha-?256:|md5:|scanned|starting|latency|^-+|start |done |testing server|"
                   r"further ip|rdns|clock skew|connect problem|\"[a-z ]+/#\d+\"|BEGIN CERT|END CERT|[A-Za-z0-9+/]{50}", re.I)
# A server whose key is of another kind has another certificate too, made elsewhere: who issued it and when says nothing.
IDENTITY = re.compile(r"signature algorithm|issue|subject|altname|common ?name|valid|trust|chain|certificate|expire", re.I)
CLOCK = re.compile(r"T?\d\d?:\d\d(:\d\d)?|, ID: (yes|no)")


def plain(text, port):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace(str(port), "PORT")
    text = CLOCK.sub("", text)
    lines = [re.sub(r"\s+", " ", line.strip(" |_\t")) for line in text.splitlines()]
    return [line for line in lines if line and not NOISE.search(line)]


def sections(checks):
    """The flags that ask testssl for what could see these checks fail."""
    return sorted({SECTIONS[c] for c in checks if c in SECTIONS})


def command(peer, protocol, implicit, port, checks):
    where = f"127.0.0.1:{port}"
    if peer == "sslscan":
        start = [] if implicit else [f"--starttls-{protocol}"]
        return ["sslscan", "--no-colour", "--sni-name=mail.test.example", *start, where]
    if peer == "nmap":
        return ["nmap", "-Pn", "-n", "-p", str(port), "--script", ",".join("+" + s for s in SCRIPTS.split(",")),
                "--script-args", "tls.servername=mail.test.example", "127.0.0.1"]
    start = [] if implicit else ["--starttls", protocol]
    return ["testssl", "--quiet", "--color", "0", "--warnings", "off", "-n", "none", *sections(checks), *start,
            "--ip", "127.0.0.1", f"mail.test.example:{port}"]


def meant(peer, checks):
    if peer == "testssl":
        return bool(sections(checks))
    return any(c[0] in MEANT[peer] for c in checks)


def output(peer, server, service, checks):
    """Its lines, or None with the reason."""
    if shutil.which(peer) is None:
        return None, "not installed"
    protocol = {"s": "smtp", "i": "imap", "p": "pop3"}[service[0]]
    port = server.ports[service]
    try:
        done = subprocess.run(command(peer, protocol, service in ("submissions", "imaps", "pop3s"), port, checks),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=SECONDS[peer], check=False, preexec_fn=lambda: os.nice(10))
    except subprocess.TimeoutExpired:
        return None, f"no end in {SECONDS[peer]} s"
    return plain(done.stdout.decode(errors="replace"), port), ""


def difference(clean, now, other_certificate):
    """The first line that is new, else the first that is gone; None: the same."""
    def told(line):
        return not (other_certificate and IDENTITY.search(line))
    for line in now:
        if line not in clean and told(line):
            return line
    for line in clean:
        if line not in now and told(line):
            return "no more: " + line
    return None
