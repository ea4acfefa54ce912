/* Errors are words: never cut the process short, always end within their room.
 * SPDX-License-Identifier: MIT */
#include "err.h"

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

START_TEST(an_error_is_words_and_minus_one)
    {
        struct err err;
        ck_assert_int_eq(err_set(&err, "%s has %d", "x", 3), -1);
        ck_assert_str_eq(err.text, "x has 3");
        ck_assert_int_eq(err_set(NULL, "nobody asked"), -1);
    }
END_TEST

START_TEST(a_long_error_is_cut)
    {
        struct err err;
        (void)err_set(&err, "%0*d", 5000, 7);
        ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    }
END_TEST

START_TEST(errno_has_a_name)
    {
        struct err err;
        errno = ECONNREFUSED;
        ck_assert_int_eq(err_errno(&err, "connect"), -1);
        ck_assert_str_eq(err.text, "connect: Connection refused");
    }
END_TEST

START_TEST(openssl_gives_its_newest_reason_once)
    {
        struct err err;
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, "NONSENSE"), 0);
        ck_assert_int_eq(err_tls(&err, "ciphers"), -1);
        ck_assert_str_eq(err.text, "ciphers: no cipher match");
        ck_assert_uint_eq(ERR_peek_error(), 0);
        (void)err_tls(&err, "ciphers");
        ck_assert_str_eq(err.text, "ciphers: OpenSSL gives no reason");
        ck_assert_int_ne(SSL_CTX_use_certificate_chain_file(ctx, "/nonexistent.pem"), 1);
        (void)err_tls(&err, "file");
        ck_assert_msg(strcasestr(err.text, "no such file") != NULL, "%s", err.text);
        SSL_CTX_free(ctx);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("err");
    TCase *t = tcase_create("err");
    tcase_add_test(t, an_error_is_words_and_minus_one);
    tcase_add_test(t, a_long_error_is_cut);
    tcase_add_test(t, errno_has_a_name);
    tcase_add_test(t, openssl_gives_its_newest_reason_once);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
