/* Reads run.jsonl for readback.h, line by line: a run that ended in the middle of a line still
 * tells all that came before it. SPDX-License-Identifier: MIT */
#include "run/readback.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/event.h"

/* The file being read. */
struct reader {
    struct readback *r;
    const char *path;
    size_t line;
    json_t *start, *end; /* owned */
    json_t *open; /* id -> index in r->cases of the newest scenario of this file with that id */
};

static void trouble(struct reader *in, const char *what)
{
    char text[640];
    snprintf(text, sizeof text, "%.300s:%zu: %.300s", in->path, in->line, what);
    json_t *s = json_string(text);
    if (s == NULL)
        s = json_string("a line of a file whose name is not UTF-8 could not be read");
    json_array_append_new(in->r->troubles, err_need(s));
}

static json_t *new_case(struct reader *in, const char *id, json_t *start)
{
    json_t *c = err_need(json_pack("{sO s[]}", "start", start, "events"));
    json_object_set_new(in->open, id, json_integer((json_int_t)json_array_size(in->r->cases)));
    json_array_append_new(in->r->cases, c);
    return c;
}

/* The scenario that an event belongs to; one whose start is missing gets one that names it. */
static json_t *case_of(struct reader *in, const json_t *event)
{
    const char *id = json_string_value(json_object_get(event, "case"));
    if (id == NULL)
        return NULL;
    json_t *index = json_object_get(in->open, id);
    if (index != NULL)
        return json_array_get(in->r->cases, (size_t)json_integer_value(index));
    trouble(in, "an event of a scenario that did not start");
    json_t *start = err_need(json_pack("{ss ss}", "ev", "case.start", "case", id));
    json_t *c = new_case(in, id, start);
    json_decref(start);
    return c;
}

static int take(struct reader *in, json_t *event, struct err *err)
{
    const char *ev = json_string_value(json_object_get(event, "ev"));
    if (json_integer_value(json_object_get(event, "v")) > EVENT_VERSION)
        return err_set(
            err,
            "%s:%zu: written by a newer mailproof (version %d of the format; this one reads %d)",
            in->path, in->line, (int)json_integer_value(json_object_get(event, "v")),
            EVENT_VERSION);
    if (ev == NULL) {
        trouble(in, "a line that is no event");
    } else if (strcmp(ev, "run.start") == 0) {
        json_decref(in->start);
        in->start = json_incref(event);
    } else if (strcmp(ev, "run.end") == 0) {
        json_decref(in->end);
        in->end = json_incref(event);
    } else if (strcmp(ev, "case.start") == 0 && json_is_string(json_object_get(event, "case"))) {
        new_case(in, json_string_value(json_object_get(event, "case")), event);
    } else {
        json_t *c = case_of(in, event);
        if (c == NULL)
            trouble(in, "an event that belongs to no scenario");
        else if (strcmp(ev, "case.end") == 0)
            json_object_set(c, "finish", event);
        else
            json_array_append(json_object_get(c, "events"), event);
    }
    return 0;
}

static int take_line(struct reader *in, const char *line, size_t n, struct err *err)
{
    json_error_t why;
    if (line[n - 1] != '\n') {
        trouble(in, "the last line is cut short");
        return 0;
    }
    if (n == 1)
        return 0;
    if (n > READBACK_LINE_LIMIT) {
        trouble(in, "a line that is too long");
        return 0;
    }
    json_t *event = json_loadb(line, n, JSON_ALLOW_NUL, &why);
    if (!json_is_object(event)) {
        trouble(in, event == NULL ? why.text : "a line that is no JSON object");
        json_decref(event);
        return 0;
    }
    int rc = take(in, event, err);
    json_decref(event);
    return rc;
}

static int load(struct readback *r, const char *path, struct err *err)
{
    struct reader in = {.r = r, .path = path, .open = err_need(json_object())};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = -1;
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        err_errno(err, path);
        goto out;
    }
    while ((n = getline(&line, &room, f)) > 0) {
        in.line++;
        if (take_line(&in, line, (size_t)n, err) != 0)
            goto out;
    }
    if (ferror(f)) {
        err_errno(err, path);
        goto out;
    }
    if (in.start == NULL) {
        err_set(err, "%s: holds no run (its first line is not run.start)", path);
        goto out;
    }
    json_array_append(r->starts, in.start);
    json_array_append_new(r->ends, in.end != NULL ? json_incref(in.end) : json_null());
    rc = 0;
out:
    if (f != NULL)
        fclose(f);
    free(line);
    json_decref(in.start);
    json_decref(in.end);
    json_decref(in.open);
    return rc;
}

int readback_load(struct readback *r, const char *const *paths, size_t n, struct err *err)
{
    *r = (struct readback){err_need(json_array()), err_need(json_array()), err_need(json_array()),
                           err_need(json_array())};
    for (size_t i = 0; i < n; i++)
        if (load(r, paths[i], err) != 0) {
            readback_clear(r);
            return -1;
        }
    return 0;
}

void readback_clear(struct readback *r)
{
    json_decref(r->starts);
    json_decref(r->ends);
    json_decref(r->cases);
    json_decref(r->troubles);
    *r = (struct readback){0};
}
