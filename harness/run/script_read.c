/* Reads replies for a script: feeds what arrived to the protocol's parser, holds the finished reply
 * to lint, and gives it to Lua as a table. SPDX-License-Identifier: MIT */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "run/script_parts.h"

int script_ms(double seconds)
{
    if (!(seconds > 0))
        return 0;
    double ms = ceil(seconds * 1000);
    return ms >= INT_MAX ? INT_MAX : (int)ms;
}

void handle_forget(struct handle *h)
{
    switch (h->reading) {
    case READING_NOTHING:
        break;
    case READING_SMTP:
        smtp_reply_clear(&h->smtp);
        break;
    case READING_POP3:
        pop3_reply_clear(&h->pop3);
        break;
    case READING_IMAP:
        imap_response_clear(&h->imap);
        break;
    }
    h->reading = READING_NOTHING;
    h->fed = 0;
}

static void begin(struct handle *h, enum reading what, bool multiline)
{
    if (h->reading == what && h->fed > 0)
        return; /* an earlier wait ended in the middle of this reply */
    handle_forget(h);
    h->reading = what;
    if (what == READING_SMTP)
        smtp_reply_init(&h->smtp);
    else if (what == READING_POP3)
        pop3_reply_init(&h->pop3, multiline);
    else
        imap_response_init(&h->imap);
}

static enum parse_step feed(struct handle *h, const unsigned char *p, size_t n, size_t *used)
{
    switch (h->reading) {
    case READING_SMTP:
        return smtp_reply_feed(&h->smtp, p, n, used);
    case READING_POP3:
        return pop3_reply_feed(&h->pop3, p, n, used);
    case READING_IMAP:
        return imap_response_feed(&h->imap, p, n, used);
    case READING_NOTHING:
        break;
    }
    *used = 0;
    return PARSE_BAD;
}

static const char *why_bad(const struct handle *h)
{
    const char *why = h->reading == READING_SMTP   ? h->smtp.why
                      : h->reading == READING_POP3 ? h->pop3.why
                                                   : h->imap.why;
    return why != NULL ? why : "it cannot be read";
}

static void push_raw(lua_State *L, const struct handle *h)
{
    const unsigned char *raw = h->reading == READING_SMTP   ? h->smtp.raw
                               : h->reading == READING_POP3 ? h->pop3.raw
                                                            : h->imap.raw;
    size_t len = h->reading == READING_SMTP   ? h->smtp.raw_len
                 : h->reading == READING_POP3 ? h->pop3.raw_len
                                              : h->imap.raw_len;
    lua_pushlstring(L, raw != NULL ? (const char *)raw : "", raw != NULL ? len : 0);
}

/* ---- lint ---- */

static void found(void *arg, const struct lint_rule *rule, bool ok, const char *why)
{
    struct handle *h = arg;
    struct session *s = h->session;
    ptrdiff_t i = rule - lint_rules;
    if (i < 0 || i >= SCRIPT_LINT_RULES || s->sink == NULL)
        return;
    if (ok) {
        if (s->lint_passed[i])
            return;
        s->lint_passed[i] = true;
    } else {
        /* A broken rule breaks at every reply of a long dialogue: ten examples say as much as ten
         * thousand. */
        if (s->lint_failed[i] >= 10)
            return;
        s->lint_failed[i]++;
    }
    json_t *e = err_need(event_new(s->sink, "lint"));
    json_object_set_new(e, "conn", json_integer(conn_number(h->conn)));
    json_object_set_new(e, "at", event_time(loop_now(s->loop)));
    json_object_set_new(e, "rule", json_string(rule->name));
    json_object_set_new(e, "ok", json_boolean(ok));
    if (why != NULL)
        json_object_set_new(e, "why", event_text(why, strlen(why)));
    event_emit(s->sink, e);
}

static void lint(struct handle *h, bool greeting, const char *command)
{
    if (greeting)
        h->memory = (struct lint_memory){0};
    switch (h->reading) {
    case READING_NOTHING:
        break;
    case READING_SMTP:
        lint_smtp(&h->memory, &h->smtp, greeting, command, found, h);
        break;
    case READING_POP3:
        lint_pop3(&h->memory, &h->pop3, greeting, command, found, h);
        break;
    case READING_IMAP:
        lint_imap(&h->memory, &h->imap, greeting, command, found, h);
        break;
    }
}

/* ---- replies as tables ---- */

static void set_bytes(lua_State *L, const char *name, const void *p, size_t n)
{
    lua_pushlstring(L, p != NULL ? p : "", p != NULL ? n : 0);
    lua_setfield(L, -2, name);
}

static void push_smtp(lua_State *L, const struct smtp_reply *r)
{
    char enhanced[16];
    lua_createtable(L, 0, 8);
    lua_pushinteger(L, r->code);
    lua_setfield(L, -2, "code");
    if (smtp_reply_enhanced(r, enhanced)) {
        lua_pushstring(L, enhanced);
        lua_setfield(L, -2, "enhanced");
    }
    lua_createtable(L, (int)r->line_count, 0);
    for (size_t i = 0; i < r->line_count; i++) {
        lua_pushlstring(L, (const char *)r->raw + r->lines[i].start, r->lines[i].len);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "lines");
}

static void push_pop3(lua_State *L, const struct pop3_reply *r)
{
    static const char *const names[] = {"", "+OK", "-ERR", "+"};
    lua_createtable(L, 0, 8);
    lua_pushstring(L, names[r->status]);
    lua_setfield(L, -2, "status");
    set_bytes(L, "text", r->text, r->text_len);
    if (r->resp_code[0] != '\0') {
        lua_pushstring(L, r->resp_code);
        lua_setfield(L, -2, "code");
    }
    if (r->multiline)
        set_bytes(L, "body", r->body, r->body_len);
}

/* The parser limits the depth of lists, so the C stack does not grow without end. */
static void push_value(lua_State *L, const struct imap_value *v)
{
    luaL_checkstack(L, 4, "a list of the server");
    switch (v->kind) {
    case IMAP_NIL:
        script_push_nil(L);
        break;
    case IMAP_NUMBER:
        lua_pushinteger(L, v->number);
        break;
    case IMAP_LIST:
        lua_createtable(L, (int)(v->count < 65536 ? v->count : 65536), 0);
        for (size_t i = 0; i < v->count; i++) {
            push_value(L, &v->items[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case IMAP_ATOM:
    case IMAP_QUOTED:
    case IMAP_LITERAL:
    case IMAP_LITERAL8:
    case IMAP_TEXT:
        lua_pushlstring(L, v->bytes != NULL ? (const char *)v->bytes : "", v->len);
        break;
    }
}

static void push_imap(lua_State *L, const struct imap_response *r)
{
    static const char *const roles[] = {"tagged", "untagged", "continue"};
    lua_createtable(L, 0, 12);
    lua_pushstring(L, roles[r->role]);
    lua_setfield(L, -2, "role");
    lua_pushstring(L, r->name);
    lua_setfield(L, -2, "type");
    if (r->role == IMAP_TAGGED) {
        lua_pushstring(L, r->tag);
        lua_setfield(L, -2, "tag");
    }
    if (r->has_number) {
        lua_pushinteger(L, r->number);
        lua_setfield(L, -2, "number");
    }
    if (r->has_code && r->code.count > 0) {
        push_value(L, &r->code.items[0]);
        lua_setfield(L, -2, "code");
        lua_createtable(L, 4, 0);
        for (size_t i = 1; i < r->code.count; i++) {
            push_value(L, &r->code.items[i]);
            lua_rawseti(L, -2, (lua_Integer)i);
        }
        lua_setfield(L, -2, "code_args");
    }
    push_value(L, &r->text);
    lua_setfield(L, -2, "text");
    push_value(L, &r->data);
    lua_setfield(L, -2, "data");
}

static int push_reply(lua_State *L, struct handle *h)
{
    const unsigned char *p;
    double at;
    size_t left = conn_input(h->conn, &p, &at);
    size_t all = conn_history(h->conn, &p);
    if (h->reading == READING_SMTP)
        push_smtp(L, &h->smtp);
    else if (h->reading == READING_POP3)
        push_pop3(L, &h->pop3);
    else
        push_imap(L, &h->imap);
    push_raw(L, h);
    lua_setfield(L, -2, "raw");
    lua_pushnumber(L, all > left ? conn_when(h->conn, all - left - 1) : 0);
    lua_setfield(L, -2, "at");
    handle_forget(h);
    return 1;
}

/* Gives reply | nil, "timeout" | "ended" | "nonsense", words, the bytes of the reply so far. */
static int failed(lua_State *L, const struct handle *h, const char *kind, const char *words)
{
    lua_pushnil(L);
    lua_pushstring(L, kind);
    lua_pushstring(L, words);
    if (h->fed > 0)
        push_raw(L, h);
    else
        lua_pushliteral(L, "");
    return 4;
}

int script_read(lua_State *L)
{
    static const char *const protocols[] = {"smtp", "pop3", "imap", NULL};
    static const enum reading kinds[] = {READING_SMTP, READING_POP3, READING_IMAP};
    struct handle *h = script_check_handle(L);
    enum reading what = kinds[luaL_checkoption(L, 2, NULL, protocols)];
    double deadline = loop_now(h->session->loop) + luaL_checknumber(L, 3);
    bool greeting = lua_toboolean(L, 4);
    const char *command = luaL_optstring(L, 5, NULL);
    begin(h, what, lua_toboolean(L, 6));
    for (;;) {
        const unsigned char *p;
        double at;
        size_t n = conn_input(h->conn, &p, &at);
        if (n > 0) {
            size_t used = 0;
            enum parse_step step = feed(h, p, n, &used);
            conn_took(h->conn, used);
            h->fed += used;
            if (step == PARSE_DONE) {
                lint(h, greeting, command);
                return push_reply(L, h);
            }
            if (step == PARSE_BAD) {
                int results = failed(L, h, "nonsense", why_bad(h));
                handle_forget(h);
                return results;
            }
        }
        struct err err;
        int rc = conn_fill(h->conn, 0, script_ms(deadline - loop_now(h->session->loop)), &err);
        if (rc == 0)
            return failed(L, h, "timeout", "");
        if (rc < 0)
            return failed(L, h, "ended", err.text);
    }
}
