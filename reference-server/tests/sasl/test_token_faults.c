/* Tokens, ANONYMOUS and EXTERNAL as the settings allow them, right, and wrong in each way that a
 * fault knows. SPDX-License-Identifier: MIT */
#include "sasl/sasl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fault.h"
#include "server.h"

static struct server server;
static struct conn c;
static struct account *ann;
static struct buf out;

static void set(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&server.policy, name, value, &err) == 0, "%s", err.text);
}

static void start(void)
{
    struct err err;
    fault_clear_all();
    server = (struct server){.hostname = "mail.test.example", .domain = "test.example"};
    server.clock = clock_new();
    server.accounts = accounts_new();
    accounts_add_domain(server.accounts, "test.example");
    ck_assert_int_eq(accounts_add(server.accounts, NULL, "ann", "pencil", NULL, &ann, &err), 0);
    ck_assert_int_eq(accounts_add(server.accounts, NULL, "bob", "rubber", NULL, NULL, &err), 0);
    c = (struct conn){.server = &server, .tls = true, .local_port = 587};
    buf_init(&out, 8192);
}

static void stop(void)
{
    policy_free(&server.policy);
    accounts_free(server.accounts);
    clock_free(server.clock);
    buf_free(&out);
    fault_clear_all();
}

static enum sasl_step say(struct sasl *s, const char *text)
{
    return sasl_step(s, (const unsigned char *)text, strlen(text), &out);
}

/* One message of a mechanism; NULL: it is not offered. */
static struct sasl *try(const char *mechanism, const char *text, enum sasl_step *step)
{
    bool needs_tls;
    struct sasl *s = sasl_begin(&c, server.accounts, mechanism, &needs_tls);
    *step = s != NULL ? say(s, text) : SASL_TEMPORARY;
    return s;
}

/* How the exchange goes, as a word. */
static const char *outcome(const char *mechanism, const char *text)
{
    enum sasl_step step;
    struct sasl *s = try(mechanism, text, &step);
    sasl_free(s);
    switch (step) {
    case SASL_OK:
        return "in";
    case SASL_CHALLENGE:
        return "challenge";
    case SASL_BAD_LOGIN:
        return "bad";
    case SASL_MALFORMED:
        return "malformed";
    case SASL_TEMPORARY:
        break;
    }
    return "not offered";
}

#define TRY(mechanism, text, wanted) ck_assert_str_eq(outcome(mechanism, text), wanted)

static const struct {
    const char *fault, *mechanism, *text;
    const char *right, *wrong;
} tokens[] = {
    {"sasl-oauth-no-error-challenge", "OAUTHBEARER", "n,a=ann,\1auth=Bearer bad\1\1", "challenge",
     "bad"},
    {"sasl-oauth-no-error-challenge", "XOAUTH2", "user=ann\1auth=Bearer bad\1\1", "challenge",
     "bad"},
    {"sasl-oauth-name-ignored", "OAUTHBEARER", "n,a=bob,\1auth=Bearer tok\1\1", "challenge", "in"},
    {"sasl-oauth-unknown-key-refused", "OAUTHBEARER", "n,,\1user=x\1auth=Bearer tok\1\1", "in",
     "malformed"},
    {"sasl-oauth-any-scheme", "OAUTHBEARER", "n,,\1auth=Basic tok\1\1", "challenge", "in"},
    {"sasl-oauth-port-ignored", "OAUTHBEARER", "n,,\1port=143\1auth=Bearer tok\1\1", "challenge",
     "in"},
    {"sasl-oauth-port-ignored", "OAUTHBEARER", "n,,\1host=x\1port=587\1auth=Bearer tok\1\1", "in",
     "in"},
    {"sasl-oauth-no-end", "OAUTHBEARER", "n,,\1auth=Bearer tok\1", "malformed", "in"},
};

START_TEST(a_token_that_was_set_logs_in)
    {
        set("oauth-token", "ann:tok");
        TRY(tokens[_i].mechanism, tokens[_i].text, tokens[_i].right);
        ck_assert_int_eq(fault_switch(tokens[_i].fault, true, NULL), 0);
        TRY(tokens[_i].mechanism, tokens[_i].text, tokens[_i].wrong);
    }
END_TEST

START_TEST(the_last_token_counts_and_default_takes_all_away)
    {
        set("oauth-token", "ann:old");
        set("oauth-token", "ann:new");
        TRY("XOAUTH2", "user=ann\1auth=Bearer old\1\1", "challenge");
        TRY("XOAUTH2", "user=ann\1auth=Bearer new\1\1", "in");
        set("oauth-token", "default");
        TRY("XOAUTH2", "user=ann\1auth=Bearer new\1\1", "not offered");
        struct err err;
        ck_assert_int_eq(policy_set(&server.policy, "oauth-token", "ann", &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "NAME:TOKEN"));
    }
END_TEST

START_TEST(tokens_are_for_tls)
    {
        set("oauth-token", "ann:tok");
        c.tls = false;
        server.plaintext_login = true;
        TRY("OAUTHBEARER", "n,,\1auth=Bearer tok\1\1", "not offered");
        ck_assert_int_eq(fault_switch("sasl-oauth-in-clear", true, NULL), 0);
        TRY("OAUTHBEARER", "n,,\1auth=Bearer tok\1\1", "in");
    }
END_TEST

START_TEST(a_refused_token_is_told_in_json_and_stays_refused)
    {
        for (int bad = 0; bad < 2; bad++) {
            enum sasl_step step;
            set("oauth-token", "ann:tok");
            fault_clear_all();
            if (bad)
                fault_switch("sasl-oauth-second-chance", true, NULL);
            struct sasl *s = try("OAUTHBEARER", "n,a=ann,\1auth=Bearer bad\1\1", &step);
            ck_assert_int_eq(step, SASL_CHALLENGE);
            ck_assert(out.len > 1 && out.data[0] == '{');
            ck_assert_int_eq(say(s, "n,a=ann,\1auth=Bearer tok\1\1"),
                             bad ? SASL_OK : SASL_BAD_LOGIN);
            sasl_free(s);
        }
        fault_switch("sasl-oauth-error-no-status", true, NULL);
        TRY("OAUTHBEARER", "n,a=ann,\1auth=Bearer bad\1\1", "challenge");
        ck_assert_ptr_null(memmem(out.data, out.len, "status", 6));
    }
END_TEST

START_TEST(anonymous_is_nobody_where_it_is_on)
    {
        char longest[257];
        enum sasl_step step;
        memset(longest, 'a', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        TRY("ANONYMOUS", "sirhc", "not offered");
        fault_switch("sasl-anonymous-always", true, NULL);
        TRY("ANONYMOUS", "sirhc", "in");
        fault_clear_all();
        set("anonymous", "yes");
        TRY("ANONYMOUS", longest, "in");
        struct sasl *s = try("ANONYMOUS", "sirhc", &step);
        ck_assert(step == SASL_OK && sasl_account(s) == NULL);
        sasl_free(s);
        fault_switch("sasl-anonymous-reads-mail", true, NULL);
        s = try("ANONYMOUS", "sirhc", &step);
        ck_assert(step == SASL_OK && sasl_account(s) == ann);
        sasl_free(s);
        fault_switch("sasl-anonymous-short-trace", true, NULL);
        TRY("ANONYMOUS", longest, "bad");
        fault_switch("sasl-anonymous-needs-trace", true, NULL);
        TRY("ANONYMOUS", "", "bad");
        TRY("ANONYMOUS", "sirhc", "in");
    }
END_TEST

START_TEST(external_acts_for_its_own_name_only)
    {
        strcpy(c.tls_client_subject, "ann@test.example");
        TRY("EXTERNAL", "bob", "bad");
        fault_switch("sasl-external-authzid-ignored", true, NULL);
        TRY("EXTERNAL", "bob", "in");
        fault_clear_all();
        fault_switch("sasl-external-authzid-obeyed", true, NULL);
        enum sasl_step step;
        struct sasl *s = try("EXTERNAL", "bob", &step);
        ck_assert_str_eq(sasl_account(s)->name, "bob");
        sasl_free(s);
        for (int bad = 0; bad < 2; bad++) {
            fault_clear_all();
            if (bad)
                fault_switch("sasl-external-not-listed", true, NULL);
            buf_empty(&out);
            sasl_mechanisms(&c, &out);
            ck_assert((memmem(out.data, out.len, "EXTERNAL", 8) == NULL) == bad);
        }
    }
END_TEST

START_TEST(forbidden_characters_are_refused)
    {
        ck_assert_ptr_null(account_find(server.accounts, "an\7n"));
        fault_switch("sasl-prep-drops-forbidden", true, NULL);
        ck_assert_ptr_eq(account_find(server.accounts, "an\7n"), ann);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("sasl token faults");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_loop_test(t, a_token_that_was_set_logs_in, 0, (int)(sizeof tokens / sizeof *tokens));
    tcase_add_test(t, the_last_token_counts_and_default_takes_all_away);
    tcase_add_test(t, tokens_are_for_tls);
    tcase_add_test(t, a_refused_token_is_told_in_json_and_stays_refused);
    tcase_add_test(t, anonymous_is_nobody_where_it_is_on);
    tcase_add_test(t, external_acts_for_its_own_name_only);
    tcase_add_test(t, forbidden_characters_are_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
