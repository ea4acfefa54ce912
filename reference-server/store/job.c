/* Jobs: making them, filling in what came of them, giving them up.
 * SPDX-License-Identifier: MIT */
#include "store/job.h"

#include <stdlib.h>

struct job *job_new(enum job_kind kind)
{
    struct job *j = calloc(1, sizeof *j);
    if (j == NULL)
        abort();
    j->kind = kind;
    return j;
}

void job_forget(struct job *j)
{
    for (size_t i = 0; i < j->effect_count; i++)
        free(j->effects[i].name);
    j->effect_count = 0;
    j->uids_out.count = 0;
    j->sources.count = 0;
    j->status = STORE_OK;
    j->text[0] = '\0';
    j->uidvalidity = 0;
}

void job_free(struct job *j)
{
    job_forget(j);
    free(j->effects);
    free(j->uids_out.uids);
    free(j->sources.uids);
    for (size_t i = 0; i < j->message_count; i++) {
        free(j->messages[i].data);
        for (char **k = j->messages[i].keywords; k != NULL && *k != NULL; k++)
            free(*k);
        free(j->messages[i].keywords);
    }
    free(j->messages);
    for (char **k = j->keywords; k != NULL && *k != NULL; k++)
        free(*k);
    free(j->keywords);
    free(j->accounts);
    free(j->shares);
    free(j->uids);
    free(j->quotas);
    free(j->name);
    free(j->to);
    free(j);
}

void job_uid(struct uid_list *l, uint32_t uid)
{
    if (l->count == l->room) {
        l->room = l->room > 0 ? l->room * 2 : 16;
        l->uids = realloc(l->uids, l->room * sizeof *l->uids);
        if (l->uids == NULL)
            abort();
    }
    l->uids[l->count++] = uid;
}

struct effect *job_effect(struct job *j, enum effect_kind kind, int64_t mailbox)
{
    if (j->effect_count == j->effect_room) {
        j->effect_room = j->effect_room > 0 ? j->effect_room * 2 : 4;
        j->effects = realloc(j->effects, j->effect_room * sizeof *j->effects);
        if (j->effects == NULL)
            abort();
    }
    struct effect *e = &j->effects[j->effect_count++];
    *e = (struct effect){.kind = kind, .mailbox = mailbox};
    return e;
}
