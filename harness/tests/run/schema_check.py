#!/usr/bin/python3
# Holds each line of run.jsonl files against reports/run.schema.json and the order of events against its description.
# schema_check.py SCHEMA FILE...: prints what is wrong, exit code 1 if anything is.
# SPDX-License-Identifier: MIT
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
# One validator an event: "is not valid under any of the given schemas" would help nobody.
validators = {
    name: jsonschema.Draft202012Validator({**schema["$defs"][name], "$defs": schema["$defs"]})
    for name in schema["properties"]["ev"]["enum"]
}
bad = 0


def complain(path, number, what):
    global bad
    bad += 1
    if bad <= 20:
        print(f"{path}:{number}: {what}")


for path in sys.argv[2:]:
    running, ended = set(), False
    for number, line in enumerate(open(path, "rb"), 1):
        try:
            event = json.loads(line)
            name = event["ev"]
            validator = validators[name]
        except (ValueError, KeyError, TypeError) as why:
            complain(path, number, f"no event of this version: {why!r}")
            continue
        for error in validator.iter_errors(event):
            complain(path, number, f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        if (number == 1) != (name == "run.start"):
            complain(path, number, "run.start is the first line, and no other")
        if ended:
            complain(path, number, "a line after run.end")
        ended = name == "run.end"
        case = event.get("case")
        if name == "case.start":
            running.add(case)
        elif case is not None and case not in running:
            complain(path, number, f"{name} of a scenario that is not running: {case}")
        elif name == "case.end":
            running.discard(case)
    if not ended:
        print(f"{path}: the run was cut short")
sys.exit(bad > 0)
