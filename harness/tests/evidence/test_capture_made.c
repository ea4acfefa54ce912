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

/* Nothing in the file is malformed, unexpected or wrongly summed: every packet's sums were looked
 * at and are good, and TCP's numbers fit together. */
static void nothing_wrong(void)
{
    char *text =
        tshark(FIELDS "-e tcp.checksum.status -e _ws.malformed -e tcp.analysis.lost_segment "
                      "-e tcp.analysis.retransmission -e tcp.analysis.out_of_order "
                      "-e tcp.analysis.ack_lost_segment -e tcp.analysis.window_full "
                      "-e ip.checksum.status -e _ws.expert.severity");
    size_t packets = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';
         packets++) {
        bool good = strncmp(line, "1|||||||1|", 10) == 0 ||
                    strncmp(line, "1||||||||", 9) == 0; /* IPv4, IPv6 */
        ck_assert_msg(good && strstr(line, "8388608") == NULL, "tshark objects to packet %zu: %s",
                      packets + 1, line);
    }
    ck_assert_uint_gt(packets, 0);
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

START_TEST(imap_pop3_and_lmtp_wake_their_dissectors)
    {
        static const struct {
            const char *service, *client, *server, *field, *want;
        } table[] = {
            {"imap", "a1 NOOP\r\n", "a1 OK done\r\n",
             "-e imap.request.command -e imap.response.status", "NOOP|\n|OK\n"},
            {"pop3", "STAT\r\n", "+OK 2 320\r\n",
             "-e pop.request.command -e pop.response.indicator", "STAT|\n|+OK\n"},
            {"lmtp", "LHLO x\r\n", "250 mx\r\n", "-e smtp.req.command -e smtp.response.code",
             "LHLO|\n|250\n"},
        };
        struct story s = {0};
        char fields[256];
        story_conn(&s, 1, table[_i].service, "127.0.0.1", 45678, "127.0.0.1", 2525);
        if (_i > 0)
            story_says(&s, 1, 's', _i == 1 ? "+OK hi\r\n" : "220 hi\r\n");
        story_says(&s, 1, 'c', table[_i].client);
        story_says(&s, 1, 's', table[_i].server);
        made(&s);
        nothing_wrong();
        snprintf(fields, sizeof fields, "-Y 'frame.number > %d' " FIELDS "%s", _i > 0 ? 4 : 3,
                 table[_i].field);
        char *text = tshark(fields);
        ck_assert_str_eq(text, table[_i].want);
        free(text);
    }
END_TEST

START_TEST(ipv6_long_data_and_comments_are_right)
    {
        struct story s = {0};
        static char big[300000];
        memset(big, 'x', sizeof big);
        for (size_t i = 78; i < sizeof big; i += 80)
            memcpy(big + i, "\r\n", 2);
        story_conn(&s, 1, "smtp", "::1", 45678, "2001:db8::25", 25);
        story_says(&s, 1, 's', "220 hi\r\n");
        story_step(&s, 1, "send the message\nof two lines, \xc3\xa4");
        story_bytes(&s, 1, 'c', "wire", big, sizeof big);
        story_says(&s, 1, 's', "250 ok\r\n");
        story_check(&s, 0, "expected 550");
        made(&s);
        nothing_wrong();
        char *text = tshark("-Y 'tcp.srcport == 45678 && tcp.len > 0' " FIELDS
                            "-e ipv6.dst -e tcp.len -e tcp.ack");
        contains(text, "2001:db8::25|1440|9\n");
        long long sum = 0;
        for (const char *p = text; (p = strchr(p, '|')) != NULL; p = strchr(p + 1, '\n')) {
            sum += atoll(p + 1);
            ck_assert_int_le(atoll(p + 1), 1460);
        }
        ck_assert_int_eq(sum, sizeof big);
        free(text);
        text = tshark(FIELDS "-e tcp.len -e frame.comment");
        contains(text, "1440|send the message");
        contains(text, "of two lines, \xc3\xa4 (scenarios/a.lua:7)\n");
        contains(text, "8|FAILED here: expected 550 (scenarios/a.lua:9)\n");
        free(text);
    }
END_TEST

START_TEST(each_end_is_told_as_it_came)
    {
        static const struct {
            const char *how, *want;
        } table[] = {
            {"reset", "0|1|25\n"}, {"local", "1|0|45678\n"},
            {"fin", "1|0|25\n"},   {"overflow", "0|1|45678\n"},
            {"open", ""},          {"close_notify", ""},
        };
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 45678, "127.0.0.1", 2525);
        story_says(&s, 1, 's', "220 hi\r\n");
        story_end(&s, 1, table[_i].how);
        made(&s);
        nothing_wrong();
        char *text = tshark("-Y 'tcp.flags.fin == 1 || tcp.flags.reset == 1' " FIELDS
                            "-e tcp.flags.fin -e tcp.flags.reset -e tcp.srcport");
        ck_assert_str_eq(text, table[_i].want);
        free(text);
    }
END_TEST

START_TEST(our_own_fin_and_rst_are_told_when_they_were_sent)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 45678, "127.0.0.1", 2525);
        story_says(&s, 1, 'c', "QUIT\r\n");
        story_close(&s, 1, "fin"); /* a half close: the server still answers */
        story_says(&s, 1, 's', "221 bye\r\n");
        story_end(&s, 1, "fin");
        story_conn(&s, 2, "smtp", "127.0.0.1", 45679, "127.0.0.1", 2525);
        story_close(&s, 2, "reset");
        story_end(&s, 2, "local");
        made(&s);
        nothing_wrong();
        char *text = tshark("-Y 'tcp.flags.fin == 1 || tcp.flags.reset == 1 || tcp.len > 0' " FIELDS
                            "-e tcp.srcport -e tcp.flags.fin -e tcp.flags.reset -e tcp.len");
        ck_assert_str_eq(text, "45678|0|0|6\n45678|1|0|0\n25|0|0|9\n25|1|0|0\n45679|0|1|0\n");
        free(text);
    }
END_TEST

START_TEST(connections_that_share_ports_stay_apart)
    {
        struct story s = {0};
        for (int i = 1; i <= 2; i++) {
            story_conn(&s, i, "smtp", "127.0.0.1", 45678, "127.0.0.1", 2525);
            story_says(&s, i, 's', "220 hi\r\n");
            story_end(&s, i, "local");
        }
        made(&s);
        nothing_wrong();
        char *text = tshark("-Y smtp " FIELDS "-e tcp.stream");
        ck_assert_str_eq(text, "0\n1\n");
        free(text);
    }
END_TEST

START_TEST(bytes_that_were_not_kept_leave_a_hole)
    {
        struct story s = {0};
        story_conn(&s, 1, "smtp", "127.0.0.1", 45678, "127.0.0.1", 2525);
        story_add(&s, json_pack("{ss si ss ss si si sb}", "ev", "io", "conn", 1, "dir", "s",
                                "layer", "wire", "off", 0, "n", 5000, "cut", 1));
        s.off[1][1] = 5000;
        story_says(&s, 1, 's', "250 ok\r\n");
        made(&s);
        char *text = tshark("-Y 'tcp.len > 0' " FIELDS "-e tcp.seq -e frame.comment");
        ck_assert_str_eq(text, "5001|5000 bytes of the server before this are not in the record\n");
        free(text);
    }
END_TEST

START_TEST(a_scenario_without_connections_gives_a_file_without_packets)
    {
        struct story s = {.events = json_array()};
        story_add(&s, json_pack("{ss ss ss}", "ev", "step", "text", "nothing", "where", "x"));
        story_add(&s, json_pack("{ss}", "ev", "io"));
        made(&s);
        char *text = tshark("");
        ck_assert_str_eq(text, "");
        free(text);
    }
END_TEST

START_TEST(a_folder_that_is_not_there_is_named)
    {
        struct err err;
        json_t *none = json_array();
        ck_assert_int_eq(capture_made_write(none, 0, "/tmp/no-such-folder/x.pcapng", &err), -1);
        contains(err.text, "/tmp/no-such-folder/x.pcapng");
        json_decref(none);
    }
END_TEST

/* --- inside TLS ----------------------------------------------------------------------------------
 */

/* A real session between two OpenSSL ends whose ciphertext is recorded as a connection's wire
 * bytes. */
struct session {
    struct story *story;
    int conn;
    SSL_CTX *contexts[2];
    SSL *client, *server;
};

static struct session *keylog_of; /* OpenSSL's callback has no argument */

static void keylog(const SSL *ssl, const char *line)
{
    (void)ssl;
    story_add(keylog_of->story,
              json_pack("{ss si ss}", "ev", "keylog", "conn", keylog_of->conn, "line", line));
}

/* What one end has written leaves as wire bytes and arrives at the other. */
static void carry(struct session *x, SSL *from, SSL *to, char dir)
{
    unsigned char bytes[4096];
    int n;
    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0) {
        story_bytes(x->story, x->conn, dir, "wire", bytes, (size_t)n);
        ck_assert_int_eq(BIO_write(SSL_get_rbio(to), bytes, n), n);
    }
}

static SSL_CTX *server_context(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ck_assert(key != NULL && cert != NULL && ctx != NULL);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

static SSL *end_of(SSL_CTX *ctx, int version)
{
    SSL *ssl = SSL_new(ctx);
    ck_assert_ptr_nonnull(ssl);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    ck_assert_int_eq(SSL_set_min_proto_version(ssl, version), 1);
    ck_assert_int_eq(SSL_set_max_proto_version(ssl, version), 1);
    return ssl;
}

static void session_begin(struct session *x, struct story *story, int conn, int version)
{
    *x = (struct session){.story = story, .conn = conn};
    keylog_of = x;
    x->contexts[0] = SSL_CTX_new(TLS_client_method());
    x->contexts[1] = server_context();
    SSL_CTX_set_keylog_callback(x->contexts[0], keylog);
    x->client = end_of(x->contexts[0], version);
    x->server = end_of(x->contexts[1], version);
    SSL_set_connect_state(x->client);
    SSL_set_accept_state(x->server);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(x->client);
        carry(x, x->client, x->server, 'c');
        SSL_do_handshake(x->server);
        carry(x, x->server, x->client, 's');
    }
    ck_assert(SSL_is_init_finished(x->client) && SSL_is_init_finished(x->server));
    story_add(story, json_pack("{ss si sb ss ss}", "ev", "tls", "conn", conn, "done", 1, "version",
                               SSL_get_version(x->client), "cipher", SSL_get_cipher(x->client)));
}

static void session_says(struct session *x, char dir, const char *text)
{
    char got[256];
    int n = (int)strlen(text);
    SSL *from = dir == 'c' ? x->client : x->server, *to = dir == 'c' ? x->server : x->client;
    story_bytes(x->story, x->conn, dir, "text", text, (size_t)n);
    ck_assert_int_eq(SSL_write(from, text, n), n);
    carry(x, from, to, dir);
    ck_assert_int_eq(SSL_read(to, got, sizeof got), n);
}

static void session_end(struct session *x)
{
    SSL_shutdown(x->client);
    carry(x, x->client, x->server, 'c');
    SSL_free(x->client);
    SSL_free(x->server);
    SSL_CTX_free(x->contexts[0]);
    SSL_CTX_free(x->contexts[1]);
}

static const struct {
    const char *service, *clear[3], *secret, *answer, *fields, *want;
} dialogues[] = {
    {"smtp",
     {"220 mx ready\r\n", "STARTTLS\r\n", "220 go\r\n"},
     "EHLO inside\r\n",
     "250 mx hears inside\r\n",
     "-Y 'tls && smtp' " FIELDS "-e smtp.req.command -e smtp.req.parameter -e smtp.response.code",
     "EHLO|inside|\n||250\n"},
    {"submissions",
     {NULL, NULL, NULL},
     "EHLO inside\r\n",
     "250 mx hears inside\r\n",
     "-Y 'tls && smtp' " FIELDS "-e smtp.req.command -e smtp.req.parameter -e smtp.response.code",
     "EHLO|inside|\n||250\n"},
    {"imap",
     {"* OK ready\r\n", "a0 STARTTLS\r\n", "a0 OK go\r\n"},
     "a1 NOOP\r\n",
     "a1 OK done\r\n",
     "-Y 'tls && imap' " FIELDS
     "-e imap.request_tag -e imap.request.command -e imap.response.status",
     "a1|NOOP|\n||OK\n"},
    {"imaps",
     {NULL, NULL, NULL},
     "a1 NOOP\r\n",
     "a1 OK done\r\n",
     "-Y 'tls && imap' " FIELDS
     "-e imap.request_tag -e imap.request.command -e imap.response.status",
     "a1|NOOP|\n||OK\n"},
    {"pop3",
     {"+OK ready\r\n", "STLS\r\n", "+OK go\r\n"},
     "STAT\r\n",
     "+OK 2 320\r\n",
     "-Y 'tls && pop' " FIELDS
     "-e pop.request.command -e pop.response.indicator -e pop.response.description",
     "STAT||\n|+OK|2 320\n"},
    {"pop3s",
     {NULL, NULL, NULL},
     "STAT\r\n",
     "+OK 2 320\r\n",
     "-Y 'tls && pop' " FIELDS
     "-e pop.request.command -e pop.response.indicator -e pop.response.description",
     "STAT||\n|+OK|2 320\n"},
};
#define DIALOGUES ((int)(sizeof dialogues / sizeof dialogues[0]))

START_TEST(tls_is_decrypted_with_the_secrets_inside_the_file)
    {
        struct story s = {0};
        struct session x;
        int d = _i % DIALOGUES, version = _i < DIALOGUES ? TLS1_2_VERSION : TLS1_3_VERSION;
        story_conn(&s, 1, dialogues[d].service, "127.0.0.1", 45678, "127.0.0.1", 2525);
        for (int i = 0; i < 3 && dialogues[d].clear[i] != NULL; i++)
            story_says(&s, 1, i == 1 ? 'c' : 's', dialogues[d].clear[i]);
        session_begin(&x, &s, 1, version);
        session_says(&x, 'c', dialogues[d].secret);
        session_says(&x, 's', dialogues[d].answer);
        session_end(&x);
        story_end(&s, 1, "local");
        made(&s);
        nothing_wrong();
        char *text = tshark(dialogues[d].fields);
        ck_assert_str_eq(text, dialogues[d].want);
        free(text);
        text = tshark("-Y 'frame.comment contains \"TLS: TLSv1\"' " FIELDS "-e frame.number");
        ck_assert_str_ne(text, "");
        free(text);
    }
END_TEST

START_TEST(two_tls_connections_at_once_are_both_decrypted)
    {
        struct story s = {0};
        struct session x[2];
        for (int i = 0; i < 2; i++) {
            story_conn(&s, i + 1, "imaps", "127.0.0.1", 45678 + i, "127.0.0.1", 2993);
            session_begin(&x[i], &s, i + 1, TLS1_3_VERSION);
        }
        session_says(&x[0], 's', "* OK one\r\n");
        session_says(&x[1], 's', "* OK two\r\n");
        session_says(&x[1], 'c', "b1 IDLE\r\n");
        session_says(&x[0], 'c', "a1 NOOP\r\n");
        session_end(&x[1]);
        session_end(&x[0]);
        made(&s);
        nothing_wrong();
        char *text = tshark("-Y 'imap' " FIELDS "-e tcp.stream -e imap.request.command");
        ck_assert_str_eq(text, "0|\n1|\n1|IDLE\n0|NOOP\n");
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
    tcase_add_loop_test(c, imap_pop3_and_lmtp_wake_their_dissectors, 0, 3);
    tcase_add_test(c, ipv6_long_data_and_comments_are_right);
    tcase_add_loop_test(c, each_end_is_told_as_it_came, 0, 6);
    tcase_add_test(c, our_own_fin_and_rst_are_told_when_they_were_sent);
    tcase_add_test(c, connections_that_share_ports_stay_apart);
    tcase_add_test(c, bytes_that_were_not_kept_leave_a_hole);
    tcase_add_test(c, a_scenario_without_connections_gives_a_file_without_packets);
    tcase_add_test(c, a_folder_that_is_not_there_is_named);
    tcase_add_loop_test(c, tls_is_decrypted_with_the_secrets_inside_the_file, 0, 2 * DIALOGUES);
    tcase_add_test(c, two_tls_connections_at_once_are_both_decrypted);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
