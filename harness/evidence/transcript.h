/* The exchange of one scenario as a person reads it, made from its events: what each connection
 * sent and received with its time, control bytes escaped, TLS as a boundary line instead of
 * ciphertext, ends. The terminal, `-v`, and every report take their transcripts from here, so that
 * all of them show the same. SPDX-License-Identifier: MIT */
#ifndef HARNESS_EVIDENCE_TRANSCRIPT_H
#define HARNESS_EVIDENCE_TRANSCRIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire/buf.h"

enum transcript_kind {
    TRANSCRIPT_OPEN,     /* text: "smtp, 127.0.0.1 port 2525" */
    TRANSCRIPT_SENT,     /* bytes that the driver sent (inside TLS: the plaintext) */
    TRANSCRIPT_RECEIVED, /* bytes that the server sent */
    TRANSCRIPT_TLS,      /* text: what came of a handshake */
    TRANSCRIPT_END,      /* text: how the connection ended */
    TRANSCRIPT_STEP,     /* text: what the script does next; where: its line */
    TRANSCRIPT_CHECK,    /* text: what was judged; ok; where */
    TRANSCRIPT_RECORD    /* text: "what: value" */
};

/* "open", "sent", "received", "tls", "end", "step", "check", "record", by enum transcript_kind. */
extern const char *const transcript_kind_names[];

struct transcript_line {
    enum transcript_kind kind;
    double at;  /* seconds since the scenario began; of the first byte */
    char *conn; /* "c1"; "" for a check, a record or a step that belongs to no connection */
    unsigned char *bytes; /* SENT, RECEIVED: the bytes that are kept; NULL when none are */
    size_t len;           /* of bytes */
    size_t lost;          /* bytes that went over the wire here but were not kept in run.jsonl */
    char *text;           /* the other kinds */
    char *where;          /* "scenarios/….lua:21" or "" */
    bool ok;              /* CHECK; TLS: the handshake completed */
    bool tls;             /* SENT, RECEIVED: inside TLS */
    bool here;            /* the line at which the scenario failed */
};

struct transcript {
    struct transcript_line *lines;
    size_t count;
};

/* Makes the lines of a scenario from its events (array of the objects of run.jsonl, in order).
 * What one call of the script sent is one entry; what the server said is cut after each LF, and
 * pieces of one line that came shortly after each other are joined. failed: mark the line at which
 * it failed. Never fails: events that it does not know, or that lack fields, are left out. */
void transcript_init(struct transcript *t, const json_t *events, bool failed);
void transcript_clear(struct transcript *t);

struct transcript_style {
    int indent;        /* spaces before each line */
    bool steps;        /* show STEP, CHECK and RECORD lines too (-vv) */
    size_t most_lines; /* at most about so many lines for one piece of data, the rest is folded; 0 =
                          12 */
    size_t most_bytes; /* at most so many bytes of one line are shown; 0 = 160 */
    size_t last;       /* only the last so many lines before the failure (0 = all) */
    bool color;        /* ANSI colours */
};

/* Appends the text, one line each with "\n". style may be NULL. False when b's limit ended it (what
 * fits is there). */
bool transcript_print(const struct transcript *t, const struct transcript_style *style,
                      struct buf *b);

/* Both in one: the text of a scenario's exchange. */
bool transcript_text(const json_t *events, bool failed, const struct transcript_style *style,
                     struct buf *b);

/* Appends n bytes with everything that is not printable ASCII escaped: \r \n \t \0, \xHH, and
 * \\ for a backslash. */
bool transcript_escape(const unsigned char *p, size_t n, struct buf *b);

#endif
