/* What a snapshot holds besides the database: accounts with their secrets, how far the clock is
 * ahead, limits, settings, what the DNS knows, policies of MTA-STS, faults and rules.
 * SPDX-License-Identifier: MIT */
#include "control/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "control/rule.h"
#include "dns/dns.h"
#include "fault.h"
#include "queue/queue.h"
#include "queue/sts.h"
#include "sasl/account.h"
#include "store/store.h"

struct snapshot {
    struct snapshot *next;
    char *name;
    struct account *accounts; /* copies */
    size_t account_count;
    int64_t ahead_ms;
    struct limits limits;
    struct policy policy;
    char **zone;
    size_t zone_count;
    struct sts *sts; /* NULL: there was no queue */
    void *faults;
    json_t *rules;
};

static struct snapshot *snapshots;

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : must_have(strdup(text));
}

static void empty(struct snapshot *k)
{
    for (size_t i = 0; i < k->account_count; i++) {
        struct account *a = &k->accounts[i];
        if (a->secret != NULL)
            OPENSSL_cleanse(a->secret, strlen(a->secret));
        free(a->secret);
        free(a->name);
        free(a->address);
        free(a->token);
    }
    free(k->accounts);
    for (size_t i = 0; i < k->zone_count; i++)
        free(k->zone[i]);
    free(k->zone);
    k->zone = NULL;
    k->zone_count = 0;
    policy_free(&k->policy);
    sts_free(k->sts);
    k->sts = NULL;
    free(k->faults);
    json_decref(k->rules);
    k->rules = NULL;
    k->accounts = NULL;
    k->faults = NULL;
    k->account_count = 0;
}

static struct snapshot *find(const char *name)
{
    struct snapshot *k = snapshots;
    while (k != NULL && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

static void keep_accounts(struct snapshot *k, struct accounts *all)
{
    k->account_count = accounts_count(all);
    k->accounts = must_have(calloc(k->account_count + 1, sizeof *k->accounts));
    for (size_t i = 0; i < k->account_count; i++) {
        const struct account *from = accounts_at(all, i);
        struct account *to = &k->accounts[i];
        *to = *from; /* the keys */
        to->name = copy(from->name);
        to->address = copy(from->address);
        to->secret = copy(from->secret);
        to->token = copy(from->token);
    }
}

int snapshot_take(struct server *s, const char *name, struct err *err)
{
    struct snapshot *k = find(name);
    if (k == NULL && snapshot_name(SNAPSHOTS_MOST - 1) != NULL)
        return err_set(err, "there are %d snapshots already", SNAPSHOTS_MOST);
    if (store_snapshot(s->store, name, err) != 0)
        return -1;
    if (k == NULL) {
        k = must_have(calloc(1, sizeof *k));
        k->name = copy(name);
        k->next = snapshots;
        snapshots = k;
    }
    empty(k);
    keep_accounts(k, s->accounts);
    k->limits = s->limits;
    policy_assign(&k->policy, &s->policy);
    if (s->dns != NULL)
        k->zone = dns_keep(s->dns, &k->zone_count);
    if (s->queue != NULL) {
        k->sts = sts_new();
        sts_assign(k->sts, queue_policies(s->queue));
    }
    k->ahead_ms = clock_ahead_ms(s->clock);
    k->faults = fault_keep();
    k->rules = rule_keep();
    return 0;
}

static const struct account *kept_account(const struct snapshot *k, const char *name)
{
    for (size_t i = 0; i < k->account_count; i++)
        if (strcmp(k->accounts[i].name, name) == 0)
            return &k->accounts[i];
    return NULL;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* An account that is there still keeps its struct: sessions look at it. */
static int restore_accounts(struct server *s, const struct snapshot *k, struct err *err)
{
    for (size_t i = accounts_count(s->accounts); i-- > 0;) {
        const struct account *now = accounts_at(s->accounts, i);
        const struct account *then = kept_account(k, now->name);
        if (then == NULL || then->id != now->id || strcmp(then->address, now->address) != 0)
            accounts_remove(s->accounts, now->name);
    }
    for (size_t i = 0; i < k->account_count; i++) {
        const struct account *then = &k->accounts[i];
        struct account *now = account_find(s->accounts, then->name);
        if (now == NULL || strcmp(now->name, then->name) != 0 ||
            (then->secret != NULL && !same(now->secret, then->secret)))
            if (accounts_add(s->accounts, s->store, then->name,
                             then->secret != NULL ? then->secret : "-", then->address, &now,
                             err) != 0)
                return -1;
        memcpy(now->keys, then->keys, sizeof now->keys);
        if (!same(now->token, then->token))
            account_set_token(now, then->token);
        if (then->secret == NULL)
            account_forget_secret(s->accounts, now);
    }
    return 0;
}

int snapshot_restore(struct server *s, const char *name, struct err *err)
{
    struct snapshot *k = find(name);
    if (k == NULL)
        return err_set(err, "there is no snapshot \"%s\"", name);
    int64_t last = s->queue != NULL ? queue_last(s->queue) : 0;
    if (store_restore(s->store, name, err) != 0)
        return -1;
    clock_set_ahead(s->clock, k->ahead_ms); /* before the queue looks when its mail is due */
    s->limits = k->limits;
    policy_assign(&s->policy, &k->policy);
    if (s->dns != NULL && dns_bring_back(s->dns, k->zone, k->zone_count, err) != 0)
        return -1;
    if (s->queue != NULL && k->sts != NULL)
        sts_assign(queue_policies(s->queue), k->sts);
    fault_bring_back(k->faults);
    rule_bring_back(k->rules);
    if (restore_accounts(s, k, err) != 0)
        return -1;
    return s->queue != NULL ? queue_reload(s->queue, last, err) : 0;
}

const char *snapshot_name(size_t i)
{
    const struct snapshot *k = snapshots;
    while (k != NULL && i-- > 0)
        k = k->next;
    return k != NULL ? k->name : NULL;
}

void snapshot_forget_all(void)
{
    while (snapshots != NULL) {
        struct snapshot *k = snapshots;
        snapshots = k->next;
        empty(k);
        free(k->name);
        free(k);
    }
}
