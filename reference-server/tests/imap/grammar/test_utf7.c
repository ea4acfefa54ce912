/* Mailbox names in modified UTF-7: one spelling each. SPDX-License-Identifier: MIT */
#include <string.h>

#include <check.h>

#include "imap/grammar/utf7.h"

static const struct {
    const char *wire;
    const char *name; /* NULL: no right spelling */
} names[] = {
    {"INBOX", "INBOX"},
    {"a&-b", "a&b"},
    {"&-&-", "&&"},
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"},
    {"&AOQ-&-", "ä&"},
    {"Entw&APw-rfe", "Entwürfe"},
    {"&2D3eAA-", "\xf0\x9f\x98\x80"},
    {"", ""},
    {"&", NULL},
    {"&AOQ", NULL},       /* not ended */
    {"&AOQ-&APY-", NULL}, /* a needless shift */
    {"&AGE-", NULL},      /* "a" in base64 */
    {"&AOR-", NULL},      /* bits left over */
    {"&A-", NULL},
    {"&AOQA-", NULL}, /* six bits too many */
    {"&2D0-", NULL},  /* half a pair */
    {"&3gA-", NULL},  /* the other half */
    {"&AO Q-", NULL},
    {"a\x7f", NULL},
    {"\xc3\xa4", NULL},
    {"a\tb", NULL},
};

START_TEST(decoding)
    {
        struct arena a = {0};
        char *name = utf7_decode(&a, names[_i].wire, strlen(names[_i].wire));
        if (names[_i].name == NULL) {
            ck_assert_msg(name == NULL, "%s gave %s", names[_i].wire, name);
        } else {
            ck_assert_msg(name != NULL, "%s", names[_i].wire);
            ck_assert_str_eq(name, names[_i].name);
            struct buf b;
            buf_init(&b, 1000);
            ck_assert(utf7_encode(&b, name) && buf_add(&b, "", 1));
            ck_assert_str_eq((const char *)b.data, names[_i].wire);
            buf_free(&b);
        }
        arena_free(&a);
    }
END_TEST

static const struct {
    const char *text;
    bool valid;
} texts[] = {
    {"abc", true},           {"\xc3\xa4", true},      {"\xf0\x9f\x98\x80", true},  {"\xc3", false},
    {"\xc0\x80", false},     {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\x80", false},
    {"\xe0\x80\x80", false},
};

START_TEST(utf8_by_its_rules)
    {
        ck_assert_msg(utf8_valid(texts[_i].text, strlen(texts[_i].text)) == texts[_i].valid, "%d",
                      _i);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("utf7");
    TCase *t = tcase_create("utf7");
    tcase_add_loop_test(t, decoding, 0, sizeof names / sizeof *names);
    tcase_add_loop_test(t, utf8_by_its_rules, 0, sizeof texts / sizeof *texts);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
