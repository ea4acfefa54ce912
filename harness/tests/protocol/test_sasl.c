/* SASL mechanisms against the examples of their RFCs, and SCRAM against servers that cheat.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/sasl.h"

static struct err err;

static struct sasl *make(const char *mechanism, const struct sasl_options *o)
{
    struct sasl *s = sasl_new(mechanism, o, &err);
    ck_assert_msg(s != NULL, "%s: %s", mechanism, err.text);
    return s;
}

/* The answer to a challenge (NULL: the initial response) is exactly these bytes. */
static void answers(struct sasl *s, const char *challenge, const char *want, size_t want_len)
{
    unsigned char *out = NULL;
    size_t n = 0;
    size_t len = challenge != NULL ? strlen(challenge) : 0;
    int rc = sasl_step(s, (const unsigned char *)challenge, len, &out, &n, &err);
    ck_assert_msg(rc == 0, "to \"%s\": %s", challenge != NULL ? challenge : "", err.text);
    ck_assert_msg(n == want_len && memcmp(out, want, n) == 0, "to \"%s\": got %zu bytes %.*s",
                  challenge != NULL ? challenge : "", n, (int)n, (const char *)out);
    free(out);
}

#define ANSWERS(s, challenge, literal) answers(s, challenge, literal, sizeof(literal) - 1)

/* The challenge is refused, in words that contain `why`, and the mechanism is not done. */
static void refuses(struct sasl *s, const char *challenge, const char *why)
{
    unsigned char *out = NULL;
    size_t n = 0;
    err.text[0] = '\0';
    int rc = sasl_step(s, (const unsigned char *)challenge, strlen(challenge), &out, &n, &err);
    ck_assert_msg(rc == -1, "accepted \"%s\"", challenge);
    ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" does not say \"%s\"", err.text, why);
    ck_assert_ptr_null(out);
    ck_assert(!sasl_done(s));
}

START_TEST(plain_is_three_strings_with_nul_between)
    {
        struct sasl *s =
            make("plain", &(struct sasl_options){.user = "tim", .password = "tanstaaftanstaaf"});
        ck_assert(sasl_client_first(s));
        ck_assert(!sasl_done(s));
        ANSWERS(s, NULL, "\0tim\0tanstaaftanstaaf");
        ck_assert(sasl_done(s));
        refuses(s, "more", "was over");
        sasl_free(s);
        s = make("PLAIN", &(struct sasl_options){
                              .authzid = "Ursel", .user = "Kurt", .password = "xipj3plmq"});
        ANSWERS(s, "", "Ursel\0Kurt\0xipj3plmq");
        sasl_free(s);
    }
END_TEST

START_TEST(a_client_first_mechanism_refuses_a_first_challenge_with_text)
    {
        static const char *const names[] = {"PLAIN",       "EXTERNAL", "ANONYMOUS",
                                            "OAUTHBEARER", "XOAUTH2",  "SCRAM-SHA-256"};
        struct sasl *s = make(names[_i], &(struct sasl_options){.user = "u", .password = "p"});
        ck_assert(sasl_client_first(s));
        refuses(s, "hello", "client speaks first");
        sasl_free(s);
    }
END_TEST

START_TEST(login_answers_two_questions_whatever_they_say)
    {
        struct sasl *s = make("LOGIN", &(struct sasl_options){.user = "ann", .password = "secret"});
        ck_assert(!sasl_client_first(s));
        ANSWERS(s, "Username:", "ann");
        ck_assert(!sasl_done(s));
        ANSWERS(s, "", "secret");
        ck_assert(sasl_done(s));
        refuses(s, "PIN:", "was over");
        sasl_free(s);
    }
END_TEST

/* RFC 2195, 2. */
START_TEST(cram_md5_gives_the_digest_of_the_rfc)
    {
        struct sasl *s =
            make("CRAM-MD5", &(struct sasl_options){.user = "tim", .password = "tanstaaftanstaaf"});
        ck_assert(!sasl_client_first(s));
        ANSWERS(s, "<1896.697170952@postoffice.reston.mci.net>",
                "tim b913a602c7eda7a495b4e6e7334d3890");
        ck_assert(sasl_done(s));
        sasl_free(s);
        s = make("CRAM-MD5", &(struct sasl_options){.user = "tim", .password = "x"});
        refuses(s, "", "empty");
        sasl_free(s);
    }
END_TEST

START_TEST(external_and_anonymous_send_one_string)
    {
        struct sasl *s = make("EXTERNAL", &(struct sasl_options){.user = "ignored"});
        ANSWERS(s, NULL, "");
        ck_assert(sasl_done(s));
        sasl_free(s);
        s = make("EXTERNAL", &(struct sasl_options){.authzid = "fred@example.com"});
        ANSWERS(s, NULL, "fred@example.com");
        sasl_free(s);
        s = make("ANONYMOUS", &(struct sasl_options){.password = "sirhc"});
        ANSWERS(s, NULL, "sirhc");
        sasl_free(s);
    }
END_TEST

/* RFC 7628, 4.1: what an IMAP client sends, without base64. */
START_TEST(oauthbearer_has_the_shape_of_the_rfc)
    {
        struct sasl_options o = {.user = "user@example.com",
                                 .password = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
                                 .host = "server.example.com",
                                 .port = 143};
        struct sasl *s = make("OAUTHBEARER", &o);
        ANSWERS(s, NULL,
                "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
                "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
        ck_assert(sasl_done(s));
        ANSWERS(s, "{\"status\":\"invalid_token\"}", "\x01");
        ck_assert_msg(!sasl_done(s), "an error challenge is no success");
        refuses(s, "again", "was over");
        sasl_free(s);
    }
END_TEST

START_TEST(xoauth2_answers_an_error_with_nothing)
    {
        struct sasl *s =
            make("XOAUTH2", &(struct sasl_options){.user = "a@b.example", .password = "tok"});
        ANSWERS(s, NULL,
                "user=a@b.example\x01"
                "auth=Bearer tok\x01\x01");
        ck_assert(sasl_done(s));
        ANSWERS(s, "{}", "");
        ck_assert(!sasl_done(s));
        sasl_free(s);
    }
END_TEST

#define NONCE_1 "fyko+d2lbbFgONRv9qkxdawL"
#define FIRST_1 "r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"

static const struct sasl_options pencil = {.user = "user", .password = "pencil", .nonce = NONCE_1};

/* RFC 5802, 5. */
START_TEST(scram_sha_1_speaks_the_dialogue_of_the_rfc)
    {
        struct sasl *s = make("SCRAM-SHA-1", &pencil);
        ANSWERS(s, NULL, "n,,n=user,r=" NONCE_1);
        ANSWERS(s, FIRST_1,
                "c=biws,r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        ck_assert_msg(!sasl_done(s), "the server has proved nothing yet");
        ANSWERS(s, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "");
        ck_assert(sasl_done(s));
        refuses(s, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "was over");
        sasl_free(s);
    }
END_TEST

/* RFC 7677, 3. */
START_TEST(scram_sha_256_speaks_the_dialogue_of_the_rfc)
    {
        struct sasl *s =
            make("SCRAM-SHA-256", &(struct sasl_options){.user = "user",
                                                         .password = "pencil",
                                                         .nonce = "rOprNGfwEbeRWgbNEkqO"});
        ANSWERS(s, "", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        ANSWERS(s,
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i="
                "4096",
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        ANSWERS(s, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "");
        ck_assert(sasl_done(s));
        sasl_free(s);
    }
END_TEST

START_TEST(scram_escapes_names_and_says_whether_it_could_bind)
    {
        struct sasl_options o = {.authzid = "b,c",
                                 .user = "a=b,c",
                                 .password = "x",
                                 .nonce = "N",
                                 .binding_unused = true};
        struct sasl *s = make("SCRAM-SHA-256", &o);
        ANSWERS(s, NULL, "y,a=b=2Cc,n=a=3Db=2Cc,r=N");
        sasl_free(s);
    }
END_TEST

/* c= is base64 of the GS2 header and the binding data: "p=tls-exporter,,xyz". */
START_TEST(scram_plus_carries_the_binding)
    {
        struct sasl_options o = {.user = "user",
                                 .password = "pencil",
                                 .nonce = "N",
                                 .binding = "tls-exporter",
                                 .binding_data = (const unsigned char *)"xyz",
                                 .binding_len = 3};
        struct sasl *s = make("SCRAM-SHA-1-PLUS", &o);
        ANSWERS(s, NULL, "p=tls-exporter,,n=user,r=N");
        unsigned char *out = NULL;
        size_t n = 0;
        static const char first[] = "r=Nxx,s=QSXCR+Q6sek8bf92,i=2";
        static const char begins[] = "c=cD10bHMtZXhwb3J0ZXIsLHh5eg==,r=Nxx,p=";
        ck_assert_int_eq(
            sasl_step(s, (const unsigned char *)first, sizeof first - 1, &out, &n, &err), 0);
        ck_assert_msg(n > sizeof begins && memcmp(out, begins, sizeof begins - 1) == 0, "got %.*s",
                      (int)n, (const char *)out);
        free(out);
        sasl_free(s);
        o.binding = NULL;
        ck_assert_ptr_null(sasl_new("SCRAM-SHA-1-PLUS", &o, &err));
        ck_assert_msg(strstr(err.text, "channel binding") != NULL, "%s", err.text);
    }
END_TEST

START_TEST(scram_makes_a_new_nonce_each_time)
    {
        struct sasl_options o = {.user = "u", .password = "p"};
        struct sasl *s[2];
        unsigned char *out[2];
        size_t n[2];
        for (int i = 0; i < 2; i++) {
            s[i] = make("SCRAM-SHA-256", &o);
            ck_assert_int_eq(sasl_step(s[i], NULL, 0, &out[i], &n[i], &err), 0);
        }
        ck_assert_uint_eq(n[0], n[1]);
        ck_assert_uint_ge(n[0], strlen("n,,n=u,r=") + 24);
        ck_assert(memcmp(out[0], out[1], n[0]) != 0);
        for (int i = 0; i < 2; i++) {
            free(out[i]);
            sasl_free(s[i]);
        }
    }
END_TEST

static const struct {
    const char *challenge, *why;
} bad_first[] = {
    {"r=other,s=QSXCR+Q6sek8bf92,i=4096", "does not begin with ours"},
    {"r=" NONCE_1 ",s=QSXCR+Q6sek8bf92,i=4096", "added nothing"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6s,i=4096", "salt"},
    {"r=" NONCE_1 "x,s=,i=4096", "salt"},
    {"r=" NONCE_1 "x,s=QSX\nR+Q6,i=4096", "salt"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92,i=0", "iteration count"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92,i=-1", "iteration count"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92,i=12x", "iteration count"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92,i=99999999999999999999", "iterations"},
    {"r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92", "is not r="},
    {"m=what,r=" NONCE_1 "x,s=QSXCR+Q6sek8bf92,i=4096", "extension"},
    {"e=unknown-user", "is not r="},
    {"", "is not r="},
};

START_TEST(scram_refuses_a_bad_first_message)
    {
        struct sasl *s = make("SCRAM-SHA-1", &pencil);
        ANSWERS(s, NULL, "n,,n=user,r=" NONCE_1);
        refuses(s, bad_first[_i].challenge, bad_first[_i].why);
        refuses(s, FIRST_1, "was over");
        sasl_free(s);
    }
END_TEST

static const struct {
    const char *challenge, *why;
} bad_final[] = {
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKA=", "signature is wrong"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ", "wrong form"},
    {"v=", "wrong form"},
    {"v=AAAA", "wrong form"},
    {"e=invalid-proof", "refuses: invalid-proof"},
    {"", "neither"},
    {"ok", "neither"},
};

START_TEST(scram_refuses_a_server_that_cannot_prove_itself)
    {
        struct sasl *s = make("SCRAM-SHA-1", &pencil);
        unsigned char *out = NULL;
        size_t n = 0;
        ANSWERS(s, NULL, "n,,n=user,r=" NONCE_1);
        ck_assert_int_eq(
            sasl_step(s, (const unsigned char *)FIRST_1, strlen(FIRST_1), &out, &n, &err), 0);
        free(out);
        refuses(s, bad_final[_i].challenge, bad_final[_i].why);
        sasl_free(s);
    }
END_TEST

START_TEST(nul_in_a_challenge_is_refused)
    {
        struct sasl *s = make("SCRAM-SHA-1", &pencil);
        unsigned char *out = NULL;
        size_t n = 0;
        ANSWERS(s, NULL, "n,,n=user,r=" NONCE_1);
        ck_assert_int_eq(sasl_step(s, (const unsigned char *)"r=\0", 3, &out, &n, &err), -1);
        ck_assert_msg(strstr(err.text, "NUL") != NULL, "%s", err.text);
        sasl_free(s);
    }
END_TEST

START_TEST(an_unknown_mechanism_is_named)
    {
        ck_assert_ptr_null(sasl_new("GSSAPI", &(struct sasl_options){.user = "u"}, &err));
        ck_assert_msg(strstr(err.text, "GSSAPI") != NULL, "%s", err.text);
        sasl_free(NULL);
    }
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void)
{
    Suite *suite = suite_create("sasl");
    TCase *simple = tcase_create("simple");
    tcase_add_test(simple, plain_is_three_strings_with_nul_between);
    tcase_add_loop_test(simple, a_client_first_mechanism_refuses_a_first_challenge_with_text, 0, 6);
    tcase_add_test(simple, login_answers_two_questions_whatever_they_say);
    tcase_add_test(simple, cram_md5_gives_the_digest_of_the_rfc);
    tcase_add_test(simple, external_and_anonymous_send_one_string);
    tcase_add_test(simple, oauthbearer_has_the_shape_of_the_rfc);
    tcase_add_test(simple, xoauth2_answers_an_error_with_nothing);
    tcase_add_test(simple, an_unknown_mechanism_is_named);
    suite_add_tcase(suite, simple);
    TCase *scram = tcase_create("scram");
    tcase_add_test(scram, scram_sha_1_speaks_the_dialogue_of_the_rfc);
    tcase_add_test(scram, scram_sha_256_speaks_the_dialogue_of_the_rfc);
    tcase_add_test(scram, scram_escapes_names_and_says_whether_it_could_bind);
    tcase_add_test(scram, scram_plus_carries_the_binding);
    tcase_add_test(scram, scram_makes_a_new_nonce_each_time);
    tcase_add_loop_test(scram, scram_refuses_a_bad_first_message, 0, LENGTH(bad_first));
    tcase_add_loop_test(scram, scram_refuses_a_server_that_cannot_prove_itself, 0,
                        LENGTH(bad_final));
    tcase_add_test(scram, nul_in_a_challenge_is_refused);
    suite_add_tcase(suite, scram);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
