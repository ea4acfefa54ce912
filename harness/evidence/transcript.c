/* Makes and prints the lines of transcript.h. Which bytes are the dialogue: the wire while a
 * connection is in clear, the text layer inside TLS. What lies between, handshake records, becomes
 * one boundary line. SPDX-License-Identifier: MIT */
#include "evidence/transcript.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "evidence/field.h"

#define JOIN_SECONDS                                                                               \
    0.05 /* pieces of one line of the server that come closer than this are joined */
#define HERE_COLUMN 78
#define OUR_FIN "the scenario sends no more (FIN)"
#define OUR_RESET "reset by the scenario (RST)"
#define OUR_CLOSE "closed by the scenario"

const char *const transcript_kind_names[] = {"open", "sent", "received", "tls",
                                             "end",  "step", "check",    "record"};

/* What is known of a connection while its events go by. */
struct about {
    json_int_t number;
    char name[24];
    bool handshake;  /* the client has begun TLS, its outcome has not come yet */
    bool tls;        /* the handshake is done: the text layer speaks */
    bool server_tls; /* the server has answered with a TLS record */
    bool accepted;   /* we are the server */
};

struct maker {
    struct transcript *t;
    struct about *about;
    size_t about_count, room;
};

static struct about *about(struct maker *m, json_int_t number)
{
    for (size_t i = 0; i < m->about_count; i++)
        if (m->about[i].number == number)
            return &m->about[i];
    m->about = err_need(realloc(m->about, (m->about_count + 1) * sizeof *m->about));
    struct about *a = &m->about[m->about_count++];
    *a = (struct about){.number = number};
    snprintf(a->name, sizeof a->name, "c%lld", (long long)number);
    return a;
}

static struct transcript_line *add(struct maker *m, enum transcript_kind kind, const char *conn,
                                   const json_t *e)
{
    struct transcript *t = m->t;
    if (t->count == m->room) {
        m->room = m->room * 2 + 32;
        t->lines = err_need(realloc(t->lines, m->room * sizeof *t->lines));
    }
    struct transcript_line *l = &t->lines[t->count++];
    *l = (struct transcript_line){.kind = kind, .at = field_at(e)};
    l->conn = err_need(strdup(conn));
    l->where = err_need(strdup(field_text(e, "where")));
    return l;
}

static void words(struct transcript_line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void words(struct transcript_line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&l->text, fmt, ap) < 0)
        abort();
    va_end(ap);
}

/* An end that the script made says nothing about the server. */
static bool is_ours(const struct transcript_line *end)
{
    return strcmp(end->text, OUR_FIN) == 0 || strcmp(end->text, OUR_RESET) == 0 ||
           strcmp(end->text, OUR_CLOSE) == 0;
}

/* --- from events to lines ------------------------------------------------------------------------
 */

static void on_conn(struct maker *m, const json_t *e)
{
    struct about *a = about(m, field_int(e, "conn"));
    if (field_text(e, "name")[0] != '\0')
        snprintf(a->name, sizeof a->name, "%s", field_text(e, "name"));
    a->accepted = field_true(e, "accepted");
    struct transcript_line *l = add(m, TRANSCRIPT_OPEN, a->name, e);
    words(l, "%s, %s port %lld", field_text(e, "service"), field_text(e, "peer"),
          (long long)field_int(e, "peer_port"));
}

static void on_tls(struct maker *m, const json_t *e)
{
    struct about *a = about(m, field_int(e, "conn"));
    struct transcript_line *l = add(m, TRANSCRIPT_TLS, a->name, e);
    const char *why = field_text(e, "chain_why"), *alert = field_text(e, "alert");
    a->handshake = false;
    a->tls = l->ok = field_true(e, "done");
    if (!l->ok) {
        words(l, "the TLS handshake failed%s%s", alert[0] ? ": alert " : "", alert);
        return;
    }
    const char *alpn = field_text(e, "alpn"), *sni = field_text(e, "sni");
    words(l, "TLS: %s, %s%s%s%s%s; chain %s%s%s%s; name %s", field_text(e, "version"),
          field_text(e, "cipher"), sni[0] ? ", SNI " : "", sni, alpn[0] ? ", ALPN " : "", alpn,
          field_true(e, "chain_ok") ? "good" : "not trusted", why[0] ? " (" : "", why,
          why[0] ? ")" : "", field_true(e, "name_ok") ? "matches" : "does not match");
}

static void on_end(struct maker *m, const json_t *e)
{
    struct transcript_line *last = m->t->count > 0 ? &m->t->lines[m->t->count - 1] : NULL;
    static const char *const table[][2] = {
        {"fin", "the server closed the connection (FIN)"},
        {"close_notify", "the server ended TLS (close_notify)"},
        {"reset", "the server reset the connection (RST)"},
        {"alert", "TLS ended with a fatal alert or with nonsense"},
        {"overflow", "the server sent more than the limit; the driver hung up"},
        {"local", OUR_CLOSE},
        {"open", "left open"},
    };
    const char *how = field_text(e, "how"), *text = how,
               *conn = about(m, field_int(e, "conn"))->name;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(how, table[i][0]) == 0)
            text = table[i][1];
    /* "closed by the scenario" says more than the FIN just before it, and no more than the RST. */
    if (strcmp(how, "local") == 0 && last != NULL && last->kind == TRANSCRIPT_END &&
        strcmp(last->conn, conn) == 0 && is_ours(last)) {
        if (strcmp(last->text, OUR_FIN) == 0) {
            free(last->text);
            words(last, "%s", OUR_CLOSE);
        }
        return;
    }
    words(add(m, TRANSCRIPT_END, conn, e), "%s", text);
}

/* Our own FIN or RST. That of a whole close goes without saying: its end follows. */
static void on_close(struct maker *m, const json_t *e)
{
    bool reset = strcmp(field_text(e, "how"), "reset") == 0;
    struct transcript_line *l = add(m, TRANSCRIPT_END, about(m, field_int(e, "conn"))->name, e);
    words(l, "%s", reset ? OUR_RESET : OUR_FIN);
}

static void on_step(struct maker *m, const json_t *e, enum transcript_kind kind)
{
    json_int_t conn = field_int(e, "conn");
    struct transcript_line *l = add(m, kind, conn > 0 ? about(m, conn)->name : "", e);
    l->ok = field_true(e, "ok");
    if (kind != TRANSCRIPT_RECORD) {
        words(l, "%s", field_text(e, "text"));
        return;
    }
    const json_t *value = json_object_get(e, "value");
    char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    words(l, "%s: %s", field_text(e, "what"), dump != NULL ? dump : field_text(e, "value"));
    free(dump);
}

/* A TLS record: type 20 to 24, version 3.x. RFC 8446, 5.1. */
static bool is_tls_record(const unsigned char *p, size_t n)
{
    return n >= 3 && p[0] >= 20 && p[0] <= 24 && p[1] == 3 && p[2] <= 4;
}

/* Whether these bytes belong to the dialogue. */
static bool is_dialogue(struct about *a, bool sent, bool wire, const unsigned char *p, size_t n)
{
    if (!wire)
        return true;
    if (a->tls)
        return false;
    bool client = sent != a->accepted;
    if (client && is_tls_record(p, n) && p[0] == 22)
        a->handshake = true;
    if (!a->handshake)
        return true;
    /* A server that did not understand may answer the handshake with words; those are worth
     * reading. */
    if (!client && !a->server_tls && n > 0 && !is_tls_record(p, n))
        return true;
    if (!client)
        a->server_tls = true;
    return false;
}

static void add_bytes(struct maker *m, const json_t *e, const struct about *a,
                      enum transcript_kind kind, bool tls, const unsigned char *p, size_t n)
{
    double at = field_at(e);
    struct transcript_line *last = m->t->count > 0 ? &m->t->lines[m->t->count - 1] : NULL;
    if (kind == TRANSCRIPT_RECEIVED && last != NULL && last->kind == kind && last->len > 0 &&
        strcmp(last->conn, a->name) == 0 && last->tls == tls &&
        last->bytes[last->len - 1] != '\n' && at - last->at <= JOIN_SECONDS) {
        last->bytes = err_need(realloc(last->bytes, last->len + n));
        memcpy(last->bytes + last->len, p, n);
        last->len += n;
        return;
    }
    struct transcript_line *l = add(m, kind, a->name, e);
    l->bytes = err_need(malloc(n > 0 ? n : 1));
    memcpy(l->bytes, p, n);
    l->len = n;
    l->tls = tls;
}

static void on_io(struct maker *m, const json_t *e)
{
    struct about *a = about(m, field_int(e, "conn"));
    bool sent = strcmp(field_text(e, "dir"), "c") == 0,
         wire = strcmp(field_text(e, "layer"), "text") != 0;
    enum transcript_kind kind = sent ? TRANSCRIPT_SENT : TRANSCRIPT_RECEIVED;
    size_t n, claimed = (size_t)field_int(e, "n");
    unsigned char *p = field_bytes(e, &n);
    if (p == NULL) {
        if (claimed > 0 && (!wire || (!a->tls && !a->handshake))) {
            struct transcript_line *l = add(m, kind, a->name, e);
            l->lost = claimed;
            l->tls = !wire;
        }
        return;
    }
    if (is_dialogue(a, sent, wire, p, n)) {
        if (sent)
            add_bytes(m, e, a, kind, !wire, p, n);
        for (size_t from = 0; !sent && from < n;) {
            const unsigned char *lf = memchr(p + from, '\n', n - from);
            size_t to = lf != NULL ? (size_t)(lf - p) + 1 : n;
            add_bytes(m, e, a, kind, !wire, p + from, to - from);
            from = to;
        }
    }
    free(p);
}

/* The line to look at: the newest bytes (or end) before the first judgement that went wrong, or the
 * last at all. */
static void mark_here(struct transcript *t)
{
    struct transcript_line *here = NULL;
    for (size_t i = 0; i < t->count; i++) {
        struct transcript_line *l = &t->lines[i];
        if (l->kind == TRANSCRIPT_CHECK && !l->ok && here != NULL)
            break;
        if (l->kind == TRANSCRIPT_SENT || l->kind == TRANSCRIPT_RECEIVED ||
            l->kind == TRANSCRIPT_TLS || (l->kind == TRANSCRIPT_END && !is_ours(l)))
            here = l;
    }
    if (here != NULL)
        here->here = true;
}

void transcript_init(struct transcript *t, const json_t *events, bool failed)
{
    struct maker m = {.t = t};
    size_t i;
    json_t *e;
    *t = (struct transcript){0};
    json_array_foreach (events, i, e) {
        const char *ev = field_text(e, "ev");
        if (strcmp(ev, "io") == 0)
            on_io(&m, e);
        else if (strcmp(ev, "conn") == 0)
            on_conn(&m, e);
        else if (strcmp(ev, "tls") == 0)
            on_tls(&m, e);
        else if (strcmp(ev, "end") == 0)
            on_end(&m, e);
        else if (strcmp(ev, "close") == 0)
            on_close(&m, e);
        else if (strcmp(ev, "step") == 0)
            on_step(&m, e, TRANSCRIPT_STEP);
        else if (strcmp(ev, "check") == 0)
            on_step(&m, e, TRANSCRIPT_CHECK);
        else if (strcmp(ev, "record") == 0)
            on_step(&m, e, TRANSCRIPT_RECORD);
    }
    if (failed)
        mark_here(t);
    free(m.about);
}

void transcript_clear(struct transcript *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct transcript_line *l = &t->lines[i];
        free(l->conn);
        free(l->bytes);
        free(l->text);
        free(l->where);
    }
    free(t->lines);
    *t = (struct transcript){0};
}

/* --- from lines to text --------------------------------------------------------------------------
 */

bool transcript_escape(const unsigned char *p, size_t n, struct buf *b)
{
    bool fits = true;
    for (size_t i = 0; i < n && fits; i++) {
        unsigned char c = p[i];
        if (c == '\r')
            fits = buf_add(b, "\\r", 2);
        else if (c == '\n')
            fits = buf_add(b, "\\n", 2);
        else if (c == '\t')
            fits = buf_add(b, "\\t", 2);
        else if (c == '\\')
            fits = buf_add(b, "\\\\", 2);
        else if (c == '\0')
            fits = buf_add(b, "\\0", 2);
        else if (c >= 0x20 && c < 0x7f)
            fits = buf_add(b, &c, 1);
        else
            fits = buf_printf(b, "\\x%02X", c);
    }
    return fits;
}

struct printer {
    const struct transcript_style *style;
    struct buf *b;
    bool fits;
    size_t begin; /* where the line began in b, escape sequences not counted */
    size_t unseen;
};

static void emit(struct printer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void emit(struct printer *p, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0 && p->fits)
        p->fits = buf_add(p->b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void color(struct printer *p, const char *code)
{
    if (!p->style->color)
        return;
    size_t before = p->b->len;
    emit(p, "\033[%sm", code);
    p->unseen += p->b->len - before;
}

static void line_begin(struct printer *p, const struct transcript_line *l)
{
    p->begin = p->b->len;
    p->unseen = 0;
    emit(p, "%*s", p->style->indent, "");
    color(p, "2");
    emit(p, "%5.3f  ", l->at);
    color(p, "0");
}

static void line_end(struct printer *p, bool here)
{
    if (here) {
        size_t width = p->b->len - p->begin - p->unseen;
        emit(p, "%*s", width + 2 < HERE_COLUMN ? (int)(HERE_COLUMN - width) : 2, "");
        color(p, "31;1");
        emit(p, "<- here");
        color(p, "0");
    }
    emit(p, "\n");
}

static void print_row(struct printer *p, const struct transcript_line *l,
                      const unsigned char *bytes, size_t n, bool here)
{
    size_t most = p->style->most_bytes;
    size_t shown = n > most + 16 ? most : n; /* not worth folding a few bytes */
    line_begin(p, l);
    emit(p, "%s %s  ", l->conn, l->kind == TRANSCRIPT_SENT ? ">" : "<");
    color(p, l->kind == TRANSCRIPT_SENT ? "36" : "0");
    p->fits = p->fits && transcript_escape(bytes, shown, p->b);
    color(p, "0");
    if (shown < n)
        emit(p, " … %zu more bytes", n - shown);
    line_end(p, here);
}

static size_t row_length(const unsigned char *p, size_t n)
{
    const unsigned char *lf = memchr(p, '\n', n);
    return lf != NULL ? (size_t)(lf - p) + 1 : n;
}

/* What was sent in one piece stays on one line while it is short; longer data goes line by line,
 * and of many lines the first and the last few are shown. */
static void print_bytes(struct printer *p, const struct transcript_line *l)
{
    if (l->bytes == NULL) {
        line_begin(p, l);
        emit(p, "%s %s  [%zu bytes that run.jsonl does not hold]", l->conn,
             l->kind == TRANSCRIPT_SENT ? ">" : "<", l->lost);
        line_end(p, l->here);
        return;
    }
    size_t rows = 0, most = p->style->most_lines;
    for (size_t i = 0; i < l->len; i += row_length(l->bytes + i, l->len - i))
        rows++;
    if (rows <= 1 || l->len <= 100) {
        print_row(p, l, l->bytes, l->len, l->here);
        return;
    }
    size_t tail = most >= 4 ? most / 4 : 1, head = most - tail;
    size_t row = 0, folded_rows = 0, folded_bytes = 0;
    for (size_t i = 0; i < l->len; row++) {
        size_t n = row_length(l->bytes + i, l->len - i);
        if (rows <= most + 2 || row < head || row >= rows - tail) {
            if (folded_rows > 0) {
                line_begin(p, l);
                emit(p, "%s %s  … %zu lines, %zu bytes …", l->conn,
                     l->kind == TRANSCRIPT_SENT ? ">" : "<", folded_rows, folded_bytes);
                line_end(p, false);
                folded_rows = 0;
            }
            print_row(p, l, l->bytes + i, n, l->here && i + n == l->len);
        } else {
            folded_rows++;
            folded_bytes += n;
        }
        i += n;
    }
}

static void print_words(struct printer *p, const struct transcript_line *l)
{
    static const char *const signs[] = {"==", "", "", "==", "==", "--", "", "--"};
    bool judged = l->kind == TRANSCRIPT_CHECK;
    line_begin(p, l);
    if (l->conn[0] != '\0')
        emit(p, "%s ", l->conn);
    if (judged)
        color(p, l->ok ? "32" : "31");
    emit(p, "%s  ", judged ? (l->ok ? "ok" : "no") : signs[l->kind]);
    if (p->fits)
        p->fits = buf_add(p->b, l->text, strcspn(l->text, "\n"));
    if (judged)
        color(p, "0");
    if (l->where[0] != '\0')
        emit(p, "  (%s)", l->where);
    line_end(p, l->here);
}

static bool shown(const struct transcript_style *style, const struct transcript_line *l)
{
    return style->steps || l->kind < TRANSCRIPT_STEP;
}

bool transcript_print(const struct transcript *t, const struct transcript_style *style,
                      struct buf *b)
{
    struct transcript_style s = style != NULL ? *style : (struct transcript_style){0};
    if (s.most_lines == 0)
        s.most_lines = 12;
    if (s.most_bytes == 0)
        s.most_bytes = 160;
    struct printer p = {.style = &s, .b = b, .fits = true};

    size_t end = t->count, first = 0;
    if (s.last > 0) {
        for (size_t i = 0; i < t->count; i++)
            if (t->lines[i].here)
                end = i + 1;
        size_t left = s.last;
        for (first = end; first > 0 && left > 0; first--)
            if (shown(&s, &t->lines[first - 1]))
                left--;
    }
    for (size_t i = first; i < end && p.fits; i++) {
        const struct transcript_line *l = &t->lines[i];
        if (!shown(&s, l))
            continue;
        if (l->kind == TRANSCRIPT_SENT || l->kind == TRANSCRIPT_RECEIVED)
            print_bytes(&p, l);
        else
            print_words(&p, l);
    }
    return p.fits;
}

bool transcript_text(const json_t *events, bool failed, const struct transcript_style *style,
                     struct buf *b)
{
    struct transcript t;
    transcript_init(&t, events, failed);
    bool fits = transcript_print(&t, style, b);
    transcript_clear(&t);
    return fits;
}
