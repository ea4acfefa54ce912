/* Counts by address, in a hash table that holds addresses with connections or recent failures and
 * nobody else. SPDX-License-Identifier: MIT */
#include "net/guard.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fault.h"
#include "server.h"

enum { SLOTS = 4096, ADDRESSES = 100000, MINUTE_MS = 60000 };

struct entry {
    struct entry *next;
    char key[64];
    long connections, failures;
    int64_t failed_ms; /* the last time */
    int64_t minute_ms; /* when the minute began in which the following were counted */
    long counted[2];   /* by enum guard_counted */
};

struct guard {
    struct entry *slots[SLOTS];
    size_t count;
};

struct guard *guard_new(void)
{
    struct guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        abort();
    return g;
}

void guard_free(struct guard *g)
{
    for (size_t i = 0; g != NULL && i < SLOTS; i++)
        while (g->slots[i] != NULL) {
            struct entry *e = g->slots[i];
            g->slots[i] = e->next;
            free(e);
        }
    free(g);
}

static void key_of(const char *address, char *key, size_t size)
{
    unsigned char v6[16];
    if (inet_pton(AF_INET6, address, v6) == 1 && strcmp(address, "::1") != 0) {
        memset(v6 + 8, 0, 8);
        inet_ntop(AF_INET6, v6, key, (socklen_t)size);
    } else {
        snprintf(key, size, "%s", address);
    }
}

static struct entry **slot_of(struct guard *g, const char *key)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (const char *p = key; *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return &g->slots[h % SLOTS];
}

static bool idle(const struct server *s, const struct entry *e)
{
    int64_t now = clock_now_ms(s->clock), age = now - e->failed_ms;
    bool counting = e->minute_ms != 0 && now - e->minute_ms < MINUTE_MS;
    return e->connections == 0 && !counting &&
           (e->failures == 0 || age > (int64_t)s->limits.login_forget_seconds * 1000);
}

/* The entry of an address; those of its slot that no longer matter go on the way. NULL: there is
 * none, and none was to be made or the table is full. */
static struct entry *find(struct server *s, const char *address, bool make)
{
    char key[64];
    struct guard *g = s->guard;
    struct entry *found = NULL;
    key_of(address, key, sizeof key);
    struct entry **slot = slot_of(g, key);
    for (struct entry **at = slot; *at != NULL;) {
        struct entry *e = *at;
        bool same = strcmp(e->key, key) == 0;
        if (!same && idle(s, e)) {
            *at = e->next;
            free(e);
            g->count--;
            continue;
        }
        if (same)
            found = e;
        at = &e->next;
    }
    if (found != NULL || !make || g->count >= ADDRESSES)
        return found;
    struct entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        abort();
    memcpy(e->key, key, sizeof key);
    e->next = *slot;
    *slot = e;
    g->count++;
    return e;
}

bool guard_enter(struct server *s, const char *address)
{
    struct entry *e = s->guard != NULL ? find(s, address, true) : NULL;
    if (e == NULL)
        return true;
    if (e->connections >= s->limits.connections_per_address)
        return false;
    e->connections++;
    return true;
}

void guard_leave(struct server *s, const char *address)
{
    struct entry *e = s->guard != NULL ? find(s, address, false) : NULL;
    if (e != NULL && e->connections > 0)
        e->connections--;
}

/* Seconds until there is room for one more; 0: there is. */
static long full_for(const struct server *s, const struct entry *e, enum guard_counted what)
{
    int64_t left = e->minute_ms + MINUTE_MS - clock_now_ms(s->clock);
    long most =
        what == GUARD_MESSAGE ? s->limits.messages_per_minute : s->limits.recipients_per_minute;
    return e->minute_ms == 0 || left <= 0 || e->counted[what] < most ? 0
                                                                     : (long)(left + 999) / 1000;
}

static void count(const struct server *s, struct entry *e, enum guard_counted what)
{
    int64_t now = clock_now_ms(s->clock);
    if (e->minute_ms == 0 || now - e->minute_ms >= MINUTE_MS) {
        e->minute_ms = now;
        memset(e->counted, 0, sizeof e->counted);
    }
    e->counted[what]++;
}

long guard_rate(struct conn *c, const char *user, enum guard_counted what)
{
    struct server *s = c->server;
    char key[64];
    if (s->guard == NULL || fault(FAULT_SMTP_RATE_LIMIT_IGNORED))
        return 0;
    snprintf(key, sizeof key, "user %s", user != NULL ? user : "");
    /* The user's is looked for last: making it may remove idle ones, and these two are not. */
    struct entry *address = find(s, c->peer, true);
    if (address != NULL && address->minute_ms == 0)
        address->minute_ms = clock_now_ms(s->clock);
    struct entry *mine = user != NULL ? find(s, key, true) : NULL;
    long wait = address != NULL ? full_for(s, address, what) : 0;
    long other = mine != NULL ? full_for(s, mine, what) : 0;
    if (wait > 0 || other > 0)
        return wait > other ? wait : other;
    if (address != NULL)
        count(s, address, what);
    if (mine != NULL)
        count(s, mine, what);
    return 0;
}

void guard_login_succeeded(struct conn *c, const char *user)
{
    c->failed_logins = 0;
    snprintf(c->user, sizeof c->user, "%s", user != NULL ? user : "");
    log_login(c, user, true);
}

static bool loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* Failures of the address that still count, this one among them. */
static long count_failure(struct server *s, const char *address)
{
    struct entry *e = s->guard != NULL && !loopback(address) ? find(s, address, true) : NULL;
    if (e == NULL)
        return 0;
    int64_t now = clock_now_ms(s->clock);
    if (now - e->failed_ms > (int64_t)s->limits.login_forget_seconds * 1000)
        e->failures = 0;
    e->failed_ms = now;
    return ++e->failures;
}

void guard_login_failed(struct conn *c, const char *user)
{
    struct server *s = c->server;
    long here = ++c->failed_logins, there = count_failure(s, c->peer);
    long over = (here > there ? here : there) - s->limits.login_free_failures;
    log_login(c, user, false);
    if (over <= 0)
        return;
    long most = s->limits.login_delay_most_ms, each = s->limits.login_delay_ms;
    conn_hold(c, over > most / each ? most : over * each);
}
