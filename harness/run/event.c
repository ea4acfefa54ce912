/* Makes the events of a scenario and sends them where they are wanted: into a list, from which the
 * evidence is built, and as lines up a pipe. The recorder here hears every byte of every connection
 * from the loop. SPDX-License-Identifier: MIT */
#include "run/event.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/outbox.h"

json_t *event_text(const char *text, size_t len)
{
    json_t *plain = json_stringn(text, len);
    if (plain != NULL)
        return plain;
    char *spelled = err_need(malloc(len * 4 + 1));
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80)
            spelled[n++] = (char)c;
        else
            n += (size_t)sprintf(spelled + n, "\\x%02X", c);
    }
    plain = err_need(json_stringn(spelled, n));
    free(spelled);
    return plain;
}

json_t *event_time(double seconds)
{
    return json_real(round(seconds * 1e6) / 1e6);
}

json_t *event_new(const struct event_sink *sink, const char *ev)
{
    if (sink == NULL || (sink->lint_only && strcmp(ev, "lint") != 0))
        return NULL;
    json_t *e = err_need(json_object());
    json_object_set_new(e, "v", json_integer(EVENT_VERSION));
    json_object_set_new(e, "ev", event_text(ev, strlen(ev)));
    if (sink->scenario != NULL)
        json_object_set_new(e, "case", event_text(sink->scenario, strlen(sink->scenario)));
    return e;
}

void event_emit(struct event_sink *sink, json_t *event)
{
    if (event == NULL)
        return;
    if (sink->fd >= 0) {
        char *line = err_need(json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(16)));
        size_t len = strlen(line);
        line[len] = '\n'; /* the NUL's place: the line leaves whole */
        if (outbox_add(sink->outbox, sink->fd, line, len + 1) != 0)
            sink->fd = -1;
        free(line);
    }
    if (sink->list != NULL)
        json_array_append_new(sink->list, event);
    else
        json_decref(event);
}

static json_t *words(const char *s)
{
    return s != NULL ? event_text(s, strlen(s)) : json_string("");
}

static json_t *of_conn(const struct event_sink *sink, const char *ev, const struct conn *c,
                       double at)
{
    json_t *e = event_new(sink, ev);
    if (e == NULL)
        return NULL;
    json_object_set_new(e, "conn", json_integer(conn_number(c)));
    json_object_set_new(e, "at", event_time(at));
    return e;
}

static void opened(void *arg, const struct conn *c, double at)
{
    struct event_sink *sink = arg;
    json_t *e = of_conn(sink, "conn", c, at);
    char host[64] = "";
    uint16_t port = 0;
    if (e == NULL)
        return;
    json_object_set_new(e, "name", words(conn_name(c)));
    json_object_set_new(e, "protocol", words(sink->protocol));
    json_object_set_new(e, "service", words(sink->service));
    conn_local(c, host, sizeof host, &port);
    json_object_set_new(e, "local", words(host));
    json_object_set_new(e, "local_port", json_integer(port));
    conn_peer(c, host, sizeof host, &port);
    json_object_set_new(e, "peer", words(host));
    json_object_set_new(e, "peer_port", json_integer(port));
    json_object_set_new(e, "host", words(sink->host));
    if (sink->accepts)
        json_object_set_new(e, "accepted", json_true());
    event_emit(sink, e);
}

static json_t *base64(const unsigned char *p, size_t n)
{
    char *text = err_need(malloc(4 * ((n + 2) / 3) + 1));
    int len = 0;
    /* EVP counts in int: whole groups of three at a time keep one base64 text for any length. */
    for (size_t i = 0; i < n;) {
        size_t part = n - i > 3u << 20 ? 3u << 20 : n - i;
        len += EVP_EncodeBlock((unsigned char *)text + len, p + i, (int)part);
        i += part;
    }
    json_t *s = err_need(json_stringn_nocheck(text, (size_t)len));
    free(text);
    return s;
}

static void bytes(void *arg, const struct conn *c, enum conn_dir dir, enum conn_layer layer,
                  double at, uint64_t offset, const unsigned char *p, size_t n)
{
    struct event_sink *sink = arg;
    json_t *e = of_conn(sink, "io", c, at);
    if (e == NULL)
        return;
    json_object_set_new(e, "dir", json_string(dir == CONN_SENT ? "c" : "s"));
    json_object_set_new(e, "layer", json_string(layer == CONN_WIRE ? "wire" : "text"));
    json_object_set_new(e, "off", json_integer((json_int_t)offset));
    json_object_set_new(e, "n", json_integer((json_int_t)n));
    if (sink->limit == 0 || (sink->bytes <= sink->limit && n <= sink->limit - sink->bytes)) {
        sink->bytes += n;
        json_object_set_new(e, "b64", base64(p, n));
    } else {
        json_object_set_new(e, "cut", json_true());
    }
    event_emit(sink, e);
}

static void tls(void *arg, const struct conn *c, double at, const struct conn_tls *f)
{
    json_t *e = of_conn(arg, "tls", c, at);
    json_object_set_new(e, "done", json_boolean(f->done));
    json_object_set_new(e, "version", words(f->version));
    json_object_set_new(e, "cipher", words(f->cipher));
    json_object_set_new(e, "group", words(f->group));
    json_object_set_new(e, "sni", words(f->sni));
    json_object_set_new(e, "alpn", words(f->alpn));
    json_object_set_new(e, "chain_ok", json_boolean(f->chain_ok));
    json_object_set_new(e, "chain_why", words(f->chain_why));
    json_object_set_new(e, "name_ok", json_boolean(f->name_ok));
    json_object_set_new(e, "subject", words(f->subject));
    json_object_set_new(e, "issuer", words(f->issuer));
    json_object_set_new(e, "not_after", words(f->not_after));
    json_object_set_new(e, "fingerprint", words(f->fingerprint));
    json_object_set_new(e, "alert", words(f->alert));
    event_emit(arg, e);
}

static void keylog(void *arg, const struct conn *c, double at, const char *line)
{
    json_t *e = of_conn(arg, "keylog", c, at);
    json_object_set_new(e, "line", words(line));
    event_emit(arg, e);
}

static void ended(void *arg, const struct conn *c, double at, enum conn_end how)
{
    static const char *const names[] = {
        [CONN_OPEN] = "open",   [CONN_CLOSE_NOTIFY] = "close_notify", [CONN_FIN] = "fin",
        [CONN_RESET] = "reset", [CONN_TLS_ALERT] = "alert",           [CONN_OVERFLOW] = "overflow",
        [CONN_LOCAL] = "local",
    };
    json_t *e = of_conn(arg, "end", c, at);
    json_object_set_new(e, "how", json_string(names[how]));
    event_emit(arg, e);
}

static void closed(void *arg, const struct conn *c, double at, bool reset)
{
    json_t *e = of_conn(arg, "close", c, at);
    json_object_set_new(e, "how", json_string(reset ? "reset" : "fin"));
    event_emit(arg, e);
}

/* Who looks at run.jsonl sees all there is, however long the wait. */
static void waits(void *arg)
{
    struct event_sink *sink = arg;
    if (sink->fd >= 0 && outbox_flush(sink->outbox, sink->fd) != 0)
        sink->fd = -1;
}

struct conn_watch event_watch(struct event_sink *sink)
{
    return (struct conn_watch){.arg = sink,
                               .opened = opened,
                               .bytes = bytes,
                               .tls = tls,
                               .keylog = keylog,
                               .ended = ended,
                               .closed = closed,
                               .waits = waits};
}
