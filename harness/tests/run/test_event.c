/* Events as lines and in the list: order, odd bytes, and the limit on recorded bytes.
 * SPDX-License-Identifier: MIT */
#include "run/event.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A line is one JSON object, version and kind first, and the list holds the same. */
START_TEST(an_event_is_a_line_and_an_entry)
    {
        int ends[2];
        char line[512] = "";
        struct event_sink sink = {.list = json_array(), .scenario = "smtp/x", .fd = -1};
        ck_assert_int_eq(pipe(ends), 0);
        sink.fd = ends[1];
        json_t *e = event_new(&sink, "step");
        json_object_set_new(e, "at", event_time(0.013422));
        json_object_set_new(e, "text", json_string("one\ntwo"));
        event_emit(&sink, e);
        ssize_t n = read(ends[0], line, sizeof line - 1);
        ck_assert_int_gt(n, 0);
        ck_assert_str_eq(line, "{\"v\":1,\"ev\":\"step\",\"case\":\"smtp/"
                               "x\",\"at\":0.013422,\"text\":\"one\\ntwo\"}\n");
        ck_assert_uint_eq(json_array_size(sink.list), 1);
        event_emit(&sink, NULL);
        ck_assert_uint_eq(json_array_size(sink.list), 1);
        json_decref(sink.list);
        close(ends[0]);
        close(ends[1]);
    }
END_TEST

/* The reader of the pipe may die first: what happened is kept all the same. */
START_TEST(a_broken_pipe_leaves_the_list)
    {
        int ends[2];
        struct event_sink sink = {.list = json_array(), .fd = -1};
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        sink.fd = ends[1];
        event_emit(&sink, event_new(&sink, "step"));
        ck_assert_int_eq(sink.fd, -1);
        ck_assert_uint_eq(json_array_size(sink.list), 1);
        json_decref(sink.list);
        close(ends[1]);
    }
END_TEST

/* A run that keeps no record is judged by its verdicts and by lint. */
START_TEST(what_nobody_reads_is_not_made)
    {
        struct event_sink sink = {.list = json_array(), .fd = -1, .lint_only = true};
        ck_assert_ptr_null(event_new(NULL, "lint"));
        ck_assert_ptr_null(event_new(&sink, "step"));
        ck_assert_ptr_null(event_new(&sink, "io"));
        event_emit(&sink, event_new(&sink, "lint"));
        ck_assert_uint_eq(json_array_size(sink.list), 1);
        json_decref(sink.list);
    }
END_TEST

/* A server's text need not be UTF-8; a JSON string has to be. */
START_TEST(odd_bytes_are_spelled_out)
    {
        static const struct {
            const char *text, *want;
            size_t len;
        } cases[] = {
            {"plain", "plain", 5},
            {"caf\xC3\xA9", "caf\xC3\xA9", 5},
            {"caf\xE9!", "caf\\xE9!", 5},
            {"\xFF\xFE", "\\xFF\\xFE", 2},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            json_t *s = event_text(cases[i].text, cases[i].len);
            ck_assert_str_eq(json_string_value(s), cases[i].want);
            json_decref(s);
        }
        json_t *s = event_text("a\0b", 3);
        ck_assert_uint_eq(json_string_length(s), 3);
        json_decref(s);
    }
END_TEST

static int listen_on(uint16_t *port)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    memset(&a, 0, sizeof a);
    a.ss_family = AF_INET;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(listen(fd, 1),
                     0); /* an unbound socket listens on a free port of every address */
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    unsigned char high = ((unsigned char *)&a)[2], low = ((unsigned char *)&a)[3];
    *port = (uint16_t)(high << 8 | low);
    return fd;
}

static const json_t *nth(const json_t *list, const char *ev, size_t n)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(e, "ev")), ev) != 0)
            continue;
        if (n == 0)
            return e;
        n--;
    }
    return NULL;
}

static const char *text_of(const json_t *e, const char *name)
{
    const char *s = json_string_value(json_object_get(e, name));
    return s != NULL ? s : "(none)";
}

/* The recorder hears who was called, every byte until the limit, and the end. */
START_TEST(a_connection_is_recorded)
    {
        uint16_t port;
        int listener = listen_on(&port);
        struct event_sink sink = {.list = json_array(),
                                  .fd = -1,
                                  .limit = 6,
                                  .protocol = "smtp",
                                  .service = "submission",
                                  .host = "mx"};
        struct conn_watch watch = event_watch(&sink);
        struct loop *loop = loop_new(&watch);
        struct conn_address to = {.host = "127.0.0.1", .port = port};
        struct conn *c;
        struct err err;
        ck_assert_msg(conn_open(loop, "c1", &to, 1000, &c, &err) == 0, "%s", err.text);
        ck_assert_int_eq(conn_write(c, "abc\n", 4, 1000, &err), 0);
        ck_assert_int_eq(conn_write(c, "more", 4, 1000, &err), 0);
        conn_close(c);
        loop_free(loop);
        const json_t *e = nth(sink.list, "conn", 0);
        ck_assert_ptr_nonnull(e);
        ck_assert_str_eq(text_of(e, "name"), "c1");
        ck_assert_str_eq(text_of(e, "protocol"), "smtp");
        ck_assert_str_eq(text_of(e, "service"), "submission");
        ck_assert_str_eq(text_of(e, "peer"), "127.0.0.1");
        ck_assert_int_eq(json_integer_value(json_object_get(e, "peer_port")), port);
        e = nth(sink.list, "io", 0);
        ck_assert_str_eq(text_of(e, "dir"), "c");
        ck_assert_str_eq(text_of(e, "layer"), "wire");
        ck_assert_str_eq(text_of(e, "b64"), "YWJjCg==");
        e = nth(sink.list, "io", 1);
        ck_assert_int_eq(json_integer_value(json_object_get(e, "off")), 4);
        ck_assert_int_eq(json_integer_value(json_object_get(e, "n")), 4);
        ck_assert_ptr_null(json_object_get(e, "b64"));
        ck_assert(json_is_true(json_object_get(e, "cut")));
        ck_assert_str_eq(text_of(nth(sink.list, "end", 0), "how"), "local");
        json_decref(sink.list);
        close(listener);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("event");
    TCase *tc = tcase_create("events");
    tcase_add_test(tc, an_event_is_a_line_and_an_entry);
    tcase_add_test(tc, a_broken_pipe_leaves_the_list);
    tcase_add_test(tc, what_nobody_reads_is_not_made);
    tcase_add_test(tc, odd_bytes_are_spelled_out);
    tcase_add_test(tc, a_connection_is_recorded);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
