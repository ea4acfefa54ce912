/* What tests of IMAP sessions share: a world with a client that has logged in.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_IMAP_SESSION_H
#define SERVER_TESTS_IMAP_SESSION_H

#include "world.h"

static struct world world;
static struct world_client ann, bob; /* both are user1 */

static inline void imap_connect(struct world_client *k)
{
    world_connect(&world, k, SERVICE_IMAP, &imap_protocol, false);
    world_hear(k, "\r\n");
    world_forget(k);
}

/* Sends a line and hears everything up to the tagged response to tag. */
static inline const char *imap_say(struct world_client *k, const char *tag, const char *line)
{
    char find[80];
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    snprintf(find, sizeof find, "\r\n%s ", tag);
    world_forget(k);
    world_text(k, line);
    world_text(k, "\r\n");
    for (;;) {
        char *at = k->heard != NULL && k->len > 0 ? strstr(k->heard, find) : NULL;
        bool first = k->len > strlen(tag) && strncmp(k->heard, find + 2, strlen(find) - 2) == 0;
        if ((first || at != NULL) && world_ends_with(k, "\r\n"))
            return k->heard;
        ck_assert_msg(!k->ended && world_now_ms() < end, "to \"%s\" heard \"%s\"%s", line,
                      k->heard != NULL ? k->heard : "", k->ended ? " and the end" : "");
        world_round(k);
    }
}

/* The whole answer to "a LINE". */
static inline void imap_expect(struct world_client *k, const char *line, const char *answer)
{
    char tagged[4096];
    snprintf(tagged, sizeof tagged, "a %s", line);
    const char *heard = imap_say(k, "a", tagged);
    ck_assert_msg(strcmp(heard, answer) == 0, "to \"%s\" heard\n%s\nand not\n%s", tagged, heard,
                  answer);
}

/* The answer to "a LINE" holds this. */
static inline void imap_find(struct world_client *k, const char *line, const char *piece)
{
    char tagged[4096];
    snprintf(tagged, sizeof tagged, "a %s", line);
    const char *heard = imap_say(k, "a", tagged);
    ck_assert_msg(strstr(heard, piece) != NULL, "to \"%s\" heard\n%s\nwithout\n%s", tagged, heard,
                  piece);
}

static inline void imap_lacks(struct world_client *k, const char *line, const char *piece)
{
    char tagged[4096];
    snprintf(tagged, sizeof tagged, "a %s", line);
    const char *heard = imap_say(k, "a", tagged);
    ck_assert_msg(strstr(heard, piece) == NULL, "to \"%s\" heard\n%s\nwith\n%s", tagged, heard,
                  piece);
}

static inline void imap_setup(void)
{
    world_start(&world);
    imap_connect(&ann);
    imap_connect(&bob);
    imap_find(&ann, "LOGIN user1 pass", "a OK");
    imap_find(&bob, "LOGIN user1 pass", "a OK");
}

static inline void imap_teardown(void)
{
    world_hang_up(&ann);
    world_hang_up(&bob);
    world_stop(&world);
}

/* n messages "m1", "m2", … in user1's INBOX. */
static inline void imap_fill(int n)
{
    for (int i = 1; i <= n; i++) {
        char text[200];
        snprintf(text, sizeof text, "Subject: m%d\r\nFrom: ann@x.example\r\n\r\nbody %d\r\n", i, i);
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", text, 0);
    }
}

static inline void imap_uidvalidity(const char *name, uint32_t value)
{
    struct mailbox *m = NULL;
    struct world_done d = {.done = false};
    ck_assert_int_eq(mailbox_open(world.server.store, world.user1->id, name, &m), 0);
    store_set_uidvalidity(m, value, world_done, &d);
    world_wait(world.server.loop, &d);
    mailbox_close(m);
}

#endif
