/* The control socket: a Unix socket that takes one JSON object a line and answers each with one.
 *
 *   {"do": "ping"}                                          {"ok": true}
 *   {"do": "fault", "name": N, "on": true}                  with conditions of a rule it is one
 *   {"do": "faults-off"}
 *   {"do": "rule", KEY: VALUE, ...}                         {"ok": true, "id": I}; keys: rule.c
 *   {"do": "capabilities", "protocol": P, "add": [..], "remove": [..], "replace": [..]}    a rule
 *   {"do": "rules"}                                         {"ok": true, "rules": [..]}
 *   {"do": "rules-off", "id": I?}                           this one, or all
 *   {"do": "reset"}                                         every mailbox empty, only INBOX, new
 * UIDVALIDITY
 *   {"do": "snapshot", "name": N}                           mail, accounts, queue, clock, settings,
 * DNS, faults
 *   {"do": "restore", "name": N}                            as they were; answers with "ms"
 *   {"do": "snapshots"}                                     {"ok": true, "names": [..]}
 *   {"do": "add-account", "name": N, "password": P, "address": A?}
 *   {"do": "client-certificate", "name": N, "self-signed": true?}   {"ok": true, "cert": FILE,
 * "key": FILE}: for EXTERNAL as this account, of our authority or nobody's
 *   {"do": "add-message", "account": N, "mailbox": "INBOX"?, "data": TEXT or "base64": B, "flags":
 * [..]?, "date": S?}
 *   {"do": "uidvalidity", "account": N, "mailbox": M?, "value": V}
 *   {"do": "set", "name": N, "value": TEXT}                 a setting of policy.h, as its flag;
 * "default"
 *   {"do": "quota", "account": N, "bytes": B?, "messages": M?}
 *       sets what is given (0: no limit) and answers {"ok": true, "bytes": U, "messages": V}: what
 * it holds
 *   {"do": "limit", "name": N, "value": NUMBER}             one of --limits
 *   {"do": "advance", "seconds": S}                         the clock; timers fire on the way
 *   {"do": "rest", "seconds": S?}                           once the queue has nothing under way
 * and nothing due before the clock moves on; {"ok": false} after S (5) seconds of real time
 *   {"do": "disk", "delay": S}                              each commit takes S (0 to 5) seconds
 * more
 *   {"do": "dump", "account": N?}                           accounts, mailboxes, messages
 *   and dns, queue, flush and sts: queue/control.h
 *
 * A wrong line is answered {"ok": false, "error": SENTENCE}. Answers keep the order of the lines.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include "base/err.h"
#include "server.h"

struct control;

int control_open(struct server *s, const char *path, struct control **out, struct err *err);
void control_close(struct control *c); /* removes the socket */

#endif
