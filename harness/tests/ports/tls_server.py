"""IMAP over TLS for cli.sh, wrong in one way. It makes its certificates in the folder where it runs, prints its port, and
serves until it is killed.
usage: tls_server.py MODE: clean, both (an RSA and an ECDSA certificate), stranger (the RSA one is of another name),
robot (tells which RSA padding is wrong), cbc (tells which padding of a record is wrong), limited (sends away from the fourth
connection on), slow (greets after 1.5 s), hangs (says nothing more from the eighth connection on), mutual (wants a client
certificate), p521 (has that curve alone), old (TLS 1.0 alone), encipher (its certificate is not for signing)
SPDX-License-Identifier: MIT"""

import hashlib
import hmac
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

mode = sys.argv[1]
count = 0


def run(command, data=None):
    return subprocess.run(command, shell=True, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def certificate(name, key, host):
    usage = "keyEncipherment" if mode == "encipher" else "digitalSignature,keyEncipherment"
    run("openssl req -x509 -newkey %s -nodes -days 60 -subj /CN=%s -addext subjectAltName=DNS:%s -addext keyUsage=%s "
        "-addext basicConstraints=critical,CA:FALSE -keyout %s.key -out %s.pem" % (key, host, host, usage, name, name))


certificate("rsa", "rsa:2048", "else.example" if mode == "stranger" else "mail.test.example")
certificate("ec", "ec -pkeyopt ec_paramgen_curve:P-256", "mail.test.example")


def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain("rsa.pem", "rsa.key")
    if mode in ("both", "stranger"):
        c.load_cert_chain("ec.pem", "ec.key")
    c.set_ciphers("ALL:@SECLEVEL=0")
    if mode == "mutual":
        c.load_verify_locations("ec.pem")
        c.verify_mode = ssl.CERT_REQUIRED
    if mode == "p521":
        c.set_ecdh_curve("secp521r1")
    if mode == "old":
        c.minimum_version = c.maximum_version = ssl.TLSVersion.TLSv1
    return c


shared = context()


def prf(secret, label, seed, n):
    out, a = b"", label + seed
    while len(out) < n:
        a = hmac.new(secret, a, hashlib.sha256).digest()
        out += hmac.new(secret, a + label + seed, hashlib.sha256).digest()
    return out[:n]


class Oracle:
    """Looks into what the client sends, and ends the connection where a server must not."""

    def __init__(self):
        self.random = [b"", b""]
        self.suite = 0
        self.finished = False

    def hello(self, which, record):
        if record[:1] == b"\x16" and record[5:6] == (b"\x01", b"\x02")[which]:
            self.random[which] = record[11:43]
            if which == 1:
                at = 44 + record[43]
                self.suite = struct.unpack(">H", record[at:at + 2])[0]

    def tells(self, record, master):
        if mode == "robot" and record[:1] == b"\x16" and record[5:6] == b"\x10" and len(record) > 200:
            m = run("openssl pkeyutl -decrypt -inkey rsa.key -pkeyopt rsa_padding_mode:none", record[11:])
            return m[:2] != b"\0\2" or m[-49] != 0
        if mode == "cbc" and record[:1] == b"\x17" and self.suite in (0xC013, 0xC014, 0x002F, 0x0035, 0x0033) and master:
            size = 16 if self.suite in (0xC013, 0x002F, 0x0033) else 32
            block = prf(master, b"key expansion", self.random[1] + self.random[0], 40 + 2 * size)
            plain = run("openssl enc -d -aes-%d-cbc -nopad -K %s -iv %s" % (size * 8, block[40:40 + size].hex(), record[5:21].hex()),
                        record[21:])
            n = plain[-1]
            return plain[-n - 1:] != bytes([n]) * (n + 1)
        return False


def oracle(c):
    """A connection of which every record is seen before OpenSSL sees it."""
    into, out, seen, log = ssl.MemoryBIO(), ssl.MemoryBIO(), Oracle(), "keys.%d" % threading.get_ident()
    own = context()
    own.keylog_filename = log
    tls = own.wrap_bio(into, out, server_side=True)
    stream, greeted, told = c.makefile("rb"), False, b""
    while True:
        try:
            if not greeted:
                tls.do_handshake()
                tls.write(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
                greeted = True
            told += tls.read(4096)
            while b"\n" in told:
                line, told = told.split(b"\n", 1)
                tls.write(answer(line))
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            c.sendall(out.read())
            return
        data = out.read()
        seen.hello(1, data)
        c.sendall(data)
        head = stream.read(5)
        record = head + stream.read(struct.unpack(">H", head[3:5])[0])
        seen.hello(0, record)
        master = None
        for line in open(log) if os.path.exists(log) else ():
            if line.startswith("CLIENT_RANDOM " + seen.random[0].hex()):
                master = bytes.fromhex(line.split()[2])
        if seen.tells(record, master):
            return
        into.write(record)


def answer(line):
    w = line.split()
    if len(w) < 2:
        return b"* BAD what\r\n"
    verb = w[1].upper()
    before = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=SCRAM-SHA-256-PLUS\r\n", b"LOGOUT": b"* BYE bye\r\n"}.get(verb, b"")
    return before + w[0] + (b" BAD not here\r\n" if verb == b"STARTTLS" else b" OK done\r\n")


def plain(c, nth):
    if mode == "hangs" and nth > 7:
        while c.recv(4096):
            pass
        return
    t = shared.wrap_socket(c, server_side=True)
    if mode == "limited" and nth > 3:
        t.sendall(b"* BYE too many connections\r\n")
        t.unwrap()
        return
    if mode == "slow":
        time.sleep(1.5)
    t.sendall(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
    for line in t.makefile("rb"):
        t.sendall(answer(line))
        if b"LOGOUT" in line.upper():
            t.unwrap()
            return


def serve(c, nth):
    try:
        c.settimeout(20)
        oracle(c) if mode in ("robot", "cbc") else plain(c, nth)
    except (OSError, ValueError, struct.error):
        pass
    finally:
        c.close()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(99)
print(listener.getsockname()[1], flush=True)
while True:
    peer, _ = listener.accept()
    count += 1
    threading.Thread(target=serve, args=(peer, count), daemon=True).start()
