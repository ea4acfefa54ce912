/* What the files of the Lua binding (script*.c) share: the session that connections belong to, and
 * the handle that Lua holds. Nobody else includes this. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_SCRIPT_PARTS_H
#define HARNESS_RUN_SCRIPT_PARTS_H

#include <lauxlib.h>
#include <lua.h>

#include "protocol/lint.h"
#include "run/event.h"

#define SCRIPT_LINT_RULES 512

struct handle;

/* One scenario's connections and where its events go. Preparing mailboxes and probing happen in a
 * session without a sink: what they say is no part of the evidence. */
struct session {
    struct loop *loop;
    struct event_sink *sink;
    struct handle *handles;
    unsigned char
        lint_failed[SCRIPT_LINT_RULES]; /* how many times each rule was broken, at most 255 */
    bool lint_passed[SCRIPT_LINT_RULES];
};

/* A connection as Lua holds it. conn is NULL before it is open and once its session is over. */
struct handle {
    struct conn *conn;
    struct session *session;
    struct handle *next, **link; /* of the session's list */
    enum reading { READING_NOTHING, READING_SMTP, READING_POP3, READING_IMAP } reading;
    size_t fed; /* bytes of the reply that is being read */
    struct smtp_reply smtp;
    struct pop3_reply pop3;
    struct imap_response imap;
    struct lint_memory memory;
};

/* The session that new connections join: the running scenario's, or a quiet one that lives as long
 * as L. */
struct session *script_session(lua_State *L);

void session_begin(struct session *s, struct event_sink *sink);
/* Frees the loop; handles that Lua still holds become closed. */
void session_end(struct session *s);

/* Drops a reply that is half read. */
void handle_forget(struct handle *h);

/* Reads one unit of a protocol: handle:read(protocol, seconds, greeting, command, multiline). */
int script_read(lua_State *L);
struct handle *script_check_handle(lua_State *L);

/* Functions of the module `wire` that need no connection: encodings, SASL, folders. Adds them to
 * the table on top. */
void script_add_tools(lua_State *L);
/* Functions and the metatable of connections. */
void script_add_conn(lua_State *L);

/* A handle without a connection on top of the stack; script_join makes it one of the session's. */
struct handle *script_new_handle(lua_State *L);
void script_join(struct handle *h, struct session *s);
/* Listening sockets, and lines for the target's control socket. */
void script_add_listen(lua_State *L);
/* Certificates of a second host, and its side of a handshake. */
void script_add_identity(lua_State *L);

/* imap.NIL on the stack. */
void script_push_nil(lua_State *L);

/* A Lua value as JSON: tables with only 1..n become arrays. New reference, never NULL. */
json_t *script_json(lua_State *L, int index, int depth);

/* The rest of a time limit as milliseconds for poll, rounded up. */
int script_ms(double seconds);

#endif
