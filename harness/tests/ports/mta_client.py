"""mailproofd's queue as the MTA that client.sh tests: gives it a message for a domain, and waits until it was tried.
usage: mta_client.py MAILPROOFD DOMAIN PORT CA DNS DNS_PORT ANCHOR POLICY FAULT+…|-
SPDX-License-Identifier: MIT"""

import json
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

program, domain, port, ca, dns, dns_port, anchor, policy, fault = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    command = [program, "--ports", "ephemeral", "--state", folder, "--exit-with-stdin", "--hostname", "client.example",
               "--resolver", "%s@%s" % (dns, dns_port), "--dns-anchor", anchor, "--relay-port", port,
               "--relay-ca", ca, "--relay-from", "127.0.0.1", "--domain", "client.example"]
    for one in fault.split("+") if fault != "-" else ():
        command += ["--fault", one]
    if os.path.exists(policy):
        os.mkdir(folder + "/sts")
        shutil.copy(policy, "%s/sts/%s" % (folder, domain))
        command += ["--mta-sts", folder + "/sts"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(server.stdout.readline())
    control = socket.socket(socket.AF_UNIX)
    control.connect(ready["control"])
    lines = control.makefile("rw")

    def queue():
        lines.write('{"do": "queue"}\n')
        lines.flush()
        return json.loads(lines.readline())

    with smtplib.SMTP(*ready["services"]["smtp"].split(":"), timeout=5) as smtp:
        smtp.sendmail("ann@client.example", ["bob@" + domain], "Subject: hello\r\n\r\nhello\r\n")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        now = queue()
        if not now["busy"] and all(r["tries"] > 0 for r in now["recipients"]):
            break
        time.sleep(0.02)
    print(json.dumps(now))
    server.stdin.close()
    server.wait(5)
