/* One IMAP session, and how its commands are run and answered. RFC 3501, 3.
 *
 * A command is parsed as soon as enough of it is here, perhaps several times over (at each literal,
 * to refuse it before the client sends the octets), and run once. Running ends in one of three
 * ways: it is answered at once; it waits for the store (session parked; the completion answers); or
 * it works in pieces (session->work), as output drains. Commands of one session run one after
 * another, so pipelined ones cannot be told from slow ones (5.5). SPDX-License-Identifier: MIT */
#ifndef IMAP_STATE_H
#define IMAP_STATE_H

#include "base/arena.h"
#include "base/trace.h"
#include "imap/grammar/args.h"
#include "imap/grammar/lexer.h"
#include "imap/view.h"
#include "net/conn.h"
#include "sasl/sasl.h"
#include "server.h"

enum imap_state { IMAP_GREETED = 1, IMAP_LOGGED_IN = 2, IMAP_SELECTED = 4, IMAP_ENDED = 8 };
enum imap_mode { MODE_COMMAND, MODE_SASL, MODE_IDLE };

enum imap_wrong { WRONG_NOTHING, WRONG_ARGUMENTS, WRONG_COMMAND, WRONG_STATE };

struct imap;

struct imap_command {
    const char *name;
    unsigned states;    /* IMAP_ bits in which it may come */
    bool uid_form;      /* exists behind UID as well */
    bool keeps_numbers; /* no EXPUNGE in its answer (RFC 3501, 7.4.1) */
    void (*parse)(struct imap *s,
                  struct args *a); /* fills s->args; called again at every literal */
    void (*run)(struct imap *s);
};

struct imap {
    struct conn *conn;
    enum imap_state state;
    enum imap_mode mode;
    struct account *account; /* NULL: nobody, or anonymous */
    int64_t account_id;
    struct lexer lexer;
    struct arena arena; /* of the command under way */
    struct view view;
    struct watcher watcher;

    /* the command under way */
    const char *tag;                    /* in the arena */
    const struct imap_command *command; /* NULL: none */
    bool by_uid;
    void *args;           /* what parse made, in the arena */
    const char *refuse;   /* parse may find that the answer is NO already: "[TRYCREATE] …" */
    size_t literal_limit; /* parse may raise it for the literal that it waits for */
    /* Goes on as output drains, and answers when it is through. */
    void (*work)(struct imap *s);
    /* Releases what work holds, also when the session ends first. */
    void (*work_end)(struct imap *s);
    bool waiting;          /* for the store */
    enum imap_wrong wrong; /* what parse found wrong */
    /* The command is lost already, and its literals are read past: what to answer then. */
    const char *refusal;
    bool refusal_is_no;

    struct sasl *sasl;
    bool sasl_done;  /* success is certain, the client has yet to acknowledge the last message */
    uint32_t *saved; /* "$": UIDs of the last SEARCH RETURN (SAVE) */
    size_t saved_count;
    bool rev2; /* ENABLE IMAP4rev2 was said */
    int bad_commands, failed_logins;
    bool in_input;
};

extern const struct trace_reason imap_reasons[];
/* Says in the trace what decided a tagged answer. */
void imap_trace(const struct imap *s, const char *status, const char *text);

/* --- answering; each ends the command --- */
void imap_ok(struct imap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What a mailbox is answered that mailbox_open could not read (RFC 5530, 3): it is not gone. */
#define IMAP_UNREADABLE "[UNAVAILABLE] The mailbox cannot be read"
void imap_no(struct imap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_bad(struct imap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_end(struct imap *s); /* without a word */
/* By what the store said; false when it said no (the answer is given). */
bool imap_stored(struct imap *s, const struct store_result *r);

/* --- waiting for the store --- */
void imap_wait(struct imap *s); /* before the store is asked */
/* First in a completion: false when the client has gone, and everything is put away. */
bool imap_woken(struct imap *s);
void imap_go_on(struct imap *s); /* last in a completion */

/* Goes on with work that had stopped of its own accord (from a timer). */
void imap_continue(struct imap *s);

/* Output in one go; the buffer is emptied. */
void imap_send(struct imap *s, struct buf *out);
/* Tells what happened to the mailbox, as far as it may be told now. */
void imap_tell(struct imap *s, bool expunges);

/* Indices of the messages that a set means, ascending; "$" is the result of the last search that
 * was saved. -1: a number beyond the last message. */
int imap_resolve(struct imap *s, struct seqset *set, uint32_t **indices, size_t *count);

/* A mailbox name from the wire, decoded, INBOX in capitals; NULL: no such name can exist. */
char *imap_name(struct imap *s, const struct str *wire);
void imap_deselect(struct imap *s);
void imap_forget_saved(struct imap *s);                  /* "$" is empty then */
void imap_capabilities(struct imap *s, struct buf *out); /* without "* CAPABILITY " and line end */
bool imap_logged_in(struct imap *s,
                    struct account *account); /* false: the store would not have it */

const struct imap_command *imap_command_find(const char *name);

/* Commands, by file. */
#define IMAP_COMMAND(name)                                                                         \
    void parse_##name(struct imap *s, struct args *a);                                             \
    void run_##name(struct imap *s);
#define IMAP_PLAIN_COMMAND(name) void run_##name(struct imap *s);

void parse_none(struct imap *s, struct args *a); /* no arguments */
void parse_starttls(struct imap *s, struct args *a);
/* cmd_any.c */
IMAP_PLAIN_COMMAND(capability)
IMAP_PLAIN_COMMAND(noop)
IMAP_PLAIN_COMMAND(logout)
IMAP_COMMAND(id)
/* cmd_auth.c */
IMAP_PLAIN_COMMAND(starttls)
IMAP_COMMAND(login)
IMAP_COMMAND(authenticate)
void imap_sasl_line(struct imap *s, const unsigned char *line, size_t n);
/* cmd_mailbox.c: names */
IMAP_COMMAND(create)
IMAP_COMMAND(delete)
IMAP_COMMAND(rename)
IMAP_COMMAND(subscribe)
IMAP_COMMAND(unsubscribe)
IMAP_PLAIN_COMMAND(namespace)
/* cmd_list.c */
IMAP_COMMAND(list)
IMAP_COMMAND(lsub)
/* cmd_status.c */
IMAP_COMMAND(status)
/* cmd_select.c */
IMAP_COMMAND(select)
IMAP_COMMAND(examine)
IMAP_PLAIN_COMMAND(close)
IMAP_PLAIN_COMMAND(unselect)
IMAP_COMMAND(enable)
IMAP_PLAIN_COMMAND(idle)
void imap_idle_line(struct imap *s, const unsigned char *line, size_t n);
/* cmd_append.c */
IMAP_COMMAND(append)
/* cmd_store.c: flags, copies, removal */
IMAP_COMMAND(store)
IMAP_COMMAND(copy)
IMAP_COMMAND(move)
IMAP_COMMAND(expunge)
/* cmd_fetch.c, cmd_search.c */
IMAP_COMMAND(fetch)
IMAP_COMMAND(search)

#endif
