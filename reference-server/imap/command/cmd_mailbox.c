/* Commands on names: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501, 6.3.3 to 6.3.7),
 * NAMESPACE (RFC 2342). SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault.h"
#include "imap/misbehave.h"
#include "imap/state.h"

#define LONGEST_NAME 1024
#define CANNOT "[CANNOT] No mailbox can have that name"

struct names {
    struct str wire, wire_to;
    char *name, *to;
};

static void parse_one(struct imap *s, struct args *a)
{
    struct names *n = arena_alloc(&s->arena, sizeof *n);
    s->args = n;
    if (args_sp(a) && args_astring(a, &n->wire) && args_end(a)) {
        n->name = imap_name(s, &n->wire);
    }
}

/* A name that may be made: no empty level, no wildcard, not too long. The separator at the end of
 * CREATE's name only says that names below are to come (6.3.3). */
static bool can_make(char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > LONGEST_NAME || name[0] == '/' || strstr(name, "//") != NULL) {
        return false;
    }
    return name[n - 1] != '/' && strpbrk(name, "*%") == NULL;
}

static void done(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    bool excused = (r->status == STORE_EXISTS && s->command->run == run_create &&
                    fault(FAULT_IMAP_CREATE_EXISTING_OK)) ||
                   (r->status == STORE_NO_MAILBOX && s->command->run == run_delete &&
                    fault(FAULT_IMAP_DELETE_MISSING_OK));
    if (excused || imap_stored(s, r)) {
        imap_ok(s, "Done");
    }
    imap_go_on(s);
}

void parse_create(struct imap *s, struct args *a)
{
    parse_one(s, a);
}

void run_create(struct imap *s)
{
    struct names *n = s->args;
    size_t len = n->name ? strlen(n->name) : 0;
    if (len > 1 && n->name[len - 1] == '/') {
        n->name[len - 1] = '\0';
    }
    if (n->name == NULL || !can_make(n->name)) {
        imap_no(s, CANNOT);
    } else if (strcmp(n->name, "INBOX") == 0) {
        if (fault(FAULT_IMAP_CREATE_EXISTING_OK)) {
            imap_ok(s, "Done");
        } else {
            imap_no(s, "[ALREADYEXISTS] INBOX is always there");
        }
    } else {
        imap_wait(s);
        store_create(s->conn->server->store, s->account_id, n->name, done, s);
    }
}

void parse_delete(struct imap *s, struct args *a)
{
    parse_one(s, a);
}

void run_delete(struct imap *s)
{
    const struct names *n = s->args;
    if (n->name == NULL) {
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
    } else if (strcmp(n->name, "INBOX") == 0) {
        imap_no(s, "[CANNOT] INBOX stays");
    } else {
        imap_wait(s);
        store_delete(s->conn->server->store, s->account_id, n->name, done, s);
    }
}

void parse_rename(struct imap *s, struct args *a)
{
    struct names *n = arena_alloc(&s->arena, sizeof *n);
    s->args = n;
    if (args_sp(a) && args_astring(a, &n->wire) && args_sp(a) && args_astring(a, &n->wire_to) &&
        args_end(a)) {
        n->name = imap_name(s, &n->wire);
        n->to = imap_name(s, &n->wire_to);
    }
}

void run_rename(struct imap *s)
{
    const struct names *n = s->args;
    size_t len = n->to ? strlen(n->to) : 0;
    if (len > 1 && n->to[len - 1] == '/') {
        n->to[len - 1] = '\0';
    }
    if (n->name == NULL) {
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
    } else if (n->to == NULL || !can_make(n->to)) {
        imap_no(s, CANNOT);
    } else if (strcmp(n->to, "INBOX") == 0) {
        imap_no(s, "[ALREADYEXISTS] INBOX is always there");
    } else if (!misbehave_rename(s, n->name, n->to)) {
        imap_wait(s);
        store_rename(s->conn->server->store, s->account_id, n->name, n->to, done, s);
    }
}

void parse_subscribe(struct imap *s, struct args *a)
{
    parse_one(s, a);
}

static void subscribe(struct imap *s, bool on)
{
    const struct names *n = s->args;
    if (n->name == NULL || !can_make(n->name)) {
        imap_no(s, CANNOT);
        return;
    }
    if (!on && fault(FAULT_IMAP_UNSUBSCRIBE_IGNORED)) {
        imap_ok(s, "Done");
        return;
    }
    imap_wait(s);
    store_subscribe(s->conn->server->store, s->account_id, n->name, on, done, s);
}

void run_subscribe(struct imap *s)
{
    subscribe(s, true);
}

void parse_unsubscribe(struct imap *s, struct args *a)
{
    parse_one(s, a);
}

void run_unsubscribe(struct imap *s)
{
    subscribe(s, false);
}

void run_namespace(struct imap *s)
{
    conn_text(s->conn, fault(FAULT_IMAP_NAMESPACE_TWO_PLACES)
                           ? "* NAMESPACE ((\"\" \"/\")) NIL\r\n"
                           : "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    imap_ok(s, "Done");
}
