/* POP3 sessions, fed with bytes through a real connection: in one piece, and at every cut.
 * SPDX-License-Identifier: MIT */
#include <openssl/evp.h>

#include "scram_client.h"
#include "world.h"

static struct world w;
static struct world_client c;

static const char first[] =
    "From: a@example\r\nSubject: one\r\n\r\nline 1\r\n.dot\r\n..two\r\nlast\r\n";
static const char second[] = "Subject: two\r\n\r\nbody";

static void connect_client(void)
{
    world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
    world_hear(&c, "\r\n");
}

static void begin(void)
{
    world_start(&w);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", first, 0);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", second, 0);
    connect_client();
}

static void end(void)
{
    world_hang_up(&c);
    world_stop(&w);
}

static void login(struct world_client *k)
{
    world_ask(k, "USER user1\r\n", "+OK");
    world_ask(k, "PASS pass\r\n", "+OK 2 messages, 82 octets\r\n");
}

static struct mailbox *inbox(void)
{
    struct mailbox *m;
    ck_assert(mailbox_open(w.server.store, w.user1->id, "INBOX", &m) == 0);
    return m;
}

/* --- the maildrop --- */

START_TEST(a_session_reads_lists_and_leaves)
    {
        char list[64], uidl[128];
        ck_assert_ptr_nonnull(strstr(c.heard, "+OK "));
        login(&c);
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
        world_expect(&c, "LIST\r\n", "+OK 2 messages\r\n1 60\r\n2 22\r\n.\r\n");
        world_expect(&c, "LIST 2\r\n", "+OK 2 22\r\n");
        snprintf(list, sizeof list, "+OK 1 %u.1\r\n", inbox()->uidvalidity);
        world_expect(&c, "UIDL 1\r\n", list);
        snprintf(uidl, sizeof uidl, "+OK unique-ids follow\r\n1 %u.1\r\n2 %u.2\r\n.\r\n",
                 inbox()->uidvalidity, inbox()->uidvalidity);
        world_expect(&c, "uidl\r\n", uidl);
        world_expect(&c, "NOOP\r\n", "+OK nothing done\r\n");
        world_ask(&c, "QUIT\r\n", "+OK");
        world_hear(&c, NULL);
        ck_assert_uint_eq(inbox()->count, 2);
    }
END_TEST

START_TEST(dots_are_doubled_and_the_last_line_is_ended)
    {
        login(&c);
        world_expect(&c, "RETR 1\r\n",
                     "+OK 60 octets\r\nFrom: a@example\r\nSubject: one\r\n\r\nline 1\r\n..dot\r\n"
                     "...two\r\nlast\r\n.\r\n");
        world_expect(&c, "RETR 2\r\n", "+OK 22 octets\r\nSubject: two\r\n\r\nbody\r\n.\r\n");
    }
END_TEST

START_TEST(bare_line_feeds_go_out_as_line_ends)
    {
        world_add(w.server.store, w.server.loop, w.user2->id, "INBOX", "A: b\n\n.x\ny\r\n", 0);
        world_ask(&c, "USER user2\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "+OK 1 messages, 15 octets");
        world_expect(&c, "RETR 1\r\n", "+OK 15 octets\r\nA: b\r\n\r\n..x\r\ny\r\n.\r\n");
    }
END_TEST

START_TEST(top_sends_the_header_and_so_many_lines)
    {
        static const struct {
            const char *command, *body;
        } cases[] = {
            {"TOP 1 0\r\n", ""},
            {"TOP 1 1\r\n", "line 1\r\n"},
            {"TOP 1 3\r\n", "line 1\r\n..dot\r\n...two\r\n"},
            {"TOP 1 4\r\n", "line 1\r\n..dot\r\n...two\r\nlast\r\n"},
            {"TOP 1 4000000000\r\n", "line 1\r\n..dot\r\n...two\r\nlast\r\n"},
        };
        char answer[256];
        login(&c);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            snprintf(answer, sizeof answer,
                     "+OK top of message follows\r\nFrom: a@example\r\nSubject: one\r\n\r\n%s.\r\n",
                     cases[i].body);
            world_expect(&c, cases[i].command, answer);
        }
    }
END_TEST

START_TEST(an_empty_maildrop_is_no_error)
    {
        world_ask(&c, "USER user2\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "+OK");
        world_expect(&c, "STAT\r\n", "+OK 0 0\r\n");
        world_expect(&c, "LIST\r\n", "+OK 0 messages\r\n.\r\n");
        world_expect(&c, "UIDL\r\n", "+OK unique-ids follow\r\n.\r\n");
        world_ask(&c, "RETR 1\r\n", "-ERR");
    }
END_TEST

START_TEST(what_is_marked_is_out_of_reach_until_rset)
    {
        static const char *const refused[] = {"LIST 1\r\n", "RETR 1\r\n", "DELE 1\r\n",
                                              "TOP 1 0\r\n", "UIDL 1\r\n"};
        login(&c);
        world_ask(&c, "DELE 1\r\n", "+OK");
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            world_ask(&c, refused[i], "-ERR");
        world_expect(&c, "STAT\r\n", "+OK 1 22\r\n");
        world_expect(&c, "LIST\r\n", "+OK 1 messages\r\n2 22\r\n.\r\n");
        world_ask(&c, "RSET\r\n", "+OK");
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
        world_ask(&c, "QUIT\r\n", "+OK");
        world_hear(&c, NULL);
        ck_assert_uint_eq(inbox()->count, 2);
    }
END_TEST

START_TEST(quit_removes_what_is_marked_and_nothing_else)
    {
        login(&c);
        world_ask(&c, "DELE 2\r\n", "+OK");
        ck_assert_uint_eq(inbox()->count, 2);
        world_ask(&c, "QUIT\r\n", "+OK");
        world_hear(&c, NULL);
        ck_assert_uint_eq(inbox()->count, 1);
        ck_assert_uint_eq(inbox()->messages[0].uid, 1);
    }
END_TEST

START_TEST(without_quit_nothing_is_removed)
    {
        login(&c);
        world_ask(&c, "DELE 2\r\n", "+OK");
        world_hang_up(&c);
        ck_assert_uint_eq(inbox()->count, 2);
        connect_client();
        login(&c); /* and the lock is gone */
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
    }
END_TEST

START_TEST(an_idle_session_ends_without_a_word)
    {
        login(&c);
        world_ask(&c, "DELE 1\r\n", "+OK");
        world_forget(&c);
        clock_advance(w.server.clock, 599 * 1000);
        world_ask(&c, "NOOP\r\n", "+OK");
        clock_advance(w.server.clock, 599 * 1000);
        world_ask(&c, "NOOP\r\n", "+OK"); /* each command begins the ten minutes anew */
        world_forget(&c);
        clock_advance(w.server.clock, 601 * 1000);
        ck_assert_str_eq(world_hear(&c, NULL), "");
        ck_assert_uint_eq(inbox()->count, 2);
    }
END_TEST

START_TEST(mail_that_arrives_later_is_not_seen)
    {
        login(&c);
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "late\r\n", 0);
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
        world_ask(&c, "RETR 3\r\n", "-ERR");
    }
END_TEST

START_TEST(a_second_session_is_told_in_use)
    {
        struct world_client other;
        login(&c);
        world_connect(&w, &other, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&other, "\r\n");
        world_ask(&other, "USER user1\r\n", "+OK");
        world_ask(&other, "PASS wrong\r\n", "-ERR [AUTH]");
        world_ask(&other, "USER user1\r\n", "+OK");
        world_ask(&other, "PASS pass\r\n", "-ERR [IN-USE]");
        world_ask(&c, "QUIT\r\n", "+OK");
        login(&other);
        world_hang_up(&other);
    }
END_TEST

/* --- lines and states --- */

START_TEST(wrong_commands_are_refused_and_the_session_goes_on)
    {
        static const char *const before[] = {
            "STAT\r\n",
            "LIST\r\n",
            "NOOP\r\n",
            "RSET\r\n",
            "RETR 1\r\n",
            "TOP 1 1\r\n",
            "UIDL\r\n",
            "DELE 1\r\n",
            "PASS x\r\n",
            "XYZZY\r\n",
            "\r\n",
            " USER user1\r\n",
            "USER\r\n",
            "USER \r\n",
            "USER a b\r\n",
            "USER  a\r\n",
            "CAPA x\r\n",
            "QUIT now\r\n",
            "AUTH\r\n",
            "AUTH XYZZY\r\n",
            "AUTH PLAIN !\r\n",
            "APOP user1\r\n",
            "APOP user1 0123\r\n",
            "STLS x\r\n",
            "STLS\r\n",
            "NO\001OP\r\n",
            "LONGERTHANANYCOMMAND x\r\n",
        };
        static const char *const after[] = {
            "USER user1\r\n",
            "PASS pass\r\n",
            "APOP a b\r\n",
            "AUTH PLAIN\r\n",
            "STLS\r\n",
            "LIST 0\r\n",
            "LIST 3\r\n",
            "LIST -1\r\n",
            "LIST 1 2\r\n",
            "LIST x\r\n",
            "LIST 4294967297\r\n",
            "RETR\r\n",
            "RETR 1x\r\n",
            "RETR 0\r\n",
            "DELE\r\n",
            "TOP\r\n",
            "TOP 1\r\n",
            "TOP 1 -1\r\n",
            "TOP 1 x\r\n",
            "TOP 9 1\r\n",
            "NOOP x\r\n",
            "RSET x\r\n",
            "STAT \r\n",
            "UIDL 9\r\n",
            "NOOP\n\r\n",
            "LIST \r\n",
        };
        for (size_t i = 0; i < sizeof before / sizeof *before; i++)
            world_ask(&c, before[i], "-ERR ");
        login(&c);
        for (size_t i = 0; i < sizeof after / sizeof *after; i++)
            world_ask(&c, after[i], "-ERR ");
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
    }
END_TEST

START_TEST(pass_follows_user_at_once_or_not_at_all)
    {
        world_ask(&c, "PASS pass\r\n", "-ERR");
        world_ask(&c, "USER user1\r\n", "+OK");
        world_ask(&c, "CAPA x\r\n", "-ERR");
        world_ask(&c, "PASS pass\r\n", "-ERR");
        world_ask(&c, "USER user1\r\n", "+OK");
        world_ask(&c, "PASS wrong\r\n", "-ERR [AUTH]");
        world_ask(&c, "PASS pass\r\n", "-ERR");
        world_ask(&c, "USER nobody\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "-ERR [AUTH]");
        login(&c);
    }
END_TEST

START_TEST(a_password_may_hold_spaces)
    {
        ck_assert(accounts_add(w.server.accounts, w.server.store, "spacy", " a b ", NULL, NULL,
                               NULL) == 0);
        world_ask(&c, "USER spacy\r\n", "+OK");
        world_ask(&c, "PASS  a b \r\n", "+OK");
    }
END_TEST

START_TEST(a_line_that_is_too_long_is_refused_once)
    {
        char line[5000];
        memset(line, 'x', sizeof line);
        login(&c);
        world_forget(&c);
        world_say(&c, line, sizeof line);
        for (int i = 0; i < 5; i++)
            world_round(&c);
        world_say(&c, line, sizeof line);
        world_expect(&c, "\r\nNOOP\r\n", "-ERR this line is too long\r\n+OK nothing done\r\n");
        memset(line, ' ', 255);
        memcpy(line, "LIST 1", 6);
        memcpy(line + 253, "\r\n",
               3); /* 255 octets have to be taken; the spaces are wrong, not the length */
        world_ask(&c, line, "-ERR one space");
    }
END_TEST

/* The same dialogue at every cut, and octet by octet. */
START_TEST(every_cut_gives_the_same_answers)
    {
        static const char said[] =
            "USER user1\r\nPASS pass\r\nSTAT\r\nRETR 2\r\nLIST\r\nbad\r\nDELE 1\r\n"
            "RSET\r\nTOP 1 1\r\nNOOP\r\n";
        char *whole = NULL;
        for (size_t cut = 0; cut <= strlen(said); cut++) {
            if (cut > 0)
                connect_client();
            world_forget(&c);
            if (cut == strlen(said)) {
                for (size_t i = 0; i < strlen(said); i++) {
                    world_say(&c, said + i, 1);
                    world_round(&c);
                }
            } else {
                world_say(&c, said, cut);
                world_round(&c);
                world_say(&c, said + cut, strlen(said) - cut);
            }
            const char *heard = world_hear(&c, "+OK nothing done\r\n");
            if (whole == NULL)
                whole = strdup(heard);
            ck_assert_msg(strcmp(heard, whole) == 0, "cut after octet %zu: \"%s\"", cut, heard);
            if (cut < strlen(said))
                world_hang_up(&c);
        }
        ck_assert_ptr_nonnull(
            strstr(whole, "+OK 2 82\r\n+OK 22 octets\r\nSubject: two\r\n\r\nbody\r\n.\r\n"
                          "+OK 2 messages\r\n1 60\r\n2 22\r\n.\r\n-ERR"));
        free(whole);
    }
END_TEST

/* Many long responses asked for at once, read late: no deadlock, nothing lost (RFC 2449, 6.6). */
START_TEST(a_pipeline_of_long_responses_arrives_whole)
    {
        enum { LINES = 20000, TIMES = 10 };
        char *big = malloc(LINES * 10 + 10);
        char *at = big + sprintf(big, "S: x\r\n\r\n");
        for (int i = 0; i < LINES; i++)
            at += sprintf(at, ".%05d\r\n", i);
        world_add(w.server.store, w.server.loop, w.user2->id, "INBOX", big, 0);
        world_ask(&c, "USER user2\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "+OK");
        world_forget(&c);
        for (int i = 0; i < TIMES; i++)
            ck_assert_int_eq(send(c.fd, "RETR 1\r\n", 8, MSG_NOSIGNAL), 8);
        ck_assert_int_eq(send(c.fd, "STAT\r\n", 6, MSG_NOSIGNAL), 6);
        for (int i = 0; i < 50; i++)
            loop_once(w.server.loop, 0); /* nobody reads */
        ck_assert_uint_le(conn_queued(w.server.conns), CONN_HIGH_MARK + 65536);
        char stat[64];
        snprintf(stat, sizeof stat, ".\r\n+OK 1 %zu\r\n", strlen(big));
        const char *heard = world_hear(&c, stat);
        size_t one = strlen(big) + LINES + 3; /* dots doubled, and the end */
        char first_line[64];
        size_t head =
            (size_t)snprintf(first_line, sizeof first_line, "+OK %zu octets\r\n", strlen(big));
        ck_assert_uint_eq(c.len, TIMES * (head + one) + strlen(stat) - 3);
        ck_assert(strncmp(heard, first_line, head) == 0);
        free(big);
    }
END_TEST

START_TEST(a_client_that_half_closes_gets_its_answers)
    {
        login(&c);
        world_forget(&c);
        world_text(&c, "RETR 2\r\nDELE 1\r\nSTAT\r\n");
        shutdown(c.fd, SHUT_WR);
        const char *heard = world_hear(&c, NULL);
        ck_assert_ptr_nonnull(strstr(heard, "+OK 1 22\r\n"));
        ck_assert_uint_eq(inbox()->count, 2);
    }
END_TEST

START_TEST(too_many_wrong_commands_end_the_session)
    {
        w.server.limits.pop3_bad_commands = 5;
        for (int i = 0; i < 5; i++)
            world_ask(&c, "XYZZY\r\n", "-ERR");
        world_hear(&c, NULL);
    }
END_TEST

/* --- login --- */

START_TEST(capa_tells_the_same_before_and_after_login)
    {
        char before[512];
        world_forget(&c);
        world_text(&c, "CAPA\r\n");
        snprintf(before, sizeof before, "%s", world_hear(&c, "\r\n.\r\n"));
        static const char *const lines[] = {
            "TOP", "USER", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"};
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
            char line[32];
            snprintf(line, sizeof line, "\r\n%s\r\n", lines[i]);
            ck_assert_msg(strstr(before, line) != NULL, "no %s in \"%s\"", lines[i], before);
        }
        ck_assert_ptr_nonnull(strstr(before, "\r\nSASL "));
        ck_assert_ptr_null(strstr(before, "STLS")); /* no certificate, no STLS */
        login(&c);
        world_expect(&c, "CAPA\r\n", before);
    }
END_TEST

static void digest(const char *secret, char hex[33])
{
    char text[600];
    unsigned char md5[EVP_MAX_MD_SIZE];
    const char *from = strchr(c.heard, '<'), *to = strchr(c.heard, '>');
    ck_assert(from != NULL && to != NULL && strchr(from, '@') < to);
    int n = snprintf(text, sizeof text, "%.*s%s", (int)(to - from + 1), from, secret);
    ck_assert(EVP_Digest(text, (size_t)n, md5, NULL, EVP_md5(), NULL) == 1);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", md5[i]);
}

START_TEST(apop_takes_the_right_digest_only)
    {
        char right[33], wrong[33], command[64], stamp[512];
        digest("pass", right);
        digest("other", wrong);
        snprintf(stamp, sizeof stamp, "%s", c.heard);
        snprintf(command, sizeof command, "APOP user1 %s\r\n", wrong);
        world_ask(&c, command, "-ERR [AUTH]");
        snprintf(command, sizeof command, "APOP nobody %s\r\n", right);
        world_ask(&c, command, "-ERR [AUTH]");
        snprintf(command, sizeof command, "APOP user1 %s\r\n", right);
        world_ask(&c, command, "+OK");
        world_hang_up(&c);
        connect_client();
        ck_assert_str_ne(stamp, c.heard); /* it never comes twice */
        world_ask(&c, command, "-ERR");
    }
END_TEST

START_TEST(auth_plain_in_each_of_its_forms)
    {
        /* user1, pass */
        world_ask(&c, "AUTH PLAIN AHVzZXIxAHdyb25n\r\n", "-ERR [AUTH]");
        world_expect(&c, "AUTH PLAIN\r\n", "+ \r\n");
        world_ask(&c, "*\r\n", "-ERR");
        world_expect(&c, "auth plain\r\n", "+ \r\n");
        world_ask(&c, "AHVzZXIxAHBhc3M\r\n", "-ERR"); /* no padding */
        world_ask(&c, "STAT\r\n", "-ERR");            /* the exchange is over */
        world_ask(&c, "AUTH PLAIN =\r\n", "-ERR");
        world_expect(&c, "AUTH PLAIN\r\n", "+ \r\n");
        world_ask(&c, "AHVzZXIxAHBhc3M=\r\n", "+OK 2 messages");
        world_ask(&c, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "-ERR");
        world_expect(&c, "STAT\r\n", "+OK 2 82\r\n");
    }
END_TEST

START_TEST(auth_with_an_initial_response)
    {
        world_ask(&c, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "+OK 2 messages");
    }
END_TEST

/* +OK carries no data: the server's signature is a challenge of its own (RFC 5034, 4). */
START_TEST(auth_scram_ends_with_an_empty_response)
    {
        char line[1024], challenge[512], final[512];
        scram_encode("n,," SCRAM_FIRST_BARE, final);
        snprintf(line, sizeof line, "AUTH SCRAM-SHA-1 %s\r\n", final);
        const char *heard = world_ask(&c, line, "+ ");
        scram_decode(heard + 2, strlen(heard) - 4, challenge);
        scram_final(challenge, "pass", line, sizeof line);
        scram_encode(line, final);
        snprintf(line, sizeof line, "%s\r\n", final);
        heard = world_ask(&c, line, "+ ");
        scram_decode(heard + 2, strlen(heard) - 4, challenge);
        ck_assert_msg(strncmp(challenge, "v=", 2) == 0, "%s", challenge);
        world_ask(&c, "\r\n", "+OK 2 messages");
    }
END_TEST

START_TEST(no_password_in_clear_where_that_is_off)
    {
        w.server.plaintext_login = false;
        world_ask(&c, "USER user1\r\n", "-ERR");
        world_ask(&c, "PASS pass\r\n", "-ERR");
        world_ask(&c, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "-ERR");
        world_forget(&c);
        world_text(&c, "CAPA\r\n");
        const char *capa = world_hear(&c, "\r\n.\r\n");
        ck_assert_ptr_null(strstr(capa, "\r\nUSER\r\n"));
        ck_assert_ptr_null(strstr(capa, "PLAIN"));
    }
END_TEST

START_TEST(failed_logins_come_to_an_end)
    {
        w.server.limits.pop3_failed_logins = 3;
        for (int i = 0; i < 3; i++) {
            world_ask(&c, "USER user1\r\n", "+OK");
            world_ask(&c, "PASS wrong\r\n", "-ERR [AUTH]");
        }
        world_hear(&c, NULL);
    }
END_TEST

/* --- TLS --- */

START_TEST(stls_forgets_what_was_said_in_clear)
    {
        world_start_tls(&w);
        world_ask(&c, "USER user1\r\n", "+OK");
        world_forget(&c);
        world_text(&c, "STLS\r\nCAPA\r\n"); /* the second one is dropped */
        world_hear(&c, "+OK begin TLS\r\n");
        ck_assert(world_handshake(&c, 0));
        world_ask(&c, "PASS pass\r\n", "-ERR USER comes first");
        world_ask(&c, "STLS\r\n", "-ERR TLS is active");
        login(&c);
        world_ask(&c, "STLS\r\n", "-ERR");
        world_ask(&c, "QUIT\r\n", "+OK");
        world_hear(&c, NULL);
        ck_assert(c.notified);
    }
END_TEST

START_TEST(the_buffer_fault_obeys_the_plaintext_inside_tls)
    {
        world_start_tls(&w);
        fault_switch("pop3-stls-keeps-buffer", true, NULL);
        world_text(&c, "STLS\r\nUSER user1\r\n");
        world_hear(&c, "+OK begin TLS\r\n");
        ck_assert(world_handshake(&c, 0));
        world_forget(&c);
        world_hear(&c, "+OK and the password?\r\n");
    }
END_TEST

START_TEST(pop3s_speaks_tls_at_once)
    {
        world_start_tls(&w);
        world_hang_up(&c);
        world_connect(&w, &c, SERVICE_POP3S, &pop3_protocol, true);
        ck_assert(world_handshake(&c, _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION));
        world_hear(&c, "\r\n");
        login(&c);
        world_expect(&c, "LIST 1\r\n", "+OK 1 60\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("pop3");
    TCase *t = tcase_create("maildrop");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_session_reads_lists_and_leaves);
    tcase_add_test(t, dots_are_doubled_and_the_last_line_is_ended);
    tcase_add_test(t, bare_line_feeds_go_out_as_line_ends);
    tcase_add_test(t, top_sends_the_header_and_so_many_lines);
    tcase_add_test(t, an_empty_maildrop_is_no_error);
    tcase_add_test(t, what_is_marked_is_out_of_reach_until_rset);
    tcase_add_test(t, quit_removes_what_is_marked_and_nothing_else);
    tcase_add_test(t, without_quit_nothing_is_removed);
    tcase_add_test(t, an_idle_session_ends_without_a_word);
    tcase_add_test(t, mail_that_arrives_later_is_not_seen);
    tcase_add_test(t, a_second_session_is_told_in_use);
    suite_add_tcase(s, t);
    t = tcase_create("lines");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, wrong_commands_are_refused_and_the_session_goes_on);
    tcase_add_test(t, pass_follows_user_at_once_or_not_at_all);
    tcase_add_test(t, a_password_may_hold_spaces);
    tcase_add_test(t, a_line_that_is_too_long_is_refused_once);
    tcase_add_test(t, every_cut_gives_the_same_answers);
    tcase_add_test(t, a_pipeline_of_long_responses_arrives_whole);
    tcase_add_test(t, a_client_that_half_closes_gets_its_answers);
    tcase_add_test(t, too_many_wrong_commands_end_the_session);
    suite_add_tcase(s, t);
    t = tcase_create("login");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, capa_tells_the_same_before_and_after_login);
    tcase_add_test(t, apop_takes_the_right_digest_only);
    tcase_add_test(t, auth_plain_in_each_of_its_forms);
    tcase_add_test(t, auth_with_an_initial_response);
    tcase_add_test(t, auth_scram_ends_with_an_empty_response);
    tcase_add_test(t, no_password_in_clear_where_that_is_off);
    tcase_add_test(t, failed_logins_come_to_an_end);
    suite_add_tcase(s, t);
    t = tcase_create("tls");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, stls_forgets_what_was_said_in_clear);
    tcase_add_test(t, the_buffer_fault_obeys_the_plaintext_inside_tls);
    tcase_add_loop_test(t, pop3s_speaks_tls_at_once, 0, 2);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
