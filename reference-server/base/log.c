/* The log: a line of JSON an event. SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "config/service.h"
#include "net/conn.h"
#include "server.h"

enum { USER_MAX = 256 };

static FILE *file;
static char *file_path;
static const struct clock *time_of;

int log_open(const char *path, const struct clock *clock, struct err *err)
{
    FILE *f = strcmp(path, "-") == 0 ? stderr : fopen(path, "ae");
    if (f == NULL)
        return err_errno(err, path);
    log_close();
    file = f;
    file_path = strdup(path);
    time_of = clock;
    return 0;
}

void log_close(void)
{
    if (file != NULL && file != stderr)
        fclose(file);
    free(file_path);
    file = NULL;
    file_path = NULL;
}

int log_reopen(struct err *err)
{
    if (file == NULL || file == stderr)
        return 0;
    FILE *f = fopen(file_path, "ae");
    if (f == NULL)
        return err_errno(err, file_path);
    fclose(file);
    file = f;
    return 0;
}

const char *log_text(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < size; n++)
        out[n] = (unsigned char)text[n] < 32 || (unsigned char)text[n] > 126 ? '?' : text[n];
    out[n] = '\0';
    return out;
}

/* Now, as RFC 3339 has it; valid until the next call. */
static const char *timestamp(void)
{
    static time_t written = -1;
    static char when[32];
    time_t now = (time_t)clock_wall_s(time_of);
    struct tm tm;
    if (now != written) {
        gmtime_r(&now, &tm);
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
        written = now;
    }
    return when;
}

void log_event(const char *event, const char *fmt, ...)
{
    char braces[128];
    va_list args;
    snprintf(braces, sizeof braces, "{%s}", fmt);
    va_start(args, fmt);
    json_t *rest = json_vpack_ex(NULL, 0, braces, args);
    va_end(args);
    if (file == NULL) {
        json_decref(rest); /* what was given away with "o" is released as well */
        return;
    }
    json_t *line = json_pack("{s:s, s:s}", "t", timestamp(), "event", event);
    if (rest != NULL)
        json_object_update(line, rest);
    json_dumpf(line, file, JSON_COMPACT);
    fputc('\n', file);
    fflush(file);
    json_decref(rest);
    json_decref(line);
}

void log_connect(const struct conn *c)
{
    if (file == NULL)
        return;
    log_event("connect", "s:i, s:s, s:s, s:i", "conn", (int)c->number, "service",
              service_info[c->service].name, "peer", c->peer, "port", (int)c->peer_port);
}

void log_login(const struct conn *c, const char *user, bool ok)
{
    if (file == NULL)
        return;
    char name[USER_MAX];
    log_event("login", "s:i, s:s, s:s, s:s, s:b, s:b", "conn", (int)c->number, "service",
              service_info[c->service].name, "peer", c->peer, "user",
              log_text(user != NULL ? user : "", name, sizeof name), "ok", (int)ok, "tls",
              (int)c->tls);
}

void log_message(const struct conn *c, size_t bytes, size_t recipients)
{
    if (file == NULL)
        return;
    /* There is one for each message, and none of its words ever wants quoting: an object that is
     * built and dumped would cost a sixth of taking the message. */
    fprintf(file,
            "{\"t\":\"%s\",\"event\":\"message\",\"conn\":%u,\"service\":\"%s\","
            "\"peer\":\"%s\",\"bytes\":%zu,\"recipients\":%zu}\n",
            timestamp(), c->number, service_info[c->service].name, c->peer, bytes, recipients);
    fflush(file);
}

void log_end(const struct conn *c)
{
    if (file == NULL)
        return;
    double seconds = (double)(clock_now_ms(c->server->clock) - c->began_ms) / 1000;
    log_event("close", "s:i, s:s, s:f, s:I, s:I, s:b, s:s?", "conn", (int)c->number, "service",
              service_info[c->service].name, "seconds", seconds, "in", (json_int_t)c->bytes_in,
              "out", (json_int_t)c->bytes_out, "tls", (int)c->tls, "why", c->cut_off);
}
