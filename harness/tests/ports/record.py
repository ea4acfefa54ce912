#!/usr/bin/env python3
"""Writes scenarios/targets/NAME.ports from what mailproof ports found: the failures, each with the reason that the file
already gives, else with our words, which somebody then has to judge. Usage: record.py FOUND.json NAME.ports
SPDX-License-Identifier: MIT"""
import json
import os
import sys

HEAD = """# What mailproof ports finds wrong with this server as servers/ sets it up. Each line was looked at: what the server does,
# the rule, and the setting of its configuration that could change it, where there is one.
"""


def main():
    found, record = sys.argv[1:3]
    head, known = HEAD, {}
    if os.path.exists(record):
        with open(record, encoding="utf-8") as f:
            lines = f.read().splitlines(keepends=True)
        head = "".join(line for line in lines if line.startswith("#")) or HEAD
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 3 and not fields[2].startswith("??"):
                known[fields[0]] = fields[1:3]
    with open(found, encoding="utf-8") as f:
        checks = json.load(f)["checks"]
    lines = []
    for check in checks:
        at = f"{check['port'] or 'host'}/{check['check']}"
        verdict, why = known.get(at, ("", "?? " + check["why"]))
        if check["verdict"] in ("fail", "weak"):
            lines.append((at, check["verdict"] + ("?" if verdict == check["verdict"] + "?" else ""), why))
        elif verdict.endswith("?"):  # by luck: not this time
            lines.append((at, verdict, why))
    with open(record, "w", encoding="utf-8") as f:
        f.write(head + "".join("\t".join(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
