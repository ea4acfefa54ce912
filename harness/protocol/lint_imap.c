/* Holds IMAP responses to the rules of lint.def. RFC 3501 and RFC 9051, 7 and 9.
 *
 * The shapes are judged by imap_grammar.c. Here is decided which rule a response falls under, and
 * what a connection has to remember for it. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "protocol/imap_grammar.h"
#include "protocol/lint.h"
#include "protocol/lint_rules.h"

#define UINT32 INT64_C(4294967295)

static bool is(const struct imap_response *r, const char *name)
{
    return r->role == IMAP_UNTAGGED && strcmp(r->name, name) == 0;
}

static bool is_status(const struct imap_response *r)
{
    static const char *const names[] = {"OK", "NO", "BAD", "PREAUTH", "BYE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(r->name, names[i]) == 0)
            return true;
    return false;
}

/* The command behind its tag; NULL while it is not known, "" when none is in progress. */
static const char *behind_tag(const char *command)
{
    if (command == NULL)
        return NULL;
    const char *space = strchr(command, ' ');
    return space != NULL ? space + 1 : "";
}

static bool has_code(const struct imap_response *r, const char *name)
{
    return r->has_code && r->code.count > 0 && imap_value_is(&r->code.items[0], name);
}

/* --- bytes
 * -------------------------------------------------------------------------------------------- */

/* Strings and texts in UTF-8 have to be switched on, unless the server never spoke rev1. */
static bool utf8_allowed(const struct lint_memory *m)
{
    return m->imap_rev2 || m->imap_utf8 || (m->imap_listed && !m->imap_rev1);
}

/* A flag's backslash and the \* of PERMANENTFLAGS apart. Inside BODY[…] the section has a grammar
 * of its own. */
static bool is_atom(const struct imap_value *v)
{
    size_t i = 0;
    if (v->len == 2 && v->bytes[0] == '\\' && v->bytes[1] == '*')
        return true;
    if (v->len > 1 && v->bytes[0] == '\\')
        i = 1;
    for (; i < v->len; i++) {
        unsigned char b = v->bytes[i];
        if (b == '[')
            return true;
        if (b <= 0x20 || b >= 0x7f || b == '%' || b == '*' || b == '\\')
            return false;
    }
    return true;
}

static const struct imap_value *find_bad_atom(const struct imap_value *v)
{
    if (v->kind == IMAP_ATOM)
        return is_atom(v) ? NULL : v;
    for (size_t i = 0; v->kind == IMAP_LIST && i < v->count; i++) {
        const struct imap_value *bad = find_bad_atom(&v->items[i]);
        if (bad != NULL)
            return bad;
    }
    return NULL;
}

static void judge_bytes(const struct lint_case *c, const struct lint_memory *m,
                        const struct imap_response *r)
{
    bool data = r->role == IMAP_UNTAGGED && !is_status(r);
    lint_judge(c, LINT_IMAP_CRLF,
               r->bare_lf   ? "a line ends with LF alone"
               : r->bare_cr ? "a CR without LF stands in a line"
                            : NULL);
    lint_judge(c, LINT_IMAP_NUL, r->nul ? "the response holds a NUL outside of a literal8" : NULL);
    lint_judge(c, LINT_IMAP_LITERAL_PLUS,
               r->literal_plus ? "a literal is announced with a plus sign" : NULL);
    if (!data) {
        bool free = utf8_allowed(m) || m->imap_language;
        lint_judge(c, LINT_IMAP_TEXT,
                   r->eight_bit && !free ? "the text holds an octet above 127" : NULL);
        return;
    }
    if (!is(r, "SEARCH")) /* has a rule of its own */
        lint_judge(c, LINT_IMAP_ONE_SPACE,
                   r->double_space     ? "two spaces, or a space beside a parenthesis"
                   : r->trailing_space ? "a space stands before the line end"
                   : r->missing_space  ? "two values have nothing between them"
                                       : NULL);
    lint_judge(c, LINT_IMAP_QUOTED,
               r->bad_escape
                   ? "a backslash in a quoted string stands before neither a quote nor a backslash"
               : r->eight_bit_quoted && !utf8_allowed(m)
                   ? "a quoted string holds an octet above 127"
                   : NULL);
    if (is(r, "ESEARCH")) /* its sets have a rule of their own */
        return;
    const struct imap_value *bad = find_bad_atom(&r->data);
    if (bad == NULL)
        lint_judge(c, LINT_IMAP_ATOM, NULL);
    else
        lint_broken(c, LINT_IMAP_ATOM, "\"%.*s\" is no atom", (int)(bad->len < 80 ? bad->len : 80),
                    (const char *)bad->bytes);
}

/* --- FETCH
 * -------------------------------------------------------------------------------------------- */

static void judge_uid(const struct lint_case *c, const char *what, const struct imap_value *v)
{
    if (imap_is_number(v, 1, UINT32))
        lint_judge(c, LINT_IMAP_UID_RANGE, NULL);
    else
        lint_broken(c, LINT_IMAP_UID_RANGE, "%s is %.*s", what, (int)(v->len < 40 ? v->len : 40),
                    v->bytes != NULL ? (const char *)v->bytes : "a list");
}

static bool is_system_flag(const struct imap_value *v)
{
    static const char *const names[] = {"\\Answered", "\\Flagged", "\\Deleted",
                                        "\\Seen",     "\\Draft",   "\\Recent"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (imap_value_is(v, names[i]))
            return true;
    return false;
}

/* permanent: in PERMANENTFLAGS, where \* has a meaning */
static void judge_flags(const struct lint_case *c, const struct imap_value *list, bool permanent)
{
    for (size_t i = 0; list->kind == IMAP_LIST && i < list->count; i++) {
        const struct imap_value *v = &list->items[i];
        if (v->kind != IMAP_ATOM || v->bytes[0] != '\\' || is_system_flag(v) ||
            (permanent && imap_value_is(v, "\\*")))
            continue;
        lint_broken(c, LINT_IMAP_SYSTEM_FLAGS, "the flag %.*s is in no standard",
                    (int)(v->len < 80 ? v->len : 80), (const char *)v->bytes);
        return;
    }
    lint_judge(c, LINT_IMAP_SYSTEM_FLAGS, NULL);
}

static void judge_envelope(const struct lint_case *c, const struct imap_value *v)
{
    enum imap_envelope_part part;
    const char *why = imap_grammar_envelope(v, &part);
    lint_judge(c, LINT_IMAP_ENVELOPE, part == IMAP_ENVELOPE_MEMBERS ? why : NULL);
    if (why != NULL && part == IMAP_ENVELOPE_MEMBERS)
        return;
    lint_judge(c, LINT_IMAP_ADDRESS, part == IMAP_ENVELOPE_ADDRESS ? why : NULL);
    lint_judge(c, LINT_IMAP_EMPTY_ADDRESSES, part == IMAP_ENVELOPE_EMPTY ? why : NULL);
}

static void judge_body(const struct lint_case *c, const struct imap_value *v, bool extended)
{
    enum imap_part part;
    const char *why = imap_grammar_body(v, extended, &part);
    enum lint_id extension = extended ? LINT_IMAP_BODY_EXTENSION : LINT_IMAP_BODY_PLAIN;
    if (why != NULL) {
        static const enum lint_id ids[] = {[IMAP_PART_BASIC] = LINT_IMAP_BODY,
                                           [IMAP_PART_MULTI] = LINT_IMAP_BODY_MULTIPART,
                                           [IMAP_PART_MESSAGE] = LINT_IMAP_BODY_MESSAGE};
        lint_judge(c, part == IMAP_PART_EXTENSION ? extension : ids[part], why);
        return;
    }
    lint_judge(c, LINT_IMAP_BODY, NULL);
    lint_judge(c, extension, NULL);
    if (imap_body_has_multipart(v))
        lint_judge(c, LINT_IMAP_BODY_MULTIPART, NULL);
    if (imap_body_has_message(v))
        lint_judge(c, LINT_IMAP_BODY_MESSAGE, NULL);
}

static bool has_literal8(const struct imap_value *v)
{
    if (v->kind == IMAP_LITERAL8)
        return true;
    for (size_t i = 0; v->kind == IMAP_LIST && i < v->count; i++)
        if (has_literal8(&v->items[i]))
            return true;
    return false;
}

static bool is_binary(const struct imap_value *name)
{
    return name->kind == IMAP_ATOM && name->len > 7 &&
           strncasecmp((const char *)name->bytes, "BINARY[", 7) == 0;
}

static void judge_items(const struct lint_case *c, const struct imap_value *list)
{
    const char *literal8 = NULL;
    for (size_t i = 0; i + 1 < list->count; i += 2) {
        const struct imap_value *name = &list->items[i], *value = &list->items[i + 1];
        if (!is_binary(name) && has_literal8(value))
            literal8 = "a literal8 is the value of an item that is not BINARY";
        if (imap_value_is(name, "UID"))
            judge_uid(c, "UID", value);
        else if (imap_value_is(name, "FLAGS"))
            judge_flags(c, value, false);
        else if (imap_value_is(name, "ENVELOPE"))
            judge_envelope(c, value);
        else if (imap_value_is(name, "INTERNALDATE"))
            lint_judge(c, LINT_IMAP_INTERNALDATE, imap_grammar_internaldate(value));
        else if (imap_value_is(name, "BODY"))
            judge_body(c, value, false);
        else if (imap_value_is(name, "BODYSTRUCTURE"))
            judge_body(c, value, true);
    }
    lint_judge(c, LINT_IMAP_LITERAL8, literal8);
}

static void judge_fetch(const struct lint_case *c, const struct imap_response *r)
{
    lint_judge(c, LINT_IMAP_FETCH, imap_grammar_fetch(r));
    if (r->data.count == 1 && r->data.items[0].kind == IMAP_LIST)
        judge_items(c, &r->data.items[0]);
}

/* --- the number of messages
 * --------------------------------------------------------------------------- */

static bool changes_mailbox(const char *command)
{
    return command == NULL || lint_command_is(command, "SELECT") ||
           lint_command_is(command, "EXAMINE") || lint_command_is(command, "CLOSE") ||
           lint_command_is(command, "UNSELECT");
}

static void judge_exists(const struct lint_case *c, struct lint_memory *m,
                         const struct imap_response *r)
{
    if (m->selected && !changes_mailbox(c->command)) {
        if (r->number < m->exists) {
            lint_broken(c, LINT_IMAP_EXISTS,
                        "EXISTS states %" PRId64 " where there were %" PRId64 " messages",
                        r->number, m->exists);
            return; /* it is wrong now, and EXPUNGE that comes late will make the old number right
                     */
        }
        lint_judge(c, LINT_IMAP_EXISTS, NULL);
    }
    m->selected = true;
    m->exists = r->number;
}

static void judge_number(const struct lint_case *c, const struct lint_memory *m,
                         const struct imap_response *r)
{
    if (!r->has_number)
        return;
    if (r->number < 1)
        lint_broken(c, LINT_IMAP_NUMBER, "%s has the number %" PRId64, r->name, r->number);
    else if (m->selected && r->number > m->exists)
        lint_broken(c, LINT_IMAP_NUMBER,
                    "%s has the number %" PRId64 " where there are %" PRId64 " messages", r->name,
                    r->number, m->exists);
    else
        lint_judge(c, LINT_IMAP_NUMBER, NULL);
}

static bool forbids_expunge(const char *command)
{
    return lint_command_is(command, "FETCH") || lint_command_is(command, "STORE") ||
           lint_command_is(command, "SEARCH");
}

static void judge_expunge(const struct lint_case *c, const struct imap_response *r)
{
    if (c->command == NULL)
        return;
    if (c->command[0] == '\0')
        lint_broken(c, LINT_IMAP_EXPUNGE, "%s came while no command was in progress", r->name);
    else if (forbids_expunge(c->command))
        lint_broken(c, LINT_IMAP_EXPUNGE, "%s came in the answer to %.6s", r->name, c->command);
    else
        lint_judge(c, LINT_IMAP_EXPUNGE, NULL);
}

static void judge_messages(const struct lint_case *c, struct lint_memory *m,
                           const struct imap_response *r)
{
    if (is(r, "EXISTS") && r->has_number) {
        judge_exists(c, m, r);
    } else if (is(r, "FETCH")) {
        judge_number(c, m, r);
    } else if (is(r, "EXPUNGE")) {
        judge_number(c, m, r);
        judge_expunge(c, r);
        if (m->exists > 0)
            m->exists--;
    } else if (is(r, "VANISHED") &&
               r->data.count == 1) { /* without EARLIER, which is about the past */
        judge_expunge(c, r);
        m->selected = false; /* how many of the UIDs were ours is known at the next EXISTS */
    }
}

/* --- other responses
 * ---------------------------------------------------------------------------------- */

/* from: where in the list the names begin. A response code has its own name first. */
static void judge_capabilities(const struct lint_case *c, struct lint_memory *m,
                               const struct imap_value *list, size_t from)
{
    bool rev1 = false, rev2 = false;
    for (size_t i = from; i < list->count; i++) {
        rev1 = rev1 || imap_value_is(&list->items[i], "IMAP4rev1");
        rev2 = rev2 || imap_value_is(&list->items[i], "IMAP4rev2");
    }
    m->imap_listed = true;
    m->imap_rev1 = rev1;
    lint_judge(c, LINT_IMAP_CAPABILITY,
               rev1 || rev2 ? NULL
                            : "the list of capabilities has neither IMAP4rev1 nor IMAP4rev2");
}

static void judge_five_flags(const struct lint_case *c, const struct imap_value *list)
{
    static const char *const names[] = {"\\Answered", "\\Flagged", "\\Deleted", "\\Seen",
                                        "\\Draft"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        bool there = false;
        for (size_t i = 0; list->kind == IMAP_LIST && i < list->count; i++)
            there = there || imap_value_is(&list->items[i], names[n]);
        if (!there) {
            lint_broken(c, LINT_IMAP_FIVE_FLAGS, "FLAGS lacks %s", names[n]);
            return;
        }
    }
    lint_judge(c, LINT_IMAP_FIVE_FLAGS, NULL);
}

static void judge_list(const struct lint_case *c, const struct imap_response *r)
{
    lint_judge(c, LINT_IMAP_LIST, imap_grammar_list(r));
    if (r->data.count == 0 || r->data.items[0].kind != IMAP_LIST)
        return;
    bool some = false, none = false;
    for (size_t i = 0; i < r->data.items[0].count; i++) {
        some = some || imap_value_is(&r->data.items[0].items[i], "\\HasChildren");
        none = none || imap_value_is(&r->data.items[0].items[i], "\\HasNoChildren");
    }
    if (some || none)
        lint_judge(c, LINT_IMAP_LIST_CHILDREN,
                   some && none ? "a mailbox is said to have children and to have none" : NULL);
}

static void judge_status(const struct lint_case *c, const struct imap_response *r)
{
    lint_judge(c, LINT_IMAP_STATUS, imap_grammar_status(r));
    if (r->data.count != 2 || r->data.items[1].kind != IMAP_LIST)
        return;
    const struct imap_value *list = &r->data.items[1];
    for (size_t i = 0; i + 1 < list->count; i += 2) {
        if (imap_value_is(&list->items[i], "UIDNEXT"))
            judge_uid(c, "UIDNEXT", &list->items[i + 1]);
        else if (imap_value_is(&list->items[i], "UIDVALIDITY"))
            judge_uid(c, "UIDVALIDITY", &list->items[i + 1]);
    }
}

static void note_enabled(struct lint_memory *m, const struct imap_response *r)
{
    for (size_t i = 0; i < r->data.count; i++) {
        if (imap_value_is(&r->data.items[i], "IMAP4rev2"))
            m->imap_rev2 = true;
        if (imap_value_is(&r->data.items[i], "UTF8=ACCEPT") ||
            imap_value_is(&r->data.items[i], "UTF8=ONLY"))
            m->imap_utf8 = true;
    }
}

static void judge_data(const struct lint_case *c, struct lint_memory *m,
                       const struct imap_response *r)
{
    if (is(r, "FETCH")) {
        judge_fetch(c, r);
    } else if (is(r, "CAPABILITY")) {
        judge_capabilities(c, m, &r->data, 0);
    } else if (is(r, "FLAGS") && r->data.count == 1) {
        judge_flags(c, &r->data.items[0], false);
        judge_five_flags(c, &r->data.items[0]);
    } else if (is(r, "LIST") || is(r, "LSUB")) {
        judge_list(c, r);
    } else if (is(r, "STATUS")) {
        judge_status(c, r);
    } else if (is(r, "SEARCH")) {
        lint_judge(c, LINT_IMAP_SEARCH, imap_grammar_search(r));
    } else if (is(r, "ESEARCH")) {
        lint_judge(c, LINT_IMAP_ESEARCH, imap_grammar_esearch(r));
    } else if (is(r, "NAMESPACE")) {
        lint_judge(c, LINT_IMAP_NAMESPACE, imap_grammar_namespace(r));
    } else if (is(r, "ENABLED")) {
        note_enabled(m, r);
    }
}

/* --- response codes
 * ----------------------------------------------------------------------------------- */

static void judge_code(const struct lint_case *c, struct lint_memory *m,
                       const struct imap_response *r)
{
    if (r->has_code || r->bad_code)
        lint_judge(c, LINT_IMAP_CODE,
                   r->bad_code        ? "the text begins with \"[\" and no response code follows"
                   : r->missing_space ? "no space follows the response code"
                                      : NULL);
    if (has_code(r, "CAPABILITY"))
        judge_capabilities(c, m, &r->code, 1);
    else if (has_code(r, "PERMANENTFLAGS") && r->code.count == 2)
        judge_flags(c, &r->code.items[1], true);
    else if (has_code(r, "UIDNEXT") && r->code.count == 2)
        judge_uid(c, "UIDNEXT", &r->code.items[1]);
    else if (has_code(r, "UIDVALIDITY") && r->code.count == 2)
        judge_uid(c, "UIDVALIDITY", &r->code.items[1]);
    else if (has_code(r, "APPENDUID"))
        lint_judge(c, LINT_IMAP_APPENDUID, imap_grammar_appenduid(&r->code));
    else if (has_code(r, "COPYUID"))
        lint_judge(c, LINT_IMAP_COPYUID, imap_grammar_copyuid(&r->code));
    if ((has_code(r, "APPENDUID") || has_code(r, "COPYUID")) && r->code.count > 2)
        judge_uid(c, "UIDVALIDITY", &r->code.items[1]);
}

/* A command has ended: what it did to the mailbox that is selected, and whether it kept its answer
 * clean. */
static void judge_completion(const struct lint_case *c, struct lint_memory *m,
                             const struct imap_response *r)
{
    bool ok = strcmp(r->name, "OK") == 0;
    bool select = lint_command_is(c->command, "SELECT") || lint_command_is(c->command, "EXAMINE");
    bool close = lint_command_is(c->command, "CLOSE") || lint_command_is(c->command, "UNSELECT");
    if ((select && !ok) || (close && ok))
        m->selected = false;
    if (lint_command_is(c->command, "LANGUAGE"))
        m->imap_language = true;
    if (forbids_expunge(c->command))
        lint_judge(c, LINT_IMAP_EXPUNGE, NULL);
}

void lint_imap(struct lint_memory *m, const struct imap_response *r, bool greeting,
               const char *command, lint_found *found, void *arg)
{
    const struct lint_case c = {found, arg, behind_tag(command)};
    if (lint_command_is(c.command, "LANGUAGE"))
        m->imap_language = true;
    judge_bytes(&c, m, r);
    if (r->role == IMAP_CONTINUE) {
        lint_judge(&c, LINT_IMAP_CONTINUE,
                   r->no_text ? "the plus sign is followed by no space" : NULL);
        return;
    }
    if (is_status(r)) {
        judge_code(&c, m, r);
        if (greeting || is(r, "PREAUTH"))
            lint_judge(&c, LINT_IMAP_PREAUTH,
                       is(r, "PREAUTH") && !greeting ? "PREAUTH came behind the greeting" : NULL);
        if (r->role == IMAP_TAGGED)
            judge_completion(&c, m, r);
        return;
    }
    judge_messages(&c, m, r);
    judge_data(&c, m, r);
}
