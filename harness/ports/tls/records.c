/* How the port reads handshakes that are cut, padded, doubled or out of order. H.
 * SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { SEGMENT_BYTES = 24, SEGMENT_PAUSE_MS = 2 };

static const uint16_t usual[] = {0x1301, 0x1302, 0x1303, 0xc030, 0xc02f, 0xc02c, 0xc02b, 0xcca8,
                                 0xcca9, 0xc014, 0xc013, 0xc00a, 0xc009, 0x009d, 0x009c, 0x002f};
enum { USUAL = sizeof usual / sizeof *usual };

static void begin(const struct port *p, struct hello *h, int version)
{
    hello_init(h, version, p->o->host_is_name ? p->o->host : NULL);
    if (version == TLS_V_13)
        h->lowest = TLS_V_12;
    h->suites = version == TLS_V_13 ? usual : usual + 3;
    h->suites_n = version == TLS_V_13 ? USUAL : USUAL - 3;
}

static bool took(const struct answer *a)
{
    return a->kind == ANSWER_SERVER || a->kind == ANSWER_RETRY;
}

/* What was sent was refused. Is it the oddity? The same hello without it tells. */
static void judge_odd(struct port *p, enum check_id id, const struct conn *c,
                      const struct answer *a, const char *what)
{
    int shown = c != NULL ? conn_number(c) : dial_last(p);
    char words[128], why[128];
    struct answer plain = {0};
    struct hello h;
    if (took(a)) {
        port_good(p, id, c);
        dial_shows(p, id, shown);
        return;
    }
    answer_words(a, words, sizeof words);
    begin(p, &h, p->facts.versions[5] ? TLS_V_13 : TLS_V_12);
    if (dial_ask(p, &h, false, &plain) != ANSWER_LIMITED) {
        answer_words(&plain, why, sizeof why);
        if (took(&plain))
            port_bad(p, id, NULL, "%s got: %s", what, words);
        else
            port_untested(p, id, "not tested: a ClientHello without it is refused, too: %s", why);
        dial_shows(p, id, shown);
    }
    answer_clear(&plain);
}

/* The hello is taken as if nothing were odd about it. */
static void must_take(struct port *p, enum check_id id, const struct hello *h, size_t record,
                      const char *what)
{
    struct answer a = {0};
    struct buf b;
    if (!port_wants(p, id))
        return;
    buf_init(&b, (size_t)1 << 18);
    hello_records(h, record, &b);
    if (dial_ask_bytes(p, &b, false, &a) != ANSWER_LIMITED)
        judge_odd(p, id, NULL, &a, what);
    buf_clear(&b);
    answer_clear(&a);
}

static void odd_hellos(struct port *p)
{
    struct hello h;
    int best = p->facts.versions[5] ? TLS_V_13 : TLS_V_12;
    begin(p, &h, best);
    must_take(p, CHECK_H02, &h, 16, "a ClientHello in records of 16 bytes");
    h.grease = true;
    must_take(p, CHECK_H05, &h, 16384, "a ClientHello with reserved values");
    begin(p, &h, best);
    h.unknown_extension = true;
    h.padding = 14000;
    must_take(p, CHECK_H06, &h, 16384,
              "a ClientHello with an unknown extension and 14 KB of padding");
    if (p->facts.versions[5]) {
        begin(p, &h, TLS_V_13);
        static const uint16_t groups[] = {HELLO_NOBODYS_GROUP, 29, 23, 24, 25, 30, 256, 257, 258};
        h.odd_share = true;
        h.groups = groups;
        h.groups_n = sizeof groups / sizeof *groups;
        must_take(p, CHECK_H16, &h, 16384, "a key share of an unknown group");
    } else {
        port_not_here(p, CHECK_H16, "no TLS 1.3 here");
    }
}

/* A ticket that is none is ignored. A good one comes with a session id that is shorter than servers
 * expect: a server that repeats more of it than it was given tells what stands behind it in its
 * memory. CVE-2016-9244. */
static void short_session_id(struct port *p)
{
    static const unsigned char id[8] = "mailprof", none[48] = "mailproof made this ticket up";
    const unsigned char *ticket = NULL;
    size_t len = 0;
    struct answer a = {0};
    struct hello h;
    if (!port_wants(p, CHECK_H12))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_H12, "no TLS 1.2 here");
        return;
    }
    begin(p, &h, TLS_V_12);
    h.ticket = true;
    h.ticket_data = none;
    h.ticket_len = sizeof none;
    if (dial_ask(p, &h, false, &a) == ANSWER_LIMITED || !took(&a)) {
        if (a.kind != ANSWER_LIMITED)
            judge_odd(p, CHECK_H12, NULL, &a, "a ticket that is none");
        answer_clear(&a);
        return;
    }
    if (p->session12 != NULL)
        SSL_SESSION_get0_ticket(p->session12, &ticket, &len);
    if (len == 0) {
        port_good(p, CHECK_H12, NULL);
        dial_shows(p, CHECK_H12, dial_last(p));
        answer_clear(&a);
        return;
    }
    begin(p, &h, TLS_V_12);
    h.ems = true;
    h.ticket = true;
    h.ticket_data = ticket;
    h.ticket_len = len;
    h.session = id;
    h.session_len = sizeof id;
    if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED) {
        port_judge(p, CHECK_H12,
                   a.session_len <= sizeof id || memcmp(a.session, id, sizeof id) != 0, NULL,
                   "a session id of 8 bytes came back with %zu: the others are from the server's "
                   "memory",
                   a.session_len);
        dial_shows(p, CHECK_H12, dial_last(p));
    }
    answer_clear(&a);
}

static void compression(struct port *p)
{
    struct answer a = {0};
    struct hello h;
    if (!port_wants(p, CHECK_H01))
        return;
    if (!p->facts.versions[4]) {
        port_good(p, CHECK_H01, NULL);
        return;
    }
    begin(p, &h, TLS_V_12);
    h.deflate = true;
    h.heartbeat = true;
    if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED && took(&a)) {
        port_judge(p, CHECK_H01, a.compression == 0, NULL, "compression method %d was picked",
                   a.compression);
        dial_shows(p, CHECK_H01, dial_last(p));
        if (!a.heartbeat)
            port_good(p, CHECK_H09, NULL);
    }
    answer_clear(&a);
}

/* Sends bytes on a connection where TLS may begin, and says what comes. */
static enum answer_kind raw(struct port *p, const void *bytes, size_t n, struct answer *a)
{
    struct buf b;
    buf_init(&b, (size_t)1 << 18);
    buf_add(&b, bytes, n);
    enum answer_kind k = dial_ask_bytes(p, &b, false, a);
    buf_clear(&b);
    return k;
}

static void bad_records(struct port *p)
{
    struct answer a = {0};
    char words[128];
    if (port_wants(p, CHECK_H04)) {
        /* An empty handshake record, and a good hello behind it: who skips the empty one answers.
         */
        static const unsigned char empty[] = {22, 3, 1, 0, 0};
        struct hello h;
        struct buf b;
        buf_init(&b, 65536);
        buf_add(&b, empty, sizeof empty);
        begin(p, &h, p->facts.versions[5] ? TLS_V_13 : TLS_V_12);
        hello_record(&h, &b);
        if (dial_ask_bytes(p, &b, false, &a) != ANSWER_LIMITED) {
            answer_words(&a, words, sizeof words);
            /* RFC 5246 does not forbid it: only a server of 1.3 has to refuse. */
            if (took(&a) && !p->facts.versions[5])
                port_not_here(p, CHECK_H04, "no TLS 1.3 here, and 1.2 allows it");
            else
                port_judge(p, CHECK_H04, !took(&a), NULL,
                           "an empty handshake record was skipped: %s", words);
            dial_shows(p, CHECK_H04, dial_last(p));
        }
        buf_clear(&b);
        answer_clear(&a);
    }
    if (port_wants(p, CHECK_H07)) {
        static unsigned char big[5 + 18500] = {22, 3, 1, 18500 >> 8, 18500 & 0xff};
        enum answer_kind k = raw(p, big, sizeof big, &a);
        if (k != ANSWER_LIMITED) {
            answer_words(&a, words, sizeof words);
            port_judge(p, CHECK_H07,
                       k == ANSWER_ALERT || k == ANSWER_CLOSED || k == ANSWER_RESET ||
                           k == ANSWER_TEXT,
                       NULL, "a record of 18500 bytes got: %s", words);
            dial_shows(p, CHECK_H07, dial_last(p));
        }
        answer_clear(&a);
    }
}

static void segments(struct port *p)
{
    struct answer a = {0};
    struct hello h;
    struct buf b;
    char what[64];
    if (!port_wants(p, CHECK_H03))
        return;
    struct conn *c = dial_ready(p, NULL);
    if (c == NULL)
        return;
    buf_init(&b, 65536);
    begin(p, &h, p->facts.versions[5] ? TLS_V_13 : TLS_V_12);
    hello_record(&h, &b);
    conn_segment(c, SEGMENT_BYTES, SEGMENT_PAUSE_MS);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    (void)snprintf(what, sizeof what, "a ClientHello in segments of %d bytes", SEGMENT_BYTES);
    if (!dial_gone(p, dial_answer(p, c, false, &a)))
        judge_odd(p, CHECK_H03, c, &a, what);
    buf_clear(&b);
    answer_clear(&a);
    conn_reset(c);
    conn_free(c);
}

/* As far as ServerHelloDone of 1.2; then one record, and what is said to it. */
static void after_flight(struct port *p, enum check_id id, const unsigned char *record, size_t n,
                         bool heartbeat, const char *what)
{
    struct answer a = {0};
    struct hello h;
    struct buf b;
    char text[512];
    if (!port_wants(p, id) || !p->facts.versions[4])
        return;
    struct conn *c = dial_ready(p, NULL);
    if (c == NULL)
        return;
    buf_init(&b, 65536);
    begin(p, &h, TLS_V_12);
    h.heartbeat = heartbeat;
    hello_record(&h, &b);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    (void)dial_answer(p, c, true, &a);
    if (a.done) {
        const unsigned char *in;
        conn_took(c, conn_input(c, &in, NULL));
        (void)conn_write(c, record, n, p->o->answer_ms, NULL);
        size_t got =
            dial_rest(p, c, heartbeat ? dial_quiet_ms(p) : p->o->answer_ms, text, sizeof text);
        if (heartbeat)
            port_judge(p, id, got == 0 || text[0] != 24, c, "%s got %zu bytes back", what, got);
        else
            port_judge(p, id, conn_ended(c) != CONN_OPEN || (got > 1 && text[0] == 21), c,
                       "%s was taken without a word", what);
    }
    buf_clear(&b);
    answer_clear(&a);
    conn_reset(c);
    conn_free(c);
}

static void on_message(int sent, int version, int type, const void *bytes, size_t n, SSL *ssl,
                       void *arg)
{
    (void)version;
    (void)ssl;
    if (sent == 0 && type == SSL3_RT_HANDSHAKE && n > 0 && ((const unsigned char *)bytes)[0] == 24)
        *(int *)arg += 1;
}

static void watch_updates(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, NULL);
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, arg);
}

static void key_update(struct port *p)
{
    struct conn_tls_options o;
    struct reply r;
    int updates = 0;
    if (!port_wants(p, CHECK_H15))
        return;
    if (!p->facts.versions[5]) {
        port_not_here(p, CHECK_H15, "no TLS 1.3 here");
        return;
    }
    dial_options(p, &o);
    o.min_version = "TLSv1.3";
    o.prepare = watch_updates;
    o.prepare_arg = &updates;
    struct conn *c = dial_tls(p, &o, NULL);
    if (c == NULL)
        return;
    (void)SSL_key_update(conn_openssl(c), SSL_KEY_UPDATE_REQUESTED);
    enum reply_kind k = dial_say(p, c, p->protocol == PROTOCOL_POP3, &r, "%s", dial_noop(p));
    port_judge(p, CHECK_H15, k == REPLY_OK && updates > 0, c, "%s",
               k == REPLY_OK ? "the session goes on, but no key update came back"
                             : "the session broke at a key update");
    SSL_set_msg_callback(conn_openssl(c), NULL);
    dial_close(p, c);
}

/* From the server's Finished on nothing leaves until we say so: our Finished and the first command
 * then go in one segment. */
static void hold_back(int write_p, int version, int type, const void *p, size_t n, SSL *ssl,
                      void *arg)
{
    int on = 1;
    (void)version;
    (void)ssl;
    if (write_p == 0 && type == SSL3_RT_HANDSHAKE && n > 0 &&
        *(const unsigned char *)p == SSL3_MT_FINISHED)
        (void)setsockopt(*(int *)arg, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static void watch_finished(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, NULL);
    SSL_set_msg_callback(ssl, hold_back);
    SSL_set_msg_callback_arg(ssl, arg);
}

/* Where TLS begins with STARTTLS the client speaks first: it need not wait after Finished. */
static void speak_at_once(struct port *p)
{
    struct conn_tls_options o;
    struct reply r;
    int off = 0;
    if (!port_wants(p, CHECK_H18) || p->needs_certificate)
        return;
    if (p->mode != MODE_CLEAR || !p->facts.versions[5]) {
        port_not_here(p, CHECK_H18, "%s",
                      p->mode != MODE_CLEAR ? "the server speaks first here"
                                            : "no TLS 1.3 here, and before it the server's "
                                              "Finished is the last");
        return;
    }
    struct conn *c = dial_ready(p, NULL);
    if (c == NULL)
        return;
    int fd = conn_fd(c);
    dial_options(p, &o);
    o.prepare = watch_finished;
    o.prepare_arg = &fd;
    if (conn_starttls(c, &o, p->o->answer_ms, NULL) != 0) {
        dial_close(p, c);
        return;
    }
    SSL_set_msg_callback(conn_openssl(c), NULL);
    const char *text = p->protocol == PROTOCOL_IMAP   ? "f1 CAPABILITY\r\n"
                       : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                                      : "EHLO mailproof.invalid\r\n";
    (void)conn_write(c, text, strlen(text), p->o->answer_ms, NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
    enum reply_kind k = dial_reply(p, c, p->protocol == PROTOCOL_IMAP ? "f1" : NULL,
                                   p->protocol == PROTOCOL_POP3, p->o->answer_ms, &r);
    port_judge(p, CHECK_H18, k != REPLY_SILENT && k != REPLY_END, c,
               "a command in the segment of Finished got no reply");
    dial_close(p, c);
}

void room_records(struct port *p)
{
    static const unsigned char ccs[] = {20, 3, 3, 0, 1, 1};
    static const unsigned char beat[] = {24, 3, 3, 0, 3, 1, 0x40, 0};
    if (p->o->depth < DEPTH_NORMAL)
        return;
    odd_hellos(p);
    compression(p);
    bad_records(p);
    segments(p);
    if (!p->facts.versions[4] && p->facts.version_known[4]) {
        port_not_here(p, CHECK_H08, "no TLS 1.2 here");
        port_good(p, CHECK_H09, NULL);
        port_not_here(p, CHECK_H13, "no TLS 1.2 here");
        port_not_here(p, CHECK_R01, "no TLS 1.2 here");
    }
    after_flight(p, CHECK_H08, ccs, sizeof ccs, false, "an early ChangeCipherSpec");
    after_flight(p, CHECK_H09, beat, sizeof beat, true, "a heartbeat that lies about its length");
    key_update(p);
    short_session_id(p);
    speak_at_once(p);
}
