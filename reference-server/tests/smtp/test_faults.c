/* Every fault of SMTP shows: dialogues that are the same each time without faults differ with each
 * one. What only a crash or a slow disk could show is left out by name. SPDX-License-Identifier:
 * MIT */
#include "scram_client.h"
#include "smtp_world.h"

static struct world w;
static char *transcript;
static size_t length;

static void note(const char *text, size_t n)
{
    char *more = realloc(transcript, length + n + 1);
    ck_assert(more != NULL);
    transcript = more;
    memcpy(transcript + length, text, n);
    length += n;
    transcript[length] = '\0';
}

/* Ids, times and what they put into messages differ between runs; nonces do anyway. */
static void note_reply(const char *text, size_t n)
{
    const char *id = strstr(text, "Stored as ");
    if (id != NULL && (size_t)(id - text) < n) {
        note(text, (size_t)(id - text));
        const char *end = strstr(id, "\r\n");
        note_reply(end, n - (size_t)(end - text));
    } else {
        note(text, n);
    }
}

static bool some_work_is_under_way(void)
{
    return w.server.conns != NULL &&
           w.server.conns->parked; /* the newest session is the one that talks */
}

/* Says the text in one write and notes what comes back until the server is quiet: it has nothing to
 * wait for, and a few rounds of the loop brought nothing. */
static void say(struct world_client *k, const char *text)
{
    world_forget(k);
    if (!k->ended)
        world_text(k, text);
    for (int quiet = 0; !k->ended && quiet < 4;) {
        size_t before = k->len;
        bool busy = some_work_is_under_way();
        world_round_of(k, busy ? 1 : 0);
        quiet = busy || k->len != before ? 0 : quiet + 1;
    }
    note("> ", 2);
    note(text, strlen(text));
    if (k->len > 0)
        note_reply(k->heard, k->len);
    if (k->ended)
        note("[closed]\n", 9);
}

static void session(enum service service, const char *const *lines, bool tls)
{
    struct world_client k;
    world_connect(&w, &k, service, &smtp_protocol, false);
    say(&k, "");
    for (; *lines != NULL; lines++)
        say(&k, *lines);
    if (tls && !k.ended) {
        ck_assert(world_handshake(&k, 0));
        static const char *const inside[] = {
            "RCPT TO:<user1@test.example>\r\n",
            "EHLO c.example\r\n",
            "MAIL FROM:<a@b>\r\n",
            "RCPT TO:<user1@test.example>\r\n",
            NULL,
        };
        for (size_t i = 0; inside[i] != NULL; i++)
            say(&k, inside[i]);
    }
    world_hang_up(&k);
    loop_once(w.server.loop, 1);
}

#define MAIL "MAIL FROM:<Ann@client.example>\r\n"
#define RCPT "RCPT TO:<user1@test.example>\r\n"
#define EHLO "EHLO c.example\r\n"

static void all_sessions(void)
{
    static const char *const commands[] = {"NOOP\r\n",
                                           "noop\r\n",
                                           "VRFY user1\r\n",
                                           "VRFY nobody\r\n",
                                           RCPT,
                                           EHLO,
                                           "EHLO\r\n",
                                           "HELO c.example\r\n",
                                           "XFROB\r\n",
                                           "DATA\r\n",
                                           "RSET x\r\n",
                                           MAIL,
                                           "DATA\r\n",
                                           "MAIL FROM:<a@b>\r\n",
                                           "RCPT TO:<nobody@test.example>\r\n" RCPT
                                           "RCPT TO:<x@elsewhere.example>\r\nNOOP\r\n",
                                           "RSET\r\n",
                                           RCPT,
                                           EHLO,
                                           MAIL,
                                           "NOOP\r\n",
                                           RCPT,
                                           "RSET\r\n",
                                           MAIL,
                                           RCPT,
                                           EHLO,
                                           RCPT,
                                           MAIL,
                                           "EHLO\r\n",
                                           RCPT,
                                           "QUIT\r\n",
                                           "NOOP\r\n",
                                           NULL};
    static const char *const paths[] = {EHLO,
                                        "MAIL FROM:<a@\r\n",
                                        MAIL,
                                        "RSET\r\n",
                                        "MAIL FROM:<>\r\n",
                                        "RSET\r\n",
                                        "MAIL FROM:<a@b> FROB\r\n",
                                        "RSET\r\n",
                                        "MAIL FROM:<a@b> SIZE=99999999999\r\n",
                                        "RSET\r\n",
                                        MAIL,
                                        "RCPT TO:<\"user1\"@test.example>\r\n",
                                        "RCPT TO:<x@[192.0.2.1]>\r\n",
                                        "RCPT TO:<@r.example:user1@test.example>\r\n",
                                        "RCPT TO:<postmaster>\r\n",
                                        "RCPT TO:<PostMaster@test.example>\r\n",
                                        "RCPT TO:<user1@TEST.example>\r\n",
                                        "RSET\r\n",
                                        RCPT,
                                        "DATA\r\n",
                                        NULL};
    static const char *const texts[] = {
        EHLO,
        MAIL,
        RCPT,
        "DATA\r\n",
        "a\n.\nNOOP\r\n.\r\n",
        "RSET\r\n",
        MAIL,
        RCPT,
        "DATA\r\n",
        "a\n.\r\nNOOP\r\n.\r\n",
        "RSET\r\n",
        MAIL,
        RCPT,
        "DATA\r\n",
        "a\r\n.\nNOOP\r\n.\r\n",
        "RSET\r\n",
        MAIL,
        RCPT,
        "DATA\r\n",
        "a\r.\rNOOP\r\n.\r\n",
        "RSET\r\n",
        MAIL,
        RCPT,
        "DATA\r\n",
        "NOOP\r\nQUIT\r\n",
        "x\r\n.\r\n",
        RCPT,
        "RSET\r\n",
        MAIL,
        RCPT,
        "BDAT 5\r\n.a\r\n.",
        "BDAT 0 LAST\r\n",
        "RSET\r\n",
        "BDAT 6\r\nNOOP\r\nNOOP\r\n",
        MAIL,
        RCPT,
        "RSET\r\n",
        MAIL,
        "RCPT TO:<user2@test.example>\r\n",
        "DATA\r\n",
        ".\r\n",
        MAIL,
        RCPT,
        "RCPT TO:<user2@test.example>\r\n",
        "DATA\r\n",
        "Received: from x\r\nReturn-Path: <old@x>\r\n\r\n..x\x01\xc3\xa4y\r\n...\r\n",
        "z\r\n.\r\n",
        NULL};
    static const char *const login[] = {EHLO,
                                        "MAIL FROM:<a@b>\r\n",
                                        "AUTH DIGEST-MD5\r\n",
                                        "AUTH PLAIN\r\n",
                                        "*\r\n",
                                        "RSET\r\n",
                                        "AUTH LOGIN\r\n",
                                        "*\r\n",
                                        "RSET\r\n",
                                        "AUTH PLAIN =\r\n",
                                        "RSET\r\n",
                                        "AUTH PLAIN AHVzZXIx!AHBhc3M=\r\n",
                                        "RSET\r\n",
                                        "AUTH PLAIN AG5vYm9keQB4\r\n",
                                        NULL};
    static const char *const wrong[] = {EHLO, "AUTH PLAIN AHVzZXIxAHdyb25n\r\n", "NOOP\r\n", NULL};
    static const char *const twice[] = {EHLO,
                                        "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n",
                                        "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n",
                                        "MAIL FROM:<a@b>\r\n",
                                        "RSET\r\n",
                                        NULL};
    static const char *const late[] = {EHLO, MAIL, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", NULL};
    static const char *const tls[] = {EHLO, MAIL, "STARTTLS x\r\n", "STARTTLS\r\n", NULL};
    static const char *const tls_login[] = {EHLO, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "STARTTLS\r\n",
                                            NULL};
    static const char *const fallen[] = {EHLO, "STARTTLS\r\n", "NOOP\r\n", NULL};
    static const char *const lmtp[] = {
        "LHLO c.example\r\n", MAIL,    RCPT, "RCPT TO:<user2@test.example>\r\n",
        "DATA\r\n",           ".\r\n", NULL};
    session(SERVICE_SMTP, commands, false);
    session(SERVICE_SMTP, paths, false);
    session(SERVICE_SMTP, texts, false);
    session(SERVICE_SUBMISSION, login, false);
    session(SERVICE_SMTP, wrong, false);
    session(SERVICE_SUBMISSION, twice, false);
    session(SERVICE_SMTP, late, false);
    session(SERVICE_SUBMISSION, tls, true);
    session(SERVICE_SMTP, tls, true);
    session(SERVICE_SUBMISSION, tls_login, true);
    session(SERVICE_SMTP, fallen, false);
    session(SERVICE_LMTP, lmtp, false);
}

/* Lines and reads that are cut in two, long lines, many recipients, large and long-lined messages.
 */
static void sizes(void)
{
    struct world_client k;
    char big[42000];
    smtp_world_connect(&w, &k, SERVICE_SMTP);
    world_say(&k, "NO", 2);
    for (int i = 0; i < 4; i++)
        world_round_of(&k, 0);
    say(&k, "OP\r\n");
    memset(big, 'x', sizeof big);
    memcpy(big, "NOOP ", 5);
    memcpy(big + 400, "\r\n", 3);
    say(&k, big);
    big[400] = big[401] = big[402] = 'x';
    memcpy(big + 4094, "y\r\nNOOP\r\n", 10);
    memcpy(big + 5, "xxx", 3);
    say(&k, big);
    say(&k, EHLO);
    say(&k, MAIL);
    for (int i = 0; i < 51; i++)
        say(&k, RCPT);
    say(&k, "DATA\r\n");
    memset(big, 'x', sizeof big);
    for (size_t i = 998; i + 2 < sizeof big; i += 1000)
        memcpy(big + i, "\r\n", 2);
    memcpy(big + sizeof big - 8, "\r\n.\r\n", 6);
    say(&k, big);
    say(&k, MAIL);
    say(&k, RCPT);
    say(&k, "DATA\r\n");
    world_text(&k, "x\r\n.");
    for (int i = 0; i < 4; i++)
        world_round_of(&k, 0);
    say(&k, "\r\n");
    world_hang_up(&k);
    /* Text that is cut off by the end of the connection. */
    smtp_world_connect(&w, &k, SERVICE_SMTP);
    say(&k, EHLO);
    say(&k, MAIL);
    say(&k, RCPT);
    say(&k, "DATA\r\nunfinished\r\n");
    shutdown(k.fd, SHUT_WR);
    for (int i = 0; i < 500 && !k.ended; i++)
        world_round_of(&k, 1);
    world_hang_up(&k);
}

/* A login by SCRAM up to its last word; nonce and signature are judged and not noted. */
static void scram(void)
{
    struct world_client k;
    char first64[256], server_first[512], final[1024], final64[1024], line[1200];
    static char last_nonce[64];
    smtp_world_connect(&w, &k, SERVICE_SMTP);
    say(&k, EHLO);
    scram_encode("n,," SCRAM_FIRST_BARE, first64);
    snprintf(line, sizeof line, "AUTH SCRAM-SHA-1 %s\r\n", first64);
    const char *heard = world_ask(&k, line, "");
    size_t n = strcspn(heard + 4, "\r");
    if (n % 4 != 0 || strncmp(heard, "334 cj1", 7) != 0) {
        note("no exchange\n", 12);
        world_hang_up(&k);
        return;
    }
    scram_decode(heard + 4, n, server_first);
    if (strncmp(last_nonce, server_first, 40) == 0)
        note("the nonce again\n", 16);
    snprintf(last_nonce, sizeof last_nonce, "%.40s", server_first);
    scram_final(server_first, "pass", final, sizeof final);
    scram_encode(final, final64);
    snprintf(line, sizeof line, "%s\r\n", final64);
    heard = world_ask(&k, line, "");
    note(heard, 4);
    world_hang_up(&k);
}

/* Messages, without what differs between runs. */
static void mailboxes(void)
{
    struct account *const all[] = {w.user1, w.user2};
    for (size_t a = 0; a < 2; a++) {
        struct mailbox *m = NULL;
        ck_assert_int_eq(mailbox_open(w.server.store, all[a]->id, "INBOX", &m), 0);
        for (size_t i = 0; i < m->count; i++) {
            struct blob b;
            struct err err;
            ck_assert_int_eq(blob_read(w.server.store, m->messages[i].blob, &b, &err), 0);
            const char *p = (const char *)b.data, *id = strstr(p, " id ");
            const char *semicolon = id == NULL ? NULL : strchr(id, ';');
            size_t head = semicolon == NULL ? 0 : (size_t)(id - p);
            note(p, head);
            if (semicolon != NULL) {
                const char *end = strstr(semicolon, "\r\n");
                char size[32];
                snprintf(size, sizeof size, "; date of %d\n", (int)(end - semicolon));
                note(size, strlen(size));
                note(end, b.len - (size_t)(end - p));
            } else {
                note(p, b.len);
            }
            blob_release(&b);
        }
        mailbox_close(m);
    }
}

static char *everything(const char *name)
{
    length = 0;
    free(transcript);
    transcript = NULL;
    world_start(&w);
    world_start_tls(&w);
    if (strcmp(name, "smtp-plaintext-login-in-clear") == 0 || strcmp(name, "none, strictly") == 0)
        w.server.plaintext_login = false;
    if (name[0] == 's' || name[0] == 'l')
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
    all_sessions();
    sizes();
    if (w.server.plaintext_login) {
        scram();
        scram();
    }
    mailboxes();
    world_stop(&w);
    return strdup(transcript);
}

static const char *const names[] = {
#define FAULT(id, name, says, breaks) name,
#include "smtp/faults.def"
#undef FAULT
};

/* What these dialogues cannot see; the binding needs TLS on both sides: test_sasl.c. */
static bool out_of_sight(const char *name)
{
    return strcmp(name, "smtp-250-before-stored") == 0 ||
           strcmp(name, "sasl-scram-binding-unchecked") == 0 ||
           strcmp(name, "sasl-scram-wrong-signature") == 0;
}

/* One after the other in one process: each is a server of its own. */
START_TEST(every_fault_shows)
    {
        char *lax = everything("none"), *strict = everything("none, strictly");
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            bool in_clear = strcmp(names[i], "smtp-plaintext-login-in-clear") == 0;
            char *faulty = everything(names[i]);
            bool seen = strcmp(in_clear ? strict : lax, faulty) != 0;
            ck_assert_msg(seen != out_of_sight(names[i]), "%s is %sseen", names[i],
                          seen ? "" : "not ");
            free(faulty);
        }
        free(lax);
        free(strict);
    }
END_TEST

START_TEST(without_faults_it_is_the_same_twice)
    {
        char *one = everything("none"), *two = everything("none");
        size_t same = 0;
        while (one[same] != '\0' && one[same] == two[same])
            same++;
        ck_assert_msg(one[same] == two[same], "they part at: %.300s ... or: %.300s",
                      one + (same > 60 ? same - 60 : 0), two + (same > 60 ? same - 60 : 0));
        free(one);
        free(two);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp faults");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, without_faults_it_is_the_same_twice);
    tcase_add_test(t, every_fault_shows);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
