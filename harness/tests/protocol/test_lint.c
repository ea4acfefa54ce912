/* Tests of lint: each rule is broken by the wire that it is about, and by nothing that a correct
 * server says. SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/lint.h"

#define RULES_MAX 256

struct exchange {
    const char *command; /* NULL: not known */
    const char *wire;    /* one or more replies */
    size_t n;            /* 0: up to the NUL */
};

struct tally {
    size_t ok[RULES_MAX], broken[RULES_MAX];
    char why[4096]; /* of everything that was broken */
};

static void found(void *arg, const struct lint_rule *rule, bool ok, const char *why)
{
    struct tally *t = arg;
    size_t i = (size_t)(rule - lint_rules);
    ck_assert_uint_lt(i, RULES_MAX);
    ck_assert(ok == (why == NULL));
    if (ok) {
        t->ok[i]++;
        return;
    }
    t->broken[i]++;
    size_t used = strlen(t->why);
    snprintf(t->why + used, sizeof t->why - used, "%s: %s\n", rule->name, why);
}

static bool has_lines(const char *command)
{
    static const char *const words[] = {"CAPA", "LIST", "UIDL", "RETR 1", "TOP 1 0"};
    for (size_t i = 0; command != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(command, words[i]) == 0)
            return true;
    return false;
}

static size_t lint_one(char protocol, struct lint_memory *m, const struct exchange *e, size_t at,
                       bool greeting, struct tally *t)
{
    const unsigned char *p = (const unsigned char *)e->wire + at;
    size_t n = (e->n != 0 ? e->n : strlen(e->wire)) - at, used = 0;
    enum parse_step step;
    if (protocol == 's') {
        struct smtp_reply r;
        smtp_reply_init(&r);
        step = smtp_reply_feed(&r, p, n, &used);
        if (step == PARSE_DONE)
            lint_smtp(m, &r, greeting, e->command, found, t);
        smtp_reply_clear(&r);
    } else if (protocol == 'p') {
        struct pop3_reply r;
        pop3_reply_init(&r, has_lines(e->command));
        step = pop3_reply_feed(&r, p, n, &used);
        if (step == PARSE_DONE)
            lint_pop3(m, &r, greeting, e->command, found, t);
        pop3_reply_clear(&r);
    } else {
        struct imap_response r;
        imap_response_init(&r);
        step = imap_response_feed(&r, p, n, &used);
        if (step == PARSE_DONE)
            lint_imap(m, &r, greeting, e->command, found, t);
        imap_response_clear(&r);
    }
    ck_assert_msg(step == PARSE_DONE, "cannot be read: %s", (const char *)p);
    return used;
}

/* Plays exchanges up to the first without wire. */
static void play(char protocol, const struct exchange *e, size_t most, struct tally *before,
                 struct tally *last)
{
    struct lint_memory memory = {0};
    memset(before, 0, sizeof *before);
    memset(last, 0, sizeof *last);
    for (size_t i = 0; i < most && e[i].wire != NULL; i++) {
        bool is_last = i + 1 == most || e[i + 1].wire == NULL;
        size_t n = e[i].n != 0 ? e[i].n : strlen(e[i].wire);
        for (size_t at = 0; at < n;)
            at +=
                lint_one(protocol, &memory, &e[i], at, i == 0 && at == 0, is_last ? last : before);
    }
}

static size_t rule_named(const char *name)
{
    size_t i = 0;
    while (lint_rules[i].name != NULL && strcmp(lint_rules[i].name + strlen("lint/"), name) != 0)
        i++;
    ck_assert_msg(lint_rules[i].name != NULL, "no rule lint/%s", name);
    return i;
}

/* The exchanges before the last break nothing; the last breaks this rule and no other. */
static const struct {
    const char *rule;
    struct exchange e[4];
} broken[] = {
#define SMTP_HELLO                                                                                 \
    {"", "220 mx.example ESMTP\r\n", 0},                                                           \
    {                                                                                              \
        "EHLO x", "250-mx.example\r\n250 ENHANCEDSTATUSCODES\r\n", 0                               \
    }
#define S(rule, command, wire)                                                                     \
    {                                                                                              \
        "smtp/" rule,                                                                              \
        {                                                                                          \
            SMTP_HELLO,                                                                            \
            {                                                                                      \
                command, wire, 0                                                                   \
            }                                                                                      \
        }                                                                                          \
    }
    S("code-range", "VRFY x", "652 2.0.0 x\r\n"),
    S("code-range", "EHLO x", "159 x\r\n"),
    S("code-second-digit", "VRFY x", "262 2.0.0 x\r\n"),
    S("same-code", "NOOP", "250-2.0.0 a\r\n251 2.0.0 b\r\n"),
    S("crlf", "NOOP", "250 2.0.0 ok\n"),
    S("crlf", "NOOP", "250 2.0.0 o\rk\r\n"),
    S("text-ascii", "NOOP", "250 2.0.0 \a\r\n"),
    S("text-ascii", "NOOP", "250 2.0.0 f\303\274r\r\n"),
    {"smtp/text-ascii", {SMTP_HELLO, {"NOOP", "250 2.0.0 \0\r\n", 13}}},
    S("separator", "DATA", "354go ahead\r\n"),
    {"smtp/greeting-host", {{"", "220 *** ready\r\n", 0}}},
    {"smtp/greeting-host", {{"", "220 \r\n", 0}}},
    {"smtp/greeting-host", {{"", "220 mx..example\r\n", 0}}},
    {"smtp/greeting-host", {{"", "220 [192.0.2.1\r\n", 0}}},
    S("ehlo-domain", "EHLO x", "250-(hello)\r\n250 SIZE\r\n"),
    S("ehlo-domain", "LHLO x", "250-mx.example-\r\n250 SIZE\r\n"),
    S("ehlo-keyword", "EHLO x", "250-mx.example\r\n250 SIZE=1000\r\n"),
    S("ehlo-keyword", "EHLO x", "250-mx.example\r\n250 SIZE  1000\r\n"),
    S("ehlo-keyword", "EHLO x", "250-mx.example\r\n250 SIZE \r\n"),
    S("ehlo-keyword", "EHLO x", "250-mx.example\r\n250-\r\n250 SIZE\r\n"),
    S("ehlo-mechanisms", "EHLO x", "250-mx.example\r\n250 AUTH PLAIN login\r\n"),
    S("challenge-base64", "AUTH LOGIN", "334 Username:\r\n"),
    S("challenge-base64", "AUTH LOGIN", "334 abc\r\n"),
    S("challenge-base64", "AUTH LOGIN", "334 a=bc\r\n"),
    S("challenge-space", "AUTH PLAIN", "334\r\n"),
    S("enhanced-present", "NOOP", "250 Ok\r\n"),
    S("enhanced-present", "RCPT TO:<a@b>", "550-5.1.1 no\r\n550 such user\r\n"),
    S("enhanced-class", "NOOP", "250 5.0.0 Ok\r\n"),
    S("enhanced-same", "NOOP", "250-2.0.0 a\r\n250 2.1.0 b\r\n"),
#undef S
#define POP3_HELLO                                                                                 \
    {"", "+OK hi\r\n", 0},                                                                         \
    {                                                                                              \
        "CAPA", "+OK\r\nTOP\r\nRESP-CODES\r\n.\r\n", 0                                             \
    }
#define P(rule, command, wire)                                                                     \
    {                                                                                              \
        "pop3/" rule,                                                                              \
        {                                                                                          \
            POP3_HELLO,                                                                            \
            {                                                                                      \
                command, wire, 0                                                                   \
            }                                                                                      \
        }                                                                                          \
    }
    P("crlf", "NOOP", "+OK hi\n"),
    P("body-crlf", "CAPA", "+OK\r\nTOP\nUIDL\r\n.\r\n"),
    P("status-case", "NOOP", "+ok hi\r\n"),
    P("separator", "NOOP", "+OKhi\r\n"),
    P("text-ascii", "NOOP", "+OK \a\r\n"),
    P("text-ascii", "NOOP", "-ERR f\303\274r\r\n"),
    P("dot-stuffing", "RETR 1", "+OK\r\n.x\r\n.\r\n"),
    P("response-code", "PASS x", "-ERR [AUTH failed\r\n"),
    P("response-code", "PASS x", "-ERR [IN USE] locked\r\n"),
    P("response-code", "PASS x", "-ERR [] locked\r\n"),
    P("response-code", "PASS x", "-ERR [SYS//TEMP] locked\r\n"),
    P("stat-form", "STAT", "+OK 2 messages\r\n"),
    P("stat-form", "STAT", "+OK  2 200\r\n"),
    P("stat-form", "STAT", "+OK\r\n"),
    P("list-form", "LIST", "+OK\r\n1 100\r\n2\t200\r\n.\r\n"),
    P("list-form", "LIST", "+OK\r\n\r\n.\r\n"),
    P("uidl-form", "UIDL", "+OK\r\n1 \r\n.\r\n"),
    P("uidl-form", "UIDL", "+OK\r\n1 a b\r\n.\r\n"),
    P("uidl-form", "UIDL",
      "+OK\r\n1 01234567890123456789012345678901234567890123456789012345678901234567890\r\n.\r\n"),
    P("capa-form", "CAPA", "+OK\r\nSASL  PLAIN\r\n.\r\n"),
    P("capa-form", "CAPA", "+OK\r\nX.Y\r\n.\r\n"),
    P("challenge-base64", "AUTH PLAIN", "+ go ahead\r\n"),
    P("challenge-space", "AUTH PLAIN", "+\r\n"),
#undef P
#define IMAP_HELLO                                                                                 \
    {                                                                                              \
        "", "* OK [CAPABILITY IMAP4rev1] hi\r\n", 0                                                \
    }
#define IMAP_INBOX                                                                                 \
    {                                                                                              \
        "a1 SELECT INBOX", "* 3 EXISTS\r\na1 OK [READ-WRITE] in\r\n", 0                            \
    }
#define I(rule, command, wire)                                                                     \
    {                                                                                              \
        "imap/" rule,                                                                              \
        {                                                                                          \
            IMAP_HELLO, IMAP_INBOX,                                                                \
            {                                                                                      \
                command, wire, 0                                                                   \
            }                                                                                      \
        }                                                                                          \
    }
    I("crlf", "a NOOP", "a OK done\n"),
    I("crlf", "a NOOP", "a OK do\rne\r\n"),
    {"imap/nul", {IMAP_HELLO, {"a NOOP", "a OK \0\r\n", 8}}},
    I("one-space", "a NOOP", "* FLAGS  (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"),
    I("one-space", "a STATUS x (UIDNEXT)", "* STATUS x (UIDNEXT 1) \r\n"),
    I("one-space", "a LIST \"\" *", "* LIST ()\"/\" x\r\n"),
    I("text-ascii", "a NOOP", "a OK f\303\274r\r\n"),
    I("quoted", "a LIST \"\" *", "* LIST () \"/\" \"f\303\274r\"\r\n"),
    I("quoted", "a LIST \"\" *", "* LIST () \"/\" \"a\\b\"\r\n"),
    I("atom", "a LIST \"\" *", "* LIST () \"/\" a*\r\n"),
    I("atom", "a LIST \"\" *", "* LIST () \"/\" f\303\274r\r\n"),
    I("atom", "a LIST \"\" *", "* LIST () \"/\" a\\b\r\n"),
    I("response-code", "a NOOP", "a OK [ALERT]now\r\n"),
    I("response-code", "a NOOP", "a OK [ALERT now\r\n"),
    I("continue-space", "a IDLE", "+\r\n"),
    I("literal-plus", "a FETCH 1 BODY[]", "* 1 FETCH (BODY[] {1+}\r\nx)\r\n"),
    I("literal8", "a FETCH 1 BODY[]", "* 1 FETCH (BODY[] ~{1}\r\nx)\r\n"),
    I("preauth", "a LOGIN x y", "* PREAUTH in\r\n"),
    I("capability-rev", "a CAPABILITY", "* CAPABILITY IDLE AUTH=PLAIN\r\n"),
    I("capability-rev", "a LOGIN x y", "a OK [CAPABILITY IDLE] in\r\n"),
    I("uid-range", "a FETCH 1 UID", "* 1 FETCH (UID 0)\r\n"),
    I("uid-range", "a SELECT x", "* OK [UIDVALIDITY 4294967296] x\r\n"),
    I("uid-range", "a SELECT x", "* OK [UIDNEXT 0] x\r\n"),
    I("uid-range", "a STATUS x (UIDVALIDITY)", "* STATUS x (UIDVALIDITY 0)\r\n"),
    I("message-number", "a NOOP", "* 4 FETCH (FLAGS ())\r\n"),
    I("message-number", "a NOOP", "* 0 EXPUNGE\r\n"),
    I("message-number", "a NOOP", "* 1 EXPUNGE\r\n* 3 EXPUNGE\r\n"),
    I("exists-shrinks", "a NOOP", "* 2 EXISTS\r\n"),
    I("exists-shrinks", "a NOOP", "* 5 EXISTS\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n"),
    I("expunge-when", "a FETCH 1 UID", "* 1 EXPUNGE\r\n"),
    I("expunge-when", "a store 1 FLAGS ()", "* 1 EXPUNGE\r\n"),
    I("expunge-when", "a SEARCH ALL", "* VANISHED 7\r\n"),
    I("expunge-when", "", "* 1 EXPUNGE\r\n"),
    I("fetch-form", "a FETCH 1 UID", "* 1 FETCH (UID 3 X-END)\r\n"),
    I("fetch-form", "a FETCH 1 UID", "* 1 FETCH UID 3\r\n"),
    I("fetch-form", "a FETCH 1 UID", "* 1 FETCH (RFC822.SIZE \"3\")\r\n"),
    I("fetch-form", "a FETCH 1 UID", "* 1 FETCH (BODY[] text)\r\n"),
    I("fetch-form", "a FETCH 1 UID", "* 1 FETCH (FLAGS (\"\\\\Seen\"))\r\n"),
    I("envelope-form", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"),
    I("envelope-form", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL 7 NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"),
    I("envelope-form", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL NIL \"\" NIL NIL NIL NIL NIL NIL NIL))\r\n"),
    I("address-form", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\" NIL)) NIL NIL NIL NIL NIL NIL NIL))\r\n"),
    I("address-list-empty", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))\r\n"),
    I("body-part", "a FETCH 1 BODY",
      "* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" \"3\" 1))\r\n"),
    I("body-part", "a FETCH 1 BODY",
      "* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3))\r\n"),
    I("body-part", "a FETCH 1 BODY",
      "* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\") NIL NIL \"7BIT\" 3 1))\r\n"),
    I("body-multipart", "a FETCH 1 BODY",
      "* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1) NIL))\r\n"),
    I("body-multipart", "a FETCH 1 BODY",
      "* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1) (\"A\" \"B\" NIL NIL NIL "
      "\"7BIT\" 3) "
      "\"MIXED\"))\r\n"),
    I("address-form", "a FETCH 1 ALL",
      "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"a\" \"b\")) NIL NIL NIL NIL "
      "NIL NIL "
      "NIL))\r\n"),
    I("exists-shrinks", "a EXPUNGE",
      "* 1 EXISTS\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n* 1 FETCH (FLAGS ())\r\n"),
    I("body-message", "a FETCH 1 BODY",
      "* 1 FETCH (BODY (\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 3))\r\n"),
    I("body-extension", "a FETCH 1 BODYSTRUCTURE",
      "* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1 NIL \"en\" "
      "(\"inline\" NIL)))\r\n"),
    I("body-extension", "a FETCH 1 BODYSTRUCTURE",
      "* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1 NIL NIL NIL NIL "
      "NIL))\r\n"),
    I("body-plain", "a FETCH 1 BODY",
      "* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1 NIL))\r\n"),
    I("internaldate-form", "a FETCH 1 FAST",
      "* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 GMT\")\r\n"),
    I("internaldate-form", "a FETCH 1 FAST",
      "* 1 FETCH (INTERNALDATE \"7-Jul-1996 02:44:25 +0000\")\r\n"),
    I("internaldate-form", "a FETCH 1 FAST",
      "* 1 FETCH (INTERNALDATE \"17-Juy-1996 02:44:25 +0000\")\r\n"),
    I("system-flags", "a FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Archived))\r\n"),
    I("system-flags", "a SELECT x", "* OK [PERMANENTFLAGS (\\Seen \\Later \\*)] x\r\n"),
    I("flags-minimum", "a SELECT x", "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen)\r\n"),
    I("list-form", "a LIST \"\" *", "* LIST () / INBOX\r\n"),
    I("list-form", "a LIST \"\" *", "* LIST () \"//\" INBOX\r\n"),
    I("list-form", "a LIST \"\" *", "* LIST NIL \"/\" INBOX\r\n"),
    I("list-form", "a LIST \"\" *", "* LIST (Marked) \"/\" INBOX\r\n"),
    I("list-form", "a LSUB \"\" *", "* LSUB () \"/\"\r\n"),
    I("list-children", "a LIST \"\" *", "* LIST (\\HasChildren \\HasNoChildren) \"/\" INBOX\r\n"),
    I("status-form", "a STATUS x (MESSAGES)", "* STATUS x (MESSAGES 1 X-END)\r\n"),
    I("status-form", "a STATUS x (MESSAGES)", "* STATUS x (MESSAGES \"1\")\r\n"),
    I("status-form", "a STATUS x (MESSAGES)", "* STATUS (MESSAGES 1)\r\n"),
    I("search-form", "a SEARCH ALL", "* SEARCH 1 2 \r\n"),
    I("search-form", "a SEARCH ALL", "* SEARCH 1  2\r\n"),
    I("search-form", "a SEARCH ALL", "* SEARCH 1:2\r\n"),
    I("search-form", "a SEARCH ALL", "* SEARCH 0\r\n"),
    I("esearch-set", "a SEARCH RETURN () ALL", "* ESEARCH (TAG \"a\") ALL 1:3,$\r\n"),
    I("esearch-set", "a SEARCH RETURN () ALL", "* ESEARCH (TAG \"a\") UID MIN 0\r\n"),
    I("namespace-form", "a NAMESPACE", "* NAMESPACE ((\"\" \"/\")) NIL\r\n"),
    I("namespace-form", "a NAMESPACE", "* NAMESPACE (\"\" \"/\") NIL NIL\r\n"),
    I("appenduid-form", "a APPEND x {1+}", "a OK [APPENDUID 7 5:5] x\r\n"),
    I("copyuid-form", "a COPY 1 x", "a OK [COPYUID 7 1:2 3:5] x\r\n"),
    I("copyuid-form", "a COPY 1 x", "a OK [COPYUID 7 1:2, 3:4] x\r\n"),
#undef I
};

START_TEST(a_broken_reply_breaks_its_rule_and_no_other)
    {
        struct tally before, last;
        size_t rule = rule_named(broken[_i].rule);
        play(broken[_i].rule[0], broken[_i].e, 4, &before, &last);
        ck_assert_msg(before.why[0] == '\0', "case %d, already before: %s", _i, before.why);
        ck_assert_msg(last.broken[rule] == 1, "case %d: lint/%s is not broken, but: %s", _i,
                      broken[_i].rule, last.why);
        for (size_t i = 0; lint_rules[i].name != NULL; i++)
            ck_assert_msg(i == rule || last.broken[i] == 0, "case %d, besides lint/%s: %s", _i,
                          broken[_i].rule, last.why);
    }
END_TEST

/* What real servers say, as they say it. */
static const struct {
    char protocol;
    struct exchange e[12];
} sessions[] = {
    /* Postfix 3.7 */
    {'s',
     {{"", "220 mail.test.example ESMTP Postfix\r\n", 0},
      {"EHLO x",
       "250-mail.test.example\r\n250-PIPELINING\r\n250-SIZE "
       "52428800\r\n250-VRFY\r\n250-ETRN\r\n250-STARTTLS\r\n"
       "250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1\r\n250-XCLIENT NAME ADDR PROTO\r\n"
       "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
       0},
      {"MAIL FROM:<a@b>", "250 2.1.0 Ok\r\n", 0},
      {"RCPT TO:<x@y>", "550 5.1.1 <x@y>: Recipient address rejected: User unknown\r\n", 0},
      {"DATA", "354 End data with <CR><LF>.<CR><LF>\r\n", 0},
      {"DATA", "250 2.0.0 Ok: queued as 4F2\r\n", 0},
      {"AUTH CRAM-MD5", "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+\r\n", 0},
      {"AUTH CRAM-MD5", "535 5.7.8 Error: authentication failed\r\n", 0},
      {"AUTH PLAIN", "334 \r\n", 0},
      {"EHLO", "501 Syntax: EHLO hostname\r\n", 0},
      {NULL, "250 nobody knows for what\r\n", 0},
      {"QUIT", "221 2.0.0 Bye\r\n", 0}}},
    /* Exim 4.96, sendmail, an address for a name */
    {'s',
     {{"", "220 mail.test.example ESMTP Exim 4.96 Mon, 01 Jan 2024 00:00:00 +0000\r\n", 0},
      {"EHLO x", "250-mail.test.example Hello x [127.0.0.1]\r\n250-SIZE 52428800\r\n250 HELP\r\n",
       0},
      {"RCPT TO:<x@y>", "550 unknown user\r\n", 0},
      {"HELP", "214-Commands supported:\r\n214 AUTH STARTTLS HELO EHLO\r\n", 0},
      {"EHLO x", "250 [192.0.2.1]\r\n", 0},
      {"EHLO x", "250-[IPv6:2001:db8::1]\r\n250 ENHANCEDSTATUSCODES\r\n", 0},
      {"MAIL FROM:<\303\274@x> SMTPUTF8", "250 2.1.0 ok \303\274\r\n", 0},
      {"XCLIENT ADDR=1.2.3.4", "220 mx.example ESMTP\r\n", 0}}},
    /* Dovecot's POP3 and its kin */
    {'p',
     {{"", "+OK Dovecot ready. <1.2@mail>\r\n", 0},
      {"CAPA",
       "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nSTLS\r\nLOGIN-DELAY 10\r\nSASL PLAIN LOGIN\r\n"
       "IMPLEMENTATION Cyrus POP3 3.6.1-4+deb12u5\r\n.\r\n",
       0},
      {"PASS x", "-ERR [AUTH] Authentication failed.\r\n", 0},
      {"PASS x", "-ERR [SYS/TEMP] later\r\n", 0},
      {"AUTH PLAIN", "+ \r\n", 0},
      {"STAT", "+OK 2 320\r\n", 0},
      {"LIST", "+OK 2 messages:\r\n1 120\r\n2 200\r\n.\r\n", 0},
      {"UIDL", "+OK\r\n1 0000000155d9\r\n2 !~\"\r\n.\r\n", 0},
      {"LIST 1", "+OK 1 120\r\n", 0},
      {"RETR 1", "+OK 120 octets\r\nSubject: x\r\n\r\n..\r\n..a\r\n\303\274\r\n.\r\n", 0},
      {"NOOP", "+OK\r\n", 0},
      {"LIST", "+OK 0 messages\r\n.\r\n", 0}}},
    /* Dovecot's IMAP */
    {'i',
     {{"", "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ STARTTLS AUTH=PLAIN] Dovecot ready.\r\n",
       0},
      {"a LOGIN x y", "a OK [CAPABILITY IMAP4rev1 ESEARCH QRESYNC NOTIFY] Logged in\r\n", 0},
      {"b SELECT INBOX",
       "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\r\n"
       "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)] Flags "
       "permitted.\r\n"
       "* 3 EXISTS\r\n* 1 RECENT\r\n* OK [UNSEEN 2] First unseen.\r\n* OK [UIDVALIDITY 1700000000] "
       "UIDs valid\r\n"
       "* OK [UIDNEXT 4] Predicted next UID\r\n* OK [HIGHESTMODSEQ 5] Highest\r\n"
       "b OK [READ-WRITE] Select completed (0.001 + 0.000 secs).\r\n",
       0},
      {"c FETCH 1 FULL",
       "* 1 FETCH (FLAGS (\\Seen \\Recent) INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" RFC822.SIZE "
       "4286 ENVELOPE "
       "(\"Wed\" \"s\" ((\"T G\" NIL \"gray\" \"cac\")) ((NIL NIL \"group\" NIL)(NIL NIL NIL NIL)) "
       "NIL NIL NIL NIL NIL "
       "\"<B@c>\") BODY (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3028 "
       "92))\r\nc OK done\r\n",
       0},
      {"d FETCH 2 (BODYSTRUCTURE BINARY[1])",
       "* 2 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1 NIL NIL NIL "
       "NIL)(\"message\" \"rfc822\" "
       "NIL NIL NIL \"7bit\" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"image\" \"gif\" "
       "(\"name\" \"x\") \"<i>\" "
       "\"d\" \"base64\" 8 NIL (\"attachment\" (\"filename\" \"x\")) (\"en\" \"de\") \"u\") 2 NIL "
       "(\"inline\" NIL) NIL "
       "NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL) BINARY[1] ~{1}\r\nx BODY[HEADER.FIELDS "
       "(X-*)] NIL)\r\nd OK x\r\n",
       0},
      {"e NOOP", "* 2 EXPUNGE\r\n* 2 EXISTS\r\n* 4 EXISTS\r\n* 4 FETCH (FLAGS ())\r\ne OK x\r\n",
       0},
      {"f UID FETCH 1:* FLAGS", "* 1 EXPUNGE\r\nf OK x\r\n", 0},
      {"g LIST \"\" *",
       "* LIST (\\HasNoChildren \\UnMarked) \".\" INBOX\r\n* LIST (\\NoSelect \\HasChildren) NIL "
       "\"a b\"\r\n"
       "* LIST () \"\\\\\" {1}\r\n* (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n* STATUS INBOX (MESSAGES 3 "
       "X-GUID \"a\")\r\n"
       "* NAMESPACE ((\"\" \".\")) NIL ((\"#s.\" \".\" \"X\" (\"a\")))\r\ng OK x\r\n",
       0},
      {"h SEARCH ALL",
       "* SEARCH\r\n* SEARCH 1 2 (MODSEQ 7)\r\n* ESEARCH (TAG \"h\") UID ALL 1:3,7 COUNT 4 MIN 1 "
       "MAX 7\r\n"
       "* ESEARCH (TAG \"h\") COUNT 0\r\nh OK x\r\n",
       0},
      {"i COPY 1 x", "i OK [COPYUID 7 1,3:4 9:11] x\r\n", 0},
      {"j SELECT y", "* OK [CLOSED] x\r\n* 1 EXISTS\r\nj OK [READ-ONLY] x\r\n", 0},
      {NULL, "* 1 EXPUNGE\r\n* VANISHED (EARLIER) 1:7\r\n+ idling\r\n* BYE bye\r\n", 0}}},
    /* ENABLE, LANGUAGE, and what comes with them; PREAUTH */
    {'i',
     {{"", "* PREAUTH in\r\n", 0},
      {"a CAPABILITY", "* CAPABILITY IMAP4rev1 IMAP4rev2 X-QUOTA=X-NUM\r\na OK x\r\n", 0},
      {"b ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\r\nb OK x\r\n", 0},
      {"c LIST \"\" *", "* LIST () \"/\" \"\303\274\"\r\nc OK f\303\274r\r\n", 0},
      {"d IDLE", "+ \r\n* 5 EXISTS\r\n* 5 EXPUNGE\r\n* VANISHED 7\r\nd OK x\r\n", 0},
      {"e APPEND x {1}", "e OK [APPENDUID 1 5] x\r\n", 0},
      {"f APPEND x {1}", "f OK [APPENDUID 1 5:6] x\r\n", 0},
      {"g FETCH 1 X",
       "* 1 FETCH (X-GM-MSGID 12 MODSEQ (4) PREVIEW NIL)\r\ng NO [BADCHARSET (A B)] x\r\n", 0},
      {"h LSUB \"\" *", "* LSUB () \"/\" 12\r\n* LIST () \"/\" nil\r\nh BAD x\r\n", 0}}},
};

START_TEST(a_correct_server_breaks_nothing)
    {
        struct tally before, last;
        play(sessions[_i].protocol, sessions[_i].e, 12, &before, &last);
        ck_assert_msg(before.why[0] == '\0' && last.why[0] == '\0', "session %d: %s%s", _i,
                      before.why, last.why);
    }
END_TEST

/* Every rule is looked at by the correct sessions above, so its silence there means something. */
START_TEST(every_rule_is_looked_at)
    {
        static struct tally before, last;
        static bool seen[RULES_MAX];
        for (size_t k = 0; k < sizeof sessions / sizeof sessions[0]; k++) {
            play(sessions[k].protocol, sessions[k].e, 12, &before, &last);
            for (size_t i = 0; i < RULES_MAX; i++)
                seen[i] = seen[i] || before.ok[i] > 0 || last.ok[i] > 0;
        }
        for (size_t i = 0; lint_rules[i].name != NULL; i++)
            ck_assert_msg(seen[i] || strcmp(lint_rules[i].name, "lint/smtp/enhanced-same") == 0,
                          "never: %s", lint_rules[i].name);
    }
END_TEST

/* Every rule but the two that need long lines has a reply above that breaks it, and is whole. */
START_TEST(rules_are_whole)
    {
        size_t n = 0;
        for (; lint_rules[n].name != NULL; n++) {
            const struct lint_rule *r = &lint_rules[n];
            ck_assert_msg(strncmp(r->name, "lint/", 5) == 0, "%s", r->name);
            ck_assert(r->title[0] != '\0' && r->says[0] != '\0' &&
                      strncmp(r->proves, "rfc", 3) == 0);
            ck_assert_msg(r->catches[0] != NULL, "%s catches nothing", r->name);
            for (size_t i = 0; i < n; i++)
                ck_assert_msg(strcmp(lint_rules[i].name, r->name) != 0, "twice: %s", r->name);
            bool there = strstr(r->name, "line-length") != NULL;
            for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
                there = there || strcmp(broken[i].rule, r->name + 5) == 0;
            ck_assert_msg(there, "no test breaks %s", r->name);
        }
        ck_assert_uint_ge(n, 60);
        ck_assert_uint_lt(n, RULES_MAX);
    }
END_TEST

START_TEST(long_lines_break_their_rules)
    {
        static char wire[700];
        struct tally before, last;
        struct exchange e[2] = {{"", "220 mx.example\r\n", 0}, {"NOOP", wire, 600}};
        memset(wire, 'x', sizeof wire);
        memcpy(wire, "250 ", 4);
        memcpy(wire + 598, "\r\n", 2);
        play('s', e, 2, &before, &last);
        ck_assert_uint_eq(last.broken[rule_named("smtp/line-length")], 1);
        memcpy(wire, "+OK ", 4);
        e[0].wire = "+OK\r\n";
        play('p', e, 2, &before, &last);
        ck_assert_uint_eq(last.broken[rule_named("pop3/line-length")], 1);
    }
END_TEST

START_TEST(a_challenge_may_be_long)
    {
        static char wire[700];
        struct tally before, last;
        struct exchange e[2] = {{"", "220 mx.example\r\n", 0},
                                {"AUTH SCRAM-SHA-256 eA==", wire, 600}};
        memset(wire, 'x', sizeof wire);
        memcpy(wire, "334 ", 4);
        memcpy(wire + 598, "\r\n", 2);
        play('s', e, 2, &before, &last);
        ck_assert_uint_eq(last.broken[rule_named("smtp/line-length")], 0);
        memcpy(wire, "+ xx", 4);
        e[0].wire = "+OK\r\n";
        play('p', e, 2, &before, &last);
        ck_assert_uint_eq(last.broken[rule_named("pop3/line-length")], 0);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("lint");
    TCase *t = tcase_create("lint");
    tcase_add_loop_test(t, a_broken_reply_breaks_its_rule_and_no_other, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_loop_test(t, a_correct_server_breaks_nothing, 0,
                        (int)(sizeof sessions / sizeof sessions[0]));
    tcase_add_test(t, every_rule_is_looked_at);
    tcase_add_test(t, rules_are_whole);
    tcase_add_test(t, long_lines_break_their_rules);
    tcase_add_test(t, a_challenge_may_be_long);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
