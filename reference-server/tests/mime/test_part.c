/* Parts of messages: the same offsets however the message is cut. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buf.h"
#include "mime/part.h"

/* The tree as text: type[header](body,lines){children}. */
static void draw(struct buf *b, const struct part *p)
{
    buf_printf(b, "%s/%s[%zu+%zu](%zu+%zu,%zu)", p->type.type ? p->type.type : "-",
               p->type.subtype ? p->type.subtype : "-", p->header_at, p->header_len, p->body_at,
               p->body_len, p->body_lines);
    if (p->first != NULL) {
        buf_text(b, "{");
        for (const struct part *c = p->first; c != NULL; c = c->next) {
            draw(b, c);
        }
        buf_text(b, "}");
    }
}

static const struct {
    const char *message;
    const char *tree;
} messages[] = {
    {"Subject: x\r\n\r\nhello\r\n", "-/-[0+14](14+7,1)"},
    {"Subject: x\n\nhello\n", "-/-[0+12](12+6,1)"},
    {"Subject: x\r\n\r\n", "-/-[0+14](14+0,0)"},
    {"Subject: x\r\n", "-/-[0+12](12+0,0)"},
    {"Subject: x", "-/-[0+10](10+0,0)"},
    {"\r\nonly a body", "-/-[0+2](2+11,0)"},
    {"", "-/-[0+0](0+0,0)"},
    /* the line end before a delimiter is not the part's */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\nA: x\r\n\r\n"
     "two\r\n\r\n--b--\r\npost\r\n",
     "multipart/mixed[0+45](45+50,11){-/-[55+2](57+3,0)-/-[67+8](75+5,1)}"},
    /* no header, no body, no closing delimiter */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\nA: x",
     "multipart/mixed[0+45](45+21,4){-/-[50+0](50+0,0)-/-[55+2](57+0,0)-/-[62+4](66+0,0)}"},
    /* a delimiter with white space behind it; longer lines are none */
    {"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b \t\r\n\r\nx\r\n--bc\r\n--b--  \r\n",
     "multipart/mixed[0+47](47+27,5){-/-[54+2](56+7,1)}"},
    /* nested: the inner one ends where the outer delimiter comes */
    {"Content-Type: multipart/a; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/b; boundary=i\r\n"
     "\r\n--i\r\n\r\nx\r\n--o--\r\n",
     "multipart/a[0+41](41+63,7){multipart/b[46+41](87+8,2){-/-[92+2](94+1,0)}}"},
    /* a message inside */
    {"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n",
     "message/rfc822[0+32](32+21,3){-/-[32+15](47+6,1)}"},
    {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: "
     "in\r\n\r\nbody\r\n--b--",
     "multipart/digest[0+46](46+33,5){-/-[51+2](53+19,2){-/-[53+15](68+4,0)}}"},
    {"Content-Type: message/rfc822\r\n\r\n", "message/rfc822[0+32](32+0,0){-/-[32+0](32+0,0)}"},
    /* a folded Content-Type, with a comment */
    {"Content-Type:\r\n multipart/x;\r\n\tboundary (why) =b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
     "multipart/x[0+52](52+17,4){-/-[57+2](59+1,0)}"},
    /* a boundary parameter that is missing or empty makes no parts */
    {"Content-Type: multipart/x\r\n\r\n--\r\n\r\nx", "multipart/x[0+29](29+7,2)"},
    {"Content-Type: multipart/x; boundary=\"\"\r\n\r\n--\r\n\r\nx", "multipart/x[0+42](42+7,2)"},
    /* not a type at all */
    {"Content-Type: text\r\n\r\nx", "-/-[0+22](22+1,0)"},
};

START_TEST(offsets_at_every_cut)
    {
        const char *text = messages[_i].message;
        size_t n = strlen(text);
        for (size_t cut = 0; cut <= n; cut++) {
            struct arena a = {0};
            struct part_parser p;
            struct buf b;
            part_begin(&p, &a);
            part_feed(&p, (const unsigned char *)text, cut);
            part_feed(&p, (const unsigned char *)text + cut, n - cut);
            const struct part *root = part_end(&p);
            buf_init(&b, 10000);
            draw(&b, root);
            buf_add(&b, "", 1);
            ck_assert_msg(strcmp((const char *)b.data, messages[_i].tree) == 0,
                          "message %d cut at %zu: %s\n  and not: %s", _i, cut, b.data,
                          messages[_i].tree);
            buf_free(&b);
            arena_free(&a);
        }
    }
END_TEST

/* A field longer than what the parser keeps of a line is the same in one piece and byte by byte. */
START_TEST(a_long_content_type)
    {
        char text[1024];
        int n = snprintf(
            text, sizeof text,
            "Content-Type: multipart/mixed; x=\"%0300d\"; boundary=b\r\n\r\n--b\r\n\r\nx", 0);
        for (size_t step = 1; step < 200; step += 7) {
            struct arena a = {0};
            struct part_parser p;
            part_begin(&p, &a);
            for (size_t at = 0; at < (size_t)n; at += step) {
                size_t len = (size_t)n - at < step ? (size_t)n - at : step;
                part_feed(&p, (const unsigned char *)text + at, len);
            }
            const struct part *root = part_end(&p);
            ck_assert_msg(root->children == 1, "in steps of %zu", step);
            ck_assert_uint_eq(strlen(content_param(&root->type, "x")), 300);
            arena_free(&a);
        }
    }
END_TEST

/* Deeper than PART_DEPTH nothing is taken apart, and nothing breaks. */
START_TEST(a_thousand_levels)
    {
        struct buf b;
        struct arena a = {0};
        buf_init(&b, 1 << 20);
        for (int i = 0; i < 1000; i++) {
            buf_printf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
        }
        const struct part *p = part_parse(&a, b.data, b.len);
        size_t depth = 1;
        for (; p->first != NULL; p = p->first) {
            depth++;
        }
        ck_assert_uint_eq(depth, PART_DEPTH);
        ck_assert(p->opaque);
        buf_free(&b);
        arena_free(&a);
    }
END_TEST

START_TEST(too_many_parts_stay_together)
    {
        struct buf b;
        struct arena a = {0};
        buf_init(&b, 1 << 20);
        buf_text(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < PART_COUNT + 100; i++) {
            buf_text(&b, "--b\r\n");
        }
        ck_assert_uint_eq(part_parse(&a, b.data, b.len)->children, PART_COUNT - 1);
        buf_free(&b);
        arena_free(&a);
    }
END_TEST

static const char nested[] =
    "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
    "--o\r\n\r\none\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\n"
    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ntwo-one\r\n--i\r\n\r\ntwo-two\r\n"
    "--i--\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: three\r\n\r\nthree-one\r\n"
    "--o\r\nContent-Type: multipart/mixed; boundary=j\r\n\r\n--j\r\n\r\nfour-one\r\n--j--\r\n"
    "--o--\r\n";

static const struct {
    unsigned path[4];
    size_t depth;
    const char *body; /* NULL: no such part; "…": it begins so */
} paths[] = {
    {{1}, 1, "one"},
    {{2, 1}, 2, "two-one"},
    {{2, 2}, 2, "two-two"},
    {{3, 1}, 2, "three-one"},
    {{4, 1}, 2, "four-one"},
    {{4}, 1, "--j\r\n\r\nfour-one\r\n--j--"},
    {{5}, 1, NULL},
    {{1, 1}, 2, NULL},
    {{2, 3}, 2, NULL},
    {{3, 2}, 2, NULL},
    {{3, 1, 1}, 3, NULL},
    {{2, 1, 1}, 3, NULL},
    {{3}, 1, "Subject: three\r\n\r\nthree-one"},
};

START_TEST(parts_by_number)
    {
        struct arena a = {0};
        const unsigned char *data = (const unsigned char *)nested;
        const struct part *root = part_parse(&a, data, strlen(nested));
        const struct part *p = part_at(root, paths[_i].path, paths[_i].depth);
        ck_assert_msg((p != NULL) == (paths[_i].body != NULL), "path %d", _i);
        if (p != NULL) {
            ck_assert_uint_eq(p->body_len, strlen(paths[_i].body));
            ck_assert_int_eq(memcmp(data + p->body_at, paths[_i].body, p->body_len), 0);
        }
        arena_free(&a);
    }
END_TEST

START_TEST(part_one_of_a_plain_message_is_its_text)
    {
        static const char text[] = "Subject: x\r\n\r\nhello";
        struct arena a = {0};
        const struct part *root = part_parse(&a, (const unsigned char *)text, strlen(text));
        ck_assert_ptr_eq(part_at(root, (unsigned[]){1}, 1), root);
        ck_assert_ptr_null(part_at(root, (unsigned[]){2}, 1));
        ck_assert_ptr_null(part_at(root, (unsigned[]){1, 1}, 2));
        arena_free(&a);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("part");
    TCase *t = tcase_create("part");
    tcase_add_loop_test(t, offsets_at_every_cut, 0, sizeof messages / sizeof *messages);
    tcase_add_test(t, a_long_content_type);
    tcase_add_test(t, a_thousand_levels);
    tcase_add_test(t, too_many_parts_stay_together);
    tcase_add_loop_test(t, parts_by_number, 0, sizeof paths / sizeof *paths);
    tcase_add_test(t, part_one_of_a_plain_message_is_its_text);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
