/* Whom outgoing TLS trusts, and when the authorities are read. SPDX-License-Identifier: MIT */
#include "queue/trust.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls/certificate.h"

static char folder[] = "/tmp/trust-XXXXXX", cert_path[64], key_path[64];

/* A system whose only authority is ours. */
static void set_up(void)
{
    struct certificate ca;
    struct err err;
    strcpy(folder, "/tmp/trust-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(cert_path, sizeof cert_path, "%s/ca.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/ca.key", folder);
    ck_assert_int_eq(certificate_authority(&ca, &err), 0);
    ck_assert_int_eq(certificate_save(&ca, cert_path, key_path, NULL, &err), 0);
    certificate_clear(&ca);
    ck_assert_int_eq(setenv("SSL_CERT_FILE", cert_path, 1), 0);
    ck_assert_int_eq(setenv("SSL_CERT_DIR", folder, 1), 0);
}

static void tear_down(void)
{
    unlink(cert_path);
    unlink(key_path);
    rmdir(folder);
}

static int authorities(const SSL_CTX *ctx)
{
    ck_assert_ptr_nonnull(ctx);
    return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
}

/* Reading them takes longer than everything else that a session to a host without TLS does. */
START_TEST(the_systems_authorities_are_read_when_a_certificate_is_judged)
    {
        struct trust *t = NULL;
        struct err err;
        ck_assert_int_eq(trust_open(NULL, &t, &err), 0);
        ck_assert_int_eq(authorities(trust_context(t, false)), 0);
        ck_assert_int_eq(authorities(trust_context(t, true)), 1);
        ck_assert_int_eq(authorities(trust_context(t, false)), 1);
        ck_assert_int_eq(authorities(trust_context(t, true)), 1);
        trust_close(t);
    }
END_TEST

START_TEST(the_first_session_may_be_one_that_judges)
    {
        struct trust *t = NULL;
        struct err err;
        ck_assert_int_eq(trust_open(NULL, &t, &err), 0);
        ck_assert_int_eq(authorities(trust_context(t, true)), 1);
        trust_close(t);
    }
END_TEST

START_TEST(authorities_of_our_own_are_read_at_once_and_stand_alone)
    {
        struct trust *t = NULL;
        struct err err;
        ck_assert_int_eq(setenv("SSL_CERT_FILE", "/nowhere", 1), 0);
        ck_assert_int_eq(trust_open(cert_path, &t, &err), 0);
        ck_assert_int_eq(authorities(trust_context(t, false)), 1);
        ck_assert_int_eq(authorities(trust_context(t, true)), 1);
        trust_close(t);
        ck_assert_int_eq(trust_open(key_path, &t, &err), -1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("trust");
    TCase *t = tcase_create("trust");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, the_systems_authorities_are_read_when_a_certificate_is_judged);
    tcase_add_test(t, the_first_session_may_be_one_that_judges);
    tcase_add_test(t, authorities_of_our_own_are_read_at_once_and_stand_alone);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
