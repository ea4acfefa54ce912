/* What handshakes share, and what they do not. SPDX-License-Identifier: MIT */
#include "wire/tls_context.h"

#include "wire/peer.h"

static struct identity ca, other;
static char ca_file[64], copy_file[64], other_file[64];
static struct err err;

static void on_keylog(const SSL *ssl, const char *line)
{
    (void)ssl, (void)line;
}

static void setup(void)
{
    ca = identity_make("Test CA", NULL, NULL);
    other = identity_make("Other CA", NULL, NULL);
    (void)snprintf(ca_file, sizeof ca_file, "/tmp/mailproof-ca-XXXXXX");
    (void)snprintf(copy_file, sizeof copy_file, "/tmp/mailproof-ca-XXXXXX");
    (void)snprintf(other_file, sizeof other_file, "/tmp/mailproof-ca-XXXXXX");
    identity_write(&ca, ca_file);
    identity_write(&ca, copy_file);
    identity_write(&other, other_file);
}

static void teardown(void)
{
    (void)unlink(ca_file);
    (void)unlink(copy_file);
    (void)unlink(other_file);
    identity_free(&ca);
    identity_free(&other);
}

static SSL_CTX *get(struct conn_tls_options o)
{
    SSL_CTX *ctx = tls_context(&o, on_keylog, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    ck_assert(SSL_CTX_get_keylog_callback(ctx) == on_keylog);
    return ctx;
}

static bool trusts(SSL_CTX *ctx, const struct identity *who)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    ck_assert_int_eq(X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), who->cert, NULL), 1);
    bool good = X509_verify_cert(check) == 1;
    X509_STORE_CTX_free(check);
    return good;
}

START_TEST(who_wishes_the_same_gets_the_same)
    {
        SSL_CTX *a = get((struct conn_tls_options){.ca_file = ca_file, .sni = "a.example"});
        SSL_CTX *b = get((struct conn_tls_options){.ca_file = ca_file, .sni = "b.example"});
        SSL_CTX *c = get((struct conn_tls_options){.ca_file = copy_file});
        ck_assert_ptr_eq(a, b);
        ck_assert_ptr_eq(a, c); /* a copy of the file says the same */
        SSL_CTX_free(a);
        SSL_CTX_free(b);
        SSL_CTX_free(c);
    }
END_TEST

START_TEST(every_wish_counts)
    {
        const struct conn_tls_options wishes[] = {
            {.ca_file = ca_file},
            {.ca_file = other_file},
            {.ca_file = ca_file, .min_version = "TLSv1.2"},
            {.ca_file = ca_file, .max_version = "TLSv1.2"},
            {.ca_file = ca_file, .ciphers = "AES128-SHA"},
            {.ca_file = ca_file, .ciphersuites = "TLS_AES_128_GCM_SHA256"},
            {.ca_file = ca_file, .groups = "P-256"},
            {.ca_file = ca_file, .alpn = "imap"},
            {.ca_file = ca_file, .alpn = "pop3"},
            {.ca_file = NULL},
        };
        enum { N = sizeof wishes / sizeof *wishes };
        SSL_CTX *made[N];
        for (size_t i = 0; i < N; i++) {
            made[i] = get(wishes[i]);
            for (size_t k = 0; k < i; k++)
                ck_assert_msg(made[i] != made[k], "wish %zu got the context of %zu", i, k);
        }
        ck_assert_int_eq(SSL_CTX_get_min_proto_version(made[2]), TLS1_2_VERSION);
        ck_assert_int_eq(SSL_CTX_get_max_proto_version(made[3]), TLS1_2_VERSION);
        ck_assert_int_eq(SSL_CTX_get_max_proto_version(made[0]), 0);
        for (size_t i = 0; i < N; i++)
            SSL_CTX_free(made[i]);
    }
END_TEST

/* Nobody is judged by authorities that the file does not name any more. */
START_TEST(a_file_that_changed_is_read_anew)
    {
        SSL_CTX *before = get((struct conn_tls_options){.ca_file = ca_file});
        ck_assert(trusts(before, &ca) && !trusts(before, &other));
        ck_assert_int_eq(rename(other_file, ca_file), 0);
        SSL_CTX *after = get((struct conn_tls_options){.ca_file = ca_file});
        ck_assert(!trusts(after, &ca) && trusts(after, &other));
        SSL_CTX_free(before);
        SSL_CTX_free(after);
    }
END_TEST

START_TEST(a_client_certificate_is_its_owners_alone)
    {
        struct conn_tls_options o = {.ca_file = ca_file, .cert_file = "/nowhere"};
        SSL_CTX *plain = get((struct conn_tls_options){.ca_file = ca_file});
        ck_assert_ptr_null(tls_context(&o, on_keylog, &err));
        SSL_CTX *again = get((struct conn_tls_options){.ca_file = ca_file});
        ck_assert_ptr_eq(plain, again);
        ck_assert_ptr_null(SSL_CTX_get0_certificate(again));
        SSL_CTX_free(plain);
        SSL_CTX_free(again);
    }
END_TEST

START_TEST(a_server_shares_nothing)
    {
        SSL_CTX *a = get((struct conn_tls_options){.accept = true});
        SSL_CTX *b = get((struct conn_tls_options){.accept = true});
        ck_assert_ptr_ne(a, b);
        SSL_CTX_free(a);
        SSL_CTX_free(b);
    }
END_TEST

START_TEST(what_cannot_be_used_is_said_and_kept_by_nobody)
    {
        const struct conn_tls_options bad[] = {
            {.ca_file = "/nowhere.pem"},
            {.ca_file = ca_file, .ciphers = "NO-SUCH-CIPHER"},
            {.ca_file = ca_file, .max_version = "TLSv9"},
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            for (int round = 0; round < 2; round++) {
                err.text[0] = '\0';
                ck_assert_ptr_null(tls_context(&bad[i], on_keylog, &err));
                ck_assert_str_ne(err.text, "");
            }
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("tls_context");
    TCase *t = tcase_create("tls_context");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_wishes_the_same_gets_the_same);
    tcase_add_test(t, every_wish_counts);
    tcase_add_test(t, a_file_that_changed_is_read_anew);
    tcase_add_test(t, a_client_certificate_is_its_owners_alone);
    tcase_add_test(t, a_server_shares_nothing);
    tcase_add_test(t, what_cannot_be_used_is_said_and_kept_by_nobody);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
