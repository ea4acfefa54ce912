/* Certificates of clients: made on demand, asked for where that is set, and good for EXTERNAL.
 * SPDX-License-Identifier: MIT */
#include "smtp/smtp_world.h"

static struct world w;
static char *cert, *key;

static void set(const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&w.server.policy, "client-certificates", value, &err) == 0, "%s",
                  err.text);
}

static void start(void)
{
    world_start(&w);
    world_start_tls(&w);
    cert = key = NULL;
}

static void forget(void)
{
    if (cert != NULL) {
        unlink(cert);
        unlink(key);
    }
    free(cert);
    free(key);
    cert = key = NULL;
}

static void stop(void)
{
    forget();
    world_stop(&w);
}

static void make(const char *name, bool self_signed)
{
    struct err err;
    forget();
    ck_assert_msg(tls_client_certificate(w.server.tls, name, self_signed, &cert, &key, &err) == 0,
                  "%s", err.text);
}

/* A session inside TLS, with the certificate that was made last, from which one command is said. */
static void ask(const char *command, const char *answer)
{
    struct world_client k;
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    world_connect(&w, &k, SERVICE_SUBMISSIONS, &smtp_protocol, true);
    k.ctx = SSL_CTX_new(TLS_client_method());
    ck_assert(SSL_CTX_use_certificate_chain_file(k.ctx, cert) == 1);
    ck_assert(SSL_CTX_use_PrivateKey_file(k.ctx, key, SSL_FILETYPE_PEM) == 1);
    k.ssl = SSL_new(k.ctx);
    SSL_set_fd(k.ssl, k.fd);
    while (SSL_connect(k.ssl) != 1) {
        ck_assert_msg(world_now_ms() < end, "no handshake");
        loop_once(w.server.loop, 1);
    }
    world_hear(&k, "\r\n");
    world_text(&k, "EHLO client.example\r\n");
    world_hear(&k, "250 HELP\r\n");
    world_ask(&k, command, answer);
    world_hang_up(&k);
}

START_TEST(it_logs_in_where_it_is_asked_for)
    {
        make("user1", false);
        ask("AUTH EXTERNAL =\r\n", "504");
        set("yes");
        ask("AUTH EXTERNAL =\r\n", "235");
        ask("AUTH EXTERNAL dXNlcjI=\r\n", "535"); /* user2 */
        make("user2", false);
        ask("AUTH EXTERNAL dXNlcjI=\r\n", "235");
        set("no");
        ask("AUTH EXTERNAL =\r\n", "504");
    }
END_TEST

START_TEST(one_that_signed_itself_is_worth_nothing)
    {
        set("yes");
        make("user1", true);
        ask("AUTH EXTERNAL =\r\n", "504");
        ck_assert_int_eq(fault_switch("sasl-external-any-certificate", true, NULL), 0);
        ask("AUTH EXTERNAL =\r\n", "235");
    }
END_TEST

START_TEST(names_that_are_no_files_are_refused)
    {
        struct err err;
        static const char *const names[] = {"", "../user1", "a/b", "user 1"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            ck_assert_int_eq(
                tls_client_certificate(w.server.tls, names[i], false, &cert, &key, &err), -1);
        ck_assert_ptr_null(cert);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("client certificate");
    TCase *t = tcase_create("client certificate");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, it_logs_in_where_it_is_asked_for);
    tcase_add_test(t, one_that_signed_itself_is_worth_nothing);
    tcase_add_test(t, names_that_are_no_files_are_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
