/* Connections: input in pieces, output in order, TLS begun and ended rightly, work under way when
 * the client leaves. The protocol here is a toy with one-letter commands. SPDX-License-Identifier:
 * MIT */
#include <openssl/x509v3.h>

#include "world.h"

static struct world w;
static struct world_client c;

/* What the toy remembers; one connection at a time is looked at. */
static struct {
    struct conn *conn;
    int opened, secured, drained, timeouts, shutdowns, closed;
    size_t to_send; /* octets of a long response still to be made */
    char facts[512];
} toy;

static void toy_open(struct conn *conn)
{
    toy.conn = conn;
    toy.opened++;
    conn_text(conn, "hello\n");
}

static void send_more(struct conn *conn)
{
    static const char piece[1000];
    while (toy.to_send > 0 && !conn_full(conn)) {
        size_t n = toy.to_send < sizeof piece ? toy.to_send : sizeof piece;
        conn_write(conn, piece, n);
        toy.to_send -= n;
        if (toy.to_send == 0)
            conn_text(conn, "end\n");
    }
}

static void toy_input(struct conn *conn)
{
    while (conn->in.len > 0 && toy.to_send == 0 && !conn->parked && !conn->closing &&
           !conn_starting_tls(conn)) {
        char command = (char)conn->in.data[0];
        buf_consume(&conn->in, 1);
        switch (command) {
        case 'q':
            conn_text(conn, "bye\n");
            conn_close(conn);
            break;
        case 'a':
            conn_text(conn, "lost\n");
            conn_abort(conn);
            break;
        case 's':
            conn_text(conn, "go\n");
            if (conn_starttls(conn) != 0)
                conn_text(conn, "no\n");
            break;
        case 'p':
            conn_park(conn);
            break;
        case 'l':
            toy.to_send = 3000000;
            send_more(conn);
            break;
        case 'f': /* floods: writes without asking whether there is room */
            for (int i = 0; i < 1000; i++)
                conn_printf(conn, "%0*d", 2000, 0);
            break;
        case 'd':
            conn_deadline(conn, 60000);
            break;
        case 'w': /* waits for a whole command that never comes */
            buf_add(&conn->in, "w", 1);
            return;
        default:
            conn_printf(conn, "%c\n", command);
        }
    }
}

static void toy_secured(struct conn *conn)
{
    toy.secured++;
    snprintf(toy.facts, sizeof toy.facts, "%s %s", conn->tls_version, conn->tls_sni);
}

static void toy_drained(struct conn *conn)
{
    toy.drained++;
    send_more(conn);
}

static void toy_timeout(struct conn *conn)
{
    toy.timeouts++;
    conn_text(conn, "late\n");
    conn_close(conn);
}

static void toy_shutdown(struct conn *conn)
{
    toy.shutdowns++;
    conn_text(conn, "closing down\n");
    conn_close(conn);
}

static void toy_close(struct conn *conn)
{
    (void)conn;
    toy.closed++;
}

static const struct protocol toy_protocol = {
    .name = "toy",
    .session_size = 1,
    .open = toy_open,
    .input = toy_input,
    .secured = toy_secured,
    .drained = toy_drained,
    .timeout = toy_timeout,
    .shutdown = toy_shutdown,
    .close = toy_close,
};

static void begin(void)
{
    world_start(&w);
    world_start_tls(&w);
    memset(&toy, 0, sizeof toy);
    world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
    world_hear(&c, "hello\n");
    world_forget(&c);
}

static void end(void)
{
    world_hang_up(&c);
    world_stop(&w);
}

START_TEST(a_batch_is_answered_in_order_and_the_end_is_told_once)
    {
        world_text(&c, "xyzq");
        ck_assert_str_eq(world_hear(&c, NULL), "x\ny\nz\nbye\n");
        world_hang_up(&c);
        ck_assert_int_eq(toy.closed, 1);
        ck_assert_uint_eq(w.server.conn_count, 0);
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
    }
END_TEST

START_TEST(the_last_words_arrive_although_the_client_goes_on)
    {
        world_text(&c, "q");
        world_text(&c, "more and more that nobody reads");
        ck_assert_str_eq(world_hear(&c, NULL), "bye\n");
    }
END_TEST

START_TEST(an_abort_says_nothing_more)
    {
        world_text(&c, "a");
        world_hear(&c, NULL);
        ck_assert_int_eq(toy.closed, 1);
        ck_assert_uint_eq(w.server.conn_count, 0);
    }
END_TEST

START_TEST(a_long_response_waits_for_a_slow_client)
    {
        world_text(&c, "lx");
        for (int i = 0; i < 20; i++)
            loop_once(w.server.loop, 0);
        ck_assert_uint_lt(conn_queued(toy.conn), CONN_HIGH_MARK + 2000);
        const char *heard = world_hear(&c, "end\nx\n");
        ck_assert_uint_eq(c.len, 3000000 + 6);
        (void)heard;
        ck_assert_int_gt(toy.drained, 0);
    }
END_TEST

START_TEST(output_that_nobody_takes_ends_the_connection_at_its_limit)
    {
        world_hang_up(&c);
        w.server.limits.output_bytes = 1000000;
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
        world_text(&c, "f");
        for (int i = 0; i < 20; i++)
            loop_once(w.server.loop, 0);
        ck_assert_uint_eq(w.server.conn_count, 0);
    }
END_TEST

START_TEST(input_that_the_protocol_leaves_lying_ends_the_connection_at_its_limit)
    {
        static char much[CONN_INPUT_BYTES + 1000];
        memset(much, 'w', sizeof much);
        for (size_t sent = 0; sent < sizeof much && w.server.conn_count > 0;) {
            ssize_t n = send(c.fd, much + sent, sizeof much - sent, MSG_NOSIGNAL);
            if (n > 0)
                sent += (size_t)n;
            loop_once(w.server.loop, 0);
        }
        for (int i = 0; i < 5; i++)
            loop_once(w.server.loop, 0);
        ck_assert_uint_eq(w.server.conn_count, 0);
    }
END_TEST

START_TEST(a_parked_session_takes_no_input_until_it_is_resumed)
    {
        world_text(&c, "px");
        for (int i = 0; i < 5; i++)
            world_round(&c);
        ck_assert_uint_eq(c.len, 0);
        conn_text(toy.conn, "done\n");
        conn_resume(toy.conn);
        ck_assert_str_eq(world_hear(&c, "x\n"), "done\nx\n");
    }
END_TEST

START_TEST(a_client_may_leave_while_parked)
    {
        world_text(&c, "p");
        world_round(&c);
        struct linger now = {1, 0};
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        shutdown(c.fd, SHUT_RDWR);
        world_hang_up(&c);
        conn_text(toy.conn, "for nobody");
        conn_resume(toy.conn); /* the memory was kept until here: ASan would tell */
        for (int i = 0; i < 5; i++)
            loop_once(w.server.loop, 0);
        ck_assert_int_eq(toy.closed, 1);
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
    }
END_TEST

START_TEST(the_deadline_passes_and_waits_for_parked_work)
    {
        world_text(&c, "dp");
        world_round(&c);
        world_round(&c);
        clock_advance(w.server.clock, 61000);
        ck_assert_int_eq(toy.timeouts, 0);
        conn_text(toy.conn, "done\n");
        conn_resume(toy.conn);
        ck_assert_str_eq(world_hear(&c, NULL), "done\nlate\n");
        ck_assert_int_eq(toy.timeouts, 1);
    }
END_TEST

START_TEST(shutting_down_says_goodbye)
    {
        conn_shutdown_all(&w.server);
        ck_assert_str_eq(world_hear(&c, NULL), "closing down\n");
        ck_assert_int_eq(toy.shutdowns, 1);
    }
END_TEST

/* --- TLS --- */

START_TEST(starttls_drops_what_came_with_it)
    {
        world_text(&c, "sxy");
        world_hear(&c, "go\n");
        ck_assert(world_handshake(&c, _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION));
        world_forget(&c);
        world_text(&c, "zq");
        ck_assert_str_eq(world_hear(&c, NULL), "z\nbye\n");
        ck_assert(c.notified);
        ck_assert_int_eq(toy.secured, 1);
        ck_assert_int_eq(toy.opened, 1);
        ck_assert(strncmp(toy.facts, _i == 0 ? "TLSv1.2" : "TLSv1.3", 7) == 0);
    }
END_TEST

START_TEST(large_data_both_ways_inside_tls)
    {
        char piece[50000];
        memset(piece, 'x', sizeof piece);
        world_text(&c, "s");
        world_hear(&c, "go\n");
        ck_assert(world_handshake(&c, 0));
        world_forget(&c);
        world_say(&c, piece, sizeof piece);
        world_text(&c, "l");
        world_hear(&c, "end\n");
        ck_assert_uint_eq(c.len, 2 * sizeof piece + 3000000 + 4);
    }
END_TEST

START_TEST(bindings_are_what_the_client_has)
    {
        unsigned char exporter[32], finished[64];
        world_text(&c, "s");
        world_hear(&c, "go\n");
        ck_assert(world_handshake(&c, _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION));
        world_text(&c, "x");
        world_hear(&c, "x\n");
        ck_assert(SSL_export_keying_material(c.ssl, exporter, 32, "EXPORTER-Channel-Binding", 24,
                                             NULL, 0, 0) == 1);
        ck_assert_int_eq(memcmp(exporter, toy.conn->binding_exporter, 32), 0);
        ck_assert_uint_eq(toy.conn->binding_end_point_len, 32);
        if (_i == 0) {
            ck_assert_uint_eq(SSL_get_finished(c.ssl, finished, 64), toy.conn->binding_unique_len);
            ck_assert_int_eq(
                memcmp(finished, toy.conn->binding_unique, toy.conn->binding_unique_len), 0);
        } else {
            ck_assert_uint_eq(toy.conn->binding_unique_len, 0);
        }
    }
END_TEST

static X509 *certificate(void)
{
    world_text(&c, "s");
    world_hear(&c, "go\n");
    ck_assert(world_handshake(&c, 0));
    X509 *cert = SSL_get1_peer_certificate(c.ssl);
    ck_assert(cert != NULL);
    return cert;
}

START_TEST(the_certificate_has_our_names_and_the_faults_spoil_it)
    {
        X509 *cert = certificate();
        ck_assert_int_eq(X509_check_host(cert, "mail.test.example", 0, 0, NULL), 1);
        ck_assert_int_eq(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
        ck_assert_int_eq(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
        ck_assert_int_eq(X509_check_ip_asc(cert, "::1", 0), 1);
        ck_assert_int_gt(X509_cmp_current_time(X509_get0_notAfter(cert)), 0);
        X509_free(cert);
        world_hang_up(&c);

        fault_switch("tls-wrong-name", true, NULL);
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
        cert = certificate();
        ck_assert_int_eq(X509_check_host(cert, "mail.test.example", 0, 0, NULL), 0);
        X509_free(cert);
        world_hang_up(&c);

        fault_clear_all();
        fault_switch("tls-expired-certificate", true, NULL);
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
        cert = certificate();
        ck_assert_int_eq(X509_check_host(cert, "mail.test.example", 0, 0, NULL), 1);
        ck_assert_int_lt(X509_cmp_current_time(X509_get0_notAfter(cert)), 0);
        X509_free(cert);
    }
END_TEST

START_TEST(a_fault_leaves_close_notify_out)
    {
        fault_switch("tls-no-close-notify", true, NULL);
        world_text(&c, "s");
        world_hear(&c, "go\n");
        ck_assert(world_handshake(&c, 0));
        world_text(&c, "q");
        world_hear(&c, NULL);
        ck_assert(!c.notified);
    }
END_TEST

START_TEST(a_broken_handshake_gets_its_alert_and_ends)
    {
        world_text(&c, "s");
        world_hear(&c, "go\n");
        world_forget(&c);
        /* A ClientHello of one octet. */
        world_say(&c, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10);
        const char *heard = world_hear(&c, NULL);
        ck_assert_uint_ge(c.len, 7);
        ck_assert_int_eq(heard[0], 21); /* a TLS alert */
        ck_assert_int_eq(toy.secured, 0);
        ck_assert_int_eq(toy.closed, 1);
    }
END_TEST

START_TEST(a_handshake_has_its_time)
    {
        world_text(&c, "s");
        world_hear(&c, "go\n");
        world_round(&c);
        clock_advance(w.server.clock, 31000);
        world_hear(&c, NULL);
        ck_assert_int_eq(toy.closed, 1);
    }
END_TEST

START_TEST(implicit_tls_greets_inside)
    {
        world_hang_up(&c);
        toy.opened = 0;
        world_connect(&w, &c, SERVICE_SUBMISSIONS, &toy_protocol, true);
        world_round(&c);
        ck_assert_int_eq(toy.opened, 0);
        ck_assert(world_handshake(&c, 0));
        world_hear(&c, "hello\n");
        ck_assert_int_eq(toy.opened, 1);
        ck_assert(toy.conn->tls);
    }
END_TEST

START_TEST(a_client_that_leaves_before_the_handshake_is_no_session)
    {
        world_hang_up(&c);
        toy.closed = 0;
        world_connect(&w, &c, SERVICE_SUBMISSIONS, &toy_protocol, true);
        world_hang_up(&c);
        ck_assert_uint_eq(w.server.conn_count, 0);
        ck_assert_int_eq(toy.closed, 0);
        world_connect(&w, &c, SERVICE_SMTP, &toy_protocol, false);
    }
END_TEST

START_TEST(without_a_certificate_there_is_no_starttls)
    {
        struct tls_identity *identity = w.server.tls;
        w.server.tls = NULL;
        world_text(&c, "s");
        ck_assert_str_eq(world_hear(&c, "no\n"), "go\nno\n");
        w.server.tls = identity;
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("conn");
    TCase *t = tcase_create("plain");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_batch_is_answered_in_order_and_the_end_is_told_once);
    tcase_add_test(t, the_last_words_arrive_although_the_client_goes_on);
    tcase_add_test(t, an_abort_says_nothing_more);
    tcase_add_test(t, a_long_response_waits_for_a_slow_client);
    tcase_add_test(t, output_that_nobody_takes_ends_the_connection_at_its_limit);
    tcase_add_test(t, input_that_the_protocol_leaves_lying_ends_the_connection_at_its_limit);
    tcase_add_test(t, a_parked_session_takes_no_input_until_it_is_resumed);
    tcase_add_test(t, a_client_may_leave_while_parked);
    tcase_add_test(t, the_deadline_passes_and_waits_for_parked_work);
    tcase_add_test(t, shutting_down_says_goodbye);
    suite_add_tcase(s, t);
    t = tcase_create("tls");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, starttls_drops_what_came_with_it, 0, 2);
    tcase_add_test(t, large_data_both_ways_inside_tls);
    tcase_add_loop_test(t, bindings_are_what_the_client_has, 0, 2);
    tcase_add_test(t, the_certificate_has_our_names_and_the_faults_spoil_it);
    tcase_add_test(t, a_fault_leaves_close_notify_out);
    tcase_add_test(t, a_broken_handshake_gets_its_alert_and_ends);
    tcase_add_test(t, a_handshake_has_its_time);
    tcase_add_test(t, implicit_tls_greets_inside);
    tcase_add_test(t, a_client_that_leaves_before_the_handshake_is_no_session);
    tcase_add_test(t, without_a_certificate_there_is_no_starttls);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
