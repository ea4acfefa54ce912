/* TLS connections against servers that speak it well, badly, late, too early and not at all.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <signal.h>

#include "wire/conn.h"
#include "wire/peer.h"
#include "wire/watcher.h"

enum { MS = 5000 };

static struct loop *loop;
static struct watcher seen;
static struct peer server;
static struct err err;
static struct identity ca, leaf;
static char ca_file[64];

static void setup(void)
{
    server = (struct peer){0};
    err.text[0] = '\0';
    ca = identity_make("Test CA", NULL, NULL);
    leaf = identity_make("leaf", "DNS:localhost,DNS:*.example.com,IP:127.0.0.1", &ca);
    (void)snprintf(ca_file, sizeof ca_file, "/tmp/mailproof-ca-XXXXXX");
    identity_write(&ca, ca_file);
    loop = watcher_loop(&seen);
}

static void teardown(void)
{
    loop_free(loop);
    watcher_clear(&seen);
    identity_free(&ca);
    identity_free(&leaf);
    (void)unlink(ca_file);
}

static struct conn *meet(void (*serve)(struct peer *p, int fd), int version)
{
    struct conn *c = NULL;
    peer_identity(&server, &leaf, version);
    peer_start(&server, "127.0.0.1", serve);
    struct conn_address to = {.host = "127.0.0.1", .port = server.port};
    ck_assert_msg(conn_open(loop, "c1", &to, MS, &c, &err) == 0, "%s", err.text);
    return c;
}

static struct conn_tls_options options(void)
{
    return (struct conn_tls_options){
        .sni = "localhost", .verify_name = "localhost", .ca_file = ca_file};
}

static void secure(struct conn *c, const struct conn_tls_options *o)
{
    int rc = conn_starttls(c, o, MS, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    ck_assert(conn_in_tls(c));
    ck_assert(conn_tls_facts(c)->tried && conn_tls_facts(c)->done);
    ck_assert_int_eq(seen.tls, 1);
}

/* The handshake fails, with these words. */
static void fails(struct conn *c, const struct conn_tls_options *o, int timeout_ms, const char *why)
{
    ck_assert_int_eq(conn_starttls(c, o, timeout_ms, &err), -1);
    ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" does not say \"%s\"", err.text, why);
    ck_assert(!conn_in_tls(c) && !conn_tls_facts(c)->done);
}

static void reads(struct conn *c, const char *want)
{
    const unsigned char *p = NULL;
    size_t n = 0, len = strlen(want);
    while ((n = conn_input(c, &p, NULL)) < len)
        ck_assert_msg(conn_fill(c, n, MS, &err) == 1, "after %zu bytes: %s", n, err.text);
    ck_assert_msg(n == len && memcmp(p, want, n) == 0, "got \"%.*s\"", (int)n, (const char *)p);
    conn_took(c, n);
}

static void ends(struct conn *c, enum conn_end how)
{
    ck_assert_int_eq(conn_fill(c, 0, MS, &err), -1);
    ck_assert_msg(conn_ended(c) == how, "it is: %s", conn_end_words(conn_ended(c)));
}

/* Leaves in text: the server's exporter, and its view of both Finished messages (number: their
 * length). */
static void note_bindings(struct peer *p, SSL *ssl)
{
    unsigned char *out = (unsigned char *)p->text;
    (void)SSL_export_keying_material(ssl, out, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0);
    p->number = (int)SSL_get_peer_finished(ssl, out + 32, 64);
}

/* Shakes hands, answers lines with the same in capitals, says goodbye after "quit". */
static void shout(struct peer *p, int fd)
{
    char line[4096];
    int n = 0;
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    note_bindings(p, ssl);
    while ((n = SSL_read(ssl, line, sizeof line)) > 0) {
        for (int i = 0; i < n; i++)
            line[i] = (char)toupper((unsigned char)line[i]);
        (void)SSL_write(ssl, line, n);
        if (n >= 4 && memcmp(line, "QUIT", 4) == 0)
            break;
    }
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

static const struct {
    int number;
    const char *name;
    const char *log; /* a line of the key log that this version has */
} versions[] = {
    {TLS1_2_VERSION, "TLSv1.2", "CLIENT_RANDOM "},
    {TLS1_3_VERSION, "TLSv1.3", "SERVER_HANDSHAKE_TRAFFIC_SECRET "},
};

START_TEST(speaks_and_remembers_both_layers)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(shout, versions[_i].number);
        struct conn_tls_options o = options();
        secure(c, &o);
        ck_assert_int_eq(conn_write(c, "ehlo", 4, MS, &err), 0);
        reads(c, "EHLO");
        ck_assert_int_eq(conn_write(c, "quit", 4, MS, &err), 0);
        reads(c, "QUIT");
        ends(c, CONN_CLOSE_NOTIFY);
        peer_join(&server);
        ck_assert_uint_eq(conn_history(c, &p), 8);
        ck_assert_mem_eq(p, "EHLOQUIT", 8);
        ck_assert_uint_eq(seen.bytes[CONN_SENT][CONN_TEXT].len, 8);
        ck_assert_mem_eq(seen.bytes[CONN_SENT][CONN_TEXT].data, "ehloquit", 8);
        ck_assert_uint_eq(seen.bytes[CONN_RECEIVED][CONN_TEXT].len, 8);
        ck_assert_uint_gt(seen.bytes[CONN_SENT][CONN_WIRE].len, 100);
        ck_assert_int_eq(seen.bytes[CONN_SENT][CONN_WIRE].data[0],
                         22); /* a handshake record comes first */
        ck_assert_msg(strstr(seen.keys, versions[_i].log) != NULL, "%s", seen.keys);
        ck_assert_uint_eq(conn_plaintext_left(c), 0);
        ck_assert_uint_eq(conn_text_begin(c), 0);
        ck_assert_int_eq(seen.ended, 1);
    }
END_TEST

START_TEST(tells_the_facts)
    {
        static const unsigned char zero[32];
        struct conn *c = meet(shout, versions[_i].number);
        struct conn_tls_options o = options();
        secure(c, &o);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), 0);
        reads(c, "X"); /* now the server has finished its side, too */
        const struct conn_tls *f = conn_tls_facts(c);
        ck_assert_str_eq(f->version, versions[_i].name);
        ck_assert_str_ne(f->cipher, "");
        ck_assert_str_eq(f->group, "x25519");
        ck_assert_str_eq(f->sni, "localhost");
        ck_assert_str_eq(f->alpn, "");
        ck_assert_msg(f->chain_ok, "%s", f->chain_why);
        ck_assert_str_eq(f->chain_why, "");
        ck_assert(f->name_ok);
        ck_assert_str_eq(f->subject, "CN=leaf");
        ck_assert_str_eq(f->issuer, "CN=Test CA");
        ck_assert_uint_eq(strlen(f->not_after), strlen("2026-11-21T03:15:00Z"));
        ck_assert_uint_eq(strlen(f->fingerprint), 64);
        ck_assert_str_eq(f->alert, "");
        ck_assert(!f->resumed);
        conn_close(c);
        peer_join(&server);
        ck_assert_mem_ne(f->binding_exporter, zero, 32);
        ck_assert_mem_eq(f->binding_exporter, server.text, 32);
        if (versions[_i].number == TLS1_2_VERSION) {
            ck_assert_uint_eq(f->binding_unique_len, (size_t)server.number);
            ck_assert_mem_eq(f->binding_unique, server.text + 32, f->binding_unique_len);
        } else {
            ck_assert_uint_eq(f->binding_unique_len, 0); /* TLS 1.3 has no tls-unique */
        }
        unsigned char digest[64];
        unsigned int n = 0;
        ck_assert_int_eq(X509_digest(leaf.cert, EVP_sha256(), digest, &n), 1);
        ck_assert_uint_eq(f->binding_end_point_len, n);
        ck_assert_mem_eq(f->binding_end_point, digest, n);
    }
END_TEST

static const struct {
    const char *name;
    bool trusted, name_ok;
} judgements[] = {
    {"localhost", true, true},
    {"127.0.0.1", true, true},
    {"mx.example.com", true, true},
    {"other.example", true, false},
    {"localhost", false, true},
    {"127.0.0.2", false, false},
    {"a.b.example.com", true, false}, /* a wildcard is one label */
    {"leaf", true, false},            /* a common name is no name: RFC 9525 */
    {NULL, true, false},
};

START_TEST(judges_chain_and_name_apart)
    {
        struct identity stranger = identity_make("Stranger", NULL, NULL);
        char file[] = "/tmp/mailproof-ca-XXXXXX";
        identity_write(&stranger, file);
        struct conn *c = meet(shout, 0);
        struct conn_tls_options o = {.verify_name = judgements[_i].name,
                                     .ca_file = judgements[_i].trusted ? ca_file : file};
        secure(c, &o);
        const struct conn_tls *f = conn_tls_facts(c);
        ck_assert_int_eq(f->chain_ok, judgements[_i].trusted);
        ck_assert_int_eq(f->chain_why[0] == '\0', judgements[_i].trusted);
        ck_assert_int_eq(f->name_ok, judgements[_i].name_ok);
        conn_close(c);
        peer_join(&server);
        (void)unlink(file);
        identity_free(&stranger);
    }
END_TEST

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
                       const unsigned char *in, unsigned int len, void *arg)
{
    struct peer *p = arg;
    (void)ssl;
    p->len = len < sizeof p->text ? len : sizeof p->text;
    memcpy(p->text, in, p->len);
    *out = in + 1 + in[0] + 1; /* the second name */
    *n = in[1 + in[0]];
    return SSL_TLSEXT_ERR_OK;
}

static void tell_sni(struct peer *p, int fd)
{
    SSL_CTX_set_alpn_select_cb(p->ctx, choose_alpn, p);
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)SSL_write(ssl, name != NULL ? name : "none", (int)strlen(name != NULL ? name : "none"));
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

START_TEST(sends_sni_and_alpn_as_told)
    {
        static const char *const names[] = {"mx.example.com", NULL};
        struct conn *c = meet(tell_sni, 0);
        struct conn_tls_options o = {.sni = names[_i], .ca_file = ca_file, .alpn = "imap,pop3"};
        secure(c, &o);
        reads(c, names[_i] != NULL ? names[_i] : "none");
        ck_assert_str_eq(conn_tls_facts(c)->alpn, "pop3");
        ck_assert_str_eq(conn_tls_facts(c)->sni, names[_i] != NULL ? names[_i] : "");
        ends(c, CONN_CLOSE_NOTIFY);
        peer_join(&server);
        ck_assert_uint_eq(server.len, 10);
        ck_assert_mem_eq(server.text, "\4imap\4pop3", 10);
    }
END_TEST

static int accept_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok, (void)ctx;
    return 1;
}

static void ask_who(struct peer *p, int fd)
{
    SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, accept_any);
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    char name[256] = "nobody";
    X509 *cert = SSL_get0_peer_certificate(ssl);
    if (cert != NULL)
        (void)X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof name);
    (void)SSL_write(ssl, name, (int)strlen(name));
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

START_TEST(shows_a_client_certificate_when_told)
    {
        struct identity me = identity_make("client", "DNS:client.example", &ca);
        char file[] = "/tmp/mailproof-me-XXXXXX";
        identity_write(&me, file);
        struct conn *c = meet(ask_who, 0);
        struct conn_tls_options o = {.ca_file = ca_file, .cert_file = _i == 0 ? file : NULL};
        secure(c, &o);
        reads(c, _i == 0 ? "/CN=client" : "nobody");
        conn_close(c);
        peer_join(&server);
        (void)unlink(file);
        identity_free(&me);
    }
END_TEST

START_TEST(old_versions_are_reached_when_asked_for)
    {
        struct conn *c = meet(shout, _i < 2 ? TLS1_VERSION : TLS1_1_VERSION);
        struct conn_tls_options o = options();
        o.min_version = _i == 0 ? "TLSv1" : NULL;
        o.max_version = _i == 0 ? NULL : _i == 1 ? "TLSv1.0" : "TLSv1.1";
        secure(c, &o);
        ck_assert_str_eq(conn_tls_facts(c)->version, _i < 2 ? "TLSv1" : "TLSv1.1");
        ck_assert_int_eq(conn_write(c, "old", 3, MS, &err), 0);
        reads(c, "OLD");
        conn_close(c);
        peer_join(&server);
    }
END_TEST

START_TEST(versions_that_do_not_meet_end_in_an_alert)
    {
        struct conn *c = meet(shout, TLS1_3_VERSION);
        struct conn_tls_options o = options();
        o.max_version = "TLSv1.2";
        fails(c, &o, MS, "protocol version");
        ck_assert_str_eq(conn_tls_facts(c)->alert, "protocol_version");
        ck_assert(conn_tls_facts(c)->tried);
        ck_assert_int_eq(conn_ended(c), CONN_TLS_ALERT);
        ck_assert_int_eq(seen.tls, 1);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), -1);
        peer_join(&server);
    }
END_TEST

/* Options that cannot be used are our own trouble: nothing reaches the server. */
START_TEST(unusable_options_are_no_fault_of_the_server)
    {
        static const struct {
            struct conn_tls_options o;
            const char *why;
        } bad[] = {
            {{.min_version = "TLSv9"}, "TLSv9"},
            {{.min_version = "TLSv1.3", .max_version = "TLSv1.2"}, "above"},
            {{.ca_file = "/nonexistent.pem"}, "/nonexistent.pem"},
            {{.cert_file = "/nonexistent.pem"}, "/nonexistent.pem"},
            {{.ciphers = "NONSENSE"}, "NONSENSE"},
            {{.ciphersuites = "NONSENSE"}, "NONSENSE"},
            {{.groups = "NONSENSE"}, "NONSENSE"},
            {{.alpn = "imap,,pop3"}, "ALPN"},
            {{.alpn = ""}, "ALPN"},
        };
        struct conn *c = meet(shout, 0);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            fails(c, &bad[i].o, MS, bad[i].why);
            ck_assert(!conn_tls_facts(c)->tried);
            ck_assert_int_eq(conn_ended(c), CONN_OPEN);
        }
        ck_assert_uint_eq(seen.bytes[CONN_SENT][CONN_WIRE].len, 0);
        struct conn_tls_options o = options();
        secure(c, &o); /* and the connection is as good as before */
        conn_close(c);
        peer_join(&server);
    }
END_TEST

/* Says so much in TLS, then ends without or with close_notify. */
static void end_in_tls(struct peer *p, int fd)
{
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    char line[16];
    int n = SSL_read(ssl, line, sizeof line);
    (void)SSL_write(ssl, "bye", 3);
    if (n > 0 && line[0] == 'n')
        (void)SSL_shutdown(ssl);
    if (n > 0 && line[0] == 'r') {
        struct linger now = {.l_onoff = 1};
        struct timespec wait = {.tv_nsec = 30000000};
        (void)nanosleep(&wait, NULL);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (n > 0 && line[0] == 'x')
        peer_say(fd, "500 this is no TLS record\r\n");
    if (n > 0 && line[0] == 'a')
        (void)!send(fd, "\x15\x03\x03\x00\x02\x02\x28", 7, MSG_NOSIGNAL);
    SSL_free(ssl);
}

START_TEST(four_ways_to_end_are_told_apart)
    {
        static const struct {
            const char *say;
            enum conn_end how;
        } ways[] = {{"notify", CONN_CLOSE_NOTIFY},
                    {"fin", CONN_FIN},
                    {"reset", CONN_RESET},
                    {"x", CONN_TLS_ALERT},
                    {"alert", CONN_TLS_ALERT}};
        /* In TLS 1.2 and in 1.3. */
        struct conn *c = meet(end_in_tls, versions[_i % 2].number);
        struct conn_tls_options o = options();
        secure(c, &o);
        ck_assert_int_eq(conn_write(c, ways[_i / 2].say, strlen(ways[_i / 2].say), MS, &err), 0);
        reads(c, "bye");
        ends(c, ways[_i / 2].how);
        ck_assert_int_eq(seen.ended, 1);
        peer_join(&server);
    }
END_TEST

static void talk_first(struct peer *p, int fd)
{
    (void)peer_read(p, fd, "STARTTLS\r\n");
    peer_say(fd, "220 go\r\n250 too early\r\n");
    shout(p, fd);
}

START_TEST(plaintext_before_the_handshake_is_kept_apart_and_counted)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(talk_first, 0);
        ck_assert_int_eq(conn_write(c, "STARTTLS\r\n", 10, MS, &err), 0);
        ck_assert_int_eq(conn_fill(c, 22, MS, &err), 1);
        conn_took(c, 8); /* "220 go" */
        ck_assert_uint_eq(conn_plaintext_left(c), 0);
        ck_assert_uint_eq(conn_text_begin(c), 23);
        struct conn_tls_options o = options();
        secure(c, &o);
        ck_assert_uint_eq(conn_plaintext_left(c), 15);
        ck_assert_uint_eq(conn_text_begin(c), 23);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), 0);
        reads(c, "250 too early\r\nX");
        ck_assert_uint_eq(conn_history(c, &p), 24);
        ck_assert_uint_eq(conn_plaintext_left(c), 15);
        ck_assert_uint_eq(conn_text_begin(c), 23);
        ck_assert_uint_eq(seen.bytes[CONN_RECEIVED][CONN_TEXT].len, 1);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

static void answer_in_clear(struct peer *p, int fd)
{
    (void)recv(fd, p->text, 1, 0);
    peer_say(fd, "220 mx.example ESMTP\r\n");
    (void)peer_read(p, fd, NULL);
}

START_TEST(an_answer_in_clear_is_quoted)
    {
        struct conn *c = meet(answer_in_clear, 0);
        struct conn_tls_options o = options();
        fails(c, &o, MS, "answered in clear, \"220 mx.example ESMTP\"");
        ck_assert_int_eq(conn_ended(c), CONN_TLS_ALERT);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

static void silent(struct peer *p, int fd)
{
    (void)peer_read(p, fd, NULL);
}

START_TEST(a_server_that_never_answers_runs_out_of_time)
    {
        struct conn *c = meet(silent, 0);
        struct conn_tls_options o = options();
        double begin = loop_now(loop);
        fails(c, &o, 150, "did not finish in 150 ms");
        ck_assert_double_lt(loop_now(loop) - begin, 1.5);
        ck_assert_int_eq(conn_ended(c), CONN_OPEN);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), -1);
        ck_assert_msg(strstr(err.text, "did not finish") != NULL, "%s", err.text);
        ck_assert_int_eq(conn_fill(c, 0, 10, &err), 0);
        ck_assert_int_eq(conn_starttls(c, &o, MS, &err), -1);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

static void hang_up(struct peer *p, int fd)
{
    p->len = (size_t)recv(fd, p->text, sizeof p->text, 0);
}

START_TEST(a_server_that_hangs_up_ends_the_handshake)
    {
        struct conn *c = meet(hang_up, 0);
        struct conn_tls_options o = options();
        fails(c, &o, MS, "during the TLS handshake: closed (FIN)");
        ck_assert_int_eq(conn_ended(c), CONN_FIN);
        peer_join(&server);
    }
END_TEST

static void note_pieces(struct peer *p, int fd)
{
    /* Looks at the ClientHello without taking it: each piece makes a little more of it visible. */
    char hello[2048];
    ssize_t n = 0, before = 0;
    while (p->pieces < 3 && (n = recv(fd, hello, sizeof hello, MSG_PEEK)) > 0) {
        if (n > before && p->pieces < 256)
            p->sizes[p->pieces++] = (int)(n - before);
        before = n;
        struct timespec wait = {.tv_nsec = 500000};
        (void)nanosleep(&wait, NULL);
    }
    shout(p, fd);
}

START_TEST(records_leave_in_pieces)
    {
        struct conn *c = meet(note_pieces, 0);
        struct conn_tls_options o = options();
        conn_segment(c, 20, 5);
        secure(c, &o);
        conn_segment(c, 1, 1);
        ck_assert_int_eq(conn_write(c, "a", 1, MS, &err), 0);
        reads(c, "A");
        conn_segment(c, 0, 0);
        ck_assert_int_eq(conn_write(c, "b", 1, MS, &err), 0);
        reads(c, "B");
        conn_close(c);
        peer_join(&server);
        ck_assert_int_eq(server.pieces, 3);
        ck_assert_int_eq(server.sizes[0] % 20, 0);
    }
END_TEST

static void note_goodbye(struct peer *p, int fd)
{
    char line[64];
    int n = 0;
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    (void)SSL_write(ssl, "hi",
                    2); /* after the session tickets: later nothing of ours is on its way */
    while ((n = SSL_read(ssl, line, sizeof line)) > 0)
        p->len += (size_t)n;
    p->number = SSL_get_error(ssl, n);
    (void)SSL_write(ssl, "late", 4);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

START_TEST(close_says_goodbye_and_rude_does_not)
    {
        struct conn *c = meet(note_goodbye, versions[_i % 2].number);
        struct conn_tls_options o = options();
        secure(c, &o);
        reads(c, "hi");
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), 0);
        if (_i / 2 == 0)
            conn_close(c);
        else if (_i / 2 == 1)
            conn_close_rude(c);
        else
            conn_shutdown(c);
        if (_i / 2 == 2) {
            reads(c, "late"); /* RFC 8446, 6.1: the other direction stays open */
            ends(c, CONN_CLOSE_NOTIFY);
        }
        peer_join(&server);
        ck_assert_uint_eq(server.len, 1);
        ck_assert_int_eq(server.number == SSL_ERROR_ZERO_RETURN, _i / 2 != 1);
        ck_assert_int_eq(conn_ended(c), _i / 2 == 2 ? CONN_CLOSE_NOTIFY : CONN_LOCAL);
        ck_assert_int_eq(seen.ended, 1);
    }
END_TEST

enum { BULK = 4 << 20 };

/* Writes everything before it reads anything; then reads as much. */
static void bulk(struct peer *p, int fd)
{
    static char block[BULK];
    SSL *ssl = peer_handshake(p, fd);
    if (ssl == NULL)
        return;
    if (SSL_write(ssl, block, BULK) == BULK) {
        int n = 0;
        size_t got = 0;
        while (got < BULK && (n = SSL_read(ssl, block, sizeof block)) > 0)
            got += (size_t)n;
        p->number = (int)got;
    }
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

START_TEST(much_goes_both_ways_at_once)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(bulk, versions[_i].number);
        struct conn_tls_options o = options();
        char *text = calloc(1, BULK);
        ck_assert_ptr_nonnull(text);
        secure(c, &o);
        ck_assert_msg(conn_write(c, text, BULK, 20000, &err) == 0, "%s", err.text);
        free(text);
        ck_assert_msg(conn_fill(c, BULK - 1, 20000, &err) == 1, "%s", err.text);
        ck_assert_uint_eq(conn_input(c, &p, NULL), BULK);
        conn_took(c, BULK);
        ends(c, CONN_CLOSE_NOTIFY);
        peer_join(&server);
        ck_assert_int_eq(server.number, BULK);
    }
END_TEST

START_TEST(a_flood_inside_tls_is_cut_off)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(bulk, versions[_i].number);
        struct conn_tls_options o = options();
        conn_limit(c, 100000);
        secure(c, &o);
        ck_assert_int_eq(conn_fill(c, 100000, MS, &err), -1);
        ck_assert_int_eq(conn_ended(c), CONN_OVERFLOW);
        ck_assert_uint_eq(conn_history(c, &p), 100000);
        ck_assert_int_eq(seen.ended, 1);
        peer_join(&server);
    }
END_TEST

START_TEST(warming_up_does_no_harm)
    {
        conn_warm_tls(NULL, true);
        struct conn *c = meet(shout, 0);
        struct conn_tls_options o = options();
        secure(c, &o);
        ck_assert_int_eq(conn_starttls(c, &o, MS, &err), -1);
        ck_assert_msg(strstr(err.text, "already") != NULL, "%s", err.text);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

/* Without a ca_file the system's authorities judge, read once and used twice. */
START_TEST(without_a_file_the_system_is_trusted)
    {
        if (_i == 0)
            ck_assert_int_eq(setenv("SSL_CERT_FILE", ca_file, 1), 0);
        else
            ck_assert_int_eq(setenv("SSL_CERT_FILE", "/nonexistent.pem", 1), 0);
        for (int round = 0; round < 2; round++) {
            struct conn *c = meet(shout, 0);
            struct conn_tls_options o = {.verify_name = "localhost"};
            ck_assert_msg(conn_starttls(c, &o, MS, &err) == 0, "%s", err.text);
            ck_assert_int_eq(conn_tls_facts(c)->chain_ok, _i == 0);
            ck_assert(conn_tls_facts(c)->name_ok);
            conn_free(c);
            peer_join(&server);
            server = (struct peer){0};
        }
    }
END_TEST

/* In TLS 1.3 the server judges a client after the client's handshake is over (RFC 8446, 4.4.2.4).
 */
static void demand_a_certificate(struct peer *p, int fd)
{
    SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_free(peer_handshake(p, fd));
}

START_TEST(a_late_refusal_is_an_alert)
    {
        struct conn *c = meet(demand_a_certificate, TLS1_3_VERSION);
        struct conn_tls_options o = options();
        secure(c, &o);
        ends(c, CONN_TLS_ALERT);
        ck_assert_msg(strstr(err.text, "certificate required") != NULL, "%s", err.text);
        ck_assert_str_eq(conn_tls_facts(c)->alert, "certificate_required");
        peer_join(&server);
    }
END_TEST

/* Answers the ClientHello with bytes that are no TLS and never stop. */
static void flood_in_clear(struct peer *p, int fd)
{
    static const char block[65536];
    (void)recv(fd, p->text, 1, 0);
    while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0)
        p->number++;
}

START_TEST(nonsense_without_end_is_cut_off)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(flood_in_clear, 0);
        struct conn_tls_options o = options();
        conn_limit(c, 0);
        fails(c, &o, MS, "TLS handshake");
        for (int i = 0; i < 500 && !conn_hung_up(c); i++)
            conn_pause(loop, 10);
        ck_assert(conn_hung_up(c));
        ck_assert_int_eq(conn_ended(c), CONN_TLS_ALERT); /* the first end is the end */
        ck_assert_int_eq(conn_fd(c), -1);
        ck_assert_uint_eq(conn_history(c, &p), 0);
        peer_join(&server);
    }
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void)
{
    (void)signal(SIGPIPE,
                 SIG_IGN); /* for the servers: OpenSSL writes to a socket without MSG_NOSIGNAL */
    Suite *suite = suite_create("tls");
    TCase *t = tcase_create("tls");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, speaks_and_remembers_both_layers, 0, 2);
    tcase_add_loop_test(t, tells_the_facts, 0, 2);
    tcase_add_loop_test(t, judges_chain_and_name_apart, 0, LENGTH(judgements));
    tcase_add_loop_test(t, sends_sni_and_alpn_as_told, 0, 2);
    tcase_add_loop_test(t, shows_a_client_certificate_when_told, 0, 2);
    tcase_add_loop_test(t, old_versions_are_reached_when_asked_for, 0, 3);
    tcase_add_test(t, versions_that_do_not_meet_end_in_an_alert);
    tcase_add_test(t, unusable_options_are_no_fault_of_the_server);
    tcase_add_loop_test(t, four_ways_to_end_are_told_apart, 0, 10);
    tcase_add_test(t, plaintext_before_the_handshake_is_kept_apart_and_counted);
    tcase_add_test(t, an_answer_in_clear_is_quoted);
    tcase_add_test(t, a_server_that_never_answers_runs_out_of_time);
    tcase_add_test(t, a_server_that_hangs_up_ends_the_handshake);
    tcase_add_test(t, records_leave_in_pieces);
    tcase_add_loop_test(t, close_says_goodbye_and_rude_does_not, 0, 6);
    tcase_add_loop_test(t, much_goes_both_ways_at_once, 0, 2);
    tcase_add_loop_test(t, a_flood_inside_tls_is_cut_off, 0, 2);
    tcase_add_test(t, warming_up_does_no_harm);
    tcase_add_loop_test(t, without_a_file_the_system_is_trusted, 0, 2);
    tcase_add_test(t, a_late_refusal_is_an_alert);
    tcase_add_test(t, nonsense_without_end_is_cut_off);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
