/* What is said where a handshake should begin, with a fault on: hellos made by hand at one end of a
 * socket pair, tls_forge at the other. SPDX-License-Identifier: MIT */
#include "tls/tls_forge.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <sys/socket.h>

#include "fault.h"
#include "server.h"

enum { ALERT = 21, HANDSHAKE = 22, SERVER_HELLO = 2 };
enum { RC4 = 0x0005, ECDHE_GCM = 0xc02b, ANONYMOUS_RC4 = 0x0018, GREASE = 0x3a3a };

/* Both ends of a connection. */
static int client_fd, server_fd;
static struct conn conn;

static void set_up(void)
{
    int fd[2];
    ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    client_fd = fd[0];
    server_fd = fd[1];
    conn = (struct conn){.protocol = &smtp_protocol};
    fault_clear_all();
}

static void tear_down(void)
{
    fault_clear_all();
    close(client_fd);
    close(server_fd);
}

static void again(void)
{
    tear_down();
    set_up();
}

static void on(const char *name)
{
    struct err err;
    ck_assert_msg(fault_switch(name, true, &err) == 0, "%s", err.text);
}

/* --- hellos --- */

struct bytes {
    unsigned char at[40000];
    size_t n;
};

static void put(struct bytes *b, unsigned v, size_t bytes)
{
    while (bytes-- > 0)
        b->at[b->n++] = (unsigned char)(v >> 8 * bytes);
}

static void put_all(struct bytes *b, const struct bytes *more)
{
    ck_assert(b->n + more->n <= sizeof b->at);
    memcpy(b->at + b->n, more->at, more->n);
    b->n += more->n;
}

/* What a client offers. Zero: TLS 1.2, one sound suite, no extensions. */
struct offer {
    unsigned version;
    unsigned suites[4]; /* up to the first 0 */
    size_t many;        /* so many sound ones besides */
    bool deflate, modern, ticket, odd_share, p256;
    size_t padding; /* bytes of an extension that nobody knows */
};

static void extension(struct bytes *all, unsigned type, const struct bytes *body)
{
    put(all, type, 2);
    put(all, (unsigned)body->n, 2);
    put_all(all, body);
}

/* The handshake message. */
static struct bytes *hello_of(const struct offer *o)
{
    static struct bytes out, extensions, one;
    size_t suites = o->many;
    out.n = extensions.n = 0;
    while (suites - o->many < 4 && o->suites[suites - o->many] != 0)
        suites++;
    put(&out, 1, 1);
    put(&out, 0, 3); /* the length, later */
    put(&out, o->version != 0 ? o->version : 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put(&out, 0x55, 1);
    put(&out, 0, 1);
    put(&out, (unsigned)(suites > 0 ? suites : 1) * 2, 2);
    for (size_t i = 0; i < 4 && o->suites[i] != 0; i++)
        put(&out, o->suites[i], 2);
    for (size_t i = 0; i < (suites > 0 ? o->many : 1); i++)
        put(&out, ECDHE_GCM, 2);
    put(&out, o->deflate ? 2 : 1, 1);
    put(&out, o->deflate ? 1 : 0, o->deflate ? 1 : 0);
    put(&out, 0, 1);
    one.n = 0;
    put(&one, 2 << 16 | 0x0304, 3);
    if (o->modern)
        extension(&extensions, 43, &one);
    one.n = 0;
    put(&one, 0x01020304, 4);
    if (o->ticket)
        extension(&extensions, 35, &one);
    one.n = 0;
    put(&one, 5, 2);
    put(&one, 0x9999, 2); /* a group of nobody's, one byte long */
    put(&one, 1, 2);
    put(&one, 7, 1);
    if (o->odd_share)
        extension(&extensions, 51, &one);
    one.n = 0;
    put(&one, 2, 2);
    put(&one, 23, 2);
    if (o->p256)
        extension(&extensions, 10, &one);
    one.n = 0;
    put(&one, 2, 2);
    put(&one, 0x0403, 2);
    if (o->p256)
        extension(&extensions, 13, &one);
    one.n = o->padding;
    memset(one.at, 0, one.n);
    if (o->padding > 0)
        extension(&extensions, 0x7777, &one);
    if (extensions.n > 0) {
        put(&out, (unsigned)extensions.n, 2);
        put_all(&out, &extensions);
    }
    out.at[1] = (unsigned char)((out.n - 4) >> 16);
    out.at[2] = (unsigned char)((out.n - 4) >> 8);
    out.at[3] = (unsigned char)(out.n - 4);
    return &out;
}

/* In records of at most so many bytes. */
static struct bytes *records_of(const struct bytes *message, size_t most)
{
    static struct bytes out;
    out.n = 0;
    for (size_t at = 0; at < message->n;) {
        size_t n = message->n - at < most ? message->n - at : most;
        put(&out, 0x160301, 3);
        put(&out, (unsigned)n, 2);
        ck_assert(out.n + n <= sizeof out.at);
        memcpy(out.at + out.n, message->at + at, n);
        out.n += n;
        at += n;
    }
    return &out;
}

static void send_all(const void *p, size_t n)
{
    ck_assert(send(client_fd, p, n, 0) == (ssize_t)n);
}

static enum forge offer(const struct offer *o)
{
    struct bytes *b = records_of(hello_of(o), 16384);
    send_all(b->at, b->n);
    return tls_forge(&conn, server_fd, false);
}

/* What the client hears; -1: nothing. */
static ssize_t hear(unsigned char *out, size_t size)
{
    return recv(client_fd, out, size, 0);
}

static bool untouched(const void *p, size_t n)
{
    static unsigned char left[40000];
    return recv(server_fd, left, sizeof left, MSG_PEEK) == (ssize_t)n && memcmp(left, p, n) == 0;
}

/* --- answers --- */

static const struct forged {
    const char *fault;
    struct offer offer;
    unsigned version, suite, compression;
} forged[] = {
    {"tls-ssl3", {.version = 0x0300, .suites = {0x002f}}, 0x0300, 0x002f, 0},
    {"tls-rc4", {.suites = {RC4}}, 0x0303, RC4, 0},
    {"tls-export", {.suites = {0x0003 + 3}}, 0x0303, 0x0006, 0},
    {"tls-3des", {.suites = {0x000a}}, 0x0303, 0x000a, 0},
    {"tls-static-dh", {.suites = {0x0031}}, 0x0303, 0x0031, 0},
    {"tls-compression", {.suites = {ECDHE_GCM}, .deflate = true}, 0x0303, ECDHE_GCM, 1},
    {"tls-no-renegotiation-info",
     {.suites = {ECDHE_GCM, RC4, ANONYMOUS_RC4}},
     0x0303,
     ECDHE_GCM,
     0},
    {"tls-dh-reused", {.suites = {ECDHE_GCM}, .p256 = true}, 0x0303, ECDHE_GCM, 0},
};
enum { FORGED = sizeof forged / sizeof *forged };

/* One record with a ServerHello in it whose lengths are true, with the version and suite asked for.
 */
START_TEST(a_forged_answer_is_a_server_hello)
    {
        const struct forged *f = &forged[_i];
        unsigned char in[2048];
        on(f->fault);
        ck_assert_int_eq(offer(&f->offer), FORGE_ENDED);
        ssize_t n = hear(in, sizeof in);
        ck_assert_msg(n >= 5 + 4 + 38, "%s: %zd bytes", f->fault, n);
        ck_assert_int_eq(in[0], HANDSHAKE);
        ck_assert_uint_eq((unsigned)in[1] << 8 | in[2], f->version);
        ck_assert_int_eq(in[3] << 8 | in[4], n - 5);
        ck_assert_int_eq(in[5], SERVER_HELLO);
        size_t body = (size_t)in[6] << 16 | (size_t)in[7] << 8 | in[8];
        ck_assert_msg(body <= (size_t)n - 9, "%s: a body of %zu", f->fault, body);
        ck_assert_uint_eq((unsigned)in[9] << 8 | in[10], f->version);
        ck_assert_int_eq(in[43], 0); /* no session */
        ck_assert_uint_eq((unsigned)in[44] << 8 | in[45], f->suite);
        ck_assert_uint_eq(in[46], f->compression);
    }
END_TEST

/* Whoever comes with a real hello is served as ever, whatever fault is on. */
START_TEST(a_modern_client_is_left_to_openssl)
    {
        struct offer modern = {.suites = {0x1301, ECDHE_GCM}, .modern = true};
        on(forged[_i].fault);
        ck_assert_int_eq(offer(&modern), FORGE_NOTHING);
        struct bytes *b = records_of(hello_of(&modern), 16384);
        ck_assert_msg(untouched(b->at, b->n), "%s took bytes away", forged[_i].fault);
        unsigned char in[16];
        ck_assert_int_eq(hear(in, sizeof in), -1);
    }
END_TEST

/* The network may cut a hello anywhere: nothing is said before it is whole, and then the same. */
START_TEST(a_hello_at_every_cut)
    {
        struct bytes *b = records_of(hello_of(&(struct offer){.suites = {RC4}}), 16384);
        unsigned char in[2048];
        for (size_t cut = 1; cut < b->n; cut++) {
            again();
            on("tls-rc4");
            send_all(b->at, cut);
            ck_assert_msg(tls_forge(&conn, server_fd, false) == FORGE_WAIT, "cut at %zu", cut);
            ck_assert_int_eq(hear(in, sizeof in), -1);
            send_all(b->at + cut, b->n - cut);
            ck_assert_msg(tls_forge(&conn, server_fd, false) == FORGE_ENDED, "cut at %zu", cut);
            ck_assert_int_gt(hear(in, sizeof in), 40);
        }
    }
END_TEST

/* Before anything has come OpenSSL is not asked either: it would read the hello that comes between.
 * An end is left to it. */
START_TEST(silence_is_waited_out)
    {
        on("tls-rc4");
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_WAIT);
        (void)shutdown(client_fd, SHUT_WR);
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_NOTHING);
    }
END_TEST

/* --- refusals --- */

static const struct refused {
    const char *fault;
    struct offer offer;
    size_t record;
    int alert;
} refused[] = {
    {"tls-no-grease", {.suites = {GREASE, ECDHE_GCM}}, 16384, 47},
    {"tls-long-hello", {.padding = 9000}, 16384, 47},
    {"tls-few-suites", {.many = 129}, 16384, 40},
    {"tls-ticket-intolerant", {.ticket = true}, 16384, 40},
    {"tls-no-retry", {.suites = {0x1301}, .modern = true, .odd_share = true}, 16384, 40},
    {"tls-version-intolerant", {.version = 0x0399}, 16384, 70},
    {"tls-no-fragments", {.padding = 200}, 64, 47},
};
enum { REFUSED = sizeof refused / sizeof *refused };

START_TEST(what_a_fault_does_not_like_gets_a_fatal_alert)
    {
        const struct refused *f = &refused[_i];
        unsigned char in[64];
        struct bytes *b = records_of(hello_of(&f->offer), f->record);
        on(f->fault);
        send_all(b->at, b->n);
        ck_assert_msg(tls_forge(&conn, server_fd, false) == FORGE_ENDED, "%s", f->fault);
        ck_assert_int_eq(hear(in, sizeof in), 7);
        ck_assert_int_eq(in[0], ALERT);
        ck_assert_int_eq(in[3] << 8 | in[4], 2);
        ck_assert_int_eq(in[5], 2);
        ck_assert_int_eq(in[6], f->alert);
    }
END_TEST

/* And without the fault, or just below what it does not like, nothing happens. */
START_TEST(what_is_usual_is_not_refused)
    {
        static const struct offer usual[REFUSED] = {{.suites = {ECDHE_GCM}},
                                                    {.padding = 7000},
                                                    {.many = 128},
                                                    {.ticket = false},
                                                    {.suites = {0x1301}, .modern = true},
                                                    {.version = 0x0303},
                                                    {.padding = 200}};
        on(refused[_i].fault);
        ck_assert_msg(offer(&usual[_i]) == FORGE_NOTHING, "%s", refused[_i].fault);
        again();
        on("tls-rc4"); /* another one */
        ck_assert_msg(offer(&refused[_i].offer) == FORGE_NOTHING, "%s", refused[_i].fault);
    }
END_TEST

/* A second segment is refused by who wants one; a whole record in one is taken. */
START_TEST(half_a_record_is_refused_by_who_wants_it_whole)
    {
        struct bytes *b = records_of(hello_of(&(struct offer){.p256 = true}), 16384);
        unsigned char in[64];
        on("tls-no-segments");
        send_all(b->at, 20);
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_ENDED);
        ck_assert_int_eq(hear(in, sizeof in), 7);
        again();
        on("tls-no-segments");
        send_all(b->at, b->n);
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_NOTHING);
    }
END_TEST

/* --- what is no hello --- */

static const struct words {
    const struct protocol *protocol;
    const char *fault, *says;
} words[] = {{&smtp_protocol, "smtp-starttls-falls-back", "500 "},
             {&imap_protocol, "imap-starttls-falls-back", "* BAD "},
             {&pop3_protocol, "pop3-stls-falls-back", "-ERR "}};

/* Behind STARTTLS the session goes on in clear, in the protocol of the fault alone, and the bytes
 * stay for it. */
START_TEST(a_command_behind_starttls_falls_back)
    {
        static const char text[] = "a1 NOOP\r\n";
        for (int k = 0; k < 3; k++) {
            again();
            conn.protocol = words[k].protocol;
            on(words[_i].fault);
            send_all(text, strlen(text));
            ck_assert_int_eq(tls_forge(&conn, server_fd, true),
                             k == _i ? FORGE_CLEAR : FORGE_NOTHING);
            ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_NOTHING);
            ck_assert(untouched(text, strlen(text)));
        }
    }
END_TEST

START_TEST(a_command_where_tls_comes_first_is_answered_in_clear)
    {
        unsigned char in[256];
        conn.protocol = words[_i].protocol;
        on("port-answers-in-clear");
        send_all("NOOP\r\n", 6);
        ck_assert_int_eq(tls_forge(&conn, server_fd, true),
                         FORGE_NOTHING); /* not behind STARTTLS */
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_ENDED);
        ssize_t n = hear(in, sizeof in);
        ck_assert(n > 2 && memcmp(in, words[_i].says, strlen(words[_i].says)) == 0);
        ck_assert(memcmp(in + n - 2, "\r\n", 2) == 0);
    }
END_TEST

START_TEST(a_hello_of_ssl_2_is_answered_in_ssl_2)
    {
        static const unsigned char hello[] = {0x80, 0x1c, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80};
        unsigned char in[256];
        on("tls-ssl2");
        send_all(hello, sizeof hello);
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_ENDED);
        ssize_t n = hear(in, sizeof in);
        ck_assert_int_eq(n, 2 + 11 + 3 + 16);
        ck_assert_int_eq((in[0] & 0x7f) << 8 | in[1], n - 2);
        ck_assert_int_eq(in[2], 4); /* SERVER-HELLO */
    }
END_TEST

/* A handshake that is none is thrown away, and what follows it is read in clear. */
START_TEST(a_broken_handshake_resumes_in_clear)
    {
        static const unsigned char bad[] = {0x16, 3, 1, 0, 4, 99, 0, 0, 0}, rest[] = "NOOP\r\n";
        on("starttls-resumes-in-clear");
        send_all(bad, sizeof bad);
        send_all(rest, sizeof rest - 1);
        ck_assert_int_eq(tls_forge(&conn, server_fd, true), FORGE_CLEAR);
        ck_assert(untouched(rest, sizeof rest - 1));
    }
END_TEST

START_TEST(a_record_that_is_too_long_is_read_without_a_word)
    {
        static const unsigned char head[] = {0x16, 3, 1, 0x48, 0x01, 1, 0, 0, 0};
        unsigned char in[16];
        on("tls-long-record");
        send_all(head, sizeof head);
        ck_assert_int_eq(tls_forge(&conn, server_fd, false), FORGE_WAIT);
        ck_assert(untouched("", 0) || recv(server_fd, in, sizeof in, MSG_PEEK) == -1);
        ck_assert_int_eq(hear(in, sizeof in), -1);
    }
END_TEST

/* A hello whose lengths lie does no harm: each byte of it is every extreme once, all faults on. */
START_TEST(a_hello_that_lies_does_no_harm)
    {
        static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
        struct offer o = {.suites = {GREASE, RC4, ANONYMOUS_RC4, ECDHE_GCM},
                          .deflate = true,
                          .ticket = true,
                          .odd_share = true,
                          .p256 = true};
        struct bytes good = *records_of(hello_of(&o), 64);
        unsigned char in[2048];
        for (size_t i = 0; i < good.n; i++)
            for (size_t k = 0; k < sizeof values; k++) {
                struct bytes bad = good;
                again();
                for (int f = 0; f < FORGED; f++)
                    on(forged[f].fault);
                bad.at[i] = values[k];
                send_all(bad.at, bad.n);
                enum forge what = tls_forge(&conn, server_fd, k % 2 == 0);
                ssize_t n = hear(in, sizeof in);
                ck_assert_msg((what == FORGE_ENDED) == (n > 0), "byte %zu is %u: %d, %zd bytes", i,
                              values[k], what, n);
            }
    }
END_TEST

/* --- the BIO --- */

START_TEST(without_a_fault_there_is_no_bio_of_ours)
    {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        SSL *ssl = SSL_new(ctx);
        ck_assert_ptr_null(tls_forge_bio(ssl, server_fd));
        SSL_free(ssl);
        SSL_CTX_free(ctx);
    }
END_TEST

/* A handshake that has to fail, for there is no certificate: whether an alert says so. */
static bool fails_with_alert(const char *name)
{
    struct bytes *b = records_of(hello_of(&(struct offer){.p256 = true}), 16384);
    unsigned char in[64];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl = SSL_new(ctx);
    on(name);
    BIO *bio = tls_forge_bio(ssl, server_fd);
    ck_assert_ptr_nonnull(bio);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    send_all(b->at, b->n);
    int n = SSL_accept(ssl);
    ck_assert_int_eq(SSL_get_error(ssl, n), SSL_ERROR_SSL);
    ssize_t got = hear(in, sizeof in);
    ck_assert(got == -1 || in[0] == ALERT);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return got > 0;
}

START_TEST(the_bio_leaves_out_the_alert_of_a_fault_and_no_other)
    {
        ck_assert(!fails_with_alert("tls-no-alert"));
        again();
        ck_assert(fails_with_alert("tls-heartbleed"));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("tls_forge");
    TCase *t = tcase_create("tls_forge");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, a_forged_answer_is_a_server_hello, 0, FORGED);
    tcase_add_loop_test(t, a_modern_client_is_left_to_openssl, 0, FORGED);
    tcase_add_test(t, a_hello_at_every_cut);
    tcase_add_test(t, silence_is_waited_out);
    tcase_add_loop_test(t, what_a_fault_does_not_like_gets_a_fatal_alert, 0, REFUSED);
    tcase_add_loop_test(t, what_is_usual_is_not_refused, 0, REFUSED);
    tcase_add_test(t, half_a_record_is_refused_by_who_wants_it_whole);
    tcase_add_loop_test(t, a_command_behind_starttls_falls_back, 0, 3);
    tcase_add_loop_test(t, a_command_where_tls_comes_first_is_answered_in_clear, 0, 3);
    tcase_add_test(t, a_hello_of_ssl_2_is_answered_in_ssl_2);
    tcase_add_test(t, a_broken_handshake_resumes_in_clear);
    tcase_add_test(t, a_record_that_is_too_long_is_read_without_a_word);
    tcase_add_test(t, a_hello_that_lies_does_no_harm);
    tcase_add_test(t, without_a_fault_there_is_no_bio_of_ours);
    tcase_add_test(t, the_bio_leaves_out_the_alert_of_a_fault_and_no_other);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
