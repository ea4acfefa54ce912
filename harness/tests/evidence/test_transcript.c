/* transcript: a person reads the exchange as it was, whatever bytes it was made of.
 * SPDX-License-Identifier: MIT */
#include "evidence/transcript.h"

#include "events.h"

static struct buf text;

static const char *text_of_story(struct story *s, bool failed, const struct transcript_style *style)
{
    buf_init(&text, 1 << 20);
    ck_assert(transcript_text(s->events, failed, style, &text));
    ck_assert(buf_add(&text, "", 1));
    story_clear(s);
    return (const char *)text.data;
}

static void contains(const char *got, const char *want)
{
    ck_assert_msg(strstr(got, want) != NULL, "no \"%s\" in:\n%s", want, got);
}

static void lacks(const char *got, const char *unwanted)
{
    ck_assert_msg(strstr(got, unwanted) == NULL, "\"%s\" in:\n%s", unwanted, got);
}

static void teardown(void)
{
    buf_clear(&text);
}

START_TEST(each_line_has_time_direction_and_escaped_bytes)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 's', "220 hi\r\n");
        story_says(&s, 1, 'c', "Subject: one\r\n\r\nhello\n.\n");
        story_bytes(&s, 1, 's', "wire", "250 \0\t\\\x7f\xc3\xa4\r\n", 12);
        ck_assert_str_eq(text_of_story(&s, false, NULL),
                         "0.001  c1 ==  smtp, 127.0.0.1 port 2525\n"
                         "0.002  c1 <  220 hi\\r\\n\n"
                         "0.003  c1 >  Subject: one\\r\\n\\r\\nhello\\n.\\n\n"
                         "0.004  c1 <  250 \\0\\t\\\\\\x7F\\xC3\\xA4\\r\\n\n");
    }
END_TEST

START_TEST(a_failure_is_marked_at_the_bytes_before_the_judgement)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 'c', "NOOP\r\n");
        story_says(&s, 1, 's', "500 no\r\n");
        story_check(&s, 0, "expected 250");
        story_says(&s, 1, 'c', "QUIT\r\n");
        story_end(&s, 1, "local");
        const struct transcript_style style = {.indent = 10};
        const char *t = text_of_story(&s, true, &style);
        contains(t, "          0.003  c1 <  500 no\\r\\n                                           "
                    "  <- here\n");
        contains(t, "          0.005  c1 >  QUIT\\r\\n\n");
        lacks(t, "expected 250");
    }
END_TEST

START_TEST(the_last_lines_end_at_the_failure)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 's', "220 one\r\n");
        story_says(&s, 1, 'c', "two\r\n");
        story_says(&s, 1, 's', "500 three\r\n");
        story_check(&s, 0, "expected 250");
        story_says(&s, 1, 'c', "QUIT\r\n");
        const struct transcript_style style = {.last = 2};
        const char *t = text_of_story(&s, true, &style);
        lacks(t, "one");
        contains(t, "two");
        contains(t, "three");
        lacks(t, "QUIT");
    }
END_TEST

START_TEST(steps_and_judgements_are_shown_on_request)
    {
        struct story s = {0};
        story_conn(&s, 1, "imap", "::1", 4000, "::1", 1143);
        story_step(&s, 1, "send NOOP");
        story_check(&s, 1, "numbers stay");
        story_check(&s, 0, "one EXPUNGE\nand more");
        const struct transcript_style style = {.steps = true};
        const char *t = text_of_story(&s, true, &style);
        contains(t, "0.002  c1 --  send NOOP  (scenarios/a.lua:7)\n");
        contains(t, "ok  numbers stay");
        contains(t, "no  one EXPUNGE  (scenarios/a.lua:9)\n");
    }
END_TEST

START_TEST(a_servers_answer_is_cut_at_its_line_ends_and_joined_across_segments)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 's', "250-one\r\n25");
        story_says(&s, 1, 's', "0 t");
        story_says(&s, 1, 's', "wo\r\n");
        const char *t = text_of_story(&s, false, NULL);
        contains(t, "0.002  c1 <  250-one\\r\\n\n0.002  c1 <  250 two\\r\\n\n");
    }
END_TEST

START_TEST(pieces_that_the_script_sends_apart_stay_apart)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 'c', "STAR");
        story_says(&s, 1, 'c', "TTLS\r\n");
        contains(text_of_story(&s, false, NULL), "0.002  c1 >  STAR\n0.003  c1 >  TTLS\\r\\n\n");
    }
END_TEST

START_TEST(tls_is_a_boundary_and_its_records_are_not_shown)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_says(&s, 1, 'c', "STARTTLS\r\n");
        story_says(&s, 1, 's', "220 go\r\n");
        story_bytes(&s, 1, 'c', "wire", "\x16\x03\x01\0\x05hello", 10);
        story_bytes(&s, 1, 's', "wire", "\x16\x03\x03\0\x05", 5);
        story_bytes(&s, 1, 's', "wire", "olleh", 5);
        story_add(&s,
                  json_pack("{ss si sb ss ss sb sb ss}", "ev", "tls", "conn", 1, "done", 1,
                            "version", "TLSv1.3", "cipher", "TLS_AES_256_GCM_SHA384", "chain_ok", 0,
                            "name_ok", 1, "chain_why", "self-signed certificate"));
        story_bytes(&s, 1, 'c', "text", "EHLO x\r\n", 8);
        story_bytes(&s, 1, 'c', "wire", "\x17\x03\x03\0\x01z", 6);
        story_bytes(&s, 1, 's', "wire", "\x17\x03\x03\0\x01y", 6);
        story_bytes(&s, 1, 's', "text", "250 x\r\n", 7);
        ck_assert_str_eq(text_of_story(&s, false, NULL),
                         "0.001  c1 ==  smtp, 127.0.0.1 port 2525\n"
                         "0.002  c1 >  STARTTLS\\r\\n\n"
                         "0.003  c1 <  220 go\\r\\n\n"
                         "0.007  c1 ==  TLS: TLSv1.3, TLS_AES_256_GCM_SHA384; chain not trusted "
                         "(self-signed certificate); "
                         "name matches\n"
                         "0.008  c1 >  EHLO x\\r\\n\n"
                         "0.011  c1 <  250 x\\r\\n\n");
    }
END_TEST

START_TEST(words_in_answer_to_a_handshake_are_shown)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_bytes(&s, 1, 'c', "wire", "\x16\x03\x01\0\x05hello", 10);
        story_says(&s, 1, 's', "500 what?\r\n");
        story_add(&s, json_pack("{ss si sb ss}", "ev", "tls", "conn", 1, "done", 0, "alert",
                                "handshake_failure"));
        const char *t = text_of_story(&s, true, NULL);
        contains(t, "c1 <  500 what?\\r\\n");
        contains(t, "c1 ==  the TLS handshake failed: alert handshake_failure");
        lacks(t, "hello");
    }
END_TEST

START_TEST(who_ended_a_connection_and_how_is_one_line)
    {
        struct story s = {0};
        for (int i = 1; i <= 3; i++)
            story_conn(&s, i, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_close(&s, 1, "fin");
        story_end(&s, 1, "local");
        story_close(&s, 2, "reset");
        story_end(&s, 2, "local");
        story_close(&s, 3, "fin");
        story_end(&s, 3, "fin");
        ck_assert_str_eq(strstr(text_of_story(&s, true, NULL), "0.004"),
                         "0.004  c1 ==  closed by the scenario\n"
                         "0.006  c2 ==  reset by the scenario (RST)\n"
                         "0.008  c3 ==  the scenario sends no more (FIN)\n"
                         "0.009  c3 ==  the server closed the connection (FIN)                     "
                         "     <- here\n");
    }
END_TEST

START_TEST(long_data_is_folded_and_says_how_much)
    {
        struct story s = {0};
        char big[8000];
        size_t n = 0;
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        for (int i = 0; i < 500; i++)
            n += (size_t)snprintf(big + n, sizeof big - n, "line %d\r\n", i);
        story_bytes(&s, 1, 'c', "wire", big, n);
        memset(big, 'x', sizeof big);
        story_bytes(&s, 1, 's', "wire", big, 5000);
        const char *t = text_of_story(&s, false, NULL);
        contains(t, "line 0\\r\\n");
        contains(t, "line 499\\r\\n");
        contains(t, "… 488 lines, 4788 bytes …");
        lacks(t, "line 250");
        contains(t, "xxx … 4840 more bytes");
    }
END_TEST

START_TEST(bytes_that_were_not_kept_are_named)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        story_add(&s, json_pack("{ss si ss ss si sb}", "ev", "io", "conn", 1, "dir", "s", "layer",
                                "wire", "n", 77, "cut", 1));
        contains(text_of_story(&s, false, NULL), "c1 <  [77 bytes that run.jsonl does not hold]\n");
    }
END_TEST

START_TEST(events_of_the_future_and_broken_ones_are_left_out)
    {
        struct story s = {0};
        story_add(&s, json_pack("{ss}", "ev", "smell"));
        story_add(&s, json_pack("{si}", "ev", 3));
        story_add(&s, json_pack("{ss ss}", "ev", "io", "b64", "!!!!"));
        story_add(&s, json_pack("{ss}", "ev", "tls"));
        story_add(&s, json_pack("{ss}", "ev", "check"));
        story_add(&s, json_pack("{ss}", "ev", "record"));
        contains(text_of_story(&s, true, NULL), "the TLS handshake failed");
    }
END_TEST

START_TEST(a_limit_ends_the_text_and_is_told)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 4000, "127.0.0.1", 2525);
        for (int i = 0; i < 100; i++)
            story_says(&s, 1, 's', "250 ok\r\n");
        buf_init(&text, 200);
        ck_assert(!transcript_text(s.events, false, NULL, &text));
        ck_assert_uint_le(text.len, 200);
        story_clear(&s);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("transcript");
    TCase *c = tcase_create("lines");
    tcase_add_checked_fixture(c, NULL, teardown);
    tcase_add_test(c, each_line_has_time_direction_and_escaped_bytes);
    tcase_add_test(c, a_failure_is_marked_at_the_bytes_before_the_judgement);
    tcase_add_test(c, the_last_lines_end_at_the_failure);
    tcase_add_test(c, steps_and_judgements_are_shown_on_request);
    tcase_add_test(c, a_servers_answer_is_cut_at_its_line_ends_and_joined_across_segments);
    tcase_add_test(c, pieces_that_the_script_sends_apart_stay_apart);
    tcase_add_test(c, tls_is_a_boundary_and_its_records_are_not_shown);
    tcase_add_test(c, words_in_answer_to_a_handshake_are_shown);
    tcase_add_test(c, who_ended_a_connection_and_how_is_one_line);
    tcase_add_test(c, long_data_is_folded_and_says_how_much);
    tcase_add_test(c, bytes_that_were_not_kept_are_named);
    tcase_add_test(c, events_of_the_future_and_broken_ones_are_left_out);
    tcase_add_test(c, a_limit_ends_the_text_and_is_told);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
