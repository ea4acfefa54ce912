/* The answer that is stapled, read as a client reads it. SPDX-License-Identifier: MIT */
#include "tls/staple.h"

#include <check.h>
#include <stdlib.h>

#include <openssl/ocsp.h>

#include "fault.h"

static struct certificate ca, leaf;

static void set_up(void)
{
    struct err err;
    fault_clear_all();
    ck_assert_int_eq(certificate_authority(&ca, &err), 0);
    ck_assert_int_eq(
        certificate_server(&ca, "mail.test.example", "DNS:mail.test.example", 0, 30, &leaf, &err),
        0);
}

static void tear_down(void)
{
    fault_clear_all();
    certificate_clear(&ca);
    certificate_clear(&leaf);
}

enum reading { GOOD, REVOKED, UNKNOWN, OLD, OF_ANOTHER, BY_ANOTHER, NO_ANSWER };

static enum reading judge(OCSP_RESPONSE *whole)
{
    STACK_OF(X509) *none = sk_X509_new_null();
    X509_STORE *trusted = X509_STORE_new();
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(whole);
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf.cert, ca.cert);
    ASN1_GENERALIZEDTIME *since = NULL, *from = NULL, *until = NULL;
    enum reading r;
    int status = -1, reason = 0;
    X509_STORE_add_cert(trusted, ca.cert);
    if (OCSP_response_status(whole) != OCSP_RESPONSE_STATUS_SUCCESSFUL || basic == NULL)
        r = NO_ANSWER;
    else if (OCSP_basic_verify(basic, none, trusted, 0) != 1)
        r = BY_ANOTHER;
    else if (OCSP_resp_find_status(basic, id, &status, &reason, &since, &from, &until) != 1)
        r = OF_ANOTHER;
    else if (OCSP_check_validity(from, until, 60, -1) != 1)
        r = OLD;
    else
        r = status == V_OCSP_CERTSTATUS_GOOD      ? GOOD
            : status == V_OCSP_CERTSTATUS_REVOKED ? REVOKED
                                                  : UNKNOWN;
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    X509_STORE_free(trusted);
    sk_X509_free(none);
    return r;
}

static enum reading read_staple(void)
{
    unsigned char *der = NULL;
    int n = staple_make(&ca, leaf.cert, &der);
    ck_assert_int_gt(n, 0);
    const unsigned char *p = der;
    OCSP_RESPONSE *whole = d2i_OCSP_RESPONSE(NULL, &p, n);
    ck_assert(whole != NULL && p == der + n);
    enum reading r = judge(whole);
    OCSP_RESPONSE_free(whole);
    OPENSSL_free(der);
    return r;
}

/* A client that trusts our authority needs nothing else to read it. */
START_TEST(the_authority_says_that_the_certificate_is_good)
    {
        ck_assert_int_eq(read_staple(), GOOD);
    }
END_TEST

static const struct {
    const char *fault;
    enum reading reading;
} faults[] = {{"tls-staple-expired", OLD},         {"tls-staple-revoked", REVOKED},
              {"tls-staple-unknown", UNKNOWN},     {"tls-staple-other", OF_ANOTHER},
              {"tls-staple-stranger", BY_ANOTHER}, {"tls-staple-empty", NO_ANSWER}};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Wrong in this way, and right in all that is looked at before. */
START_TEST(a_fault_makes_it_wrong_in_its_way)
    {
        struct err err;
        ck_assert_int_eq(fault_switch(faults[_i].fault, true, &err), 0);
        ck_assert_msg(read_staple() == faults[_i].reading, "%s", faults[_i].fault);
    }
END_TEST

/* Nothing is said of certificates that somebody else has signed, and nothing without a key. */
START_TEST(others_certificates_are_not_ours_to_speak_of)
    {
        struct certificate other = {NULL, NULL}, theirs = {NULL, NULL}, none = {NULL, NULL};
        unsigned char *der = NULL;
        struct err err;
        ck_assert_int_eq(certificate_authority(&other, &err), 0);
        ck_assert_int_eq(certificate_server(&other, "x", "DNS:x", 0, 30, &theirs, &err), 0);
        ck_assert_int_eq(staple_make(&ca, theirs.cert, &der), 0); /* of the same name, too */
        ck_assert_int_eq(staple_make(&none, leaf.cert, &der), 0);
        ck_assert_int_eq(staple_make(&ca, NULL, &der), 0);
        certificate_clear(&other);
        certificate_clear(&theirs);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("staple");
    TCase *t = tcase_create("staple");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, the_authority_says_that_the_certificate_is_good);
    tcase_add_loop_test(t, a_fault_makes_it_wrong_in_its_way, 0, FAULTS);
    tcase_add_test(t, others_certificates_are_not_ours_to_speak_of);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
