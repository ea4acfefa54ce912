/* What the tests of SMTP share: sessions by service, and a look into mailboxes.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_SMTP_WORLD_H
#define SERVER_TESTS_SMTP_WORLD_H

#include "world.h"

static inline void smtp_world_connect(struct world *w, struct world_client *k, enum service service)
{
    world_connect(w, k, service, &smtp_protocol, service == SERVICE_SUBMISSIONS);
    if (service == SERVICE_SUBMISSIONS)
        ck_assert(world_handshake(k, 0));
    world_hear(k, "\r\n");
}

/* Connected, and hello said. */
static inline void smtp_world_hello(struct world *w, struct world_client *k, enum service service)
{
    smtp_world_connect(w, k, service);
    world_forget(k);
    world_text(k, service == SERVICE_LMTP ? "LHLO client.example\r\n" : "EHLO client.example\r\n");
    world_hear(k, "250 HELP\r\n");
}

static inline size_t smtp_world_count(struct world *w, const struct account *a)
{
    struct mailbox *m = NULL;
    ck_assert_int_eq(mailbox_open(w->server.store, a->id, "INBOX", &m), 0);
    size_t count = m->count;
    mailbox_close(m);
    return count;
}

/* The newest message of an account, NUL-terminated; the caller frees. */
static inline char *smtp_world_newest(struct world *w, const struct account *a, size_t *len)
{
    struct mailbox *m = NULL;
    struct blob blob;
    struct err err;
    ck_assert_int_eq(mailbox_open(w->server.store, a->id, "INBOX", &m), 0);
    ck_assert_msg(m->count > 0, "the mailbox of %s is empty", a->name);
    ck_assert_int_eq(blob_read(w->server.store, m->messages[m->count - 1].blob, &blob, &err), 0);
    char *text = malloc(blob.len + 1);
    ck_assert(text != NULL);
    memcpy(text, blob.data, blob.len);
    text[blob.len] = '\0';
    if (len != NULL)
        *len = blob.len;
    blob_release(&blob);
    mailbox_close(m);
    return text;
}

#endif
