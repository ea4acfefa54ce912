/* Puts findings under a profile. SPDX-License-Identifier: MIT */
#include "ports/report/results.h"

#include <stdlib.h>
#include <string.h>

static void add(struct results *r, const struct port *p, enum check_id id, const struct finding *f)
{
    struct result *one = &r->at[r->n++];
    uint16_t number = p != NULL ? p->port : 0;
    *one = (struct result){.port = p,
                           .id = id,
                           .level = profile_level(r->profile, number, id),
                           .verdict = profile_verdict(r->profile, number, id, f),
                           .finding = f};
    r->counts[one->verdict]++;
    if (r->expected != NULL) {
        const struct expected_line *l = expected_judge(r->expected, number, id, one->verdict);
        one->known = l != NULL ? l->reason : NULL;
    }
    if (one->known == NULL)
        r->unexpected[one->verdict]++;
}

void results_make(struct results *r, const struct host *h, const struct profile *p,
                  struct expected *e)
{
    *r = (struct results){.host = h, .profile = p, .expected = e};
    r->at = err_need(calloc((h->n + 1) * CHECKS, sizeof *r->at));
    for (size_t i = 0; i < h->n; i++)
        for (int k = 0; k < CHECKS; k++)
            if (port_applies(&h->ports[i], (enum check_id)k))
                add(r, &h->ports[i], (enum check_id)k, &h->ports[i].found[k]);
    for (int k = 0; k < CHECKS; k++)
        if ((checks[k].where == WHERE_HOST && h->client == NULL) || checks[k].where == WHERE_CLIENT)
            add(r, NULL, (enum check_id)k, &h->found[k]);
    for (int i = 0; e != NULL && i < e->n; i++)
        if (e->at[i].looked && !e->at[i].met)
            r->stale++;
}

void results_clear(struct results *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->at[i].evidence);
    free(r->at);
    *r = (struct results){0};
}

const struct port *results_talk(const struct results *r, const struct result *one)
{
    return one->port != NULL                       ? one->port
           : checks[one->id].where == WHERE_CLIENT ? r->host->client
                                                   : NULL;
}

void results_id(const struct results *r, const struct result *one, char *out, size_t size)
{
    const char *id = checks[one->id].id;
    if (one->port == NULL)
        (void)snprintf(out, size, "ports/host/%s", id);
    else if (r->host->addresses_n > 1)
        (void)snprintf(out, size, "ports/%s/%u/%s", one->port->address, one->port->port, id);
    else
        (void)snprintf(out, size, "ports/%u/%s", one->port->port, id);
}

static bool grave(enum check_id id)
{
    return checks[id].id[0] == 'J' || id == CHECK_Z03 || id == CHECK_Z04 || id == CHECK_Z05 ||
           id == CHECK_Z06 || id == CHECK_P03 || id == CHECK_P04 || id == CHECK_S04 ||
           id == CHECK_V01 || id == CHECK_V02 || id == CHECK_K02 || id == CHECK_K04;
}

char results_letter(const struct results *r, const struct port *p, char *why, size_t size)
{
    char letter = 'A';
    *why = '\0';
    if (p->state != PORT_OPEN || p->facts.best_version[0] == '\0')
        letter = '-';
    for (size_t i = 0; i < r->n; i++) {
        const struct result *one = &r->at[i];
        char mine = 'A';
        if (one->port != p)
            continue;
        if (one->verdict == PORTS_FAIL)
            mine = grave(one->id) ? 'F' : 'C';
        else if (one->verdict == PORTS_WEAK)
            mine = 'B';
        if (mine == 'A')
            continue;
        /* The reasons of the letter are those that made it what it is. */
        if (mine > letter && letter != '-') {
            letter = mine;
            *why = '\0';
        }
        if (mine == letter || letter == '-') {
            size_t n = strlen(why);
            (void)snprintf(why + n, size - n, "%s%s", n > 0 ? " " : "", checks[one->id].id);
        }
    }
    return letter;
}
