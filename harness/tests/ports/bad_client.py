"""A mail client for client.sh: right as it stands, and wrong in the ways that its faults say.
usage: bad_client.py PROTOCOL HOST PORT CA USER PASSWORD [FAULT...]
HOST srv:DOMAIN: found by SRV records, of the name server in resolv.conf (PORT counts for nothing then).
SPDX-License-Identifier: MIT"""

import base64
import fnmatch
import re
import socket
import ssl
import struct
import sys

protocol, host, port, ca, user, password, *faults = sys.argv[1:]
wrong = set(faults)
domain = host[4:] if host.startswith("srv:") else None


def discover(service):
    """Target and port of the only SRV record."""
    server = re.search(r"^nameserver (\S+)", open("/etc/resolv.conf").read(), re.M).group(1)
    name = "%s._tcp.%s" % (service, domain)
    wire = b"".join(struct.pack("B", len(l)) + l.encode() for l in name.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + wire + struct.pack(">2H", 33, 1), (server, 53))
        reply = s.recv(4096)
    at = 12 + len(wire) + 4  # behind the question: a name, ten bytes, the data
    while reply[at] and reply[at] < 0xc0:
        at += 1 + reply[at]
    at += (1 if reply[at] == 0 else 2) + 10
    found = struct.unpack(">H", reply[at + 4:at + 6])[0]
    labels, at = [], at + 6
    while reply[at]:
        labels.append(reply[at + 1:at + 1 + reply[at]].decode())
        at += 1 + reply[at]
    return ".".join(labels), found


service = {"smtp": "_submission", "imap": "_imap", "pop3": "_pop3"}[protocol]
if domain:
    host, port = discover(service)


class Client:
    def __init__(self):
        self.sock = socket.create_connection((host, int(port)), 5)
        self.buffer = b""
        self.tags = 0
        self.list = ""
        self.tls = False

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(4096)
            if not more:
                sys.exit(1)
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("latin-1").rstrip("\r")

    def reply(self, tag=None, multi=False):
        lines = []
        while True:
            lines.append(self.line())
            last = lines[-1]
            if protocol == "imap" and tag and not last.startswith(tag + " ") and not last.startswith("+"):
                continue
            if protocol == "smtp" and last[3:4] == "-":
                continue
            if multi and lines[0].startswith("+OK") and last != ".":
                continue
            return "\n".join(lines)

    def say(self, text, multi=False):
        tag = None
        if protocol == "imap":
            self.tags += 1
            tag = "a%03d" % self.tags
            text = tag + " " + text
        self.sock.sendall(text.encode() + b"\r\n")
        return self.reply(tag, multi)

    def capabilities(self):
        self.list = {"smtp": lambda: self.say("EHLO client.example"), "imap": lambda: self.say("CAPABILITY"),
                     "pop3": lambda: self.say("CAPA", True)}[protocol]()
        return self.list

    def good(self, reply):
        last = reply.split("\n")[-1 if protocol != "pop3" else 0]
        return bool(re.match({"smtp": "[23]", "imap": r"(\w+ OK|\+)", "pop3": r"\+"}[protocol], last))

    def start(self):
        ctx = ssl.create_default_context(cafile=ca)
        if domain or wrong & {"no-verify", "no-name", "common-name", "loose-star"}:
            ctx.check_hostname = False
        if "no-verify" in wrong:
            ctx.verify_mode = ssl.CERT_NONE
        if "keeps-buffer" not in wrong:
            self.buffer = b""
        self.sock = ctx.wrap_socket(self.sock, server_hostname=host)
        self.tls = True
        if wrong & {"common-name", "loose-star"}:
            self.check_loosely(self.sock.getpeercert())
        elif domain:
            self.check_found(self.sock.getpeercert(), self.sock.getpeercert(True))
        if "keeps-list" not in wrong:
            self.list = ""

    def check_loosely(self, cert):
        names = [v for k, v in cert.get("subjectAltName", ()) if k == "DNS"]
        if "common-name" in wrong:
            names += [v for rdn in cert["subject"] for k, v in rdn if k == "commonName"]
        match = fnmatch.fnmatch if "loose-star" in wrong else lambda h, n: h == n
        if not any(match(host, n) for n in names):
            sys.exit(2)

    def check_found(self, cert, der):
        names = [v for k, v in cert.get("subjectAltName", ()) if k == "DNS"]
        # The string of an otherName whose type is id-on-dnsSRV.
        at = der.find(bytes.fromhex("06082b06010505070807a0"))
        srv = der[at + 14:at + 14 + der[at + 13]].decode() if at >= 0 else None
        if "any-srv-id" in wrong and srv or "no-srv-id" not in wrong and srv == service + "." + domain:
            return
        if domain not in names and host not in names:
            sys.exit(2)

    def login(self):
        plain = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
        if re.search(r"PLAIN", self.list):
            return self.say({"smtp": "AUTH PLAIN ", "imap": "AUTHENTICATE PLAIN ", "pop3": "AUTH PLAIN "}[protocol] + plain)
        if protocol == "imap":
            return self.say('LOGIN "%s" "%s"' % (user, password))
        if protocol == "pop3" and "USER" in self.list:
            self.say("USER " + user)
            return self.say("PASS " + password)
        if protocol == "smtp" and "LOGIN" in self.list:
            self.say("AUTH LOGIN")
            self.say(base64.b64encode(user.encode()).decode())
            return self.say(base64.b64encode(password.encode()).decode())
        sys.exit(3)

    def work(self):
        if protocol == "imap":
            self.say("SELECT INBOX")
        elif protocol == "smtp":
            ask = ""
            if "wants-requiretls" in wrong or "drops-requiretls" in wrong:
                if "REQUIRETLS" not in self.list and "drops-requiretls" not in wrong:
                    sys.exit(4)
                ask = " REQUIRETLS" if "REQUIRETLS" in self.list else ""
            self.say("MAIL FROM:<a@client.example>" + ask)
            self.say("RCPT TO:<b@server.example>")
            self.say("DATA")
            self.say("Subject: x\r\n\r\nhello\r\n.")
        else:
            self.say("STAT")
        self.say("LOGOUT" if protocol == "imap" else "QUIT")

    def run(self):
        greeting = self.reply()
        preauth = greeting.startswith("* PREAUTH")
        if preauth and "takes-preauth" not in wrong:
            sys.exit(5)
        caps = self.capabilities()
        if "shows-noise" in wrong:
            print(caps)
        found = re.search(r"REFERRAL imap://[^@]*@([0-9.]+):(\d+)", caps)
        if found and "follows-referral" in wrong:
            socket.create_connection((found.group(1), int(found.group(2))), 5)
        word = "STLS" if protocol == "pop3" else "STARTTLS"
        if not preauth:
            secure = word in caps and self.good(self.say(word))
            if secure:
                self.start()
                if not re.search("PLAIN|LOGIN", self.list):
                    self.capabilities()
            elif "falls-back" not in wrong:
                sys.exit(6)
            if not self.good(self.login()):
                sys.exit(7)
        self.work()


Client().run()
