/* Tells a browser from a mail client by its first line. SPDX-License-Identifier: MIT */
#include "net/browser.h"

#include <string.h>

#include "fault.h"
#include "server.h"

enum { REQUEST_MOST = 8192 };

static const char *const methods[] = {"GET ",     "HEAD ",    "POST ",  "PUT ",  "DELETE ",
                                      "OPTIONS ", "CONNECT ", "TRACE ", "PATCH "};
enum { METHODS = sizeof methods / sizeof *methods };

/* METHOD SP target SP HTTP/1.x: no command of SMTP, IMAP or POP3 looks like that. */
bool browser_speaks(const struct buf *in)
{
    static const char version[] = " HTTP/1.";
    const unsigned char *lf = in->len > 0 ? memchr(in->data, '\n', in->len) : NULL;
    if (lf == NULL)
        return false;
    size_t n = (size_t)(lf - in->data);
    if (memmem(in->data, n, version, sizeof version - 1) == NULL)
        return false;
    for (size_t i = 0; i < METHODS; i++)
        if (n > strlen(methods[i]) && memcmp(in->data, methods[i], strlen(methods[i])) == 0)
            return true;
    return false;
}

bool browser_may_speak(const struct buf *in)
{
    if (in->len == 0 || in->len > REQUEST_MOST || memchr(in->data, '\n', in->len) != NULL)
        return false;
    for (size_t i = 0; i < METHODS; i++) {
        size_t n = strlen(methods[i]) < in->len ? strlen(methods[i]) : in->len;
        if (memcmp(in->data, methods[i], n) == 0)
            return true;
    }
    return false;
}

/* The fault: what came is sent back, as some servers do in their complaints. */
static void echo(struct conn *c)
{
    size_t n = c->in.len < 2000 ? c->in.len : 2000;
    conn_text(c, c->protocol == &imap_protocol ? "* BAD " : "500 ");
    conn_write(c, c->in.data, n);
    conn_text(c, "\r\n");
    buf_consume(&c->in, c->in.len);
}

void browser_goodbye(struct conn *c)
{
    if (fault(FAULT_TLS_SERVES_BROWSERS)) {
        echo(c);
        return;
    }
    if (c->protocol == &imap_protocol)
        conn_text(c, "* BYE This is no web server\r\n");
    else if (c->protocol == &pop3_protocol)
        conn_text(c, "-ERR This is no web server\r\n");
    else
        conn_text(c, "421 4.7.0 This is no web server\r\n");
    buf_consume(&c->in, c->in.len);
    conn_close(c);
}
