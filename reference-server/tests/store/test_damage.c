/* Part of the store cannot be read any more: who asks for it is told that it is unavailable, never
 * that it is gone, and everything else is there. SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <check.h>

#include "world.h"

static struct world w;
static char folder[] = "/tmp/mailproofd-damage-XXXXXX", path[64];

static int64_t number_of(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

/* The page at the root of a table becomes something that is no page. */
static void spoil(const char *table)
{
    char sql[128], page[512];
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_master WHERE name='%s'", table);
    int64_t root = number_of(sql), size = number_of("PRAGMA page_size");
    memset(page, 0xff, sizeof page);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, page, sizeof page, (root - 1) * size), sizeof page);
    close(fd);
}

/* Says it, hears everything up to the last line, and finds a piece of it. */
static void ask(struct world_client *k, const char *text, const char *piece, const char *last)
{
    world_forget(k);
    world_text(k, text);
    const char *heard = world_hear(k, last);
    ck_assert_msg(strstr(heard, piece) != NULL, "to \"%s\" heard \"%s\"", text, heard);
}

static void setup(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store", folder);
    world_start_at(&w, path);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "A: b\r\n\r\nc\r\n", 0);
    world_stop(&w);
}

static void teardown(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[80];
    world_stop(&w);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(folder);
}

START_TEST(an_unreadable_mailbox_is_unavailable_and_not_gone)
    {
        struct world_client ann;
        spoil("message");
        world_start_at(&w, path);
        world_connect(&w, &ann, SERVICE_IMAP, &imap_protocol, false);
        world_hear(&ann, "\r\n");
        world_ask(&ann, "a LOGIN user1 pass\r\n", "a OK");
        ask(&ann, "b LIST \"\" *\r\n", "\"/\" INBOX\r\n", "b OK Done\r\n");
        world_ask(&ann, "c SELECT INBOX\r\n", "c NO [UNAVAILABLE]");
        world_ask(&ann, "d STATUS INBOX (MESSAGES)\r\n", "d NO [UNAVAILABLE]");
        world_ask(&ann, "e APPEND INBOX {4+}\r\nA: b\r\n", "e NO [UNAVAILABLE]");
        world_ask(&ann, "f SELECT none\r\n", "f NO [NONEXISTENT]");
        world_hang_up(&ann);
    }
END_TEST

START_TEST(mail_for_it_has_to_come_again)
    {
        struct world_client bob;
        spoil("message");
        world_start_at(&w, path);
        world_connect(&w, &bob, SERVICE_SMTP, &smtp_protocol, false);
        world_hear(&bob, "\r\n");
        world_ask(&bob, "HELO x\r\n", "250");
        world_ask(&bob, "MAIL FROM:<a@b.example>\r\n", "250");
        world_ask(&bob, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&bob, "DATA\r\n", "354");
        world_ask(&bob, "A: b\r\n\r\nc\r\n.\r\n", "4");
        world_hang_up(&bob);
    }
END_TEST

START_TEST(what_is_not_damaged_is_served)
    {
        struct world_client ann;
        spoil("subscription");
        world_start_at(&w, path);
        world_connect(&w, &ann, SERVICE_IMAP, &imap_protocol, false);
        world_hear(&ann, "\r\n");
        world_ask(&ann, "a LOGIN user1 pass\r\n", "a OK");
        ask(&ann, "b SELECT INBOX\r\n", "* 1 EXISTS\r\n", "b OK [READ-WRITE] Selected\r\n");
        ask(&ann, "c FETCH 1 BODY[TEXT]\r\n", "BODY[TEXT] {3}\r\nc\r\n", "c OK Done\r\n");
        world_hang_up(&ann);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("damage");
    TCase *t = tcase_create("damage");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_unreadable_mailbox_is_unavailable_and_not_gone);
    tcase_add_test(t, mail_for_it_has_to_come_again);
    tcase_add_test(t, what_is_not_damaged_is_served);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
