#!/usr/bin/python3
"""mailproofd as a service: who it becomes, what it can still reach, what SIGHUP reads, what a service manager is told.
usage: operation.py MAILPROOFD. What needs root is skipped for others, in words. Last line: "N passed, N failed".
SPDX-License-Identifier: MIT"""
import imaplib
import json
import os
import poplib
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

DAEMON = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp()
passed, failed = 0, 0


class Server:
    """Started, and ended at the end of a with."""

    def __init__(self, *flags, **environment):
        self.log = open(os.path.join(FOLDER, "stderr"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([DAEMON, "--user", "ann:secret", *flags], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, env=dict(os.environ, **environment))
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise AssertionError("it did not start: " + self.said())
        self.ready = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.process.terminate()
        try:
            self.code = self.process.wait(timeout=15)
        finally:
            self.process.stdout.close()
            self.log.close()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def address(self, service):
        host, port = self.ready["services"][service].rsplit(":", 1)
        return host, int(port)

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return dict(line.split(":", 1) for line in f)[name].split()

    def hang_up(self, until):
        self.process.send_signal(signal.SIGHUP)
        return wait(until)

    def login(self, user, password):
        client = poplib.POP3(*self.address("pop3"), timeout=10)
        try:
            client.user(user)
            client.pass_(password)
            return True
        except poplib.error_proto:
            return False
        finally:
            client.close()

    def deliver(self, text):
        with smtplib.SMTP(*self.address("smtp"), timeout=10) as client:
            client.sendmail("bob@client.example", ["ann@test.example"], text)


def wait(until):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if until():
            return True
        time.sleep(0.02)
    return False


def path(name):
    return os.path.join(FOLDER, name)


def put(name, text):
    """As an editor does: a new file, renamed over the old one."""
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name) + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path(name) + ".new", path(name))
    return path(name)


def claim(what, true):
    if not true:
        raise AssertionError("it is not so that " + what)


def on(layer):
    return layer.startswith("on")


def layers_are_told_and_true():
    with Server() as s:
        layers = s.ready["sandbox"]
        claim("who it is was said", layers["user"])
        for name in ("no_new_privs", "landlock", "seccomp"):
            claim(f"{name} is on, or says why not", on(layers[name]) or layers[name].startswith("off: "))
        claim("no_new_privs is what was said", (s.status("NoNewPrivs") == ["1"]) == on(layers["no_new_privs"]))
        claim("seccomp is what was said", (s.status("Seccomp") == ["2"]) == on(layers["seccomp"]))
        state = os.path.dirname(s.ready["ca"])
    claim("its folder is gone", not os.path.exists(state))
    claim("it ended well", s.code == 0)


def sandbox_off_is_off():
    with Server("--sandbox", "off") as s:
        claim("it says so", all(s.ready["sandbox"][k] == "off: --sandbox off" for k in ("landlock", "seccomp")))
        claim("there is no filter", s.status("Seccomp") == ["0"])


def root_is_given_up():
    if os.geteuid() != 0:
        return "only root can give it up"
    os.chmod(FOLDER, 0o711)
    log = path("log-dir/log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with Server("--run-as", "nobody:nogroup", "--state", path("nobodys"), "--store", path("nobodys/store.db"),
                "--log", log) as s:
        claim("it is nobody", s.status("Uid") == ["65534"] * 4 and s.status("Gid") == ["65534"] * 4)
        claim("it has no other groups", s.status("Groups") in ([], ["65534"]))
        claim("it has no rights of root", all(s.status(c) == ["0000000000000000"] for c in ("CapEff", "CapPrm")))
        claim("it says who it is", s.ready["sandbox"]["user"] == "nobody")
        s.deliver("Subject: x\n\ny")
        claim("the store is nobody's", os.stat(path("nobodys/store.db")).st_uid == 65534)
    return None


def root_that_others_can_reach_is_told():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return "it needs root, and a network of its own"
    for address, warned in (("0.0.0.0", True), ("127.0.0.1", False)):
        with open(path("warning"), "w+", encoding="utf-8") as f:
            command = f"ip link set lo up 2>/dev/null; exec {DAEMON} --exit-with-stdin --listen smtp={address}:2525"
            subprocess.run(["unshare", "-n", "sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=f, timeout=20, check=False)
            f.seek(0)
            said = f.read()
        claim(f"with {address} it says: {said}", ("runs as root" in said) == warned)
    return None


def a_store_out_of_reach_is_an_error_in_words():
    if os.geteuid() != 0:
        return "only root can become somebody else"
    os.makedirs(path("roots"), mode=0o700, exist_ok=True)
    try:
        Server("--run-as", "nobody", "--store", path("roots/store.db"))
    except AssertionError as e:
        claim(f"the file is named: {e}", "roots/store.db" in str(e))
        return None
    raise AssertionError("it started")


def mail_on_disk_survives():
    with Server("--state", path("kept"), "--store", path("kept/store.db")) as s:
        s.deliver("Subject: kept\n\nhere")
    with Server("--state", path("kept"), "--store", path("kept/store.db")) as s:
        client = poplib.POP3(*s.address("pop3"), timeout=10)
        client.user("ann")
        client.pass_("secret")
        claim("the message is there", client.stat()[0] == 1)
        client.quit()


def other_charsets_are_read_inside():
    """The C library loads a module for each when it meets it."""
    with Server() as s:
        s.deliver(b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
                  b"\x1b$B%F%9%H\x1b(B\r\n")
        client = imaplib.IMAP4(*s.address("imap"), timeout=10)
        client.login("ann", "secret")
        client.select()
        client.literal = "\u30c6\u30b9\u30c8".encode()
        _, found = client.search("UTF-8", "BODY")
        claim(f"the word is found: {found}", found == [b"1"])
        client.logout()


def a_file_that_was_replaced_is_read_again():
    users = put("etc/users", "eve:one\n")
    with Server("--users", users) as s:
        claim("the first password works", s.login("eve", "one"))
        put("etc/users", "eve:two\n")
        claim("the second works after SIGHUP", s.hang_up(lambda: s.login("eve", "two")))


def what_is_out_of_reach_is_told():
    other = tempfile.mkdtemp()
    with open(os.path.join(other, "users"), "w", encoding="utf-8") as f:
        f.write("eve:one\n")
    settings = put("etc/conf", "domain test.example\n")
    try:
        with Server("--config", settings) as s:
            if not on(s.ready["sandbox"]["landlock"]):
                return "there is no Landlock"
            put("etc/conf", f"users {other}/users\n")
            claim("it says why", s.hang_up(lambda: "inside the sandbox" in s.said()))
            claim("it says which file", f"{other}/users" in s.said())
            claim("it goes on", s.login("ann", "secret"))
    finally:
        os.unlink(os.path.join(other, "users"))
        os.rmdir(other)
    return None


def the_log_can_be_moved_away():
    log = path("log-dir/moved")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with Server("--log", log) as s:
        os.rename(log, log + ".1")
        claim("there is a new one", s.hang_up(lambda: os.path.exists(log)))
        with open(log + ".1", encoding="utf-8") as f:
            start = json.loads(f.readline())
        claim("the first line tells the layers", start["sandbox"] == s.ready["sandbox"])


def a_service_manager_is_told():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path("notify"))
        manager.settimeout(10)
        with Server("--users", put("etc/users", "eve:one\n"), NOTIFY_SOCKET=path("notify")) as s:
            claim("it is ready", manager.recv(200) == b"READY=1")
            s.process.send_signal(signal.SIGHUP)
            claim("it reads again", manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC="))
            claim("it has read", manager.recv(200) == b"READY=1")
        claim("it stops", manager.recv(200) == b"STOPPING=1")


def main():
    global passed, failed
    for test in (layers_are_told_and_true, sandbox_off_is_off, root_is_given_up,
                 root_that_others_can_reach_is_told, a_store_out_of_reach_is_an_error_in_words,
                 mail_on_disk_survives, other_charsets_are_read_inside, a_file_that_was_replaced_is_read_again,
                 what_is_out_of_reach_is_told, the_log_can_be_moved_away, a_service_manager_is_told):
        name = test.__name__.replace("_", " ")
        try:
            skipped = test()
            passed += skipped is None
            if skipped:
                print(f"skipped: {name}: {skipped}")
        except Exception as e:  # whatever it was, the next one has its turn
            failed += 1
            print(f"FAIL {name}: {type(e).__name__}: {e}"[:600])
    subprocess.run(["rm", "-rf", FOLDER], check=False)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
