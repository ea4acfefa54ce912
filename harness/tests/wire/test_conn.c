/* Connections in clear against small servers that behave, misbehave, flood, hang up and keep
 * silent. SPDX-License-Identifier: MIT */
#include <errno.h>

#include "wire/conn.h"
#include "wire/peer.h"
#include "wire/watcher.h"

enum { MS = 3000 }; /* most that a test waits for something that has to happen */

static struct loop *loop;
static struct watcher seen;
static struct peer server;
static struct err err;

static void setup(void)
{
    server = (struct peer){0};
    err.text[0] = '\0';
    loop = watcher_loop(&seen);
}

static void teardown(void)
{
    loop_free(loop);
    watcher_clear(&seen);
}

static struct conn *connect_to(const char *host, uint16_t port)
{
    struct conn *c = NULL;
    struct conn_address to = {.host = host, .port = port};
    int rc = conn_open(loop, "c1", &to, MS, &c, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    return c;
}

static struct conn *meet(void (*serve)(struct peer *p, int fd))
{
    peer_start(&server, "127.0.0.1", serve);
    return connect_to("127.0.0.1", server.port);
}

/* Waits until exactly this text is there, and takes it. */
static void reads(struct conn *c, const char *want)
{
    const unsigned char *p = NULL;
    size_t n = 0, len = strlen(want);
    while ((n = conn_input(c, &p, NULL)) < len)
        ck_assert_msg(conn_fill(c, n, MS, &err) == 1, "after %zu bytes: %s", n, err.text);
    ck_assert_msg(n == len && memcmp(p, want, n) == 0, "got \"%.*s\"", (int)n, (const char *)p);
    conn_took(c, n);
}

/* The connection ends this way, after nothing more. */
static void ends(struct conn *c, enum conn_end how)
{
    const unsigned char *p = NULL;
    size_t n = conn_input(c, &p, NULL);
    int rc = conn_fill(c, n, MS, &err);
    ck_assert_msg(rc == -1, "rc %d", rc);
    ck_assert_msg(conn_ended(c) == how, "it is: %s", conn_end_words(conn_ended(c)));
    ck_assert_msg(strstr(err.text, conn_end_words(how)) != NULL, "%s", err.text);
    ck_assert_int_eq(seen.ended, 1);
}

static void echo(struct peer *p, int fd)
{
    peer_say(fd, "hello\r\n");
    (void)peer_read(p, fd, NULL);
}

START_TEST(connects_over_both_families)
    {
        static const char *const hosts[] = {"127.0.0.1", "::1", "localhost"};
        char host[64];
        uint16_t port = 0;
        struct conn *c = NULL;
        peer_start(&server, _i == 1 ? "::1" : "127.0.0.1", echo);
        c = connect_to(hosts[_i], server.port);
        ck_assert_int_eq(seen.opened, 1);
        conn_peer(c, host, sizeof host, &port);
        ck_assert_str_eq(host, _i == 1 ? "::1" : "127.0.0.1");
        ck_assert_uint_eq(port, server.port);
        conn_local(c, host, sizeof host, &port);
        ck_assert_str_eq(host, _i == 1 ? "::1" : "127.0.0.1");
        ck_assert_uint_ne(port, 0);
        ck_assert_str_eq(conn_name(c), "c1");
        ck_assert_int_eq(conn_number(c), 1);
        ck_assert(!conn_in_tls(c) && !conn_tls_facts(c)->done);
        reads(c, "hello\r\n");
        conn_free(c);
        peer_join(&server);
        ck_assert_int_eq(seen.how, CONN_LOCAL);
    }
END_TEST

static void tell_address(struct peer *p, int fd)
{
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    if (getpeername(fd, (struct sockaddr *)&a, &size) == 0)
        (void)inet_ntop(AF_INET, &a.sin_addr, p->text, sizeof p->text);
}

START_TEST(comes_from_the_source_address_that_was_asked_for)
    {
        peer_start(&server, "127.0.0.1", tell_address);
        struct conn_address to = {.host = "127.0.0.1", .port = server.port, .source = "127.0.0.9"};
        struct conn *c = NULL;
        ck_assert_msg(conn_open(loop, "c1", &to, MS, &c, &err) == 0, "%s", err.text);
        peer_join(&server);
        ck_assert_str_eq(server.text, "127.0.0.9");
    }
END_TEST

/* A label is at most 63 bytes long: the resolver refuses this without asking anybody. */
#define NO_NAME "a-label-of-more-than-63-bytes-cannot-be-a-name-in-any-domain-of-dns.invalid"

static const struct {
    struct conn_address to;
    const char *why;
} unreachable[] = {
    {{.host = "127.0.0.1"}, "refused"},
    {{.host = "127.0.0.1", .source = "::1"}, "other address family"},
    {{.host = "127.0.0.1", .source = "nowhere"}, "no IP address"},
    {{.host = "127.0.0.1", .source = "192.0.2.1"}, "cannot use the source address"},
    {{.host = "::1", .family = AF_INET}, "no IPv4 address"},
    {{.host = NO_NAME}, "cannot look up " NO_NAME},
    {{.host = ""}, "no host name"},
};

START_TEST(says_why_it_cannot_connect)
    {
        struct conn *c = NULL;
        struct conn_address to = unreachable[_i].to;
        /* A port on which somebody listened a moment ago, and nobody does now. */
        peer_listen(&server, "127.0.0.1");
        to.port = server.port;
        (void)close(server.listener);
        ck_assert_int_eq(conn_open(loop, "c1", &to, MS, &c, &err), -1);
        ck_assert_msg(strstr(err.text, unreachable[_i].why) != NULL, "%s", err.text);
        ck_assert_ptr_null(c);
        ck_assert_int_eq(seen.opened, 0);
    }
END_TEST

/* A full accept queue drops the SYN: that is how silence looks without leaving this machine. */
START_TEST(gives_up_when_nobody_answers)
    {
        struct conn *c = NULL;
        server.listener = -1;
        peer_listen(&server, "127.0.0.1");
        ck_assert_int_eq(listen(server.listener, 0), 0);
        struct conn_address to = {.host = "127.0.0.1", .port = server.port};
        int rc = 0;
        double begin = loop_now(loop);
        for (int i = 0; i < 8 && rc == 0; i++)
            rc = conn_open(loop, "c", &to, 100, &c, &err);
        ck_assert_int_eq(rc, -1);
        ck_assert_msg(strstr(err.text, "no answer in time") != NULL, "%s", err.text);
        ck_assert_double_lt(loop_now(loop) - begin, 2);
        (void)close(server.listener);
    }
END_TEST

static void two_parts(struct peer *p, int fd)
{
    peer_say(fd, "one");
    (void)peer_read(p, fd, "go");
    (void)!send(fd, "\0\n\r\x80", 4, MSG_NOSIGNAL);
    (void)peer_read(p, fd, NULL);
}

START_TEST(keeps_every_byte_and_its_time)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(two_parts);
        reads(c, "one");
        conn_pause(loop, 30);
        double before = loop_now(loop), at = 0;
        ck_assert_int_eq(conn_write(c, "go", 2, MS, &err), 0);
        ck_assert_int_eq(conn_fill(c, 3, MS, &err), 1);
        ck_assert_uint_eq(conn_input(c, &p, &at), 4);
        ck_assert_double_ge(at, before);
        ck_assert_mem_eq(p, "\0\n\r\x80", 4);
        ck_assert_uint_eq(conn_history(c, &p), 7);
        ck_assert_mem_eq(p, "one\0\n\r\x80", 7);
        for (unsigned i = 0; i < 7; i++)
            ck_assert_msg((conn_when(c, i) < before) == (i < 3), "byte %u", i);
        conn_took(c, 100);
        ck_assert_uint_eq(conn_input(c, &p, NULL), 0);
        ck_assert_uint_eq(conn_history(c, &p), 7);
        ck_assert_uint_eq(seen.bytes[CONN_RECEIVED][CONN_WIRE].len, 7);
        ck_assert_mem_eq(seen.bytes[CONN_SENT][CONN_WIRE].data, "go", 2);
        ck_assert_uint_eq(seen.bytes[CONN_RECEIVED][CONN_TEXT].len, 0);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

START_TEST(silence_ends_when_time_runs_out)
    {
        struct conn *c = meet(echo);
        reads(c, "hello\r\n");
        double begin = loop_now(loop);
        ck_assert_int_eq(conn_fill(c, 0, 0, &err), 0);
        ck_assert_double_lt(loop_now(loop) - begin, 0.05);
        ck_assert_int_eq(conn_fill(c, 0, 50, &err), 0);
        ck_assert_double_ge(loop_now(loop) - begin, 0.05);
        ck_assert_int_eq(conn_ended(c), CONN_OPEN);
        conn_close(c);
        peer_join(&server);
    }
END_TEST

static void bye(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "221 bye\r\n");
}

START_TEST(what_was_said_before_the_fin_is_there_to_be_read)
    {
        struct conn *c = meet(bye);
        peer_join(&server);
        ck_assert_int_eq(conn_fill(c, 8, MS, &err), 1);
        ends(c, CONN_FIN);
        ck_assert(conn_hung_up(c));
        ck_assert_int_eq(conn_fill(c, 8, 0, &err), 1);
        reads(c, "221 bye\r\n");
        ck_assert_int_eq(conn_fill(c, 0, 0, &err), -1);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), -1);
        ck_assert_msg(strstr(err.text, "FIN") != NULL, "%s", err.text);
    }
END_TEST

static void rst(struct peer *p, int fd)
{
    struct linger now = {.l_onoff = 1};
    (void)peer_read(p, fd, "go");
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

START_TEST(a_reset_is_told_apart_from_a_fin)
    {
        struct conn *c = meet(rst);
        ck_assert_int_eq(conn_write(c, "go", 2, MS, &err), 0);
        ends(c, CONN_RESET);
        peer_join(&server);
    }
END_TEST

/* The same when it is a write that finds out. */
START_TEST(a_reset_is_a_reset_also_for_a_writer)
    {
        struct conn *c = meet(rst);
        ck_assert_int_eq(conn_write(c, "go", 2, MS, &err), 0);
        peer_join(&server);
        int rc = 0;
        for (int i = 0; i < 100 && rc == 0; i++)
            rc = conn_write(c, "more", 4, MS, &err);
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(conn_ended(c), CONN_RESET);
        ck_assert_msg(strstr(err.text, "reset (0 of 4 bytes") != NULL, "%s", err.text);
    }
END_TEST

static void flood(struct peer *p, int fd)
{
    static const char block[65536];
    while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0)
        p->number++;
}

START_TEST(hangs_up_on_a_server_that_does_not_stop)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(flood);
        conn_limit(c, 1000000);
        ck_assert_int_eq(conn_fill(c, 1000000, MS, &err), -1);
        ck_assert_int_eq(conn_ended(c), CONN_OVERFLOW);
        ck_assert_uint_eq(conn_history(c, &p), 1000000);
        ck_assert_int_eq(seen.ended, 1);
        peer_join(&server); /* it notices */
    }
END_TEST

static void answer_after_eof(struct peer *p, int fd)
{
    if (peer_read(p, fd, NULL) == 0)
        peer_say(fd, "still here\r\n");
}

START_TEST(half_closed_it_can_still_read)
    {
        struct conn *c = meet(answer_after_eof);
        ck_assert_int_eq(conn_write(c, "QUIT", 4, MS, &err), 0);
        conn_shutdown(c);
        ck_assert_int_eq(conn_ended(c), CONN_OPEN);
        ck_assert_int_eq(conn_write(c, "x", 1, MS, &err), -1);
        reads(c, "still here\r\n");
        ends(c, CONN_FIN);
        peer_join(&server);
        ck_assert_str_eq(server.text, "QUIT");
    }
END_TEST

static void note_end(struct peer *p, int fd)
{
    peer_say(fd, "unread");
    ssize_t n = peer_read(p, fd, NULL);
    p->number = n == 0 ? 0 : errno;
}

/* Also while the server's words lie unread, close() is a FIN and only reset() is a RST. */
START_TEST(close_is_fin_and_reset_is_rst)
    {
        struct conn *c = meet(note_end);
        struct timespec wait = {.tv_nsec = 20000000};
        (void)nanosleep(&wait, NULL);
        if (_i == 0)
            conn_close(c);
        else if (_i == 1)
            conn_close_rude(c);
        else
            conn_reset(c);
        peer_join(&server);
        ck_assert_int_eq(server.number, _i == 2 ? ECONNRESET : 0);
        ck_assert_int_eq(conn_ended(c), CONN_LOCAL);
        ck_assert_int_eq(seen.ended, 1);
        reads(c, "unread");
        conn_close(c);
        conn_reset(c);
        ck_assert_int_eq(seen.ended, 1);
    }
END_TEST

static void slow_reader(struct peer *p, int fd)
{
    (void)peer_read(p, fd, "\n");
}

START_TEST(leaves_in_the_pieces_that_were_asked_for)
    {
        static const char line[] = "MAIL FROM:<a@b>\r\n";
        struct conn *c = meet(slow_reader);
        conn_segment(c, 3, 8);
        double begin = loop_now(loop);
        ck_assert_int_eq(conn_write(c, line, strlen(line), MS, &err), 0);
        ck_assert_double_ge(loop_now(loop) - begin, 0.039);
        peer_join(&server);
        ck_assert_str_eq(server.text, line);
        ck_assert_int_ge(server.pieces, 4); /* six, unless the machine stood still for a moment */
        for (int i = 0; i < server.pieces; i++)
            ck_assert_msg(server.sizes[i] % 3 == 0 || i == server.pieces - 1, "piece %d", i);
        conn_segment(c, 0, 0);
    }
END_TEST

enum { BULK = 8 << 20 };

static void talk_and_never_listen_first(struct peer *p, int fd)
{
    static char block[BULK];
    size_t sent = 0, got = 0;
    while (sent < BULK) {
        ssize_t n = send(fd, block + sent, BULK - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        sent += (size_t)n;
    }
    while (got < BULK) {
        ssize_t n = recv(fd, block, sizeof block, 0);
        if (n <= 0)
            return;
        got += (size_t)n;
    }
    p->number = 1;
}

/* A server that says everything before it listens would wait for us for ever if we only wrote. */
START_TEST(writes_and_reads_at_once)
    {
        const unsigned char *p = NULL;
        struct conn *c = meet(talk_and_never_listen_first);
        char *bulk = calloc(1, BULK);
        ck_assert_ptr_nonnull(bulk);
        ck_assert_msg(conn_write(c, bulk, BULK, 10000, &err) == 0, "%s", err.text);
        free(bulk);
        ck_assert_int_eq(conn_fill(c, BULK - 1, 10000, &err), 1);
        ck_assert_uint_eq(conn_history(c, &p), BULK);
        peer_join(&server);
        ck_assert_int_eq(server.number, 1);
        ck_assert_uint_eq(seen.bytes[CONN_SENT][CONN_WIRE].len, BULK);
    }
END_TEST

static void wait_for_go(struct peer *p, int fd)
{
    (void)fd;
    while (__atomic_load_n(&p->number, __ATOMIC_ACQUIRE) == 0) {
        struct timespec wait = {.tv_nsec = 1000000};
        (void)nanosleep(&wait, NULL);
    }
}

START_TEST(a_write_that_nobody_reads_ends_in_time)
    {
        struct conn *c = meet(wait_for_go);
        char *bulk = calloc(1, (size_t)64 << 20);
        ck_assert_ptr_nonnull(bulk);
        double begin = loop_now(loop);
        ck_assert_int_eq(conn_write(c, bulk, (size_t)64 << 20, 200, &err), -1);
        ck_assert_double_lt(loop_now(loop) - begin, 2);
        ck_assert_msg(strstr(err.text, "does not read") != NULL, "%s", err.text);
        char want[64];
        (void)snprintf(want, sizeof want, "(%zu of 67108864 bytes",
                       seen.bytes[CONN_SENT][CONN_WIRE].len);
        ck_assert_msg(strstr(err.text, want) != NULL, "%s, but not %s", err.text, want);
        free(bulk);
        conn_reset(c);
        __atomic_store_n(&server.number, 1, __ATOMIC_RELEASE);
        peer_join(&server);
    }
END_TEST

static void greet_and_wait(struct peer *p, int fd)
{
    (void)peer_read(p, fd, "a");
    peer_say(fd, "first");
    (void)peer_read(p, fd, NULL);
}

/* While the script waits on one connection, the other's bytes get the time at which they came. */
START_TEST(waiting_on_one_listens_to_all)
    {
        struct peer other = {0};
        const unsigned char *p = NULL;
        double at = 0;
        struct conn *a = meet(greet_and_wait);
        peer_start(&other, "127.0.0.1", greet_and_wait);
        struct conn *b = connect_to("127.0.0.1", other.port);
        ck_assert_int_eq(conn_number(b), 2);
        ck_assert_int_eq(conn_write(a, "a", 1, MS, &err), 0);
        double begin = loop_now(loop);
        ck_assert_int_eq(conn_fill(b, 0, 300, &err), 0);
        ck_assert_uint_eq(conn_input(a, &p, &at), 5);
        ck_assert_double_lt(at, begin + 0.25);
        ck_assert_int_eq(conn_write(b, "a", 1, MS, &err), 0);
        conn_pause(loop, 100);
        ck_assert_uint_eq(conn_input(b, &p, &at), 5);
        conn_free(a);
        ck_assert_int_eq(conn_ended(b), CONN_OPEN);
        conn_free(b);
        peer_join(&server);
        peer_join(&other);
    }
END_TEST

START_TEST(nothing_is_a_fine_thing_to_free)
    {
        conn_free(NULL);
        loop_free(NULL);
        struct loop *quiet = loop_new(NULL);
        conn_pause(quiet, 1);
        loop_free(quiet);
    }
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void)
{
    Suite *suite = suite_create("conn");
    TCase *t = tcase_create("conn");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, connects_over_both_families, 0, 3);
    tcase_add_test(t, comes_from_the_source_address_that_was_asked_for);
    tcase_add_loop_test(t, says_why_it_cannot_connect, 0, LENGTH(unreachable));
    tcase_add_test(t, gives_up_when_nobody_answers);
    tcase_add_test(t, keeps_every_byte_and_its_time);
    tcase_add_test(t, silence_ends_when_time_runs_out);
    tcase_add_test(t, what_was_said_before_the_fin_is_there_to_be_read);
    tcase_add_test(t, a_reset_is_told_apart_from_a_fin);
    tcase_add_test(t, a_reset_is_a_reset_also_for_a_writer);
    tcase_add_test(t, hangs_up_on_a_server_that_does_not_stop);
    tcase_add_test(t, half_closed_it_can_still_read);
    tcase_add_loop_test(t, close_is_fin_and_reset_is_rst, 0, 3);
    tcase_add_test(t, leaves_in_the_pieces_that_were_asked_for);
    tcase_add_test(t, writes_and_reads_at_once);
    tcase_add_test(t, a_write_that_nobody_reads_ends_in_time);
    tcase_add_test(t, waiting_on_one_listens_to_all);
    tcase_add_test(t, nothing_is_a_fine_thing_to_free);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
