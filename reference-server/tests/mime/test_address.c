/* Address lists as ENVELOPE shows them. SPDX-License-Identifier: MIT */
#include <string.h>

#include <check.h>

#include "base/buf.h"
#include "mime/address.h"

static const struct {
    const char *value;
    const char *list; /* name|route|mailbox|host; "-" for none */
} lists[] = {
    {"ann@x.example", "-|-|ann|x.example;"},
    {"Ann Bee <ann@x.example>", "Ann Bee|-|ann|x.example;"},
    {"\"Bee, Ann\" <ann@x.example>, bob@y", "Bee, Ann|-|ann|x.example;-|-|bob|y;"},
    {"\"A \\\"quoted\\\" \\\\ one\" <a@b>", "A \"quoted\" \\ one|-|a|b;"},
    {"<ann@x.example>", "-|-|ann|x.example;"},
    {"ann@x.example (Ann Bee)", "Ann Bee|-|ann|x.example;"},
    {"ann (c1) @ (c2) x.example (Ann (nested) \\) Bee)", "Ann (nested) ) Bee|-|ann|x.example;"},
    {"<@a.example,@b.example:ann@x.example>", "-|@a.example,@b.example|ann|x.example;"},
    {"\"odd local\"@x.example", "-|-|odd local|x.example;"},
    {"a . b @ x . example", "-|-|a.b|x.example;"},
    {"ann@[127.0.0.1]", "-|-|ann|[127.0.0.1];"},
    {"Team: ann@x, Bob <bob@y>;", "-|-|Team|-;-|-|ann|x;Bob|-|bob|y;-|-|-|-;"},
    {"Undisclosed recipients:;", "-|-|Undisclosed recipients|-;-|-|-|-;"},
    {"A: a@b;, c@d", "-|-|A|-;-|-|a|b;-|-|-|-;-|-|c|d;"},
    {"A: a@b", "-|-|A|-;-|-|a|b;-|-|-|-;"},
    {"Ann\r\n Bee\r\n\t<ann@x.example>,\r\n bob@y", "Ann Bee|-|ann|x.example;-|-|bob|y;"},
    {"=?utf-8?q?=C3=84?= <a@b>", "=?utf-8?q?=C3=84?=|-|a|b;"},
    {",, ann@x,,", "-|-|ann|x;"},
    {"nobody", "-|-|nobody|;"},
    {"John Q. Public <j@x>", "John Q. Public|-|j|x;"},
    {"<>", "-|-||;"},
    {"", ""},
    {" (only a comment) ", ""},
    {"@", "-|-||;"},
    {"\"unclosed <a@b>", "-|-|unclosed <a@b>|;"},
    {"a <b@c> junk, d@e", "a|-|b|c;-|-|d|e;"},
    {"a@b; c@d", "-|-|a|b;"},
};

static void word(struct buf *b, const char *s, const char *end)
{
    buf_printf(b, "%s%s", s ? s : "-", end);
}

START_TEST(address_table)
    {
        struct arena a = {0};
        struct buf b;
        const char *value = lists[_i].value;
        buf_init(&b, 10000);
        for (const struct address *p =
                 address_parse(&a, (const unsigned char *)value, strlen(value));
             p != NULL; p = p->next) {
            word(&b, p->name, "|");
            word(&b, p->route, "|");
            word(&b, p->mailbox, "|");
            word(&b, p->host, ";");
        }
        buf_add(&b, "", 1);
        ck_assert_msg(strcmp((const char *)b.data, lists[_i].list) == 0, "%s: %s and not %s", value,
                      b.data, lists[_i].list);
        buf_free(&b);
        arena_free(&a);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("address");
    TCase *t = tcase_create("address");
    tcase_add_loop_test(t, address_table, 0, sizeof lists / sizeof *lists);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
