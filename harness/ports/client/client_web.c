/* As much HTTP as one page needs. SPDX-License-Identifier: MIT */
#include "ports/client/client_web.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

enum { REQUEST_MOST = 16 * 1024 };

static const char page[] = "GET /.well-known/mta-sts.txt HTTP/1.";

struct web {
    struct web_site site;
    struct conn *c;
    bool over;
};

static void prepare(struct ssl_st *ssl, void *arg)
{
    const struct web *w = arg;
    (void)SSL_use_certificate(ssl, w->site.leaf);
    (void)SSL_use_PrivateKey(ssl, w->site.key);
}

struct web *web_new(const struct web_site *s, struct conn *c)
{
    struct web *w = err_need(calloc(1, sizeof *w));
    struct conn_tls_options o = {.accept = true, .prepare = prepare, .prepare_arg = w};
    w->site = *s;
    w->c = c;
    conn_limit(c, REQUEST_MOST);
    w->over = s->leaf == NULL || conn_starttls(c, &o, s->answer_ms, NULL) != 0;
    return w;
}

static void answer(struct web *w, bool found)
{
    char head[256];
    const char *text = found ? w->site.text : "not here\r\n";
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                   "Connection: close\r\n\r\n",
                   found ? "200 OK" : "404 Not Found", strlen(text));
    if (conn_write(w->c, head, strlen(head), w->site.answer_ms, NULL) == 0 &&
        conn_write(w->c, text, strlen(text), w->site.answer_ms, NULL) == 0 && found)
        ++*w->site.fetched;
    w->over = true;
}

bool web_go(struct web *w)
{
    const unsigned char *in;
    size_t n = w->over ? 0 : conn_input(w->c, &in, NULL);
    if (n > 0 && memmem(in, n, "\r\n\r\n", 4) != NULL)
        answer(w,
               w->site.text != NULL && n > sizeof page && memcmp(in, page, sizeof page - 1) == 0);
    if (conn_ended(w->c) != CONN_OPEN)
        w->over = true;
    return !w->over;
}

void web_free(struct web *w)
{
    if (w == NULL)
        return;
    conn_close(w->c);
    conn_free(w->c);
    free(w);
}
