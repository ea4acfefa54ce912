/* The power fails behind every write: what a server said was done is done all the same.
 *
 * Sessions of SMTP, submission, IMAP and POP3 work side by side on a store on disk; the VFS below
 * SQLite writes down every write and sync, and between them the moment at which each reply goes
 * out. Then the disk is rebuilt as it may be found after a power cut behind each of these events,
 * the store is opened on it, and everything that had been acknowledged by then has to be there
 * exactly once. POWERCUT_ALL=1 tries every kind of damage behind every event instead of some;
 * POWERCUT_SEED=n damages differently. SPDX-License-Identifier: MIT */
#include "store/facts.h"

enum { ROUNDS = 12, DELIVERERS = 3, PATIENCE_MS = 15000 };

/* --- the sessions --- */

static struct peer deliverers[DELIVERERS], submitter, ann;
static unsigned chance;
static int group_count;

static int up_to(int n)
{
    return (int)((unsigned)rand_r(&chance) % (unsigned)n);
}

static size_t some_size(void)
{
    return up_to(8) == 0 ? 20000 + (size_t)up_to(BODY - 20000) : (size_t)up_to(4000);
}

/* The whole transaction in one piece: nothing in it depends on the replies. */
static void say_mail(struct peer *p, const char *from, const char *const *to, int key, size_t body)
{
    static char all[BODY + 1000];
    size_t n = (size_t)sprintf(all, "MAIL FROM:<%s>\r\n", from);
    for (; *to != NULL; to++)
        n += (size_t)sprintf(all + n, "RCPT TO:<%s>\r\n", *to);
    n += (size_t)sprintf(all + n, "DATA\r\n%s.\r\n", text_of(key, body));
    peer_say(p, all);
}

static int begin_delivery(struct peer *p)
{
    static const char *const one[] = {"user1@test.example", NULL},
                             *const other[] = {"user2@test.example", NULL},
                             *const both[] = {"user1@test.example", "user2@test.example", NULL};
    int key = ++key_count, which = up_to(3), group = which == 2 ? ++group_count : 0;
    int first = fact_count;
    size_t body = some_size();
    if (which != 1)
        new_fact(key, body, INBOX_1, group);
    if (which != 0)
        new_fact(key, body, INBOX_2, group);
    say_mail(p, "ann@client.example", which == 0 ? one : which == 1 ? other : both, key, body);
    return first;
}

static int begin_submission(struct peer *p)
{
    static const char *const to[] = {"bob@away.example", "user2@test.example", NULL};
    int key = ++key_count, first = fact_count, group = ++group_count;
    size_t body = some_size();
    new_fact(key, body, QUEUE, group);
    new_fact(key, body, INBOX_2, group);
    say_mail(p, "user1@test.example", to, key, body);
    return first;
}

static void acked_since(int first, int end, size_t event)
{
    for (int i = first; i < end; i++)
        facts[i].acked = event;
}

/* A message of this place that is there, has its UID told and is not on its way out; or NULL. */
static struct fact *settled(enum place place)
{
    int from = fact_count > 0 ? up_to(fact_count) : 0;
    for (int i = 0; i < fact_count; i++) {
        struct fact *f = &facts[(from + i) % fact_count];
        if (f->place == place && f->acked != NEVER && f->going == NEVER)
            return f;
    }
    return NULL;
}

/* Asks for the UID of a message, if nobody has told it. */
static void learn_uid(struct fact *f)
{
    char line[80];
    if (f->uid != 0)
        return;
    peer_do(&ann, "n NOOP\r\n", "n OK"); /* it may have come since */
    snprintf(line, sizeof line, "u UID SEARCH HEADER X-Key \"%d\"\r\n", f->key);
    size_t event = peer_do(&ann, line, "u OK");
    const char *at = strstr(ann.k.heard, "* SEARCH ");
    ck_assert_msg(at != NULL, "%s", ann.k.heard);
    /* "1" is found in "11" as well. */
    for (char *next = (char *)(uintptr_t)at + 8; *next == ' ';) {
        uint32_t uid = (uint32_t)strtoul(next + 1, &next, 10);
        struct mailbox *m;
        struct blob b;
        ck_assert(mailbox_open(world.server.store, world.user1->id, "INBOX", &m) == 0);
        const struct message *there = mailbox_find(m, uid);
        ck_assert(there != NULL && blob_read(world.server.store, there->blob, &b, NULL) == 0);
        const char *key = strstr((const char *)b.data, "X-Key: ");
        if (key != NULL && atoi(key + 7) == f->key)
            f->uid = uid;
        blob_release(&b);
        mailbox_close(m);
    }
    ck_assert_uint_ne(f->uid, 0);
    f->uid_told = event;
}

enum doing { APPENDING, STORING, EXPUNGING, MOVING, DOINGS };

/* What ann does in this round; first is the first of the facts it brings. */
static struct {
    enum doing what;
    int first, end;
    struct fact *of;
} work;

static void begin_append(void)
{
    static char all[3 * (BODY + 300)];
    int texts = 1 + up_to(3), group = texts > 1 ? ++group_count : 0;
    size_t n = (size_t)sprintf(all, "a APPEND INBOX");
    for (int i = 0; i < texts; i++) {
        int key = ++key_count;
        size_t body = some_size();
        new_fact(key, body, INBOX_1, group);
        const char *text = text_of(key, body);
        n += (size_t)sprintf(all + n, " (\\Seen) {%zu+}\r\n%s", strlen(text), text);
    }
    sprintf(all + n, "\r\n");
    peer_say(&ann, all);
}

static void begin_work(void)
{
    char line[120];
    work.what = (enum doing)up_to(DOINGS);
    work.first = fact_count;
    work.of = work.what == APPENDING ? NULL : settled(INBOX_1);
    if (work.of == NULL)
        work.what = APPENDING;
    else
        learn_uid(work.of);
    work.first = fact_count;
    size_t now = powercut_count();
    switch (work.what) {
    case APPENDING:
        begin_append();
        break;
    case STORING:
        if (work.of->flagging == NEVER)
            work.of->flagging = now;
        snprintf(line, sizeof line, "a UID STORE %u +FLAGS (\\Flagged)\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case EXPUNGING:
        snprintf(line, sizeof line, "b UID STORE %u +FLAGS.SILENT (\\Deleted)\r\n", work.of->uid);
        peer_do(&ann, line, "b OK");
        work.of->going = powercut_count();
        snprintf(line, sizeof line, "a UID EXPUNGE %u\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case MOVING:
        work.of->going = now;
        work.of->moved = fact_count;
        struct fact *to = new_fact(work.of->key, work.of->body, ARCHIVE, 0);
        to->flagging = work.of->flagging;
        snprintf(line, sizeof line, "a UID MOVE %u Archive\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case DOINGS:
        break;
    }
    work.end = fact_count;
}

static void end_work(void)
{
    size_t event = peer_hear(&ann, "a OK");
    const char *code = strstr(ann.k.heard, "[APPENDUID ");
    switch (work.what) {
    case APPENDING:
        ck_assert_msg(code != NULL, "%s", ann.k.heard);
        acked_since(work.first, work.end, event);
        strtoul(code + 11, (char **)(uintptr_t)&code, 10);
        for (int i = work.first; i < work.end; i++) {
            facts[i].uid = (uint32_t)strtoul(code + 1, NULL, 10) + (uint32_t)(i - work.first);
            facts[i].uid_told = event;
        }
        break;
    case STORING:
        if (work.of->flagged == NEVER)
            work.of->flagged = event;
        break;
    case EXPUNGING:
        work.of->gone = event;
        break;
    case MOVING:
        work.of->gone = event;
        if (work.of->flagged < NEVER)
            facts[work.first].flagged = event;
        acked_since(work.first, work.end, event);
        break;
    case DOINGS:
        break;
    }
}

/* bob reads his first messages and deletes them at QUIT, while the others go on. */
static void collect_and_quit(struct peer *bob, struct fact *taken[2])
{
    char line[40];
    size_t count = 0;
    peer_connect(bob, SERVICE_POP3, &pop3_protocol);
    peer_do(bob, "USER user2\r\n", "+OK");
    peer_do(bob, "PASS pass\r\n", "+OK");
    taken[0] = taken[1] = NULL;
    peer_do(bob, "STAT\r\n", "+OK");
    int there = atoi(bob->k.heard + 4);
    for (int n = 1; n <= 2 && n <= there; n++) {
        snprintf(line, sizeof line, "TOP %d 0\r\n", n);
        peer_do(bob, line, ".\r\n");
        const char *key = strstr(bob->k.heard, "X-Key: ");
        ck_assert_msg(key != NULL, "%s", bob->k.heard);
        for (int i = 0; i < fact_count; i++)
            if (facts[i].place == INBOX_2 && facts[i].key == atoi(key + 7))
                taken[count++] = &facts[i];
        snprintf(line, sizeof line, "DELE %d\r\n", n);
        peer_do(bob, line, "+OK");
    }
    for (size_t i = 0; i < count; i++)
        taken[i]->going = powercut_count();
    peer_say(bob, "QUIT\r\n");
}

static void one_round(int round)
{
    int first[DELIVERERS], end[DELIVERERS], queued = -1, queued_end = 0;
    struct peer bob;
    struct fact *taken[2];
    bool collects = round % 3 == 2;
    if (collects)
        collect_and_quit(&bob, taken);
    for (int i = 0; i < DELIVERERS; i++) {
        first[i] = begin_delivery(&deliverers[i]);
        end[i] = fact_count;
    }
    if (round % 4 == 1) {
        queued = begin_submission(&submitter);
        queued_end = fact_count;
    }
    begin_work();
    if (collects) {
        size_t event = peer_hear(&bob, "+OK");
        for (int i = 0; i < 2; i++)
            if (taken[i] != NULL)
                taken[i]->gone = event;
        peer_leave(&bob);
    }
    end_work();
    for (int i = 0; i < DELIVERERS; i++)
        acked_since(first[i], end[i], peer_hear(&deliverers[i], "250 2.0.0"));
    if (queued >= 0)
        acked_since(queued, queued_end, peer_hear(&submitter, "250 2.0.0"));
}

/* --- two lives of a server --- */

static void open_sessions(void)
{
    for (int i = 0; i < DELIVERERS; i++) {
        peer_connect(&deliverers[i], SERVICE_SMTP, &smtp_protocol);
        peer_do(&deliverers[i], "EHLO client.example\r\n", "250 ");
    }
    peer_connect(&submitter, SERVICE_SUBMISSION, &smtp_protocol);
    peer_do(&submitter, "EHLO client.example\r\n", "250 ");
    peer_do(&submitter, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235");
    peer_connect(&ann, SERVICE_IMAP, &imap_protocol);
    peer_do(&ann, "a LOGIN user1 pass\r\n", "a OK");
    peer_do(&ann, "a SELECT INBOX\r\n", "a OK");
}

static void close_sessions(void)
{
    for (int i = 0; i < DELIVERERS; i++)
        peer_leave(&deliverers[i]);
    peer_leave(&submitter);
    peer_leave(&ann);
}

/* Two lives of the server, and everything that is written meanwhile. */
static void live(int rounds, const char *fault_name)
{
    chance = getenv("POWERCUT_SEED") != NULL ? (unsigned)atoi(getenv("POWERCUT_SEED")) : 1;
    make_store();
    powercut_begin(path);
    for (int life = 0; life < 2; life++) {
        open_server();
        if (fault_name != NULL)
            ck_assert(fault_switch(fault_name, true, NULL) == 0);
        open_sessions();
        for (int i = 0; i < rounds; i++)
            one_round(i);
        close_sessions();
        close_server();
    }
    powercut_end();
}

/* Some ways behind some events, most of them behind replies; fewer once the time is up. The number
 * of the images; a complaint stops it. */
static size_t check_all(bool *good)
{
    static const char *const names[] = {"kept", "dropped", "torn", "reordered"};
    bool every = getenv("POWERCUT_ALL") != NULL;
    size_t n = powercut_count(), images = 0;
    long hurry = world_now_ms() + PATIENCE_MS;
    *good = true;
    for (size_t events = 0; *good && events <= n; events++) {
        enum powercut_kind kind = events > 0 ? powercut_at(events - 1)->kind : POWERCUT_MARK;
        for (int way = 0; *good && way < POWERCUT_WAYS; way++) {
            bool now = every || (kind == POWERCUT_MARK && events % 2 == (size_t)way % 2) ||
                       kind == POWERCUT_SYNC_FAILED || kind == POWERCUT_DELETE ||
                       (events % 8 == (size_t)way * 2);
            if (!now || (!every && world_now_ms() > hurry && events % 16 != 0))
                continue;
            powercut_rebuild(events, (enum powercut_way)way, (unsigned)(events * 4) + chance,
                             image);
            images++;
            *good = check_image(events);
            if (!*good) {
                char why[sizeof complaint];
                memcpy(why, complaint, sizeof why);
                snprintf(complaint, sizeof complaint, "behind event %zu of %zu, %s: %.800s", events,
                         n, names[way], why);
            }
        }
    }
    return images;
}

START_TEST(what_was_acknowledged_survives_every_power_cut)
    {
        bool good;
        at_every_opening(little_log);
        live(ROUNDS, NULL);
        long began = world_now_ms();
        size_t images = check_all(&good);
        ck_assert_msg(good, "%s", complaint);
        ck_assert_uint_gt(images, 100); /* 600 where the machine has time for us */
        size_t checkpoints = 0;
        for (size_t i = 0; i < powercut_count(); i++)
            checkpoints +=
                powercut_at(i)->kind == POWERCUT_SYNC && powercut_at(i)->file == POWERCUT_DATABASE;
        ck_assert_uint_gt(checkpoints, 5);
        printf("powercut: %d facts, %zu events, %zu checkpoints, %zu disks opened in %ld ms\n",
               fact_count, powercut_count(), checkpoints, images, world_now_ms() - began);
    }
END_TEST

/* The proof of the proof: whoever cheats is caught. */

START_TEST(a_250_before_the_message_is_stored_is_caught)
    {
        bool good;
        at_every_opening(little_log);
        /* A writer that is quick has stored it before anyone has heard the 250: not every time. */
        live(8, "smtp-250-before-stored");
        check_all(&good);
        ck_assert_msg(!good, "nothing was noticed");
        ck_assert_msg(strstr(complaint, "lost") != NULL, "%s", complaint);
    }
END_TEST

START_TEST(a_store_that_never_flushes_is_caught)
    {
        bool good;
        unflushed = true; /* as if the store had been written without flushing in mind */
        at_every_opening(little_log);
        live(2, NULL);
        unflushed = false;
        check_all(&good);
        ck_assert_msg(!good, "nothing was noticed");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("powercut");
    TCase *t = tcase_create("powercut");
    tcase_add_checked_fixture(t, set_up, take_down);
    tcase_add_test(t, what_was_acknowledged_survives_every_power_cut);
    tcase_add_test(t, a_250_before_the_message_is_stored_is_caught);
    tcase_add_test(t, a_store_that_never_flushes_is_caught);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
