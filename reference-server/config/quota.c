/* Quotas: numbers of the policy by account name, asked for by the account's id.
 * SPDX-License-Identifier: MIT */
#include "config/quota.h"

static bool of_account(const struct server *s, const struct account *a, struct store_quota *q)
{
    q->bytes = (uint64_t)per_account_get(&s->policy.quota_bytes, a->name);
    q->messages = (uint64_t)per_account_get(&s->policy.quota_messages, a->name);
    return q->bytes != 0 || q->messages != 0;
}

static bool nobody_has_one(const struct policy *p)
{
    return p->quota_bytes.value == 0 && p->quota_bytes.count == 0 && p->quota_messages.value == 0 &&
           p->quota_messages.count == 0;
}

static bool lifted;

void quota_lift(bool on)
{
    lifted = on;
}

static const struct account *account_by_id(const struct server *s, int64_t id)
{
    for (size_t i = 0; i < accounts_count(s->accounts); i++)
        if (accounts_at(s->accounts, i)->id == id)
            return accounts_at(s->accounts, i);
    return NULL;
}

static bool by_id(void *arg, struct store_quota *q)
{
    struct server *s = arg;
    if (lifted || nobody_has_one(&s->policy))
        return false;
    const struct account *a = account_by_id(s, q->account);
    return a != NULL && of_account(s, a, q);
}

void quota_attach(struct server *s)
{
    store_quotas(s->store, by_id, s);
}

bool quota_full(const struct server *s, const struct account *a, uint64_t more_bytes)
{
    struct store_quota q;
    uint64_t bytes, messages;
    if (nobody_has_one(&s->policy) || !of_account(s, a, &q) ||
        store_usage(s->store, a->id, &bytes, &messages) != 0)
        return false; /* what cannot be counted now is counted when the message is there */
    return (q.bytes != 0 && bytes + more_bytes > q.bytes) ||
           (q.messages != 0 && messages + 1 > q.messages);
}

bool quota_full_for(const struct server *s, int64_t account, uint64_t more_bytes)
{
    const struct account *a = nobody_has_one(&s->policy) ? NULL : account_by_id(s, account);
    return a != NULL && quota_full(s, a, more_bytes);
}
