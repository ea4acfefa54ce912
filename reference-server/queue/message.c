/* Making and freeing messages of the queue. SPDX-License-Identifier: MIT */
#include "queue/message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

static char *copy(const char *s)
{
    if (s == NULL)
        return NULL;
    char *made = strdup(s);
    if (made == NULL)
        abort();
    return made;
}

const char *address_after_route(const char *address)
{
    const char *colon = address[0] == '@' ? strchr(address, ':') : NULL;
    return colon != NULL ? colon + 1 : address;
}

void address_domain(const char *address, char out[DNS_NAME_MAX + 1])
{
    bool along = address[0] == '@' && fault(FAULT_QUEUE_REPORT_ALONG_ROUTE);
    const char *at = along ? address : strrchr(address, '@');
    size_t n = 0;
    for (const char *p = at != NULL ? at + 1 : "";
         *p != '\0' && !(along && (*p == ',' || *p == ':')) && n < DNS_NAME_MAX; p++)
        out[n++] = (char)tolower((unsigned char)*p);
    out[n] = '\0';
}

bool text_is_ascii(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 128)
            return false;
    return true;
}

struct qmsg *qmsg_new(const struct queue_envelope *e, int64_t now_s)
{
    struct qmsg *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->sender = copy(e->sender);
    m->envid = copy(e->envid);
    m->return_header = e->return_header;
    m->return_full = e->return_full;
    m->utf8 = e->utf8;
    m->wishes = e->wishes;
    m->binary = e->binary;
    m->arrival_s = now_s;
    m->rcpts = calloc(e->count + 1, sizeof *m->rcpts);
    if (m->rcpts == NULL)
        abort();
    for (size_t i = 0; i < e->count; i++) {
        const struct queue_recipient *r = &e->recipients[i];
        if (r->account != 0 && e->wishes.release_s == 0)
            continue; /* delivered at once */
        struct rcpt *made = &m->rcpts[m->count++];
        made->address = copy(r->address);
        made->orcpt = copy(r->orcpt);
        made->notify = r->notify;
        made->account = r->account;
        made->next_s = e->wishes.release_s > now_s ? e->wishes.release_s : now_s;
        address_domain(r->address, made->domain);
    }
    return m;
}

void qmsg_free(struct qmsg *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->rcpts[i].address);
        free(m->rcpts[i].orcpt);
    }
    free(m->rcpts);
    free(m->sender);
    free(m->envid);
    free(m->data);
    free(m);
}

size_t qmsg_open(const struct qmsg *m)
{
    size_t open = 0;
    for (size_t i = 0; i < m->count; i++)
        open += m->rcpts[i].state != RCPT_GONE;
    return open;
}
