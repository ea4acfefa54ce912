/* Commands of the control socket about outgoing mail. SPDX-License-Identifier: MIT */
#include "queue/control.h"

#include "dns/dns.h"
#include "queue/queue.h"
#include "server.h"

static json_t *wrong(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

json_t *queue_control_dns(struct server *s, json_t *o)
{
    struct err err;
    json_t *item;
    size_t i;
    if (s->dns == NULL)
        return wrong("there is no DNS here");
    if (json_is_true(json_object_get(o, "clear")))
        dns_clear(s->dns);
    json_array_foreach (json_object_get(o, "remove"), i, item) {
        if (!json_is_string(item))
            return wrong("remove is a list of names");
        dns_remove(s->dns, json_string_value(item));
    }
    json_array_foreach (json_object_get(o, "add"), i, item) {
        if (!json_is_string(item))
            return wrong("add is a list of records, one text each");
        if (dns_add(s->dns, json_string_value(item), &err) != 0)
            return wrong(err.text);
    }
    json_t *asked = json_array();
    for (i = 0; i < dns_asked_count(s->dns); i++)
        json_array_append_new(asked, json_string(dns_asked(s->dns, i)));
    return json_pack("{s:b, s:o}", "ok", 1, "asked", asked);
}

static void list_entry(void *arg, const struct queue_entry *e)
{
    json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i}", "message",
                                         e->name, "sender", e->sender, "recipient", e->recipient,
                                         "status", e->status, "diagnostic", e->diagnostic,
                                         "arrival", (json_int_t)e->arrival_s, "next",
                                         (json_int_t)e->next_s, "tries", (int)e->tries));
}

json_t *queue_control_list(struct server *s, json_t *o)
{
    (void)o;
    if (s->queue == NULL)
        return wrong("there is no queue here");
    json_t *list = json_array();
    queue_list(s->queue, list_entry, list);
    return json_pack("{s:b, s:b, s:o}", "ok", 1, "busy", queue_busy(s->queue), "recipients", list);
}

json_t *queue_control_flush(struct server *s, json_t *o)
{
    if (s->queue == NULL)
        return wrong("there is no queue here");
    size_t count = queue_flush(s->queue, json_string_value(json_object_get(o, "domain")));
    return json_pack("{s:b, s:I}", "ok", 1, "messages", (json_int_t)count);
}

json_t *queue_control_sts(struct server *s, json_t *o)
{
    struct err err;
    const char *domain, *policy = NULL;
    if (s->queue == NULL)
        return wrong("there is no queue here");
    if (json_unpack(o, "{s:s, s?s}", "domain", &domain, "policy", &policy) != 0)
        return wrong("sts wants domain, and perhaps policy");
    if (queue_set_policy(s->queue, domain, policy, &err) != 0)
        return wrong(err.text);
    return json_pack("{s:b}", "ok", 1);
}
