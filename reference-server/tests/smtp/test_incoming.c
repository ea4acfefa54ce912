/* Messages on their way in share one limit, whoever sends them.
 * SPDX-License-Identifier: MIT */
#include "smtp/smtp_world.h"

static struct world w;
static struct world_client ann, bob;
static char text[12001];

static void start(void)
{
    world_start(&w);
    w.server.limits.incoming_bytes = 24000;
    for (size_t i = 0; i + 2 < sizeof text; i += 60)
        memcpy(text + i, "one line of text, and what else is in it is not of interest\n", 60);
    for (size_t i = 59; i < sizeof text - 1; i += 60)
        memcpy(text + i - 1, "\r\n", 2);
    smtp_world_hello(&w, &ann, SERVICE_SMTP);
    smtp_world_hello(&w, &bob, SERVICE_SMTP);
}

static void stop(void)
{
    world_hang_up(&ann);
    world_hang_up(&bob);
    ck_assert_uint_eq(w.server.incoming.used, 0);
    world_stop(&w);
}

static void envelope(struct world_client *k)
{
    world_ask(k, "MAIL FROM:<x@client.example>\r\n", "250");
    world_ask(k, "RCPT TO:<user1@test.example>\r\n", "250");
}

START_TEST(more_than_fits_is_refused_for_a_time)
    {
        envelope(&ann);
        envelope(&bob);
        world_ask(&ann, "DATA\r\n", "354");
        world_text(&ann, text);
        world_round(&ann);
        ck_assert_uint_gt(w.server.incoming.used, 12000);
        world_ask(&bob, "DATA\r\n", "354");
        world_text(&bob, text);
        world_ask(&bob, ".\r\n", "452 4.3.1 ");
        world_ask(&ann, ".\r\n", "250 2.0.0 ");
        envelope(&bob);
        world_ask(&bob, "DATA\r\n", "354");
        world_text(&bob, text);
        world_ask(&bob, ".\r\n", "250 2.0.0 ");
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 2);
    }
END_TEST

START_TEST(chunks_count_as_well)
    {
        char chunk[60];
        snprintf(chunk, sizeof chunk, "BDAT %zu\r\n", strlen(text));
        envelope(&ann);
        envelope(&bob);
        world_text(&ann, chunk);
        world_ask(&ann, text, "250 2.0.0 ");
        world_text(&bob, chunk);
        world_ask(&bob, text, "452 4.3.1 ");
        world_ask(&bob, "BDAT 0 LAST\r\n", "503");
        world_ask(&ann, "BDAT 0 LAST\r\n", "250 2.0.0 ");
        world_ask(&bob, "RSET\r\n", "250");
        envelope(&bob);
        world_text(&bob, chunk);
        world_ask(&bob, text, "250 2.0.0 ");
    }
END_TEST

/* The room is given back, whatever ends it. */
START_TEST(who_leaves_in_the_middle_leaves_nothing_behind)
    {
        envelope(&ann);
        world_ask(&ann, "DATA\r\n", "354");
        world_text(&ann, text);
        world_round(&ann);
        ck_assert_uint_gt(w.server.incoming.used, 12000);
        shutdown(ann.fd, SHUT_RDWR);
        for (int i = 0; i < 10 && w.server.incoming.used > 0; i++)
            loop_once(w.server.loop, 10);
        ck_assert_uint_eq(w.server.incoming.used, 0);
    }
END_TEST

START_TEST(an_empty_message_needs_no_room)
    {
        w.server.limits.incoming_bytes = 1;
        envelope(&ann);
        world_ask(&ann, "DATA\r\n", "354");
        world_ask(&ann, ".\r\n", "250 2.0.0 ");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("incoming");
    TCase *t = tcase_create("incoming");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, more_than_fits_is_refused_for_a_time);
    tcase_add_test(t, chunks_count_as_well);
    tcase_add_test(t, who_leaves_in_the_middle_leaves_nothing_behind);
    tcase_add_test(t, an_empty_message_needs_no_room);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
