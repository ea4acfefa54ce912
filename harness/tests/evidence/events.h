/* Makes events of run.jsonl for the tests of this folder, and asks tshark what it sees in a file.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_EVIDENCE_EVENTS_H
#define HARNESS_TESTS_EVIDENCE_EVENTS_H

#include <check.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scenario's events as they are made: time goes on by a millisecond with each. */
struct story {
    json_t *events;
    double at;
    long long off[8][2]; /* bytes of the wire so far, by connection and direction */
};

static inline void story_add(struct story *s, json_t *event)
{
    ck_assert_ptr_nonnull(event);
    if (s->events == NULL)
        s->events = json_array();
    s->at += 0.001;
    json_object_set_new(event, "at", json_real(s->at));
    json_array_append_new(s->events, event);
}

static inline void story_conn(struct story *s, int conn, const char *service, const char *local,
                              int local_port, const char *peer, int peer_port)
{
    char name[16], protocol[8];
    snprintf(name, sizeof name, "c%d", conn);
    /* smtp, imap or pop3 begin the names of all services but these */
    snprintf(protocol, sizeof protocol, "%.4s",
             strncmp(service, "sub", 3) == 0 || strcmp(service, "lmtp") == 0 ? "smtp" : service);
    story_add(s, json_pack("{ss si ss ss ss ss si ss si}", "ev", "conn", "conn", conn, "name", name,
                           "protocol", protocol, "service", service, "local", local, "local_port",
                           local_port, "peer", peer, "peer_port", peer_port));
}

static inline void story_bytes(struct story *s, int conn, char dir, const char *layer,
                               const void *p, size_t n)
{
    char dirs[2] = {dir, '\0'};
    unsigned char *b64 = malloc(4 * (n / 3 + 1) + 1);
    ck_assert_ptr_nonnull(b64);
    EVP_EncodeBlock(b64, p, (int)n);
    long long *off = &s->off[conn][dir == 's'];
    json_t *e = json_pack("{ss si ss ss sI ss}", "ev", "io", "conn", conn, "dir", dirs, "layer",
                          layer, "n", (json_int_t)n, "b64", (const char *)b64);
    if (strcmp(layer, "wire") == 0) {
        json_object_set_new(e, "off", json_integer(*off));
        *off += (long long)n;
    }
    story_add(s, e);
    free(b64);
}

/* One line, or several, in clear. */
static inline void story_says(struct story *s, int conn, char dir, const char *text)
{
    story_bytes(s, conn, dir, "wire", text, strlen(text));
}

static inline void story_step(struct story *s, int conn, const char *text)
{
    story_add(s, json_pack("{ss si ss ss}", "ev", "step", "conn", conn, "text", text, "where",
                           "scenarios/a.lua:7"));
}

static inline void story_check(struct story *s, int ok, const char *text)
{
    story_add(s, json_pack("{ss sb ss ss}", "ev", "check", "ok", ok, "text", text, "where",
                           "scenarios/a.lua:9"));
}

static inline void story_end(struct story *s, int conn, const char *how)
{
    story_add(s, json_pack("{ss si ss}", "ev", "end", "conn", conn, "how", how));
}

static inline void story_close(struct story *s, int conn, const char *how)
{
    story_add(s, json_pack("{ss si ss}", "ev", "close", "conn", conn, "how", how));
}

static inline void story_clear(struct story *s)
{
    json_decref(s->events);
    *s = (struct story){0};
}

/* What a command prints; the caller frees it. Fails the test when the command fails. */
static inline char *output_of(const char *command)
{
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t len = 0, room = 1 << 20;
    char *text = malloc(room + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t n; len < room && (n = fread(text + len, 1, room - len, f)) > 0;)
        len += n;
    text[len] = '\0';
    ck_assert_msg(pclose(f) == 0, "failed: %s\n%s", command, text);
    return text;
}

#endif
