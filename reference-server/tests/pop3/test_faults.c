/* Every fault of POP3 shows: a long dialogue that is the same each time without faults differs with
 * each one. SPDX-License-Identifier: MIT */
#include "scram_client.h"
#include "world.h"

static const char mail[] = "From: a@example\r\nSubject: one\r\n\r\nline 1\r\n.dot\r\nlast\r\n";
static const char unended[] = "Subject: two\r\n\r\nno end";

static struct world w;
static char *transcript;
static size_t length;

static void note(const char *text, size_t n)
{
    char *longer = realloc(transcript, length + n + 1);
    ck_assert(longer != NULL);
    transcript = longer;
    memcpy(transcript + length, text, n);
    length += n;
    transcript[length] = '\0';
}

static void note_text(const char *text)
{
    note(text, strlen(text));
}

/* Lets the server say what it wants to say; silence for so many rounds ends it. */
static void listen_for(struct world_client *c, int rounds, int ms)
{
    size_t before;
    int quiet = 0;
    world_forget(c);
    do {
        before = c->len;
        world_round_of(c, ms);
        quiet = c->len == before ? quiet + 1 : 0;
    } while (!c->ended && quiet < rounds);
    if (c->len > 0)
        note(c->heard, c->len);
    if (c->ended)
        note_text(c->notified ? "[closed, told]\n" : "[closed]\n");
}

static void listen_to(struct world_client *c)
{
    listen_for(c, 4, 0);
}

static void talk(struct world_client *c, const char *text)
{
    note_text(text);
    if (!c->ended)
        world_text(c, text);
    /* QUIT waits for the store; everything else is answered at once. */
    if (strcmp(text, "QUIT\r\n") == 0)
        listen_for(c, 100, 1);
    else
        listen_to(c);
}

static void greet(struct world_client *c)
{
    world_connect(&w, c, SERVICE_POP3, &pop3_protocol, false);
    listen_to(c);
}

static void login(struct world_client *c)
{
    talk(c, "USER user1\r\n");
    talk(c, "PASS pass\r\n");
}

static void note_mailbox(void)
{
    struct mailbox *m;
    char line[64];
    ck_assert(mailbox_open(w.server.store, w.user1->id, "INBOX", &m) == 0);
    for (size_t i = 0; i < m->count; i++) {
        snprintf(line, sizeof line, "[message %u, flags %llu]\n", m->messages[i].uid,
                 (unsigned long long)m->messages[i].flags);
        note_text(line);
    }
    mailbox_close(m);
}

/* Before login: everything out of place, and every way in. */
static void talk_before_login(void)
{
    static const char *const said[] = {
        "STAT\r\n",
        "capa\r\n",
        "CAPA x\r\n",
        "XYZZY\r\n",
        "NOOP\nNOOP\r\n",
        "CAPA\nCAPA\r\n",
        "USER user1\r\n",
        "NOOP\r\n",
        "PASS pass\r\n",
        "USER user1\r\n",
        "PASS wrong\r\n",
        "AUTH PLAIN =\r\n",
        "AUTH PLAIN\r\n",
        "*\r\n",
        "*\r\n",
        "AUTH PLAIN\r\n",
        "AH!VzZXIxAHBhc3M=\r\n",
        "AUTH PLAIN AHVzZXIxAHdyb25n\r\n",
        "APOP user1 00000000000000000000000000000000\r\n",
        "CAPA                                                                        x\r\n",
    };
    struct world_client c;
    greet(&c);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        talk(&c, said[i]);
    talk(&c, "QUIT\r\n");
    world_hang_up(&c);
}

static void talk_of_the_maildrop(void)
{
    static const char *const said[] = {
        "USER user1\r\n",
        "AUTH PLAIN\r\n",
        "*\r\n",
        "STLS\r\n",
        "CAPA\r\n",
        "STAT\r\n",
        "LIST\r\n",
        "UIDL\r\n",
        "LIST 1\r\n",
        "LIST 0\r\n",
        "RETR 1\r\n",
        "RETR 2\r\n",
        "TOP 1 0\r\n",
        "TOP 1 1\r\n",
        "STAT\r\nNOOP\r\n",
        "RETR 1\r\nNOOP\r\n",
        "NO",
        "OP\r\n",
        "DELE 1\r\n",
        "DELE 1\r\n",
        "RETR 1\r\n",
        "STAT\r\n",
        "LIST\r\n",
        "UIDL\r\n",
    };
    struct world_client c, other;
    greet(&c);
    login(&c);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "late\r\n", 0);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        talk(&c, said[i]);
    greet(&other);
    talk(&other, "USER user1\r\n");
    talk(&other, "PASS wrong\r\n");
    login(&other);
    world_hang_up(&other);
    talk(&c, "RSET\r\n");
    talk(&c, "LIST\r\n");
    talk(&c, "DELE 1\r\n");
    world_hang_up(&c);
    note_mailbox();
    greet(&c);
    login(&c);
    talk(&c, "UIDL\r\n");
    talk(&c, "RETR 1\r\n");
    talk(&c, "DELE 2\r\n");
    talk(&c, "QUIT\r\n");
    note_mailbox();
    world_hang_up(&c);
    greet(&c);
    talk(&c, "USER user2\r\n");
    talk(&c, "PASS pass\r\n");
    talk(&c, "LIST\r\n"); /* there is nothing */
    world_hang_up(&c);
}

/* SCRAM ends with data of the server's own; nonces differ each time, so only its form is noted. */
static void talk_scram(struct world_client *c)
{
    char line[1024], challenge[512], final[512];
    scram_encode("n,," SCRAM_FIRST_BARE, final);
    snprintf(line, sizeof line, "AUTH SCRAM-SHA-1 %s\r\n", final);
    world_forget(c);
    world_text(c, line);
    const char *heard = world_hear(c, "\r\n");
    if (strncmp(heard, "+ ", 2) != 0)
        return;
    scram_decode(heard + 2, c->len - 4, challenge);
    scram_final(challenge, "pass", line, sizeof line);
    scram_encode(line, final);
    snprintf(line, sizeof line, "%s\r\n", final);
    world_forget(c);
    world_text(c, line);
    world_hear(c, "\r\n");
    note(c->heard, 3);
    talk(c, "\r\n");
}

static void talk_inside_tls(void)
{
    struct world_client c;
    greet(&c);
    talk(&c, "STLS x\r\n");
    if (c.len > 0 && strncmp(c.heard, "-", 1) != 0) {
        world_hang_up(&c); /* a fault: TLS has begun already */
        return;
    }
    world_text(&c, "USER user1\r\nSTLS\r\nPASS pass\r\n");
    listen_to(&c);
    if (!world_handshake(&c, 0)) {
        note_text("[no TLS]\n");
        world_hang_up(&c);
        return;
    }
    listen_to(&c);
    talk(&c, "PASS pass\r\n");
    talk(&c, "CAPA\r\n");
    talk_scram(&c);
    talk(&c, "QUIT\r\n");
    world_hang_up(&c);
}

static void note_other_mailbox(void)
{
    struct mailbox *m;
    char line[64];
    ck_assert(mailbox_open(w.server.store, w.user2->id, "INBOX", &m) == 0);
    for (size_t i = 0; i < m->count; i++) {
        snprintf(line, sizeof line, "[other message %u]\n", m->messages[i].uid);
        note_text(line);
    }
    mailbox_close(m);
}

static void talk_all(struct world_client *c, const char *const *words)
{
    for (; *words != NULL; words++)
        talk(c, *words);
}

/* Lines of every wrong kind, and logins that fail. */
static void talk_of_lines(void)
{
    static const char *const before[] = {"\r\n",
                                         "USER nobody\r\n",
                                         "USER \xff\r\n",
                                         "TOP 1 0\r\n",
                                         "auth plain\r\n",
                                         "*\r\n",
                                         "AUTH NOPE\r\n",
                                         "x\r\n",
                                         "AUTH PLAIN =\r\n",
                                         "*\r\n",
                                         "AUTH CRAM-MD5 eA==\r\n",
                                         "*\r\n",
                                         "AUTH PLAIN AHVzZXIyAHh4eHg=\r\n",
                                         "APOP user2 00000000000000000000000000000000\r\n",
                                         "AUTH PLAIN AHVzZXIyAHBhc3M\r\n",
                                         "USER user2\r\nPASS pass\r\nNOOP\r\n",
                                         "LIST 4294967297\r\n",
                                         "LIST 1x\r\n",
                                         "LANG *\r\n",
                                         "TOP 99 0\r\n",
                                         "UIDL 99\r\n",
                                         "STAT\r\n",
                                         "RSET\r\n",
                                         NULL};
    struct world_client c, other;
    char long_line[1600];
    memset(long_line, 'x', sizeof long_line);
    memcpy(long_line, "NOOP ", 5);
    memcpy(long_line + sizeof long_line - 3, "\r\n", 3);
    greet(&c);
    talk_all(&c, before);
    if (!c.ended)
        world_say(&c, "NOOP\0x\r\n", 8);
    listen_to(&c);
    talk(&c, long_line);
    for (int i = 0; i < 4; i++)
        strcpy(long_line + i * 30, "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");
    talk(&c, long_line);
    talk(&c, "QUIT\r\nNOOP\r\n");
    listen_for(&c, 50, 1);
    world_hang_up(&c);
    greet(&c);
    talk(&c, "USER user2\r\n");
    talk(&c, "PASS wrong\r\n");
    greet(&other);
    talk(&other, "USER user2\r\n");
    talk(&other, "PASS pass\r\n");
    talk(&c, "USER user2\r\n");
    talk(&c, "PASS pass\r\n");
    world_hang_up(&other);
    talk(&c, "QUIT\r\n");
    world_hang_up(&c);
    greet(&c);
    talk(&c, "STLS\r\n");
    talk(&c, "NOOP\r\n");
    world_hang_up(&c);
}

static void talk_apop_twice(void)
{
    struct world_client c;
    char stamp[320] = "", line[128];
    unsigned char md5[16];
    greet(&c);
    sscanf(c.heard != NULL ? c.heard : "", "%*[^<]%300[^>]", stamp);
    strcat(stamp, ">pass");
    EVP_Digest(stamp, strlen(stamp), md5, NULL, EVP_md5(), NULL);
    size_t n = (size_t)snprintf(line, sizeof line, "APOP user2 ");
    for (int i = 0; i < 16; i++)
        n += (size_t)snprintf(line + n, sizeof line - n, "%02x", md5[i]);
    snprintf(line + n, sizeof line - n, "\r\n");
    for (int i = 0; i < 2; i++) {
        world_text(&c, line); /* not noted: it is another one each time */
        listen_to(&c);
    }
    world_hang_up(&c);
}

/* What becomes of messages. */
static void talk_of_removal(void)
{
    static const char long_mail[] = "Subject: l\r\n\r\n";
    char text[1400];
    struct world_client c;
    struct mailbox *m;
    memset(text, 'y', sizeof text);
    memcpy(text, long_mail, sizeof long_mail - 1);
    text[20] = (char)0xe4;
    memcpy(text + sizeof text - 3, "\r\n", 3);
    for (int i = 0; i < 4; i++)
        world_add(w.server.store, w.server.loop, w.user2->id, "INBOX", text, 0);
    greet(&c);
    talk_all(&c, (const char *const[]){"USER user2\r\n", "PASS pass\r\n", "RETR 2\r\n",
                                       "DELE 2\r\n", "RSET\r\n", NULL});
    ck_assert(mailbox_open(w.server.store, w.user2->id, "INBOX", &m) == 0);
    uint32_t third = m->messages[2].uid;
    store_expunge(m, &third, 1, false, NULL, NULL, NULL);
    mailbox_close(m);
    listen_for(&c, 20, 1);
    talk(&c, "LIST\r\n");
    talk(&c, "DELE 4\r\n");
    world_add(w.server.store, w.server.loop, w.user2->id, "INBOX", mail, 0);
    talk(&c, "QUIT\r\n");
    world_hang_up(&c);
    note_other_mailbox();
    world_add(w.server.store, w.server.loop, w.user2->id, "INBOX", mail, 0);
    greet(&c);
    talk_all(&c, (const char *const[]){"USER user2\r\n", "PASS pass\r\n", "DELE 1\r\n", NULL});
    talk(&c, "UIDL\r\n");
    world_hang_up(&c);
    greet(&c);
    talk_all(&c, (const char *const[]){"USER user2\r\n", "PASS pass\r\n", "DELE 1\r\n", NULL});
    for (int i = 0; i < 2; i++) {
        clock_advance(w.server.clock, 400000);
        listen_to(&c);
        talk(&c, "NOOP\r\n");
    }
    clock_advance(w.server.clock, 700000);
    listen_for(&c, 20, 1);
    world_hang_up(&c);
    note_other_mailbox();
}

static void choose(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&w.server.policy, name, value, &err) == 0, "%s", err.text);
}

/* UTF8, LANG, LOGIN-DELAY, EXPIRE. */
static void talk_of_extensions(void)
{
    static const char *const words[] = {
        "LANG\r\n",     "LANG DE\r\n",    "LANG tlh\r\n",  "STAT\r\n",
        "UTF8 now\r\n", "USER user2\r\n", "PASS pass\r\n", "CAPA\r\n",
        "UTF8\r\n",     "RETR 1\r\n",     "QUIT\r\n",
    };
    static const char *const more[] = {
        "USER user2\r\n", "PASS pass\r\n", "UTF8\r\n", "USER user2\r\n",
        "PASS pass\r\n",  "RETR 1\r\n",    "QUIT\r\n",
    };
    struct world_client c;
    choose("pop3-login-delay", "60");
    clock_advance(w.server.clock, 61000); /* it counts from logins before, too */
    choose("pop3-expire", "7");
    world_add(w.server.store, w.server.loop, w.user2->id, "INBOX",
              "Subject: \xc3\xa4\r\n\r\nbody\r\n", 0);
    greet(&c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        talk(&c, words[i]);
    world_hang_up(&c);
    greet(&c);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (i == 2)
            clock_advance(w.server.clock, 61000);
        talk(&c, more[i]);
    }
    world_hang_up(&c);
    choose("pop3-login-delay", "default");
    choose("pop3-expire", "default");
}

/* What changes from run to run is made the same: the APOP stamp, and UIDVALIDITY. */
static void even_out(char *text)
{
    struct mailbox *m;
    char number[16];
    ck_assert(mailbox_open(w.server.store, w.user1->id, "INBOX", &m) == 0);
    uint32_t validity = m->uidvalidity;
    mailbox_close(m);
    for (uint32_t i = 0; i < 2; i++) { /* user2's is the next one */
        snprintf(number, sizeof number, " %u.", validity + i);
        for (char *p; (p = strstr(text, number)) != NULL;)
            memset(p, 'v', strlen(number));
    }
}

static bool stamps_repeat(const char *text)
{
    const char *a = strchr(text, '<'), *b = a != NULL ? strchr(a + 1, '<') : NULL;
    const char *end = a != NULL ? strchr(a, '>') : NULL;
    return b != NULL && strncmp(a, b, (size_t)(end - a)) == 0;
}

/* Their lengths differ, too: process numbers do. */
static void hide_stamps(char *text)
{
    for (char *from = text; (from = strchr(from, '<')) != NULL; from++) {
        char *end = strchr(from, '>');
        if (end == NULL)
            return;
        memmove(from + 1, end, strlen(end) + 1);
    }
}

/* Where a password is not for everybody to read. */
static void talk_where_plaintext_is_off(void)
{
    struct world_client c;
    w.server.plaintext_login = false;
    greet(&c);
    talk(&c, "CAPA\r\n");
    talk(&c, "AUTH PLAIN AHVzZXIxAHdyb25n\r\n");
    world_hang_up(&c);
    w.server.plaintext_login = true;
}

static char *whole_dialogue(const char *name)
{
    transcript = NULL;
    length = 0;
    world_start(&w);
    world_start_tls(&w);
    w.server.limits.pop3_failed_logins = 100;
    if (name != NULL)
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", mail, FLAG_SEEN);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", unended, 0);
    talk_before_login();
    talk_where_plaintext_is_off();
    talk_of_the_maildrop();
    talk_inside_tls();
    talk_of_extensions();
    talk_of_lines();
    talk_apop_twice();
    talk_of_removal();
    note_text(stamps_repeat(transcript) ? "[the same stamp]\n" : "[another stamp]\n");
    hide_stamps(transcript);
    even_out(transcript);
    world_stop(&w);
    return transcript;
}

static const char *const names[] = {
#define FAULT(id, name, says, breaks) name,
#include "pop3/faults.def"
#undef FAULT
};

enum { COUNT = sizeof names / sizeof *names };

static char *right; /* the dialogue without faults */

/* Where two texts part, for the message; the texts themselves are long. */
static const char *parting(const char *a, const char *b)
{
    static char text[300];
    size_t i = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    size_t from = i > 40 ? i - 40 : 0;
    snprintf(text, sizeof text, "\"%.80s\" and \"%.80s\"", a + from, b + from);
    return text;
}

static void begin(void)
{
    right = whole_dialogue(NULL);
}

static void end(void)
{
    free(right);
}

START_TEST(nothing_differs_without_a_fault)
    {
        char *again = whole_dialogue(NULL);
        ck_assert_msg(strcmp(right, again) == 0, "%s", parting(right, again));
        free(again);
    }
END_TEST

START_TEST(it_shows)
    {
        char *wrong = whole_dialogue(names[_i]);
        ck_assert_msg(strcmp(right, wrong) != 0, "%s changes nothing", names[_i]);
        free(wrong);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("pop3 faults");
    TCase *t = tcase_create("each");
    tcase_add_unchecked_fixture(t, begin, end);
    tcase_add_test(t, nothing_differs_without_a_fault);
    tcase_add_loop_test(t, it_shows, 0, COUNT);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
