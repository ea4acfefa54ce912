/* capture_made: tshark, which knows nothing of mailproof, sees in the file what the events say.
 * TLS sessions are real ones between two OpenSSL ends, so that decryption is proved too.
 * SPDX-License-Identifier: MIT */
#include "evidence/capture_made.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "events.h"

#define STARTED 1764000000.25

static char path[64];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/test_capture_made.%ld.pcapng", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

static void made(struct story *s)
{
    struct err err;
    ck_assert_msg(capture_made_write(s->events, STARTED, path, &err) == 0, "%s", err.text);
    story_clear(s);
}

/* tshark's answer; checksums are verified, and decrypted data is read as its protocol. */
static char *tshark(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command,
             "tshark -n -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -r %s %s 2>/dev/null",
             path, arguments);
    return output_of(command);
}

#define FIELDS "-T fields -E separator='|' -E occurrence=a -E aggregator=' ' "

/* Nothing in the file is malformed, unexpected or wrongly summed. */
static void nothing_wrong(void)
{
    char *text = tshark(
        "-Y '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || "
        "tcp.analysis.lost_segment || tcp.analysis.retransmission || tcp.analysis.out_of_order || "
        "tcp.analysis.ack_lost_segment || tcp.analysis.window_full || _ws.expert.severity == "
        "8388608' -V");
    ck_assert_msg(text[0] == '\0', "tshark objects to:\n%.3000s", text);
    free(text);
    text = tshark("-Y 'tcp.checksum.status == 1' " FIELDS "-e frame.number");
    ck_assert_msg(text[0] != '\0', "no packet at all was verified");
    free(text);
}

static void contains(const char *text, const char *want)
{
    ck_assert_msg(strstr(text, want) != NULL, "no \"%s\" in:\n%.4000s", want, text);
}

/* --- in clear -----------------------------------------------------------------------------------
 */

START_TEST(an_smtp_dialogue_is_seen_as_smtp_at_port_25)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 45678, "127.0.0.1", 2525);
        story_says(&s, 1, 's', "220 mx.example ESMTP\r\n");
        story_step(&s, 1, "send EHLO client.example");
        story_says(&s, 1, 'c', "EHLO client.example\r\n");
        story_says(&s, 1, 's', "250-mx.example\r\n250 SIZE 1000\r\n");
        story_says(&s, 1, 'c', "QUIT\r\n");
        story_says(&s, 1, 's', "221 2.0.0 bye\r\n");
        story_end(&s, 1, "fin");
        story_end(&s, 1, "local");
        made(&s);
        nothing_wrong();
        char *text = tshark(
            FIELDS "-e tcp.dstport -e smtp.req.command -e smtp.response.code -e frame.comment");
        contains(text, "25|EHLO||send EHLO client.example (scenarios/a.lua:7)");
        contains(text, "45678||250|");
        contains(text, "25|QUIT||");
        contains(text, "at 127.0.0.1 port 2525");
        free(text);
        text = tshark("-Y 'tcp.flags.fin == 1' " FIELDS "-e tcp.srcport");
        ck_assert_str_eq(text, "25\n45678\n");
        free(text);
        text = tshark("-c 1 " FIELDS "-e frame.time_epoch");
        ck_assert_str_eq(text, "1764000000.251000000\n");
        free(text);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture_made");
    TCase *c = tcase_create("tshark");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, an_smtp_dialogue_is_seen_as_smtp_at_port_25);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
