/* The store: messages, flags, mailboxes, and being told. The same tests run in memory and on disk.
 * SPDX-License-Identifier: MIT */
#include "store/opened.h"

/* --- messages --- */

START_TEST(an_appended_message_is_there_byte_for_byte)
    {
        struct mailbox *m = box("inbox"); /* in any case */
        ck_assert_str_eq(m->name, "INBOX");
        ck_assert_uint_eq(m->uidnext, 1);
        ck_assert_uint_eq(add("INBOX", "one\r\n", FLAG_SEEN), 1);
        ck_assert_uint_eq(add("Inbox", "two\r\n", 0), 2);
        ck_assert_uint_eq(m->count, 2);
        ck_assert_uint_eq(m->uidnext, 3);
        ck_assert_uint_eq(m->messages[0].flags, FLAG_SEEN);
        ck_assert_uint_eq(m->messages[0].size_bytes, 5);
        ck_assert_uint_gt(m->messages[1].modseq, m->messages[0].modseq);
        ck_assert_uint_eq(m->highestmodseq, m->messages[1].modseq);
        check_text(&m->messages[0], "one\r\n");
        check_text(&m->messages[1], "two\r\n");
        mailbox_close(m);
    }
END_TEST

START_TEST(sizes_for_pop3_count_line_ends_twice)
    {
        static const struct {
            const char *text;
            uint32_t size;
        } cases[] = {{"", 0},     {"a\r\n", 3},         {"a\n", 3},  {"a", 3},
                     {"\n\n", 4}, {"a\r\nb\nc\r\n", 9}, {"a\rb", 5}, {"\r\n.\r\n", 5}};
        struct mailbox *m = box("INBOX");
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            add("INBOX", cases[i].text, 0);
            ck_assert_msg(m->messages[i].pop3_bytes == cases[i].size, "case %zu: %u", i,
                          m->messages[i].pop3_bytes);
            ck_assert_uint_eq(m->messages[i].size_bytes, strlen(cases[i].text));
        }
        mailbox_close(m);
    }
END_TEST

START_TEST(several_messages_come_all_or_none)
    {
        struct world_done d = {.done = false};
        struct append_message list[2] = {{.data = (unsigned char *)strdup("a"), .len = 1},
                                         {.data = (unsigned char *)strdup("b"), .len = 1}};
        store_append(store, account, "INBOX", list, 2, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_OK);
        ck_assert_uint_eq(d.count, 2);
        ck_assert_uint_eq(d.uids[0], 1);
        ck_assert_uint_eq(d.uids[1], 2);
        d = (struct world_done){.done = false};
        struct append_message lost = {.data = (unsigned char *)strdup("c"), .len = 1};
        store_append(store, account, "nowhere", &lost, 1, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_NO_MAILBOX);
    }
END_TEST

enum { CROWD = 30 };

/* While this looks at the store in memory, the writer waits: all of it is one transaction. */
static int crowd_in(void *arg, struct sqlite3 *sql)
{
    struct world_done *done = arg;
    (void)sql;
    for (int i = 0; i < CROWD; i++) {
        struct append_message m = {.data = (unsigned char *)strdup("a"), .len = 1};
        if (i % 3 == 1) /* it is in the one mailbox when the other turns out not to be there */
            store_deliver(store, (int64_t[]){account, 12345}, 2, m.data, 1, world_done, &done[i]);
        else
            store_append(store, account, "INBOX", &m, 1, NULL, world_done, &done[i]);
    }
    return 0;
}

START_TEST(who_is_refused_takes_nobody_along)
    {
        struct world_done done[CROWD] = {{.done = false}};
        uint32_t uid = 0;
        ck_assert_int_eq(store_look(store, crowd_in, done, NULL), 0);
        for (int i = 0; i < CROWD; i++) {
            world_wait(loop, &done[i]);
            ck_assert_msg(done[i].status == (i % 3 == 1 ? STORE_NO_MAILBOX : STORE_OK),
                          "change %d: %d", i, (int)done[i].status);
            if (i % 3 != 1)
                ck_assert_uint_eq(done[i].uids[0], ++uid);
        }
        struct mailbox *m = box("INBOX");
        ck_assert_uint_eq(m->count, uid);
        mailbox_close(m);
    }
END_TEST

START_TEST(delivery_reaches_everyone_once_or_nobody)
    {
        int64_t bob;
        struct world_done d = {.done = false};
        ck_assert(store_account(store, "bob", true, &bob, NULL) == 0);
        store_deliver(store, (int64_t[]){account, bob, account}, 3,
                      (unsigned char *)strdup("hi\r\n"), 4, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_OK);
        struct mailbox *m = box("INBOX"), *other;
        ck_assert(mailbox_open(store, bob, "INBOX", &other) == 0);
        ck_assert_uint_eq(m->count, 1);
        ck_assert_uint_eq(other->count, 1);
        check_text(&other->messages[0], "hi\r\n");
        d = (struct world_done){.done = false};
        store_deliver(store, (int64_t[]){account, 12345}, 2, (unsigned char *)strdup("no"), 2,
                      world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_NO_MAILBOX);
        ck_assert_uint_eq(m->count, 1);
        /* The bytes are shared: they stay until the last one lets go. */
        d = (struct world_done){.done = false};
        store_expunge(m, (uint32_t[]){1}, 1, false, NULL, world_done, &d);
        world_wait(loop, &d);
        check_text(&other->messages[0], "hi\r\n");
        mailbox_close(m);
        mailbox_close(other);
    }
END_TEST

START_TEST(flags_are_set_added_and_removed)
    {
        static const char *const keywords[] = {"$Forwarded", "work", NULL};
        struct world_done d = {.done = false};
        add("INBOX", "a", FLAG_SEEN);
        add("INBOX", "b", 0);
        struct mailbox *m = box("INBOX");
        uint64_t before = m->highestmodseq;
        store_flags(m, (uint32_t[]){1, 2, 99}, 3, FLAGS_ADD, FLAG_FLAGGED, keywords, 0, NULL,
                    world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_OK);
        ck_assert_int_eq(m->keyword_count, 2);
        ck_assert_str_eq(m->keywords[1], "work");
        uint64_t bits = (uint64_t)3 << FLAG_KEYWORD_0;
        ck_assert_uint_eq(m->messages[0].flags, FLAG_SEEN | FLAG_FLAGGED | bits);
        ck_assert_uint_eq(m->messages[1].flags, FLAG_FLAGGED | bits);
        ck_assert_uint_gt(m->highestmodseq, before);

        d = (struct world_done){.done = false};
        store_flags(m, (uint32_t[]){1}, 1, FLAGS_REMOVE, FLAG_SEEN, (const char *[]){"WORK", NULL},
                    0, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(m->messages[0].flags, FLAG_FLAGGED | (uint64_t)1 << FLAG_KEYWORD_0);

        d = (struct world_done){.done = false};
        store_flags(m, (uint32_t[]){1, 2}, 2, FLAGS_SET, FLAG_DRAFT, NULL, 0, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(m->messages[0].flags, FLAG_DRAFT);
        ck_assert_uint_eq(m->messages[1].flags, FLAG_DRAFT);

        /* The same flags once more change nothing, and nobody is told. */
        before = m->highestmodseq;
        uint64_t serial = m->ring_next;
        d = (struct world_done){.done = false};
        store_flags(m, (uint32_t[]){1, 2}, 2, FLAGS_SET, FLAG_DRAFT, NULL, 0, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(m->highestmodseq, before);
        ck_assert_uint_eq(m->ring_next, serial);
        mailbox_close(m);
    }
END_TEST

START_TEST(unchangedsince_leaves_what_has_changed)
    {
        struct world_done d = {.done = false};
        add("INBOX", "a", 0);
        add("INBOX", "b", 0);
        struct mailbox *m = box("INBOX");
        uint64_t since = m->messages[0].modseq;
        store_flags(m, (uint32_t[]){1, 2}, 2, FLAGS_ADD, FLAG_SEEN, NULL, since, NULL, world_done,
                    &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_CONFLICT);
        ck_assert_uint_eq(d.count, 1);
        ck_assert_uint_eq(d.uids[0], 2);
        ck_assert_uint_eq(m->messages[0].flags, FLAG_SEEN);
        ck_assert_uint_eq(m->messages[1].flags, 0);
        mailbox_close(m);
    }
END_TEST

START_TEST(expunge_takes_what_is_marked_and_uids_are_never_used_again)
    {
        struct world_done d = {.done = false};
        for (int i = 0; i < 5; i++)
            add("INBOX", "x", i % 2 == 0 ? FLAG_DELETED : 0);
        struct mailbox *m = box("INBOX");
        store_expunge(m, (uint32_t[]){1, 2, 3, 4, 5, 6}, 6, true, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(d.count, 3);
        ck_assert_uint_eq(d.uids[2], 5);
        ck_assert_uint_eq(m->count, 2);
        ck_assert_uint_eq(m->messages[0].uid, 2);
        ck_assert_uint_eq(m->messages[1].uid, 4);
        ck_assert_uint_eq(m->uidnext, 6);
        ck_assert_uint_eq(add("INBOX", "y", 0), 6);
        mailbox_close(m);
    }
END_TEST

START_TEST(a_copy_has_flags_keywords_and_date)
    {
        struct world_done d = {.done = false};
        struct append_message a = {.data = (unsigned char *)strdup("a"),
                                   .len = 1,
                                   .flags = FLAG_SEEN | FLAG_RECENT,
                                   .internal_date = 86400,
                                   .internal_zone = -90};
        a.keywords = calloc(2, sizeof *a.keywords);
        a.keywords[0] = strdup("late");
        store_append(store, account, "INBOX", &a, 1, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(created("box"), STORE_OK);
        struct mailbox *from = box("INBOX"), *to = box("box");
        d = (struct world_done){.done = false};
        store_flags(to, NULL, 0, FLAGS_ADD, 0, (const char *[]){"early", NULL}, 0, NULL, world_done,
                    &d); /* keywords are numbered differently there */
        world_wait(loop, &d);
        d = (struct world_done){.done = false};
        store_copy(from, (uint32_t[]){1, 7}, 2, "box", false, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_OK);
        ck_assert_uint_eq(d.uidvalidity, to->uidvalidity);
        ck_assert_uint_eq(d.count, 1);
        ck_assert_uint_eq(d.sources[0], 1);
        ck_assert_uint_eq(to->messages[0].flags, FLAG_SEEN | (uint64_t)2 << FLAG_KEYWORD_0);
        ck_assert_str_eq(to->keywords[1], "late");
        ck_assert_int_eq(to->messages[0].internal_date, 86400);
        ck_assert_int_eq(to->messages[0].internal_zone, -90);
        ck_assert_uint_eq(from->count, 1);
        d = (struct world_done){.done = false};
        store_copy(from, (uint32_t[]){1}, 1, "none", false, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_int_eq(d.status, STORE_NO_MAILBOX);
        mailbox_close(from);
        mailbox_close(to);
    }
END_TEST

START_TEST(a_move_takes_away_what_it_copies)
    {
        struct world_done d = {.done = false};
        add("INBOX", "a", 0);
        add("INBOX", "b", 0);
        add("INBOX", "c", 0);
        created("box");
        struct mailbox *from = box("INBOX"), *to = box("box");
        store_copy(from, (uint32_t[]){1, 3}, 2, "box", true, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(from->count, 1);
        ck_assert_uint_eq(from->messages[0].uid, 2);
        ck_assert_uint_eq(to->count, 2);
        check_text(&to->messages[1], "c");
        /* Onto itself: new UIDs at the end. */
        d = (struct world_done){.done = false};
        store_copy(to, (uint32_t[]){1}, 1, "box", true, NULL, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(to->count, 2);
        ck_assert_uint_eq(to->messages[1].uid, 3);
        check_text(&to->messages[1], "a");
        mailbox_close(from);
        mailbox_close(to);
    }
END_TEST

/* --- telling --- */

START_TEST(sessions_read_changes_from_the_ring)
    {
        int me, told = 0;
        (void)told;
        struct world_done d = {.done = false};
        struct mailbox *m = box("INBOX");
        uint64_t serial = m->ring_next;
        size_t count;
        bool lost;
        add("INBOX", "a", 0);
        store_flags(m, (uint32_t[]){1}, 1, FLAGS_ADD, FLAG_SEEN, NULL, 0, &me, world_done, &d);
        world_wait(loop, &d);
        d = (struct world_done){.done = false};
        store_expunge(m, (uint32_t[]){1}, 1, false, &me, world_done, &d);
        world_wait(loop, &d);
        const struct change *c = mailbox_changes(m, &serial, &count, &lost);
        ck_assert(!lost);
        ck_assert_uint_eq(count, 3);
        ck_assert_int_eq(c[0].kind, CHANGE_NEW);
        ck_assert_ptr_null(c[0].author);
        ck_assert_int_eq(c[1].kind, CHANGE_FLAGS);
        ck_assert_uint_eq(c[1].flags, FLAG_SEEN);
        ck_assert_ptr_eq(c[1].author, &me);
        ck_assert_int_eq(c[2].kind, CHANGE_EXPUNGED);
        ck_assert_ptr_null(mailbox_changes(m, &serial, &count, &lost));
        mailbox_close(m);
    }
END_TEST

START_TEST(a_session_that_is_too_slow_is_told_so)
    {
        struct mailbox *m = box("INBOX");
        uint64_t serial = m->ring_next, recent;
        size_t count;
        bool lost;
        add("INBOX", "a", 0);
        for (int i = 0; i < 10000; i++) {
            struct world_done d = {.done = false};
            store_flags(m, (uint32_t[]){1}, 1, i % 2 == 0 ? FLAGS_ADD : FLAGS_REMOVE, FLAG_SEEN,
                        NULL, 0, NULL, i % 500 == 499 ? world_done : NULL, &d);
            if (i % 500 == 499)
                world_wait(loop, &d);
        }
        recent = m->ring_next - 100;
        ck_assert_ptr_null(mailbox_changes(m, &serial, &count, &lost));
        ck_assert(lost);
        ck_assert_uint_eq(serial, m->ring_next);
        const struct change *c = mailbox_changes(m, &recent, &count, &lost);
        ck_assert(!lost);
        ck_assert_uint_eq(count, 100);
        for (size_t i = 1; i < count; i++)
            ck_assert_uint_eq(c[i].serial, c[i - 1].serial + 1);
        mailbox_close(m);
    }
END_TEST

static int calls;
static struct watcher *to_remove;

static void changed(void *arg, struct mailbox *m)
{
    (void)arg;
    calls++;
    if (to_remove != NULL)
        mailbox_unwatch(m, to_remove);
}

START_TEST(watchers_are_told_and_may_leave_meanwhile)
    {
        struct mailbox *m = box("INBOX");
        struct watcher one = {.changed = changed}, two = {.changed = changed};
        calls = 0;
        mailbox_watch(m, &one);
        mailbox_watch(m, &two);
        to_remove = NULL;
        add("INBOX", "a", 0);
        ck_assert_int_eq(calls, 2);
        to_remove = &one; /* two is told first and takes one away */
        add("INBOX", "b", 0);
        ck_assert_int_eq(calls, 3);
        to_remove = NULL;
        mailbox_unwatch(m, &two);
        add("INBOX", "c", 0);
        ck_assert_int_eq(calls, 3);
        mailbox_close(m);
    }
END_TEST

START_TEST(only_the_next_session_gets_recent_messages)
    {
        add("INBOX", "a", 0);
        struct mailbox *m = box("INBOX");
        ck_assert_uint_eq(m->first_recent, 1);
        store_recent_seen(m);
        ck_assert_uint_eq(m->first_recent, 2);
        add("INBOX", "b", 0);
        ck_assert_uint_eq(m->first_recent, 2);
        mailbox_close(m);
    }
END_TEST

/* --- mailboxes --- */

START_TEST(creating_makes_the_levels_above)
    {
        ck_assert_int_eq(created("a/b/c"), STORE_OK);
        mailbox_close(box("a"));
        mailbox_close(box("a/b"));
        ck_assert_int_eq(created("a/b/c"), STORE_EXISTS);
        ck_assert_int_eq(created("inbox"), STORE_EXISTS);
        ck_assert_int_eq(created("later/"),
                         STORE_OK); /* a separator at the end only announces more */
        mailbox_close(box("later"));
    }
END_TEST

START_TEST(bad_names_are_refused)
    {
        static const char *const names[] = {"", "/", "/a", "a//b", "a\nb", "\x7f"};
        char deep[200] = "a", longest[1500];
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            ck_assert_msg(created(names[i]) == STORE_REFUSED, "\"%s\"", names[i]);
        for (int i = 0; i < 60; i++)
            strcat(deep, "/a");
        ck_assert_int_eq(created(deep), STORE_REFUSED);
        memset(longest, 'x', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        ck_assert_int_eq(created(longest), STORE_REFUSED);
    }
END_TEST

START_TEST(uidvalidity_rises_when_a_name_lives_again)
    {
        ck_assert_int_eq(created("box"), STORE_OK);
        struct mailbox *m = box("box");
        uint32_t first = m->uidvalidity;
        uint64_t serial = m->ring_next;
        size_t count;
        bool lost;
        add("box", "a", 0);
        ck_assert_int_eq(deleted("box"), STORE_OK);
        ck_assert(m->gone);
        const struct change *c = mailbox_changes(m, &serial, &count, &lost);
        ck_assert_int_eq(c[count - 1].kind, CHANGE_GONE);
        mailbox_close(m);
        ck_assert(mailbox_open(store, account, "box", &m) != 0);
        ck_assert_int_eq(created("box"), STORE_OK);
        m = box("box");
        ck_assert_uint_gt(m->uidvalidity, first);
        ck_assert_uint_eq(m->count, 0);
        mailbox_close(m);
        ck_assert_int_eq(deleted("INBOX"), STORE_REFUSED);
        ck_assert_int_eq(deleted("never"), STORE_NO_MAILBOX);
    }
END_TEST

START_TEST(a_deleted_name_with_others_below_stays_unselectable)
    {
        struct mailbox *m;
        created("a/b");
        ck_assert_int_eq(deleted("a"), STORE_OK);
        ck_assert(mailbox_open(store, account, "a", &m) != 0);
        mailbox_close(box("a/b"));
        ck_assert_int_eq(deleted("a"), STORE_REFUSED);
        ck_assert_int_eq(created("a"), STORE_OK); /* selectable again */
        mailbox_close(box("a"));
        ck_assert_int_eq(deleted("a"), STORE_OK);
        ck_assert_int_eq(deleted("a/b"), STORE_OK);
        ck_assert_int_eq(deleted("a"), STORE_OK);
    }
END_TEST

START_TEST(renaming_takes_what_is_below_along)
    {
        created("a/b/c");
        created("ab");
        add("a/b", "text", 0);
        struct mailbox *m = box("a/b");
        uint32_t validity = m->uidvalidity;
        ck_assert_int_eq(renamed("a", "x/y"), STORE_OK);
        ck_assert_str_eq(m->name, "x/y/b");
        mailbox_close(m);
        m = box("x/y/b");
        ck_assert_uint_eq(m->uidvalidity, validity);
        ck_assert_uint_eq(m->count, 1);
        mailbox_close(m);
        mailbox_close(box("x/y/b/c"));
        mailbox_close(box("ab"));
        ck_assert(mailbox_open(store, account, "a", &m) != 0);
        ck_assert_int_eq(renamed("x", "x/z"), STORE_REFUSED);
        ck_assert_int_eq(renamed("x", "ab"), STORE_EXISTS);
        ck_assert_int_eq(renamed("none", "some"), STORE_NO_MAILBOX);
        ck_assert_int_eq(renamed("x", "inbox"), STORE_EXISTS);
    }
END_TEST

START_TEST(renaming_inbox_moves_its_messages)
    {
        created("INBOX/sub");
        add("INBOX", "a", FLAG_SEEN);
        add("INBOX", "b", 0);
        struct mailbox *inbox = box("INBOX");
        ck_assert_int_eq(renamed("INBOX", "old"), STORE_OK);
        ck_assert_uint_eq(inbox->count, 0);
        struct mailbox *old = box("old");
        ck_assert_uint_eq(old->count, 2);
        ck_assert_uint_eq(old->messages[0].flags, FLAG_SEEN);
        check_text(&old->messages[1], "b");
        ck_assert_uint_eq(add("INBOX", "c", 0), 3);
        mailbox_close(box("inbox/sub"));
        mailbox_close(old);
        mailbox_close(inbox);
    }
END_TEST

static char listing[1024];

static void list_one(void *arg, const struct mailbox_entry *e)
{
    (void)arg;
    size_t n = strlen(listing);
    snprintf(listing + n, sizeof listing - n, "%s%s%s%s ", e->name, e->exists ? "" : "!",
             e->subscribed ? "+" : "", e->noselect ? "-" : "");
}

START_TEST(subscriptions_outlive_their_mailboxes)
    {
        struct world_done d = {.done = false};
        created("b");
        created("a/c");
        store_subscribe(store, account, "b", true, world_done, &d);
        world_wait(loop, &d);
        d = (struct world_done){.done = false};
        store_subscribe(store, account, "inbox", true, world_done, &d);
        world_wait(loop, &d);
        deleted("a");
        listing[0] = '\0';
        mailbox_list(store, account, list_one, NULL);
        ck_assert_str_eq(listing, "INBOX+ a- a/c b+ ");
        deleted("b");
        listing[0] = '\0';
        mailbox_list(store, account, list_one, NULL);
        ck_assert_str_eq(listing, "INBOX+ a- a/c b!+ ");
        d = (struct world_done){.done = false};
        store_subscribe(store, account, "b", false, world_done, &d);
        world_wait(loop, &d);
        listing[0] = '\0';
        mailbox_list(store, account, list_one, NULL);
        ck_assert_str_eq(listing, "INBOX+ a- a/c ");
    }
END_TEST

START_TEST(reset_leaves_empty_inboxes_only)
    {
        struct world_done d = {.done = false};
        created("a/b");
        add("INBOX", "x", 0);
        struct mailbox *m = box("INBOX");
        uint32_t before = m->uidvalidity;
        store_reset(store, world_done, &d);
        world_wait(loop, &d);
        ck_assert(m->gone);
        mailbox_close(m);
        m = box("INBOX");
        ck_assert_uint_eq(m->count, 0);
        ck_assert_uint_gt(m->uidvalidity, before);
        d = (struct world_done){.done = false};
        store_set_uidvalidity(m, 4000000000u, world_done, &d);
        world_wait(loop, &d);
        ck_assert_uint_eq(m->uidvalidity, 4000000000u);
        mailbox_close(m);
        listing[0] = '\0';
        mailbox_list(store, account, list_one, NULL);
        ck_assert_str_eq(listing, "INBOX ");
    }
END_TEST

START_TEST(what_was_asked_for_first_happens_first)
    {
        struct world_done last = {.done = false};
        struct mailbox *m = box("INBOX");
        for (int i = 0; i < 300; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            struct append_message a = {.data = (unsigned char *)strdup(text), .len = strlen(text)};
            store_append(store, account, "INBOX", &a, 1, NULL, i == 299 ? world_done : NULL, &last);
        }
        world_wait(loop, &last);
        ck_assert_uint_eq(m->count, 300);
        for (int i = 0; i < 300; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            ck_assert_uint_eq(m->messages[i].uid, (uint32_t)i + 1);
            check_text(&m->messages[i], text);
        }
        mailbox_close(m);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("store");
    TCase *memory = tcase_create("memory"), *file = tcase_create("file");
    const TTest *const both[] = {
        an_appended_message_is_there_byte_for_byte,
        sizes_for_pop3_count_line_ends_twice,
        several_messages_come_all_or_none,
        who_is_refused_takes_nobody_along,
        delivery_reaches_everyone_once_or_nobody,
        flags_are_set_added_and_removed,
        unchangedsince_leaves_what_has_changed,
        expunge_takes_what_is_marked_and_uids_are_never_used_again,
        a_copy_has_flags_keywords_and_date,
        a_move_takes_away_what_it_copies,
        sessions_read_changes_from_the_ring,
        a_session_that_is_too_slow_is_told_so,
        watchers_are_told_and_may_leave_meanwhile,
        only_the_next_session_gets_recent_messages,
        creating_makes_the_levels_above,
        bad_names_are_refused,
        uidvalidity_rises_when_a_name_lives_again,
        a_deleted_name_with_others_below_stays_unselectable,
        renaming_takes_what_is_below_along,
        renaming_inbox_moves_its_messages,
        subscriptions_outlive_their_mailboxes,
        reset_leaves_empty_inboxes_only,
        what_was_asked_for_first_happens_first,
    };
    tcase_add_checked_fixture(memory, begin_memory, close_store);
    tcase_add_checked_fixture(file, begin_file, end_file);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        tcase_add_test(memory, both[i]);
        tcase_add_test(file, both[i]);
    }
    tcase_set_timeout(memory, 30);
    tcase_set_timeout(file, 60);
    suite_add_tcase(s, memory);
    suite_add_tcase(s, file);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
