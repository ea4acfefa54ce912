/* What the control socket can ask of the queue and the DNS:
 *
 *   {"do": "dns", "add": [LINE…]?, "remove": [NAME…]?, "clear": true?}   {"ok": true, "asked":
 * [..]}
 *   {"do": "queue"}                                 {"ok": true, "recipients": [{…}…]}
 *   {"do": "flush", "domain": D?}                   {"ok": true, "messages": N}
 *   {"do": "sts", "domain": D, "policy": TEXT?}     {"ok": true}
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_CONTROL_H
#define SERVER_QUEUE_CONTROL_H

#include <jansson.h>

struct server;

/* The answer, the caller's to free. */
json_t *queue_control_dns(struct server *s, json_t *o);
json_t *queue_control_list(struct server *s, json_t *o);
json_t *queue_control_flush(struct server *s, json_t *o);
json_t *queue_control_sts(struct server *s, json_t *o);

#endif
