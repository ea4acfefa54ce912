/* Following aliases and lists to the people behind them. The settings are texts:
 * "one,two@b.example" of an alias, "owner@a.example:one,two@b.example" of a list.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/alias.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

/* One expansion: the names on the way to where it is now. */
struct walk {
    const struct server *server;
    struct smtp_members *out;
    const char *way[ALIAS_DEPTH];
    size_t depth;
    bool one_step, full;
};

static char *whole_address(const struct server *s, const char *text, size_t n)
{
    char *made = NULL;
    bool bare = memchr(text, '@', n) == NULL;
    if (asprintf(&made, "%.*s%s%s", (int)n, text, bare ? "@" : "", bare ? s->domain : "") < 0)
        abort();
    return made;
}

static void add(struct walk *w, char *address, struct account *account, const char *owner)
{
    struct smtp_members *m = w->out;
    for (size_t i = 0; i < m->count; i++) {
        bool same_owner = (owner == NULL) == (m->list[i].owner == NULL) &&
                          (owner == NULL || strcasecmp(owner, m->list[i].owner) == 0);
        bool same = account != NULL ? m->list[i].account == account
                                    : strcmp(m->list[i].address, address) == 0;
        if (same && same_owner && !w->one_step) {
            free(address);
            return;
        }
    }
    if (m->count == ALIAS_MEMBERS) {
        w->full = true;
        free(address);
        return;
    }
    char *kept = owner != NULL ? strdup(owner) : NULL;
    if (owner != NULL && kept == NULL)
        abort();
    m->list[m->count++] = (struct smtp_member){address, account, kept};
}

static bool on_the_way(const struct walk *w, const char *local)
{
    for (size_t i = 0; i < w->depth; i++)
        if (strcasecmp(w->way[i], local) == 0)
            return true;
    return false;
}

static bool stands_for_others(const struct server *s, const char *local)
{
    return texts_get(&s->policy.aliases, local) != NULL ||
           texts_get(&s->policy.lists, local) != NULL;
}

static void follow(struct walk *w, const char *local, const char *owner);

static void take(struct walk *w, char *address, const char *owner)
{
    const struct server *s = w->server;
    char *at = strrchr(address, '@');
    bool ours = false;
    *at = '\0';
    struct account *account = account_by_address(s->accounts, address, at + 1, &ours);
    bool further = ours && !w->one_step && stands_for_others(s, address) && !on_the_way(w, address);
    if (further && w->depth < ALIAS_DEPTH)
        follow(w, address, owner);
    *at = '@';
    if (further || (ours && account == NULL && !w->one_step))
        free(address);
    else
        add(w, address, account, owner);
}

static void follow(struct walk *w, const char *local, const char *owner)
{
    const char *text = texts_get(&w->server->policy.lists, local);
    char *own = NULL;
    if (text != NULL) {
        size_t n = strcspn(text, ":");
        own = whole_address(w->server, text, n);
        owner = own;
        text += n + (text[n] == ':');
    } else {
        text = texts_get(&w->server->policy.aliases, local);
    }
    w->way[w->depth++] = local;
    while (text != NULL && *text != '\0' && !w->full) {
        size_t n = strcspn(text, ",");
        if (n > 0)
            take(w, whole_address(w->server, text, n), owner);
        text += n + (text[n] == ',');
        if (own == NULL && !w->one_step && fault(FAULT_SMTP_ALIAS_FIRST_ONLY))
            break;
    }
    w->depth--;
    free(own);
}

static struct smtp_members *walk(const struct server *s, const char *local, bool one_step)
{
    struct walk w = {.server = s, .one_step = one_step};
    w.out = calloc(1, sizeof *w.out);
    if (w.out == NULL)
        abort();
    follow(&w, local, NULL);
    if (!w.full)
        return w.out;
    smtp_members_free(w.out);
    return NULL;
}

bool smtp_is_alias(const struct server *s, const struct smtp_path *path)
{
    bool here = path->domain[0] != '\0' && (strcasecmp(path->domain, s->hostname) == 0 ||
                                            account_domain_ours(s->accounts, path->domain));
    return here && stands_for_others(s, path->local);
}

struct smtp_members *smtp_expand(const struct server *s, const char *local)
{
    return walk(s, local, false);
}

struct smtp_members *smtp_alias_members(const struct server *s, const char *local)
{
    return walk(s, local, true);
}

void smtp_members_free(struct smtp_members *m)
{
    for (size_t i = 0; m != NULL && i < m->count; i++) {
        free(m->list[i].address);
        free(m->list[i].owner);
    }
    free(m);
}
