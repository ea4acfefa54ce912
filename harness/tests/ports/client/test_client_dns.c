/* The name server of clients under test, asked by libunbound, which validates, and byte by byte.
 * SPDX-License-Identifier: MIT */
#include "ports/client/client_dns.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unbound.h>
#include <unistd.h>

enum { TYPE_A = 1, TYPE_TXT = 16, TYPE_TLSA = 52, NAME_ERROR = 3, SERVFAIL = 2 };

static const char records[] = "d.example. 0 IN MX 10 mx.d.example.\n"
                              "mx.d.example. 0 IN A 127.0.0.25\n"
                              "_25._tcp.mx.d.example. 0 IN TLSA 3 1 1 "
                              "00000000000000000000000000000000000000000000000000000000000000aa\n";

static struct client_dns *d;
static struct ub_ctx *ub;
static char anchor[64];
static pthread_t thread;
static atomic_bool over;

static void *serve(void *arg)
{
    (void)arg;
    while (!over) {
        client_dns_go(d);
        usleep(500);
    }
    return NULL;
}

static void open_with(const char *text)
{
    struct err err = {""};
    char where[64];
    d = client_dns_open("127.0.0.1", 0, &err);
    ck_assert_msg(d != NULL, "%s", err.text);
    ck_assert_msg(client_dns_say(d, text, &err) == 0, "%s", err.text);
    (void)snprintf(anchor, sizeof anchor, "/tmp/mailproof-anchor-XXXXXX");
    close(mkstemp(anchor));
    ck_assert_int_eq(client_dns_anchor(d, anchor, &err), 0);
    ub = ub_ctx_create();
    (void)snprintf(where, sizeof where, "127.0.0.1@%u", client_dns_port(d));
    ck_assert_int_eq(ub_ctx_set_option(ub, "do-not-query-localhost:", "no"), 0);
    ck_assert_int_eq(ub_ctx_set_fwd(ub, where), 0);
    ck_assert_int_eq(ub_ctx_add_ta_file(ub, anchor), 0);
    over = false;
}

static void start(void)
{
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void finish(void)
{
    over = true;
    (void)pthread_join(thread, NULL);
    ub_ctx_delete(ub);
    client_dns_close(d);
    (void)unlink(anchor);
}

static struct ub_result *ask(const char *name, int type)
{
    struct ub_result *r = NULL;
    ck_assert_int_eq(ub_resolve(ub, name, type, 1, &r), 0);
    return r;
}

/* What is there, what is not there, and names that are not there are all signed. */
START_TEST(answers_validate)
    {
        static const struct {
            const char *name;
            int type, rcode;
            bool data;
        } all[] = {{"mx.d.example", TYPE_A, 0, true},
                   {"_25._tcp.mx.d.example", TYPE_TLSA, 0, true},
                   {"mx.d.example", TYPE_TXT, 0, false},
                   {"example", TYPE_A, 0, false}, /* only names below it have records */
                   {"_tcp.mx.d.example", TYPE_TLSA, 0, false},
                   {"_26._tcp.mx.d.example", TYPE_TLSA, NAME_ERROR, false},
                   {"nowhere.example", TYPE_A, NAME_ERROR, false},
                   {"zz", TYPE_A, NAME_ERROR, false}};
        open_with(records);
        start();
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            struct ub_result *r = ask(all[i].name, all[i].type);
            ck_assert_msg(r->secure, "%s: %s", all[i].name,
                          r->why_bogus ? r->why_bogus : "insecure");
            ck_assert_msg(r->rcode == all[i].rcode, "%s: rcode %d", all[i].name, r->rcode);
            ck_assert_msg((r->havedata != 0) == all[i].data, "%s", all[i].name);
            ub_resolve_free(r);
        }
        finish();
    }
END_TEST

/* What does not fit into a datagram comes by TCP. */
START_TEST(a_long_answer_comes_whole)
    {
        char text[8192];
        size_t n = 0;
        for (int i = 0; i < 40; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "d.example. 0 IN TXT \"%0100d\"\n", i);
        open_with(text);
        start();
        struct ub_result *r = ask("d.example", TYPE_TXT);
        size_t got = 0;
        while (r->havedata && r->data[got] != NULL)
            got++;
        ck_assert_uint_eq(got, 40);
        ck_assert_int_eq(r->secure, 1);
        ub_resolve_free(r);
        finish();
    }
END_TEST

START_TEST(a_name_can_fail_and_does_not_any_more)
    {
        struct err err;
        open_with(records);
        ck_assert_int_eq(client_dns_fail(d, "_25._tcp.mx.d.example", &err), 0);
        start();
        struct ub_result *r = ask("_25._tcp.mx.d.example", TYPE_TLSA);
        ck_assert_int_eq(r->rcode, SERVFAIL);
        ub_resolve_free(r);
        r = ask("mx.d.example", TYPE_A);
        ck_assert_int_eq(r->havedata, 1);
        ub_resolve_free(r);
        finish();
        open_with(records);
        ck_assert_int_eq(client_dns_fail(d, "_25._tcp.mx.d.example", &err), 0);
        ck_assert_int_eq(client_dns_say(d, records, &err), 0);
        start();
        r = ask("_25._tcp.mx.d.example", TYPE_TLSA);
        ck_assert_int_eq(r->havedata, 1);
        ub_resolve_free(r);
        finish();
    }
END_TEST

START_TEST(what_was_asked_is_remembered_until_the_zone_changes)
    {
        static const unsigned char query[] =
            "\x12\x34\1\0\0\1\0\0\0\0\0\0\2MX\1d\7eXample\0\0\1\0\1";
        struct err err;
        size_t size = 0;
        d = client_dns_open("127.0.0.1", 0, &err);
        ck_assert_int_eq(client_dns_say(d, records, &err), 0);
        ck_assert(!client_dns_asked(d, "A", NULL));
        unsigned char *out = client_dns_answer(d, query, sizeof query - 1, true, &size);
        ck_assert_ptr_nonnull(out);
        ck_assert(size > sizeof query && out[0] == 0x12 && out[1] == 0x34);
        ck_assert(client_dns_asked(d, "A", NULL));
        ck_assert(client_dns_asked(d, "A", "d.example"));
        ck_assert(client_dns_asked(d, "A", "mx.d.example"));
        ck_assert(!client_dns_asked(d, "A", "x.d.example"));
        ck_assert(!client_dns_asked(d, "TLSA", NULL));
        ck_assert_int_eq(client_dns_say(d, records, &err), 0);
        ck_assert(!client_dns_asked(d, "A", NULL));
        free(out);
        client_dns_close(d);
    }
END_TEST

/* A message that is cut anywhere, or says what it is not, gets no answer and does no harm. */
START_TEST(what_is_no_question_gets_no_answer)
    {
        static const unsigned char query[] =
            "\x12\x34\1\0\0\1\0\0\0\0\0\0\2mx\1d\7example\0\0\1\0\1";
        unsigned char reply[sizeof query];
        struct err err;
        size_t size = 0;
        d = client_dns_open("127.0.0.1", 0, &err);
        ck_assert_int_eq(client_dns_say(d, records, &err), 0);
        for (size_t cut = 0; cut < sizeof query - 1; cut++)
            ck_assert_msg(client_dns_answer(d, query, cut, true, &size) == NULL, "cut at %zu", cut);
        memcpy(reply, query, sizeof query);
        reply[2] |= 0x80; /* QR */
        ck_assert_ptr_null(client_dns_answer(d, reply, sizeof query - 1, true, &size));
        client_dns_close(d);
    }
END_TEST

START_TEST(what_is_no_record_is_refused_in_words)
    {
        struct err err;
        d = client_dns_open("127.0.0.1", 0, &err);
        ck_assert_int_eq(client_dns_say(d, "d.example. 0 IN MX ten\n", &err), -1);
        ck_assert_msg(strstr(err.text, "is no DNS record") != NULL, "%s", err.text);
        client_dns_close(d);
        ck_assert_ptr_null(client_dns_open("localhost", 0, &err));
        ck_assert_msg(strstr(err.text, "no IPv4 address") != NULL, "%s", err.text);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("client_dns");
    TCase *c = tcase_create("client_dns");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, answers_validate);
    tcase_add_test(c, a_long_answer_comes_whole);
    tcase_add_test(c, a_name_can_fail_and_does_not_any_more);
    tcase_add_test(c, what_was_asked_is_remembered_until_the_zone_changes);
    tcase_add_test(c, what_is_no_question_gets_no_answer);
    tcase_add_test(c, what_is_no_record_is_refused_in_words);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
