/* Reads what a scenario's process left: its result, or the traces of its death.
 * SPDX-License-Identifier: MIT */
#include "run/slot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char *copy(const char *text)
{
    char *s = strdup(text != NULL ? text : "");
    if (s == NULL)
        abort();
    return s;
}

void slot_clear(struct slot *slot)
{
    json_decref(slot->result);
    buf_clear(&slot->in);
    buf_clear(&slot->kept);
    free(slot->job.users);
    free(slot->job.evidence_name);
    free(slot->job.asked);
    *slot = (struct slot){0};
}

void slot_keep(struct slot *slot, const char *line, size_t n)
{
    if (slot->kept.len + n + 1 <= slot->kept.limit) {
        buf_add(&slot->kept, line, n);
        buf_add(&slot->kept, "\n", 1);
    }
}

json_t *slot_events(const struct slot *slot)
{
    json_t *list = json_array();
    const char *at = (const char *)slot->kept.data, *end = at + slot->kept.len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
        json_array_append_new(list, json_loadb(at, n, JSON_ALLOW_NUL, NULL));
        at += n + 1;
    }
    return list;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text != NULL ? text : "";
}

/* The last thing that the script did, for a scenario that came to no end. */
static const char *last_step(const json_t *events, const char **where)
{
    const char *text = NULL;
    size_t i;
    json_t *e;
    json_array_foreach (events, i, e) {
        if (strcmp(text_of(e, "ev"), "step") != 0)
            continue;
        text = json_string_value(json_object_get(e, "text"));
        *where = json_string_value(json_object_get(e, "where"));
    }
    return text;
}

void slot_autopsy(const struct slot *slot, int status, const json_t *events, struct outcome *o)
{
    static const char *const phases[] = {"preparing INBOX", "running", "restoring INBOX"};
    const char *where = NULL, *step = last_step(events, &where);
    const char *after = step != NULL ? "; last it did: " : "";
    char why[1024];
    o->verdict = VERDICT_ERROR;
    if (slot->killed && slot->phase == IN_SCRIPT) {
        o->verdict = VERDICT_TIMEOUT;
        snprintf(why, sizeof why, "not over after %g s%s%.700s",
                 slot->item->scenario->timeout * slot->job.timeout_scale, after,
                 step != NULL ? step : "");
    } else if (slot->killed) {
        o->verdict = slot->phase == PREPARING ? VERDICT_DEPENDENCY : VERDICT_ERROR;
        snprintf(why, sizeof why, "not done with %s after %g s", phases[slot->phase],
                 SLOT_PREPARE_S * slot->job.timeout_scale);
    } else if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why,
                 "the scenario's process was killed by signal %d, %s, while %s%s%.700s",
                 WTERMSIG(status), strsignal(WTERMSIG(status)), phases[slot->phase], after,
                 step != NULL ? step : "");
    } else {
        snprintf(why, sizeof why, "the scenario's process ended without a result, exit code %d",
                 WEXITSTATUS(status));
    }
    o->why = copy(why);
    o->where = copy(where);
}

void slot_read_result(const struct slot *slot, struct outcome *o)
{
    int v = verdict_of(text_of(slot->result, "verdict"));
    o->verdict = v >= 0 ? (enum verdict)v : VERDICT_ERROR;
    o->why = copy(json_string_value(json_object_get(slot->result, "why")));
    o->where = copy(json_string_value(json_object_get(slot->result, "where")));
    o->seconds = json_number_value(json_object_get(slot->result, "seconds"));
    const char *evidence = json_string_value(json_object_get(slot->result, "evidence"));
    o->evidence = evidence != NULL ? copy(evidence) : NULL;
}
