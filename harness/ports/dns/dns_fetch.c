/* As much HTTP as one GET needs, over the harness's own TLS. SPDX-License-Identifier: MIT */
#include "ports/dns/dns_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "ports/dns/dns_policy.h"
#include "wire/conn.h"

enum { RESPONSE_MOST = 2 * POLICY_BYTES_MOST, HEADERS_MOST = 16 * 1024 };

void fetched_clear(struct fetched *f)
{
    free(f->body);
    *f = (struct fetched){0};
}

/* The value of a header field, in [at, end). */
static void header(const char *at, const char *end, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    *out = '\0';
    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at)), *stop = lf != NULL ? lf : end;
        if ((size_t)(stop - at) > n && strncasecmp(at, name, n) == 0 && at[n] == ':') {
            const char *value = at + n + 1;
            while (value < stop && (*value == ' ' || *value == '\t'))
                value++;
            size_t len = (size_t)(stop - value);
            while (len > 0 && strchr(" \t\r", value[len - 1]) != NULL)
                len--;
            (void)snprintf(out, size, "%.*s", (int)len, value);
            return;
        }
        at = stop + 1;
    }
}

/* Takes the pieces of a chunked body together, in place. */
static int unchunk(struct fetched *f, struct err *err)
{
    size_t at = 0, used = 0;
    for (;;) {
        char *end = NULL;
        const char *lf = memchr(f->body + at, '\n', f->len - at);
        if (lf == NULL)
            return err_set(err, "its chunked body is cut");
        unsigned long size = strtoul(f->body + at, &end, 16);
        if (end == f->body + at || size > RESPONSE_MOST)
            return err_set(err, "its chunked body has a chunk without a size");
        at = (size_t)(lf - f->body) + 1;
        if (size == 0)
            break;
        if (at + size > f->len)
            return err_set(err, "its chunked body is cut");
        memmove(f->body + used, f->body + at, size);
        used += size;
        at += size;
        while (at < f->len && (f->body[at] == '\r' || f->body[at] == '\n'))
            at++;
    }
    f->len = used;
    f->body[used] = '\0';
    return 0;
}

static size_t first_line(const char *p, size_t n)
{
    size_t len = 0;
    while (len < n && p[len] != '\r' && p[len] != '\n')
        len++;
    return len;
}

int fetch_read(const char *bytes, size_t n, struct fetched *f, struct err *err)
{
    char coding[64], length[32];
    const char *end = NULL, *body = NULL;
    for (size_t i = 0; i + 1 < n && i < HEADERS_MOST && body == NULL; i++)
        if (bytes[i] == '\n' &&
            (bytes[i + 1] == '\n' || (i + 2 < n && bytes[i + 1] == '\r' && bytes[i + 2] == '\n'))) {
            end = bytes + i;
            body = bytes + i + (bytes[i + 1] == '\n' ? 2 : 3);
        }
    if (body == NULL || n < 13 || strncmp(bytes, "HTTP/1.", 7) != 0)
        return err_set(err, "what came is no HTTP response: \"%.*s\"",
                       (int)first_line(bytes, n < 40 ? n : 40), bytes);
    f->status = atoi(bytes + 9);
    header(bytes, end, "Content-Type", f->type, sizeof f->type);
    header(bytes, end, "Location", f->location, sizeof f->location);
    header(bytes, end, "Transfer-Encoding", coding, sizeof coding);
    header(bytes, end, "Content-Length", length, sizeof length);
    f->len = n - (size_t)(body - bytes);
    f->body = err_need(calloc(1, f->len + 1));
    memcpy(f->body, body, f->len);
    if (strcasecmp(coding, "chunked") == 0)
        return unchunk(f, err);
    if (length[0] != '\0') {
        unsigned long want = strtoul(length, NULL, 10);
        if (want > f->len)
            return err_set(err, "its body was cut: %zu of %lu bytes came", f->len, want);
        f->len = want;
        f->body[want] = '\0';
    }
    return 0;
}

static int talk(struct loop *loop, struct conn *c, const char *host, const char *path,
                const struct conn_tls_options *o, int timeout_ms, struct fetched *f,
                struct err *err)
{
    char request[1024];
    const unsigned char *in;
    double until = loop_now(loop) + timeout_ms / 1000.0;
    if (conn_starttls(c, o, timeout_ms, err) != 0)
        return -1;
    const struct conn_tls *facts = conn_tls_facts(c);
    f->chain_ok = facts->chain_ok;
    f->name_ok = facts->name_ok;
    (void)snprintf(f->chain_why, sizeof f->chain_why, "%s", facts->chain_why);
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mailproof\r\nConnection: "
                     "close\r\n\r\n",
                     path, host);
    if (n >= (int)sizeof request)
        return err_set(err, "the name %.60s… is too long", host);
    if (conn_write(c, request, (size_t)n, timeout_ms, err) != 0)
        return -1;
    for (;;) {
        size_t have = conn_input(c, &in, NULL);
        int left = (int)((until - loop_now(loop)) * 1000);
        int rc = conn_fill(c, have, left > 0 ? left : 0, NULL);
        if (rc < 0 && conn_input(c, &in, NULL) <= have)
            break;
        if (rc == 0 && left <= 0)
            return err_set(err, "no whole response within %d s", timeout_ms / 1000);
    }
    if (conn_ended(c) == CONN_OVERFLOW)
        return err_set(err, "the response is longer than %d bytes", RESPONSE_MOST);
    size_t got = conn_input(c, &in, NULL);
    return fetch_read(got > 0 ? (const char *)in : "", got, f, err);
}

int fetch_https(const char *address, uint16_t port, const char *host, const char *path,
                const char *ca_file, int timeout_ms, struct fetched *f, struct err *err)
{
    struct conn_watch nobody = {0};
    struct conn_address to = {.host = address, .port = port, .family = AF_UNSPEC};
    struct conn_tls_options o = {.sni = host,
                                 .verify_name = host,
                                 .ca_file = ca_file,
                                 .min_version = "TLSv1.2",
                                 .alpn = "http/1.1"};
    struct conn *c = NULL;
    *f = (struct fetched){0};
    struct loop *loop = loop_new(&nobody);
    int rc = conn_open(loop, "policy", &to, timeout_ms, &c, err);
    if (rc == 0) {
        conn_limit(c, RESPONSE_MOST);
        rc = talk(loop, c, host, path, &o, timeout_ms, f, err);
        conn_close(c);
    }
    loop_free(loop);
    return rc;
}

int fetch_file(const char *path, struct fetched *f, struct err *err)
{
    *f = (struct fetched){0};
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return err_errno(err, path);
    f->body = err_need(calloc(1, POLICY_BYTES_MOST + 2));
    f->len = fread(f->body, 1, POLICY_BYTES_MOST + 1, in);
    int rc = ferror(in) ? err_errno(err, path) : 0;
    (void)fclose(in);
    return rc;
}
