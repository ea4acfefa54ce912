/* The disk is full, or fails to write or to flush, at every call in turn: who asked is told so in
 * the words of their protocol, the service goes on once the trouble is over, and nothing is lost or
 * done twice. A flush that failed makes nothing safe when it is repeated: the disks that a power
 * cut leaves are looked at, too. SPDX-License-Identifier: MIT */
#include <limits.h>

#include "store/facts.h"

enum { NTH_MOST = 200 };

static struct peer smtp, ann, bob;
static const char *which; /* case that is being tried, for messages */

/* --- four changes that are asked for; the texts have keys, so that a second attempt can be told
 * from the first --- */

static void smtp_ready(void)
{
    peer_do(&smtp,
            "MAIL FROM:<ann@client.example>\r\nRCPT TO:<user1@test.example>\r\n"
            "RCPT TO:<user2@test.example>\r\nDATA\r\n",
            "354");
}

static void smtp_say(int key)
{
    char all[BODY + 300];
    sprintf(all, "%s.\r\n", text_of(key, 3000));
    peer_say(&smtp, all);
}

static void bob_ready(void)
{
    peer_connect(&bob, SERVICE_POP3, &pop3_protocol);
    peer_do(&bob, "USER user2\r\n", "+OK");
    peer_do(&bob, "PASS pass\r\n", "+OK");
    peer_do(&bob, "DELE 1\r\n", "+OK");
}

static void ann_say(int key)
{
    char all[BODY + 300];
    const char *text = text_of(key, 2000);
    sprintf(all, "a APPEND INBOX {%zu+}\r\n%s\r\nb UID STORE 1 +FLAGS (\\Flagged)\r\n",
            strlen(text), text);
    peer_say(&ann, all);
}

/* The event of the answer; *yes is what it said. A no has to be the right one. */
static size_t answer(struct peer *p, const char *begins, const char *good, const char *bad,
                     bool *yes)
{
    char find[40];
    size_t event = peer_hear(p, begins);
    const char *line = p->k.heard;
    snprintf(find, sizeof find, "\n%s", begins);
    if (strncmp(line, begins, strlen(begins)) != 0)
        line = strstr(line, find) + 1;
    *yes = strncmp(line, good, strlen(good)) == 0;
    ck_assert_msg(*yes || strncmp(line, bad, strlen(bad)) == 0, "%s: \"%s\" is not \"%s\"", which,
                  line, bad);
    return event;
}

/* What was refused is not there; but while the disk stays bad nobody can vouch for that. */
static size_t no_more(size_t event, bool for_good)
{
    return for_good ? NEVER : event;
}

/* The facts of one attempt at everything. */
struct attempt {
    int key; /* of the mail; the next one is APPENDed */
    int mail, append;
    bool mailed, appended, flagged, deleted;
    struct fact *flag, *doomed;
};

static void ask(struct attempt *a, bool together)
{
    a->key = key_count + 1;
    key_count += 2;
    a->mail = fact_count;
    new_fact(a->key, 3000, INBOX_1, a->key);
    new_fact(a->key, 3000, INBOX_2, a->key);
    a->append = fact_count;
    new_fact(a->key + 1, 2000, INBOX_1, 0);
    for (int i = a->mail; i < fact_count; i++)
        facts[i].going = 0; /* until it is acknowledged, it need not be there */
    if (together) {
        smtp_say(a->key);
        ann_say(a->key + 1);
        if (!a->deleted)
            peer_say(&bob, "QUIT\r\n");
    }
}

static void came_to(int first, int end, bool yes, size_t event, bool for_good)
{
    for (int i = first; i < end; i++) {
        facts[i].acked = yes ? event : NEVER;
        facts[i].going = yes ? NEVER : 0;
        facts[i].gone = yes ? NEVER : no_more(event, for_good);
    }
}

static void attempt(struct attempt *a, bool together, bool for_good)
{
    bool yes;
    bool had_bob = !a->deleted;
    smtp_ready();
    if (had_bob)
        bob_ready();
    if (a->flag->flagging == NEVER)
        a->flag->flagging = powercut_count();
    if (had_bob && a->doomed->going == NEVER)
        a->doomed->going = powercut_count();
    ask(a, together);
    if (!together)
        smtp_say(a->key);
    size_t event = answer(&smtp, "", "250 2.0.0 ", "452 4.3.1 ", &a->mailed);
    came_to(a->mail, a->append, a->mailed, event, for_good);
    if (!together)
        ann_say(a->key + 1);
    event = answer(&ann, "a ", "a OK ", "a NO [UNAVAILABLE] ", &a->appended);
    came_to(a->append, a->append + 1, a->appended, event, for_good);
    event = answer(&ann, "b ", "b OK ", "b NO [UNAVAILABLE] ", &yes);
    if (yes && !a->flagged)
        a->flag->flagged = event;
    a->flagged = a->flagged || yes;
    if (!had_bob)
        return;
    if (!together)
        peer_say(&bob, "QUIT\r\n");
    event = answer(&bob, "", "+OK ", "-ERR [SYS/TEMP] ", &a->deleted);
    if (a->deleted)
        a->doomed->gone = event;
    peer_leave(&bob);
}

/* Two messages that are there before the trouble: 1 gets a flag, 2 is deleted over POP3. */
static void prepare(struct attempt *a)
{
    fact_count = key_count = 0;
    *a = (struct attempt){.flag = new_fact(1, 100, INBOX_1, 0), .doomed = NULL};
    new_fact(2, 100, INBOX_2, 0);
    a->flag = &facts[0];
    a->doomed = &facts[1];
    key_count = 2;
    world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", text_of(1, 100), 0);
    world_add(world.server.store, world.server.loop, world.user2->id, "INBOX", text_of(2, 100), 0);
    facts[0].acked = facts[1].acked = powercut_count();
    peer_connect(&smtp, SERVICE_SMTP, &smtp_protocol);
    peer_do(&smtp, "EHLO client.example\r\n", "250 ");
    peer_connect(&ann, SERVICE_IMAP, &imap_protocol);
    peer_do(&ann, "a LOGIN user1 pass\r\n", "a OK");
    peer_do(&ann, "a SELECT INBOX\r\n", "a OK");
}

static void look_at_disks(size_t from, bool all)
{
    size_t n = powercut_count();
    for (size_t events = all ? from : n; events <= n; events++) {
        enum powercut_kind kind = powercut_at(events - 1)->kind;
        if (events < n && kind != POWERCUT_MARK && kind != POWERCUT_SYNC_FAILED)
            continue;
        for (int way = POWERCUT_KEPT; way <= (all ? POWERCUT_DROPPED : POWERCUT_KEPT); way++) {
            powercut_rebuild(events, (enum powercut_way)way, (unsigned)events, image);
            ck_assert_msg(check_image(events), "%s, power cut behind event %zu of %zu, %s: %s",
                          which, events, n, way == POWERCUT_KEPT ? "kept" : "dropped", complaint);
        }
    }
}

/* Whether the trouble was met at all. */
static bool one_case(enum powercut_trouble trouble, int nth, bool for_good, bool together)
{
    static const char *const names[] = {"", "full", "write error", "flush error"};
    static char name[100];
    struct attempt a;
    snprintf(name, sizeof name, "%s at call %d%s%s", names[trouble], nth,
             for_good ? ", lasting" : "", together ? ", all at once" : "");
    which = name;
    powercut_begin(path);
    open_server();
    prepare(&a);
    size_t began = powercut_count();
    powercut_trouble(trouble, nth, for_good ? INT_MAX : 1);
    attempt(&a, together, for_good);
    int met = powercut_troubled();
    bool all_fine = a.mailed && a.appended && a.flagged && a.deleted;
    ck_assert_msg(!for_good || met == 0 || nth > 1 || !(a.mailed || a.appended),
                  "%s: acknowledged all the same", which);
    powercut_trouble(NO_TROUBLE, 0, 0);
    if (!all_fine) {
        int first = a.mail, end = fact_count;
        attempt(&a, together, false);
        ck_assert_msg(a.mailed && a.appended && a.flagged && a.deleted,
                      "%s: the service does not go on", which);
        for (int i = first; for_good && i < end; i++)
            if (facts[i].acked == NEVER)
                facts[i].gone = facts[a.mail].acked;
    }
    peer_leave(&smtp);
    peer_leave(&ann);
    close_server();
    powercut_end();
    look_at_disks(began, trouble == TROUBLE_SYNC);
    powercut_forget();
    unlink(path);
    return met > 0;
}

static void every_call(enum powercut_trouble trouble, int step)
{
    at_every_opening(little_log);
    int cases = 0;
    checkpoint_pages = 12; /* so that the trouble meets checkpoints, too */
    for (int i = 0; i < 4; i++)
        for (int nth = 1; nth < NTH_MOST; nth += nth < 4 ? 1 : step) {
            make_store();
            if (!one_case(trouble, nth, (i & 1) != 0, (i & 2) != 0))
                break;
            cases++;
            ck_assert_int_lt(nth, NTH_MOST - step);
        }
    ck_assert_int_gt(cases, 4);
    printf("trouble: %d cases, the last: %s\n", cases, which);
}

START_TEST(a_full_disk_is_told_and_survived)
    {
        every_call(TROUBLE_FULL, 3);
    }
END_TEST

START_TEST(a_write_that_fails_is_told_and_survived)
    {
        every_call(TROUBLE_WRITE, 3);
    }
END_TEST

START_TEST(a_flush_that_fails_makes_nothing_safe)
    {
        every_call(TROUBLE_SYNC, 1);
    }
END_TEST

/* One flush fails, and the next would succeed: the message is refused all the same, and is not
 * there. */
START_TEST(a_flush_that_failed_is_not_tried_again)
    {
        bool yes;
        which = "one flush";
        at_every_opening(little_log);
        make_store();
        powercut_begin(path);
        open_server();
        peer_connect(&smtp, SERVICE_SMTP, &smtp_protocol);
        peer_do(&smtp, "EHLO client.example\r\n", "250 ");
        for (int i = 1; i <= 3; i++) {
            int first = fact_count;
            new_fact(i, 3000, INBOX_1, i);
            new_fact(i, 3000, INBOX_2, i);
            smtp_ready();
            powercut_trouble(TROUBLE_SYNC, 1, i == 2 ? 1 : 0);
            smtp_say(i);
            size_t event = answer(&smtp, "", "250 2.0.0 ", "452 4.3.1 ", &yes);
            came_to(first, fact_count, yes, event, false);
            ck_assert_msg(yes == (i != 2), "message %d: %s", i, yes ? "taken" : "refused");
            ck_assert_int_eq(powercut_troubled(), i == 2);
        }
        peer_leave(&smtp);
        close_server();
        powercut_end();
        look_at_disks(1, true);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("trouble");
    TCase *t = tcase_create("trouble");
    tcase_add_checked_fixture(t, set_up, take_down);
    tcase_add_test(t, a_full_disk_is_told_and_survived);
    tcase_add_test(t, a_write_that_fails_is_told_and_survived);
    tcase_add_test(t, a_flush_that_fails_makes_nothing_safe);
    tcase_add_test(t, a_flush_that_failed_is_not_tried_again);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
