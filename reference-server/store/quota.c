/* How much accounts hold, counted when somebody wants to know: only accounts that have a limit pay
 * for it. SPDX-License-Identifier: MIT */
#include "store/job.h"

int quota_count(struct db *d, int64_t account, uint64_t *bytes, uint64_t *messages)
{
    sqlite3_stmt *s = db_prepare(d, SQL_USAGE, DB(account));
    if (db_step(s) != 1)
        return -1;
    *messages = (uint64_t)sqlite3_column_int64(s, 0);
    *bytes = (uint64_t)sqlite3_column_double(s, 1);
    sqlite3_reset(s);
    return 0;
}

int quota_kept(struct db *d, const struct job *j, int64_t account)
{
    uint64_t bytes, messages;
    const struct store_quota *q = NULL;
    for (size_t i = 0; i < j->quota_count; i++)
        if (j->quotas[i].account == account)
            q = &j->quotas[i];
    if (q == NULL)
        return 1;
    if (quota_count(d, account, &bytes, &messages) != 0)
        return -1;
    return (q->bytes == 0 || bytes <= q->bytes) && (q->messages == 0 || messages <= q->messages);
}
