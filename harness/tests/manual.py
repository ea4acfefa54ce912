#!/usr/bin/python3
"""The manuals say what the programs do: every flag of --help stands in its man page with the same words, the pages are
good mdoc, a setting has one name as a flag and in a file, and the examples run. usage: manual.py [--write] MAILPROOF
MAILPROOFD. --write puts the flags of --help into the pages. Last line: "N passed, N failed".
SPDX-License-Identifier: MIT"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAGES = {"mailproof": os.path.join(ROOT, "harness/mailproof.1"),
         "mailproofd": os.path.join(ROOT, "reference-server/mailproofd.8")}
BEGIN, END = '.\\" options: begin\n', '.\\" options: end\n'
passed, failed = 0, 0


def judge(name, good, why=""):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print("FAIL " + name)
    for line in why.splitlines()[-20:]:
        print("     " + line[:300])


def output(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False).stdout.decode("utf-8", "replace")


def text(line):
    line = line.replace("\\", "\\e")
    line = re.sub(r"([.!?]) (?=[A-Z])", r"\1\n", line) # mdoc wants a sentence to begin a line
    return "\\&" + line if line[:1] in (".", "'") else line


def item(flags, value):
    words = ", ".join("Fl " + ("Fl " + f[2:] if f.startswith("--") else f[1:]) for f in flags).replace(", ", " , ")
    return ".It " + words + (f' Ar "{value}"' if value and " " in value else f" Ar {value}" if value else "")


def capital(s):
    return s[:1].upper() + s[1:]


def daemon_options(program):
    out = []
    lines = output(program, "--help").split("\n")
    i, open_list = 0, False
    while i < len(lines):
        flag = re.match(r"  (--[\w-]+)(?: (.*))?$", lines[i])
        if flag:
            if not open_list:
                out.append(".Bl -tag -width Ds")
                open_list = True
            out += [item([flag[1]], flag[2]), text(capital(lines[i + 1].strip())) + "."]
            i += 1
        elif lines[i].endswith(":") and not lines[i].startswith("mailproofd:"):
            if open_list:
                out.append(".El")
                open_list = False
            out += [".Pp", text(lines[i])]
        i += 1
    return out + [".El"]


def driver_options(program):
    out = []
    for command in re.findall(r"^  (\w+)  ", output(program, "--help"), re.M):
        out.append(f".Ss {command}")
        help_text = output(program, command, "--help")
        parts = help_text.strip().split("\n\n")
        out += [f".D1 {text(parts[0].replace('usage: ', ''))}"]
        open_list = False
        for part in parts[1:]:
            words = part if part.startswith("  ") else part.replace("\n", " ")
            for line in words.split("\n"):
                flag = re.match(r"  (?:(-\w), )?(--[\w-]+)(?: (\S+))?(?: {2,}| )(.*)$", line)
                if not flag:
                    out.append(text(line.strip()))
                    continue
                if not open_list:
                    out.append(".Bl -tag -width Ds")
                    open_list = True
                out += [item([f for f in (flag[1], flag[2]) if f], flag[3]), text(capital(flag[4])) + "."]
        if open_list:
            out.append(".El")
    return out


def split(page):
    with open(page, encoding="utf-8") as f:
        whole = f.read()
    a, b = whole.index(BEGIN) + len(BEGIN), whole.index(END)
    return whole[:a], whole[a:b], whole[b:]


def check_flags(programs, write):
    for name, make in (("mailproof", driver_options), ("mailproofd", daemon_options)):
        before, now, after = split(PAGES[name])
        wanted = "\n".join(make(programs[name])) + "\n"
        if write:
            with open(PAGES[name], "w", encoding="utf-8") as f:
                f.write(before + wanted + after)
            continue
        odd = [line for line in wanted.split("\n") if line not in now.split("\n")]
        odd += [line for line in now.split("\n") if line not in wanted.split("\n")]
        judge(f"{name}: the manual has the flags of --help (make man brings them in)", now == wanted, "\n".join(odd))


def check_pages():
    for page in PAGES.values():
        name = os.path.basename(page)
        if shutil.which("mandoc"):
            said = output("mandoc", "-Tlint", "-Wwarning", page)
            judge(f"{name} is good mdoc", said == "", said)
        if shutil.which("man"):
            said = output("man", "-l", page)
            judge(f"{name} can be read", "NAME" in said and "EXIT STATUS" in said, said)


def check_words():
    """What rules and the control socket take stands in the page."""
    with open(PAGES["mailproofd"], encoding="utf-8") as f:
        page = f.read()
    named = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^\.(?:It )?Cm (.*)$", page, re.M))))
    for source, begin in (("control/rule.c", "} keys[] = {"), ("control/control.c", "} commands[] = {")):
        with open(os.path.join(ROOT, "reference-server", source), encoding="utf-8") as f:
            table = f.read().split(begin)[1].split("};")[0]
        missing = [w for w in re.findall(r'\{"([\w-]+)"', table) if w not in named]
        judge(f"the manual has the words of {source}", not missing, "missing: " + ", ".join(missing))


def check_settings(daemon):
    names = re.findall(r"^  --([\w-]+)", output(daemon, "--help"), re.M)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        for name in names:
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"{name} no-such-value\n")
            said = output(daemon, "--config", path, "--show-config")
            judge(f"{name} may stand in a file", "there is no setting" not in said, said)
        flags = ["--user", "a:b", "--domain", "x.example", "--limit", "recipients=7", "--rule", 'match=QUIT reply="221 x"',
                 "--fault", "smtp-lf-ends-data@session=2", "--sandbox", "off", "--plaintext-login", "no"]
        first = output(daemon, *flags, "--show-config")
        with open(path, "w", encoding="utf-8") as f:
            f.write(first)
        again = output(daemon, "--config", path, "--show-config")
        judge("what --show-config prints is a file that says the same", first == again, first + "---\n" + again)
        for flag in flags[1::2]:
            judge(f"--show-config tells {flag}", flag in first, first)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def examples(page):
    """Lists of [command, lines that its output has]."""
    with open(page, encoding="utf-8") as f:
        whole = f.read()
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", whole, re.S | re.M):
        block = block.replace("\\e", "\\").replace("\\&", "")
        block = re.sub(r"\\\n\s*", "", block)
        steps = []
        for line in block.rstrip("\n").split("\n"):
            if line.startswith("$ "):
                steps.append([line[2:], []])
            elif steps:
                steps[-1][1].append(line)
        if steps:
            yield steps


def run_example(steps, daemon):
    ports = {}
    server = None
    folder = tempfile.mkdtemp()
    environment = dict(os.environ, PATH=os.path.dirname(os.path.abspath(daemon)) + ":" + os.environ["PATH"])

    def own(words):
        return re.sub(r":(2525|1143|1110)\b", lambda m: ":" + ports.setdefault(m[1], free_port()), words)
    try:
        for command, wanted in steps:
            tool = command.split()[0]
            tools = [tool] + (["socat"] if "socat" in command else [])
            missing = [t for t in tools if t != "mailproofd" and not shutil.which(t)]
            if missing:
                return "skip", f"{missing[0]} is not installed"
            if tool == "cat":
                with open(os.path.join(folder, command.split()[-1]), "w", encoding="utf-8") as f:
                    f.write("\n".join(wanted) + "\n")
                continue
            if command.endswith("&"):
                server = subprocess.Popen("exec " + own(command[:-1]), shell=True, cwd=folder, env=environment,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                line = server.stdout.readline().decode()
                if '"ready":true' not in line:
                    return "fail", f"{command}\n{line}"
                continue
            said = subprocess.run(own(command), shell=True, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                                  check=False).stdout.decode("utf-8", "replace")
            at = 0
            for line in wanted:
                at = said.find(line, at)
                if at < 0:
                    return "fail", f"$ {command}\n{said}\nhas no: {line}"
        return "pass", ""
    finally:
        if server:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)
            server.stdout.close()
        shutil.rmtree(folder)


def check_examples(daemon):
    for steps in examples(PAGES["mailproofd"]):
        outcome, why = run_example(steps, daemon)
        if outcome == "skip":
            print(f"skipped: {steps[-1][0][:60]}: {why}")
        else:
            judge("example: " + steps[0][0][:100], outcome == "pass", why)
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        for line in re.findall(r"^    build/mailproofd (.*)$", f.read(), re.M):
            line = line.split("   #")[0]
            end = "--check-config" if "standard" in line else "--exit-with-stdin </dev/null"
            said = output("sh", "-c", f"{daemon} {line} {end}")
            judge("README: mailproofd " + line, '"ready":true' in said or "is good" in said, said)


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    driver, daemon = [os.path.abspath(a) for a in arguments if a != "--write"]
    check_flags({"mailproof": driver, "mailproofd": daemon}, write)
    if write:
        return 0
    check_pages()
    check_words()
    check_settings(daemon)
    check_examples(daemon)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
