/* What APPEND brings is part of what all messages on their way in may take together.
 * SPDX-License-Identifier: MIT */
#include "imap/session.h"

enum { TEXT = 12000 };
static char text[TEXT + 1];

static void start(void)
{
    imap_setup();
    world.server.limits.incoming_bytes = 20000;
    memset(text, 'x', TEXT);
    memcpy(text, "Subject: x\r\n\r\n", 14);
}

static void stop(void)
{
    imap_teardown();
}

static void append(struct world_client *k, const char *form)
{
    char line[80];
    snprintf(line, sizeof line, form, TEXT);
    world_forget(k);
    world_text(k, line);
    if (strchr(line, '+') == NULL)
        world_hear(k, "+ Go ahead\r\n");
    world_forget(k);
    world_text(k, text);
}

/* The whole message is read past: the next command is one. */
START_TEST(more_than_fits_gets_no)
    {
        append(&ann, "a APPEND INBOX {%d}\r\n");
        for (int i = 0; i < 1000 && world.server.incoming.used <= TEXT; i++)
            world_round(&ann);
        ck_assert_uint_gt(world.server.incoming.used, TEXT);
        append(&bob, "b APPEND INBOX {%d+}\r\n");
        world_ask(&bob, "\r\n", "b NO [LIMIT] ");
        append(&bob, "b APPEND INBOX {%d}\r\n");
        world_ask(&bob, " (\\Seen) {5}\r\n", "b NO [LIMIT] ");
        ck_assert_uint_le(world.server.incoming.used, 20000);
        imap_find(&bob, "LOGIN {5}", "a BAD");
        world_ask(&ann, "\r\n", "a OK [APPENDUID ");
        ck_assert_uint_eq(world.server.incoming.used, 0);
        append(&bob, "b APPEND INBOX {%d+}\r\n");
        world_ask(&bob, "\r\n", "b OK [APPENDUID ");
        imap_find(&bob, "STATUS INBOX (MESSAGES)", "(MESSAGES 2)");
    }
END_TEST

START_TEST(who_leaves_in_the_middle_leaves_nothing_behind)
    {
        append(&ann, "a APPEND INBOX {%d}\r\n");
        for (int i = 0; i < 1000 && world.server.incoming.used <= TEXT; i++)
            world_round(&ann);
        ck_assert_uint_gt(world.server.incoming.used, TEXT);
        shutdown(ann.fd, SHUT_RDWR);
        for (int i = 0; i < 100 && world.server.incoming.used > 0; i++)
            loop_once(world.server.loop, 10);
        ck_assert_uint_eq(world.server.incoming.used, 0);
    }
END_TEST

/* Who only logs in is none of it. */
START_TEST(other_literals_do_not_count)
    {
        struct world_client k;
        world.server.limits.incoming_bytes = 1;
        imap_connect(&k);
        world_ask(&k, "a LOGIN {5}\r\n", "+");
        world_ask(&k, "user1 {4+}\r\npass\r\n", "a OK");
        world_ask(&k, "b APPEND INBOX {3+}\r\nabc\r\n", "b NO [LIMIT] ");
        world_hang_up(&k);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap incoming");
    TCase *t = tcase_create("incoming");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, more_than_fits_gets_no);
    tcase_add_test(t, who_leaves_in_the_middle_leaves_nothing_behind);
    tcase_add_test(t, other_literals_do_not_count);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
