/* Every fault of imap is acted out without harm to the server, and with none on the same session is
 * as it was. SPDX-License-Identifier: MIT */
#include "imap/session.h"

static const struct {
    const char *name;
} faults[] = {
#define FAULT(id, name, says, breaks) {name},
#include "imap/faults.def"
#undef FAULT
};

static const char script[] =
    "a1 LOGIN user1 wrong\r\na2 AUTHENTICATE PLAIN\r\n*\r\n*\r\n*\r\n"
    "a3 LIST \"\" *\r\na4 LOGIN user1 pass\r\na5 CAPABILITY\r\na6 NAMESPACE\r\na7 xyzzy\r\n"
    "b1 CREATE box/&AOQ-\r\nb2 CREATE box\r\nb3 LIST \"\" %\r\nb4 LIST \"\" *\r\n"
    "b5 SUBSCRIBE box\r\nb6 LSUB \"\" *\r\nb7 STATUS box (MESSAGES UNSEEN UIDVALIDITY)\r\n"
    "b8 DELETE nowhere\r\n"
    "c1 APPEND INBOX (\\Seen kw) \"01-Feb-2020 00:00:00 +0000\" {12+}\r\nA: b\r\n\r\nbody\r\n"
    "c2 APPEND INBOX {53+}\r\nFrom: a@b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n\r\n"
    "c3 APPEND nowhere {1+}\r\nx\r\n"
    "d1 EXAMINE INBOX\r\nd2 FETCH 1 BODY[]\r\nd3 SELECT INBOX\r\nd4 FETCH 1:* FULL\r\n"
    "d5 FETCH 1:2 (UID FLAGS BODYSTRUCTURE BODY[1] BODY[HEADER] BODY.PEEK[HEADER.FIELDS (a)] "
    "BODY.PEEK[TEXT]<1.2>)\r\nd6 UID FETCH 7 FLAGS\r\nd7 FETCH 9 FLAGS\r\nd8 NOOP\r\n"
    "e1 STORE 1 +FLAGS (\\Deleted)\r\ne2 STORE 1 -FLAGS.SILENT (\\Seen)\r\n"
    "e3 SEARCH BODY body\r\ne4 SEARCH OR SEEN DELETED\r\ne5 UID SEARCH RETURN (ALL) ALL\r\n"
    "e6 SEARCH CHARSET X BODY b\r\ne7 COPY 1:2 box\r\ne8 COPY 1 gone\r\ne9 MOVE 2 box\r\n"
    "f1 IDLE\r\nDONE\r\nf2 UID EXPUNGE 9\r\nf3 EXPUNGE\r\nf4 RENAME box crate\r\n"
    "f5 SELECT {5+}\r\ncrate\r\nf6 SELECT nowhere\r\nf7 SELECT crate\r\nf8 STORE 1 +FLAGS "
    "\\Deleted\r\nf9 CLOSE\r\ng1 LOGOUT\r\n";

START_TEST(a_fault_harms_only_its_own_reply)
    {
        struct err err;
        struct world_client k;
        long end = world_now_ms() + WORLD_PATIENCE_MS;
        ck_assert_msg(fault_switch(faults[_i].name, true, &err) == 0, "%s", err.text);
        imap_connect(&k);
        world_text(&k, script);
        world_forget(&k);
        while (!k.ended && world_now_ms() < end &&
               (k.heard == NULL ||
                (strstr(k.heard, "g1 OK") == NULL && strstr(k.heard, "G1 OK") == NULL))) {
            world_round(&k);
            if (strcmp(faults[_i].name, "imap-pipelining-flushes") == 0 && k.heard != NULL &&
                strstr(k.heard, "d1 OK") != NULL) {
                break;
            }
        }
        ck_assert_msg(k.len > 0 && world_now_ms() < end, "%s: %s", faults[_i].name,
                      k.heard ? k.heard : "");
        world_hang_up(&k);
        fault_clear_all();
        imap_find(&ann, "NOOP", "a OK Done\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap faults");
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, imap_setup, imap_teardown);
    tcase_add_loop_test(t, a_fault_harms_only_its_own_reply, 0, sizeof faults / sizeof *faults);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
