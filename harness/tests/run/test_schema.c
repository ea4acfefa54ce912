/* run.jsonl: what the recorder writes follows reports/run.schema.json, and the schema refuses what
 * it does not know. sample.jsonl is a piece of a real run. SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/capture_made.h"
#include "run/event.h"
#include "run/readback.h"
#include "wire/conn.h"

#define SAMPLE "harness/tests/run/sample.jsonl"

static char path[64], capture[64];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/test_schema.%ld.jsonl", (long)getpid());
    snprintf(capture, sizeof capture, "/tmp/test_schema.%ld.pcapng", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
    unlink(capture);
}

/* Whether the file follows the schema; its complaints go to standard error. */
static bool valid(const char *file)
{
    char command[256];
    snprintf(command, sizeof command,
             "/usr/bin/python3 harness/tests/run/schema_check.py reports/run.schema.json %s >&2",
             file);
    return system(command) == 0;
}

#define RUN_START                                                                                  \
    "{\"v\":1,\"ev\":\"run.start\",\"t\":\"2026-11-21T03:15:00Z\",\"run\":\"r\",\"version\":"      \
    "\"0\",\"command\":[],"                                                                        \
    "\"target\":{\"name\":\"x\",\"services\":{}},\"seed\":1,\"scenarios\":1}\n"
#define CASE_START                                                                                 \
    "{\"v\":1,\"ev\":\"case.start\",\"case\":\"a/b/1/"                                             \
    "c\",\"t\":1.5,\"title\":\"t\",\"level\":\"MUST\",\"section\":"                                \
    "\"1\",\"rfc\":1,\"proves\":[]}\n"
#define CASE_END                                                                                   \
    "{\"v\":1,\"ev\":\"case.end\",\"case\":\"a/b/1/"                                               \
    "c\",\"verdict\":\"pass\",\"level\":\"MUST\",\"why\":\"\","                                    \
    "\"where\":\"\",\"seconds\":0}\n"
#define RUN_END "{\"v\":1,\"ev\":\"run.end\",\"exit\":0,\"counts\":{\"pass\":1},\"seconds\":1}\n"

START_TEST(a_piece_of_a_real_run_follows_the_schema)
    {
        ck_assert(valid(SAMPLE));
    }
END_TEST

START_TEST(the_schema_refuses_what_it_does_not_know)
    {
        static const char *const wrong[] = {
            RUN_START CASE_START
            "{\"v\":1,\"ev\":\"smell\",\"case\":\"a/b/1/c\",\"at\":1}\n" CASE_END RUN_END,
            RUN_START CASE_START "{\"v\":1,\"ev\":\"check\",\"case\":\"a/b/1/"
                                 "c\",\"at\":1,\"ok\":1,\"text\":\"\"}\n" CASE_END RUN_END,
            RUN_START CASE_START
            "{\"v\":1,\"ev\":\"check\",\"case\":\"a/b/1/"
            "c\",\"at\":1,\"ok\":true,\"text\":\"\",\"new\":1}\n" CASE_END RUN_END,
            RUN_START CASE_START "{\"v\":1,\"ev\":\"io\",\"case\":\"a/b/1/"
                                 "c\",\"conn\":1,\"at\":1,\"dir\":\"c\",\"layer\":"
                                 "\"wire\",\"off\":0,\"n\":1}\n" CASE_END RUN_END,
            RUN_START CASE_START
            "{\"v\":2,\"ev\":\"record\",\"case\":\"a/b/1/c\",\"at\":1,\"what\":\"\"}\n" CASE_END
                RUN_END,
            RUN_START
            "{\"v\":1,\"ev\":\"record\",\"case\":\"a/b/1/c\",\"at\":1,\"what\":\"\"}\n" RUN_END,
            CASE_START CASE_END RUN_END,
            RUN_START RUN_END CASE_START,
        };
        static const char right[] = RUN_START CASE_START CASE_END RUN_END;
        for (size_t i = 0; i <= sizeof wrong / sizeof wrong[0]; i++) {
            bool good = i == sizeof wrong / sizeof wrong[0];
            FILE *f = fopen(path, "w");
            ck_assert_ptr_nonnull(f);
            fputs(good ? right : wrong[i], f);
            fclose(f);
            ck_assert_msg(valid(path) == good, "%s: %s", good ? "refused" : "accepted",
                          good ? right : wrong[i]);
        }
    }
END_TEST

/* A server on loopback that greets, hears a line, and closes. */
static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

START_TEST(what_the_recorder_writes_of_a_connection_follows_the_schema)
    {
        struct err err;
        struct conn *c;
        struct conn_address to = {.host = "127.0.0.1"};
        int listener = listen_somewhere(&to.port);
        int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, RUN_START CASE_START, strlen(RUN_START CASE_START)),
                         strlen(RUN_START CASE_START));

        struct event_sink sink = {
            .list = json_array(), .scenario = "a/b/1/c", .fd = fd, .limit = 20};
        sink.protocol = sink.service = "smtp";
        struct conn_watch watch = event_watch(&sink);
        struct loop *l = loop_new(&watch);
        ck_assert_msg(conn_open(l, "c1", &to, 2000, &c, &err) == 0, "%s", err.text);
        int s = accept(listener, NULL, NULL);
        ck_assert_int_eq(write(s, "220 \0\xff bytes\r\n", 14), 14);
        ck_assert_int_eq(conn_fill(c, 13, 2000, &err), 1);
        ck_assert_msg(conn_write(c, "a line past the limit\r\n", 23, 2000, &err) == 0, "%s",
                      err.text);
        close(s);
        ck_assert_int_eq(conn_fill(c, 14, 2000, &err), -1);
        conn_close(c);
        loop_free(l);
        close(listener);
        ck_assert_int_eq(write(fd, CASE_END RUN_END, strlen(CASE_END RUN_END)),
                         strlen(CASE_END RUN_END));
        close(fd);

        ck_assert(valid(path));
        static const char *const order[] = {"conn", "io", "io", "end", "close"};
        ck_assert_uint_eq(json_array_size(sink.list), 5);
        for (size_t i = 0; i < 5; i++)
            ck_assert_str_eq(json_string_value(json_object_get(json_array_get(sink.list, i), "ev")),
                             order[i]);
        ck_assert_msg(capture_made_write(sink.list, 0, capture, &err) == 0, "%s", err.text);
        json_decref(sink.list);
    }
END_TEST

START_TEST(the_capture_of_a_real_scenario_is_decrypted_by_tshark)
    {
        struct err err;
        struct readback r;
        const char *const paths[] = {SAMPLE};
        ck_assert_msg(readback_load(&r, paths, 1, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(json_array_size(r.troubles), 0);
        size_t i;
        json_t *c, *with_tls = NULL;
        json_array_foreach (r.cases, i, c) {
            const char *id =
                json_string_value(json_object_get(json_object_get(c, "start"), "case"));
            if (strcmp(id, "smtp/rfc4954/4/unknown-mechanism") == 0)
                with_tls = c;
        }
        ck_assert_ptr_nonnull(with_tls);
        ck_assert_msg(
            capture_made_write(json_object_get(with_tls, "events"), 1764000000, capture, &err) == 0,
            "%s", err.text);
        readback_clear(&r);

        char command[256], text[256] = "";
        snprintf(command, sizeof command,
                 "tshark -n -r %s -Y 'tls && smtp.req.command == AUTH' -T fields -e "
                 "smtp.req.parameter 2>/dev/null",
                 capture);
        FILE *f = popen(command, "r");
        ck_assert_ptr_nonnull(f);
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        ck_assert_int_eq(pclose(f), 0);
        ck_assert_ptr_nonnull(strstr(text, "NO-SUCH"));
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *c = tcase_create("run.jsonl");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_piece_of_a_real_run_follows_the_schema);
    tcase_add_test(c, the_schema_refuses_what_it_does_not_know);
    tcase_add_test(c, what_the_recorder_writes_of_a_connection_follows_the_schema);
    tcase_add_test(c, the_capture_of_a_real_scenario_is_decrypted_by_tshark);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
