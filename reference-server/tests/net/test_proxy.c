/* The PROXY protocol: headers at every cut, and connections behind them.
 * SPDX-License-Identifier: MIT */
#include "net/proxy.h"
#include "smtp/smtp_world.h"

#include <arpa/inet.h>

#include "net/guard.h"
#include "net/listen.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t n;
    bool good, own;
    const char *peer, *local;
    uint16_t peer_port, local_port;
} cases[] = {
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n"), true, false, "192.0.2.1",
     "198.51.100.2", 56324, 25},
    {BYTES("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), true, false, "2001:db8::1", "::1", 1, 65535},
    {BYTES("PROXY UNKNOWN\r\n"), true, true, "", "", 0, 0},
    {BYTES("PROXY UNKNOWN ffff:f...f:ffff what ever\r\n"), true, true, "", "", 0, 0},
    {BYTES(V2 "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19"), true, false, "192.0.2.1",
     "198.51.100.2", 56324, 25},
    {BYTES(V2 "\x21\x11\0\x11\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19\4\0\2hi"), true, false,
     "192.0.2.1", "198.51.100.2", 56324, 25},
    {BYTES(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\xff\xff"),
     true, false, "2001:db8::1", "::1", 1, 65535},
    {BYTES(V2 "\x20\0\0\0"), true, true, "", "", 0, 0},
    {BYTES(V2 "\x21\0\0\3abc"), true, true, "", "", 0, 0},
    {BYTES(V2 "\x21\x31\0\3abc"), true, true, "", "", 0, 0}, /* a Unix socket */
    {BYTES("EHLO client.example\r\n"), false, false, "", "", 0, 0},
    {BYTES("\x16\3\1\0\xff"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25 1\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 056 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1  198.51.100.2 56 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 2001:db8::1 ::1 56 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP6 192.0.2.1 198.51.100.2 56 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY UDP4 192.0.2.1 198.51.100.2 56 25\r\n"), false, false, "", "", 0, 0},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56 25\n"), false, false, "", "", 0, 0},
    {BYTES(V2 "\x11\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19"), false, false, "", "", 0, 0},
    {BYTES(V2 "\x22\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19"), false, false, "", "", 0, 0},
    {BYTES(V2 "\x21\x11\0\x0b\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0"), false, false, "", "", 0, 0},
    {BYTES(V2 "\x21\x11\xff\xff"), false, false, "", "", 0, 0},
};

START_TEST(a_header_is_the_same_at_every_cut)
    {
        unsigned char all[256];
        size_t n = cases[_i].n;
        memcpy(all, cases[_i].bytes, n);
        memcpy(all + n, "EHLO", 4);
        for (size_t have = 1; have <= n + 4; have++) {
            struct ends e = {.peer_port = 0};
            size_t used = 0;
            bool own = false;
            const char *why = NULL;
            enum proxy_step step = proxy_parse(all, have, &e, &own, &used, &why);
            if (!cases[_i].good) {
                ck_assert_msg(step != PROXY_DONE, "taken after %zu bytes", have);
                ck_assert(step == PROXY_MORE || why != NULL);
                ck_assert(have < n + 4 || step == PROXY_WRONG);
                continue;
            }
            ck_assert_msg(step == (have < n ? PROXY_MORE : PROXY_DONE), "%zu bytes: %s", have,
                          why != NULL ? why : "");
            if (step != PROXY_DONE)
                continue;
            ck_assert_uint_eq(used, n);
            ck_assert_int_eq(own, cases[_i].own);
            if (own)
                continue;
            ck_assert_str_eq(e.peer, cases[_i].peer);
            ck_assert_str_eq(e.local, cases[_i].local);
            ck_assert_uint_eq(e.peer_port, cases[_i].peer_port);
            ck_assert_uint_eq(e.local_port, cases[_i].local_port);
        }
    }
END_TEST

START_TEST(a_line_without_end_is_wrong)
    {
        unsigned char line[120] = "PROXY TCP4 192.0.2.1 ";
        struct ends e;
        size_t used;
        bool own;
        const char *why;
        memset(line + 21, '1', sizeof line - 21);
        ck_assert_int_eq(proxy_parse(line, 106, &e, &own, &used, &why), PROXY_MORE);
        ck_assert_int_eq(proxy_parse(line, 107, &e, &own, &used, &why), PROXY_WRONG);
    }
END_TEST

/* --- connections --- */

static struct world w;
static struct world_client c;

static void wait_for_header(enum service service, const struct protocol *protocol, bool tls)
{
    int fd[2];
    ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    c = (struct world_client){.world = &w, .fd = fd[0]};
    proxy_await(&w.server, service, protocol, tls, fd[1]);
}

static void begin(void)
{
    world_start(&w);
    w.server.guard = guard_new();
}

static void end(void)
{
    struct guard *g = w.server.guard;
    world_hang_up(&c);
    ck_assert_uint_eq(w.server.waiter_count, 0);
    world_stop(&w);
    guard_free(g);
}

START_TEST(the_client_is_who_the_proxy_says)
    {
        wait_for_header(SERVICE_SMTP, &smtp_protocol, false);
        world_round(&c);
        ck_assert_uint_eq(c.len, 0); /* no greeting yet */
        world_text(&c, "PROXY TCP4 192.0.2.1 198.51");
        world_round(&c);
        world_text(&c, ".100.2 56324 25\r\nEHLO client.example\r\n");
        const char *heard = world_hear(&c, "250 HELP\r\n");
        ck_assert_int_eq(strncmp(heard, "220 ", 4), 0);
        ck_assert_str_eq(w.server.conns->peer, "192.0.2.1");
        ck_assert_str_eq(w.server.conns->local, "198.51.100.2");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user1@[198.51.100.2]>\r\n", "250");
        world_ask(&c, "DATA\r\n", "354");
        world_ask(&c, "Subject: x\r\n\r\nx\r\n.\r\n", "250");
        char *text = smtp_world_newest(&w, w.user1, NULL);
        ck_assert_ptr_nonnull(strstr(text, "from client.example ([192.0.2.1])"));
        free(text);
    }
END_TEST

START_TEST(a_proxy_that_speaks_for_itself_is_itself)
    {
        wait_for_header(SERVICE_POP3, &pop3_protocol, false);
        world_text(&c, "PROXY UNKNOWN\r\n");
        world_hear(&c, "\r\n");
        ck_assert_str_eq(w.server.conns->peer, "127.0.0.1");
    }
END_TEST

START_TEST(tls_begins_right_behind_the_header)
    {
        world_start_tls(&w);
        wait_for_header(SERVICE_POP3S, &pop3_protocol, true);
        world_text(&c, "PROXY TCP6 2001:db8::1 ::1 1 995\r\n");
        ck_assert(world_handshake(&c, 0));
        world_hear(&c, "\r\n");
        ck_assert_str_eq(w.server.conns->peer, "2001:db8::1");
    }
END_TEST

START_TEST(what_is_no_header_ends_the_connection_in_words)
    {
        static const struct {
            enum service service;
            const struct protocol *protocol;
            const char *words;
        } t[] = {
            {SERVICE_SMTP, &smtp_protocol,
             "554 5.7.0 mail.test.example a PROXY header was expected\r\n"},
            {SERVICE_IMAP, &imap_protocol, "* BYE a PROXY header was expected\r\n"},
            {SERVICE_POP3, &pop3_protocol, "-ERR [SYS/PERM] a PROXY header was expected\r\n"},
        };
        wait_for_header(t[_i].service, t[_i].protocol, false);
        world_text(&c, "EHLO client.example\r\n");
        ck_assert_str_eq(world_hear(&c, NULL), t[_i].words);
        ck_assert_uint_eq(w.server.conn_count, 0);
    }
END_TEST

START_TEST(no_header_in_time_ends_the_connection_in_words)
    {
        wait_for_header(SERVICE_SMTP, &smtp_protocol, false);
        world_text(&c, "PROXY TCP4 ");
        world_round(&c);
        clock_advance(w.server.clock, w.server.limits.handshake_seconds * 1000 + 1);
        ck_assert_str_eq(world_hear(&c, NULL),
                         "554 5.7.0 mail.test.example no PROXY header came\r\n");
    }
END_TEST

START_TEST(limits_count_clients_and_not_the_proxy)
    {
        struct world_client first;
        w.server.limits.connections_per_address = 1;
        wait_for_header(SERVICE_POP3, &pop3_protocol, false);
        world_text(&c, "PROXY TCP4 192.0.2.1 192.0.2.9 1 110\r\n");
        world_hear(&c, "\r\n");
        first = c;
        wait_for_header(SERVICE_POP3, &pop3_protocol, false);
        world_text(&c, "PROXY TCP4 192.0.2.2 192.0.2.9 1 110\r\n");
        ck_assert_int_eq(strncmp(world_hear(&c, "\r\n"), "+OK", 3), 0);
        world_hang_up(&c);
        wait_for_header(SERVICE_POP3, &pop3_protocol, false);
        world_text(&c, "PROXY TCP4 192.0.2.1 192.0.2.9 2 110\r\n");
        ck_assert_str_eq(world_hear(&c, NULL),
                         "-ERR [SYS/TEMP] Too many connections from 192.0.2.1\r\n");
        world_hang_up(&c);
        c = first;
    }
END_TEST

/* Through a listener: only those who are listed have to send one. */
START_TEST(listed_peers_and_no_others_begin_with_a_header)
    {
        struct err err;
        struct listener *l;
        struct sockaddr_in a = {.sin_family = AF_INET};
        ck_assert(policy_set(&w.server.policy, "proxy-from", "smtp=127.0.0.2", &err) == 0);
        ck_assert_msg(listen_open(&w.server, SERVICE_SMTP, "127.0.0.1", 0, &l, &err) == 0, "%s",
                      err.text);
        for (int i = 1; i <= 2; i++) {
            char from[16];
            snprintf(from, sizeof from, "127.0.0.%d", i);
            inet_pton(AF_INET, from, &a.sin_addr);
            a.sin_port = 0;
            c = (struct world_client){.world = &w, .fd = socket(AF_INET, SOCK_STREAM, 0)};
            ck_assert(bind(c.fd, (struct sockaddr *)&a, sizeof a) == 0);
            inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
            a.sin_port = htons(listen_port(l));
            ck_assert(connect(c.fd, (struct sockaddr *)&a, sizeof a) == 0);
            fcntl(c.fd, F_SETFL, O_NONBLOCK);
            if (i == 2)
                world_text(&c, "PROXY TCP4 192.0.2.1 192.0.2.9 1 25\r\n");
            ck_assert_int_eq(strncmp(world_hear(&c, "\r\n"), "220 ", 4), 0);
            ck_assert_str_eq(w.server.conns->peer, i == 2 ? "192.0.2.1" : "127.0.0.1");
            if (i == 1)
                world_hang_up(&c);
        }
        listen_close(l);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("proxy");
    TCase *t = tcase_create("headers");
    tcase_add_loop_test(t, a_header_is_the_same_at_every_cut, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, a_line_without_end_is_wrong);
    suite_add_tcase(s, t);
    t = tcase_create("connections");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, the_client_is_who_the_proxy_says);
    tcase_add_test(t, a_proxy_that_speaks_for_itself_is_itself);
    tcase_add_test(t, tls_begins_right_behind_the_header);
    tcase_add_loop_test(t, what_is_no_header_ends_the_connection_in_words, 0, 3);
    tcase_add_test(t, no_header_in_time_ends_the_connection_in_words);
    tcase_add_test(t, limits_count_clients_and_not_the_proxy);
    tcase_add_test(t, listed_peers_and_no_others_begin_with_a_header);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
