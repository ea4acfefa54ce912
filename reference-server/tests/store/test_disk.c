/* The store on disk: closed and opened again, killed, out of room.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include "store/opened.h"

START_TEST(everything_is_there_after_closing)
    {
        static const char *const keywords[] = {"kept", NULL};
        struct world_done d = {.done = false};
        created("a/b");
        add("a/b", "one\r\n", FLAG_SEEN);
        add("a/b", "two\r\n", 0);
        struct mailbox *m = box("a/b");
        store_flags(m, (uint32_t[]){2}, 1, FLAGS_ADD, 0, keywords, 0, NULL, world_done, &d);
        world_wait(loop, &d);
        d = (struct world_done){.done = false};
        store_expunge(m, (uint32_t[]){1}, 1, false, NULL, world_done, &d);
        world_wait(loop, &d);
        store_recent_seen(m);
        struct mailbox before = *m;
        uint64_t flags = m->messages[0].flags, modseq = m->messages[0].modseq;
        mailbox_close(m);
        close_store();
        open_store(path);
        m = box("a/b");
        ck_assert_uint_eq(m->uidvalidity, before.uidvalidity);
        ck_assert_uint_eq(m->uidnext, 3);
        ck_assert_uint_eq(m->first_recent, 3);
        ck_assert_uint_eq(m->highestmodseq, before.highestmodseq);
        ck_assert_uint_eq(m->count, 1);
        ck_assert_uint_eq(m->messages[0].uid, 2);
        ck_assert_uint_eq(m->messages[0].flags, flags);
        ck_assert_uint_eq(m->messages[0].modseq, modseq);
        ck_assert_str_eq(m->keywords[0], "kept");
        check_text(&m->messages[0], "two\r\n");
        mailbox_close(m);
    }
END_TEST

/* The child: appends for ever, 20 at a time, and writes down each one that was acknowledged. */
static int log_fd;

static void acknowledged(void *arg, const struct store_result *r)
{
    if (r->status != STORE_OK)
        _exit(3);
    uint32_t pair[2] = {(uint32_t)(intptr_t)arg, r->uids[0]};
    if (write(log_fd, pair, sizeof pair) != (ssize_t)sizeof pair)
        _exit(4);
}

static void append_for_ever(void)
{
    open_store(path);
    for (intptr_t i = 1;; i++) {
        char text[32];
        snprintf(text, sizeof text, "%ld", (long)i);
        struct append_message a = {.data = (unsigned char *)strdup(text), .len = strlen(text)};
        store_append(store, account, "INBOX", &a, 1, NULL, acknowledged, (void *)i);
        if (i % 20 == 0)
            loop_once(loop, 5);
    }
}

/* kill -9 in mid-stream: every acknowledged message is there exactly once, under the UID that was
 * told. */
START_TEST(a_killed_server_has_what_it_acknowledged)
    {
        char log[128];
        uint32_t pair[2];
        size_t count = 0;
        close_store();
        snprintf(log, sizeof log, "%s/log", folder);
        log_fd = open(log, O_RDWR | O_CREAT | O_APPEND, 0600);
        ck_assert_int_ge(log_fd, 0);
        for (int life = 0; life < 3; life++) {
            pid_t child = fork();
            if (child == 0)
                append_for_ever();
            usleep(120000);
            kill(child, SIGKILL);
            int status;
            ck_assert_int_eq(waitpid(child, &status, 0), child);
            ck_assert_msg(WIFSIGNALED(status), "the child ended by itself, status %x", status);
        }
        open_store(path);
        struct mailbox *m = box("INBOX");
        lseek(log_fd, 0, SEEK_SET);
        while (read(log_fd, pair, sizeof pair) == (ssize_t)sizeof pair) {
            char text[32];
            struct message *there = mailbox_find(m, pair[1]);
            ck_assert_msg(there != NULL, "message %u is not there", pair[1]);
            snprintf(text, sizeof text, "%u", pair[0]);
            check_text(there, text);
            count++;
        }
        ck_assert_uint_gt(count, 20);
        for (size_t i = 1; i < m->count; i++)
            ck_assert_uint_gt(m->messages[i].uid, m->messages[i - 1].uid);
        mailbox_close(m);
        close(log_fd);
    }
END_TEST

START_TEST(a_store_that_is_no_database_is_refused_in_words)
    {
        struct err err;
        struct store *other;
        char wrong[160];
        snprintf(wrong, sizeof wrong, "%s/text", folder);
        FILE *f = fopen(wrong, "w");
        for (int i = 0; i < 1000; i++)
            fputs("this is no database\n", f);
        fclose(f);
        struct store_options o = {wrong, loop, clk};
        ck_assert(store_open(&o, &other, &err) != 0);
        ck_assert_msg(strstr(err.text, "not a database") != NULL, "%s", err.text);
        o.path = "/nowhere/at/all";
        ck_assert(store_open(&o, &other, &err) != 0);
        ck_assert_msg(strstr(err.text, "/nowhere/at/all") != NULL, "%s", err.text);
    }
END_TEST

/* A disk that is full: the change fails in words, and the store goes on when there is room again.
 */
START_TEST(a_full_disk_is_survived)
    {
        struct world_done d = {.done = false};
        struct rlimit before, little;
        add("INBOX", "fits", 0);
        struct mailbox *m = box("INBOX");
        getrlimit(RLIMIT_FSIZE, &before);
        little = before;
        little.rlim_cur = 256 * 1024;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &little);
        struct append_message a = {.data = calloc(1, 1000000), .len = 1000000};
        store_append(store, account, "INBOX", &a, 1, NULL, world_done, &d);
        world_wait(loop, &d);
        setrlimit(RLIMIT_FSIZE, &before);
        ck_assert_int_eq(d.status, STORE_FULL);
        ck_assert_uint_eq(m->count, 1);
        ck_assert_uint_eq(add("INBOX", "again", 0), 2);
        ck_assert_uint_eq(m->count, 2);
        mailbox_close(m);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("disk");
    TCase *t = tcase_create("disk");
    tcase_add_checked_fixture(t, begin_file, end_file);
    tcase_add_test(t, everything_is_there_after_closing);
    tcase_add_test(t, a_killed_server_has_what_it_acknowledged);
    tcase_add_test(t, a_store_that_is_no_database_is_refused_in_words);
    tcase_add_test(t, a_full_disk_is_survived);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
