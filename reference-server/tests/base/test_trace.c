/* The trace names a requirement for each reply, and one that exists.
 * SPDX-License-Identifier: MIT */
#include "base/trace.h"
#include "imap/state.h"
#include "smtp/state.h"
#include "world.h"

static struct world w;
static struct world_client c;
static char path[] = "/tmp/mailproofd-trace-XXXXXX";

static void begin(void)
{
    struct err err;
    world_start(&w);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_msg(trace_open(path, w.server.clock, &err) == 0, "%s", err.text);
}

static void end(void)
{
    world_stop(&w);
    trace_close();
    unlink(path);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
}

static char *whole(const char *name)
{
    FILE *f = fopen(name, "re");
    ck_assert_msg(f != NULL, "%s", name);
    char *text = calloc(1, 1 << 20);
    ck_assert(text != NULL && fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

static void expect_lines(const char *const *lines)
{
    char *text = whole(path), *at = text;
    for (; *lines != NULL; lines++) {
        at = strstr(at, *lines);
        ck_assert_msg(at != NULL, "no \"%s\" (there) in:\n%s", *lines, text);
    }
    free(text);
}

START_TEST(smtp_says_what_decided)
    {
        world_connect(&w, &c, SERVICE_SMTP, &smtp_protocol, false);
        world_hear(&c, "\r\n");
        const char *const say[] = {"HELO x\r\n",
                                   "RCPT TO:<a@b.example>\r\n",
                                   "MAIL FROM:<>\r\n",
                                   "RCPT TO:<nobody@test.example>\r\n",
                                   "RCPT TO:<user1@test.example>\r\n",
                                   "DATA\r\n",
                                   "A: b\r\n\r\nc\n\r\n.\r\n",
                                   "WHAT\r\n",
                                   "QUIT\r\n"};
        for (size_t i = 0; i < sizeof say / sizeof *say; i++)
            world_ask(&c, say[i], "");
        world_hang_up(&c);
        expect_lines((const char *const[]){
            "\tsmtp\t1\trfc5321-i-3.1-1\tgreeting: 220 ", "\trfc5321-3.2-2\tHELO: 250 ",
            "\trfc5321-3.3-10\tRCPT: 503 ", "\trfc5321-i-3.3-1\tMAIL: 250 ",
            "\trfc5321-i-3.3-3\tRCPT: 550 ", "\trfc5321-i-3.3-2\tRCPT: 250 ",
            "\trfc5321-i-3.3-4\tDATA: 354 ", "\trfc5321-2.3.8-1\t.: 550 ",
            "\trfc5321-4.2.4-3\t?: 500 ", "\trfc5321-4.1.1.10-1\tQUIT: 221 ", NULL});
    }
END_TEST

START_TEST(imap_says_what_decided)
    {
        world_connect(&w, &c, SERVICE_IMAP, &imap_protocol, false);
        world_hear(&c, "\r\n");
        const char *const say[] = {"a LOGIN user1 wrong\r\n",
                                   "a LOGIN user1 pass\r\n",
                                   "a WHAT\r\n",
                                   "a STATUS none (MESSAGES)\r\n",
                                   "a CREATE INBOX\r\n",
                                   "a NOOP x\r\n",
                                   "a SELECT none\r\n"};
        for (size_t i = 0; i < sizeof say / sizeof *say; i++)
            world_ask(&c, say[i], "a ");
        world_hang_up(&c);
        expect_lines((const char *const[]){
            "\timap\t1\trfc9051-6.2.3-x1\tLOGIN: NO ", "\trfc9051-6.2.3-x1\tLOGIN: OK ",
            "\trfc9051-2.2.2-x1\t?: BAD ", "\trfc9051-6.3.11-x4\tSTATUS: NO ",
            "\trfc9051-6.3.4-x1\tCREATE: NO ", "\trfc9051-2.2.2-3\tNOOP: BAD ",
            "\trfc9051-6.3.2-x2\tSELECT: NO ", NULL});
    }
END_TEST

/* Each stands in the catalogue of its RFC: mailproof explain knows it. */
static void look_up(const struct trace_reason *list)
{
    char file[96], wanted[96];
    for (; list->command != NULL; list++) {
        snprintf(file, sizeof file, "scenarios/requirements/%.*s.lua",
                 (int)strcspn(list->requirement, "-"), list->requirement);
        snprintf(wanted, sizeof wanted, "\"%s\"", list->requirement);
        char *text = whole(file);
        ck_assert_msg(strstr(text, wanted) != NULL, "%s %s: there is no %s", list->command,
                      list->answer, list->requirement);
        free(text);
    }
}

START_TEST(every_requirement_is_one)
    {
        look_up(smtp_reasons);
        look_up(imap_reasons);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("trace");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, smtp_says_what_decided);
    tcase_add_test(t, imap_says_what_decided);
    tcase_add_test(t, every_requirement_is_one);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
