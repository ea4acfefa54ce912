/* server_name and ALPN: what is shown to a client that asks for another name or protocol. X.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

static const uint16_t usual[] = {0xc030, 0xc02f, 0xc02c, 0xc02b, 0xcca8, 0xcca9,
                                 0xc014, 0xc013, 0xc00a, 0xc009, 0x009d, 0x009c,
                                 0x0035, 0x002f, 0x009f, 0x009e, 0x0039, 0x0033};

static bool took(const struct answer *a)
{
    return a->kind == ANSWER_SERVER || a->kind == ANSWER_RETRY;
}

static enum answer_kind ask(struct port *p, const char *sni, const char *alpn, struct answer *a)
{
    struct hello h;
    int version = p->facts.versions[4]   ? TLS_V_12
                  : p->facts.versions[5] ? TLS_V_13
                  : p->facts.versions[3] ? TLS_V_11
                  : p->facts.versions[2] ? TLS_V_10
                                         : TLS_V_12;
    static const uint16_t suites13[] = {0x1301, 0x1302, 0x1303};
    hello_init(&h, version, sni);
    h.alpn = alpn;
    h.suites = version == TLS_V_13 ? suites13 : usual;
    h.suites_n = version == TLS_V_13 ? 3 : sizeof usual / sizeof *usual;
    answer_clear(a);
    return dial_ask(p, &h, false, a);
}

/* Not even a plain hello is taken: what names do to it cannot be seen. */
static void unheard(struct port *p, const struct answer *a)
{
    static const enum check_id ids[] = {CHECK_X02, CHECK_X03, CHECK_X04,
                                        CHECK_X05, CHECK_X06, CHECK_X07};
    char words[128];
    answer_words(a, words, sizeof words);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (port_wants(p, ids[i]))
            port_untested(p, ids[i], "not tested: a plain ClientHello is refused, too: %s", words);
}

static void server_names(struct port *p)
{
    struct answer a = {0};
    char words[128];
    const char *own = p->o->host_is_name ? p->o->host : NULL;
    if (port_wants(p, CHECK_X02) && ask(p, NULL, NULL, &a) != ANSWER_LIMITED) {
        int shown = dial_last(p);
        bool taken = took(&a);
        answer_words(&a, words, sizeof words);
        /* Is it the name? With it the same hello has to be taken. */
        if (!taken && own != NULL && ask(p, own, NULL, &a) == ANSWER_LIMITED)
            return;
        if (!taken && !took(&a)) {
            unheard(p, &a);
            answer_clear(&a);
            return;
        }
        /* Elsewhere a server may want to know the name: RFC 8446, 9.2. */
        if (!taken && !p->mx)
            port_fact(p, CHECK_X02, NULL, "without server_name, which only an MX has to take: %s",
                      words);
        else
            port_judge(p, CHECK_X02, taken, NULL, "without server_name: %s", words);
        dial_shows(p, CHECK_X02, shown);
    }
    if (port_wants(p, CHECK_X03) &&
        ask(p, "mailproof-unknown.invalid", NULL, &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        if (!took(&a))
            port_good(p, CHECK_X03, NULL);
        else if (p->mx)
            port_fact(p, CHECK_X03, NULL, "falls back to its usual certificate, as an MX should");
        else
            port_bad(p, CHECK_X03, NULL, "goes on with its usual certificate: %s", words);
        port_judge(p, CHECK_X04, !(a.warning && a.warning_alert == 112), NULL,
                   "a warning, unrecognized_name, came before the ServerHello");
        dial_shows(p, CHECK_X03, dial_last(p));
        dial_shows(p, CHECK_X04, dial_last(p));
    }
    const char *proper = p->protocol == PROTOCOL_IMAP ? "imap" : "pop3";
    if (port_wants(p, CHECK_X05) && ask(p, own, proper, &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        port_judge(p, CHECK_X05, took(&a) && (a.alpn[0] == '\0' || strcmp(a.alpn, proper) == 0),
                   NULL, "ALPN %s got: %s %s", proper, words, a.alpn);
        dial_shows(p, CHECK_X05, dial_last(p));
    }
    if (port_wants(p, CHECK_X06) && ask(p, own, "h2", &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        if (a.alpn[0] != '\0')
            port_bad(p, CHECK_X06, NULL, "ALPN h2 was answered by \"%s\"", a.alpn);
        else
            port_judge(p, CHECK_X06, !took(&a), NULL, "a client that wants h2 is let in: %s",
                       words);
        dial_shows(p, CHECK_X06, dial_last(p));
    }
    if (port_wants(p, CHECK_X07) && ask(p, own, "smtp", &a) != ANSWER_LIMITED) {
        if (a.alpn[0] != '\0' && strcmp(a.alpn, "smtp") != 0)
            port_bad(p, CHECK_X07, NULL, "ALPN smtp was answered by \"%s\"", a.alpn);
        else
            port_fact(p, CHECK_X07, NULL, "%s", took(&a) ? "ignored" : "refused");
        dial_shows(p, CHECK_X07, dial_last(p));
    }
    answer_clear(&a);
}

/* A browser that was led here: what it sends must not come back to it as a page. */
static void http(struct port *p)
{
    static const char request[] =
        "POST / HTTP/1.1\r\nHost: mail.invalid\r\nX-A: mailproof-echo-7f3\r\n"
        "X-B: b\r\nX-C: c\r\nX-D: d\r\nX-E: e\r\nX-F: f\r\nX-G: g\r\nX-H: h\r\n"
        "X-I: i\r\nX-J: j\r\nX-K: k\r\nX-L: l\r\nContent-Length: 0\r\n\r\n";
    char text[8192];
    struct buf b;
    if (!port_wants(p, CHECK_X08))
        return;
    struct conn *c = dial_handshake(p, NULL, NULL);
    if (c == NULL)
        return;
    /* A goodbye behind it: whoever still answers that has not been put off by the rest. */
    const char *bye = p->protocol == PROTOCOL_IMAP   ? "h1 LOGOUT\r\n"
                      : p->protocol == PROTOCOL_POP3 ? "QUIT\r\n"
                                                     : "NOOP\r\nQUIT\r\n";
    buf_init(&b, 4096);
    buf_printf(&b, "%s%s", request, bye);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    buf_clear(&b);
    (void)dial_rest(p, c, p->o->answer_ms, text, sizeof text);
    bool echo = strstr(text, "mailproof-echo-7f3") != NULL;
    bool open = p->protocol == PROTOCOL_IMAP   ? strstr(text, "h1 OK") != NULL
                : p->protocol == PROTOCOL_POP3 ? strstr(text, "\n+OK") != NULL
                                               : strstr(text, "\n250") != NULL;
    open = open || conn_ended(c) == CONN_OPEN;
    port_judge(p, CHECK_X08, !echo && !open, c, "%s",
               echo ? "what the browser sent is sent back to it"
                    : "after sixteen lines of HTTP a command is still obeyed");
    dial_close(p, c);
}

void room_names(struct port *p)
{
    if (p->o->depth < DEPTH_NORMAL)
        return;
    server_names(p);
    http(p);
}
