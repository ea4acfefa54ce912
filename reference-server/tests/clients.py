"""What clients.sh cannot say in shell: mail put and taken over IMAP, and Python's own mail modules as clients.

usage: clients.py COMMAND IMAP_PORT PORT CA FILE. Exit code 1 with a sentence if what arrived is not FILE, octet for octet.
SPDX-License-Identifier: MIT
"""

import imaplib
import os
import poplib
import smtplib
import ssl
import sys
import time

HOST, USER, PASSWORD, ADDRESS = "localhost", os.environ.get("MAILBOX", "ann"), "secret", "ann@test.example"
PATIENCE_S = 5


def login(port):
    box = imaplib.IMAP4(HOST, int(port), timeout=PATIENCE_S)
    box.login(USER, PASSWORD)
    box.select("INBOX")
    return box


def put(port, data):
    box = login(port)
    box.append("INBOX", None, None, data)
    box.logout()


def empty(box):
    if not box.search(None, "ALL")[1][0]:
        return
    box.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
    box.expunge()


def take(port):
    """The only message of INBOX, which is empty afterwards."""
    end = time.monotonic() + PATIENCE_S
    box = login(port)
    while True:
        box.noop()
        found = box.uid("search", "ALL")[1][0].split()
        if found or time.monotonic() > end:
            break
        time.sleep(0.02)
    if len(found) != 1:
        sys.exit(f"{len(found)} messages arrived instead of one")
    data = box.uid("fetch", found[0], "(BODY.PEEK[])")[1][0][1]
    empty(box)
    box.logout()
    return data


def same(got, want, what):
    if got != want:
        sys.exit(f"{what}: {len(got)} octets instead of {len(want)}, or others: {got[:200]!r}")


def arrived(port, want):
    """Trace fields stand before what was sent, and nothing else is added."""
    got = take(port)
    same(got[-len(want):], want, "what arrived")
    before = got[:-len(want)]
    if before and not before.endswith(b"\r\n") or b"\r\n\r\n" in before:
        sys.exit(f"before it stood {before!r}")


def body_arrived(port, want):
    """For clients that write the header themselves."""
    same(take(port).partition(b"\r\n\r\n")[2], want.partition(b"\r\n\r\n")[2], "the body")


def tls(ca):
    return ssl.create_default_context(cafile=ca)


def send(c, data):
    options = ["BODY=8BITMIME"] if c.has_extn("8bitmime") else []
    c.sendmail("bob@client.example", [ADDRESS], data, mail_options=options)
    c.quit()


def pop(c, data):
    c.user(USER)
    c.pass_(PASSWORD)
    lines = c.retr(1)[1]
    c.dele(1)
    c.quit()
    same(b"".join(line + b"\r\n" for line in lines), data, "RETR")


def imap(c, data):
    c.login(USER, PASSWORD)
    c.select("INBOX")
    same(c.fetch("1", "(RFC822)")[1][0][1], data, "FETCH")
    empty(c)
    c.logout()


def main():
    command, imap_port, port, ca, path = sys.argv[1:6]
    with open(path, "rb") as f:
        data = f.read()
    if command == "put":
        put(imap_port, data)
    elif command == "clear":
        empty(login(imap_port))
    elif command == "arrived":
        arrived(imap_port, data)
    elif command == "body-arrived":
        body_arrived(imap_port, data)
    elif command == "same":  # PORT is a file here, which may end its lines with LF alone and begin with fields of its own
        with open(port, "rb") as f:
            got = f.read().replace(b"\r\n", b"\n")
        want = data.replace(b"\r\n", b"\n")
        same(got[-len(want):], want, "what was retrieved")
    elif command == "smtplib":
        with smtplib.SMTP(HOST, int(port), timeout=PATIENCE_S) as c:
            c.ehlo()
            send(c, data)
        arrived(imap_port, data)
    elif command == "smtplib-starttls-auth":
        c = smtplib.SMTP(HOST, int(port), timeout=PATIENCE_S)
        c.starttls(context=tls(ca))
        c.login(USER, PASSWORD)
        send(c, data)
        arrived(imap_port, data)
    elif command == "smtplib-tls":
        c = smtplib.SMTP_SSL(HOST, int(port), timeout=PATIENCE_S, context=tls(ca))
        c.login(USER, PASSWORD)
        send(c, data)
        arrived(imap_port, data)
    elif command == "lmtplib":
        c = smtplib.LMTP(HOST, int(port))
        c.ehlo()
        send(c, data)
        arrived(imap_port, data)
    elif command == "poplib":
        put(imap_port, data)
        pop(poplib.POP3(HOST, int(port), timeout=PATIENCE_S), data)
    elif command == "poplib-stls":
        put(imap_port, data)
        c = poplib.POP3(HOST, int(port), timeout=PATIENCE_S)
        c.stls(context=tls(ca))
        pop(c, data)
    elif command == "poplib-tls":
        put(imap_port, data)
        pop(poplib.POP3_SSL(HOST, int(port), timeout=PATIENCE_S, context=tls(ca)), data)
    elif command == "imaplib":
        put(imap_port, data)
        imap(imaplib.IMAP4(HOST, int(port), timeout=PATIENCE_S), data)
    elif command == "imaplib-starttls":
        put(imap_port, data)
        c = imaplib.IMAP4(HOST, int(port), timeout=PATIENCE_S)
        c.starttls(tls(ca))
        imap(c, data)
    elif command == "imaplib-tls":
        put(imap_port, data)
        imap(imaplib.IMAP4_SSL(HOST, int(port), timeout=PATIENCE_S, ssl_context=tls(ca)), data)
    else:
        sys.exit(f"no such command: {command}")


main()
