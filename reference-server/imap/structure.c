/* SPDX-License-Identifier: MIT */
#include "imap/structure.h"

#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/grammar/write.h"
#include "mime/address.h"
#include "mime/text.h"

struct source {
    struct buf *out;
    struct arena *arena;
    const unsigned char *message;
    bool rev2;
};

static void text(const struct source *s, const char *p)
{
    write_nstring(s->out, p, p ? strlen(p) : 0, s->rev2);
}

static void upper(const struct source *s, const char *p)
{
    char *copy = arena_copy(s->arena, p, strlen(p));
    for (char *c = copy; *c; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    }
    text(s, copy);
}

static void field(const struct source *s, const unsigned char *header, size_t n, const char *name)
{
    struct header_field f;
    size_t len = 0;
    const char *value = header_find(header, n, name, &f) ? header_unfold(s->arena, &f, &len) : NULL;
    write_nstring(s->out, value, len, s->rev2);
}

/* --- ENVELOPE --- */

static struct address *addresses(const struct source *s, const unsigned char *header, size_t n,
                                 const char *name)
{
    struct address *first = NULL, **end = &first;
    struct header_field f;
    size_t len = strlen(name);
    for (size_t pos = 0; header_next(header, n, &pos, &f);) {
        if (header_is(&f, name, len)) {
            *end = address_parse(s->arena, f.value, f.value_len);
            while (*end != NULL) {
                end = &(*end)->next;
            }
        }
    }
    return first;
}

static void address_list(const struct source *s, const struct address *list)
{
    if (list == NULL) {
        buf_text(s->out, "NIL");
        return;
    }
    buf_text(s->out, "(");
    for (const struct address *a = list; a != NULL; a = a->next) {
        bool group = a->host == NULL;
        if (group && fault(FAULT_IMAP_ENVELOPE_GROUP_FLATTENED)) {
            continue;
        }
        buf_text(s->out, "(");
        text(s, a->name);
        buf_text(s->out, " ");
        text(s, a->route);
        buf_text(s->out, " ");
        text(s, a->mailbox);
        buf_text(s->out, " ");
        text(s, a->host);
        buf_text(s->out, fault(FAULT_IMAP_ADDRESS_FIFTH_MEMBER) ? " NIL)" : ")");
    }
    buf_text(s->out, ")");
}

static void copies(const struct source *s, const unsigned char *header, size_t n, const char *name)
{
    const struct address *list = addresses(s, header, n, name);
    if (list == NULL && fault(FAULT_IMAP_EMPTY_ADDRESS_LIST)) {
        buf_text(s->out, "()");
    } else {
        address_list(s, list);
    }
}

void structure_envelope(struct buf *out, struct arena *a, const unsigned char *header, size_t n,
                        bool rev2)
{
    const struct source s = {.out = out, .arena = a, .rev2 = rev2};
    buf_text(out, "(");
    field(&s, header, n, "Date");
    buf_text(out, " ");
    field(&s, header, n, "Subject");
    buf_text(out, " ");
    struct address *from = addresses(&s, header, n, "From");
    struct address *sender = addresses(&s, header, n, "Sender");
    struct address *reply_to = addresses(&s, header, n, "Reply-To");
    bool repeat = !fault(FAULT_IMAP_ENVELOPE_NO_SENDER_DEFAULT);
    address_list(&s, from);
    buf_text(out, " ");
    address_list(&s, sender || !repeat ? sender : from);
    buf_text(out, " ");
    address_list(&s, reply_to || !repeat ? reply_to : from);
    buf_text(out, " ");
    address_list(&s, addresses(&s, header, n, "To"));
    buf_text(out, " ");
    copies(&s, header, n, "Cc");
    buf_text(out, " ");
    copies(&s, header, n, "Bcc");
    buf_text(out, " ");
    field(&s, header, n, "In-Reply-To");
    buf_text(out, " ");
    field(&s, header, n, "Message-ID");
    buf_text(out, fault(FAULT_IMAP_ENVELOPE_ELEVENTH_MEMBER) ? " NIL)" : ")");
}

/* --- BODYSTRUCTURE --- */

static void params(const struct source *s, const struct param *list)
{
    if (list == NULL) {
        buf_text(s->out, "NIL");
        return;
    }
    const char *sep = "(";
    if (s->rev2) {
        list = content_joined(s->arena, list); /* RFC 9051, 7.5.2 */
    }
    for (const struct param *p = list; p != NULL; p = p->next) {
        buf_text(s->out, sep);
        upper(s, p->name);
        buf_text(s->out, " ");
        text(s, p->value);
        sep = " ";
    }
    buf_text(s->out, ")");
}

static bool disposition(const struct source *s, const unsigned char *header, size_t n)
{
    struct header_field f;
    struct content value;
    if (!header_find(header, n, "Content-Disposition", &f) ||
        !content_parse(s->arena, f.value, f.value_len, &value)) {
        buf_text(s->out, "NIL");
        return false;
    }
    buf_text(s->out, "(");
    upper(s, value.type);
    buf_text(s->out, " ");
    params(s, value.params);
    buf_text(s->out, ")");
    return true;
}

static void language(const struct source *s, const unsigned char *header, size_t n)
{
    struct header_field f;
    const struct param *list = header_find(header, n, "Content-Language", &f)
                                   ? content_list(s->arena, f.value, f.value_len)
                                   : NULL;
    if (list == NULL || list->next == NULL) {
        text(s, list ? list->name : NULL);
        return;
    }
    const char *sep = "(";
    for (; list != NULL; list = list->next) {
        buf_text(s->out, sep);
        text(s, list->name);
        sep = " ";
    }
    buf_text(s->out, ")");
}

/* The fields behind the basic ones, which only BODYSTRUCTURE has: disposition, language, location.
 */
static void extension(const struct source *s, const unsigned char *header, size_t n)
{
    struct header_field f;
    buf_text(s->out, " ");
    if (header_find(header, n, "Content-Disposition", &f) &&
        fault(FAULT_IMAP_BODY_EXTENSION_ORDER)) {
        language(s, header, n);
        buf_text(s->out, " ");
        disposition(s, header, n);
    } else {
        disposition(s, header, n);
        buf_text(s->out, " ");
        language(s, header, n);
    }
    buf_text(s->out, " ");
    field(s, header, n, "Content-Location");
}

static void encoding(const struct source *s, const unsigned char *header, size_t n)
{
    struct header_field f;
    const char *name = NULL;
    if (header_find(header, n, "Content-Transfer-Encoding", &f)) {
        name = content_token(s->arena, f.value, f.value_len);
    }
    upper(s, name ? name : "7BIT");
}

/* Octets of the body as it is encoded. */
static size_t shown_size(const struct source *s, const struct part *part)
{
    struct header_field f;
    if (!fault(FAULT_IMAP_STRUCTURE_DECODED_SIZE) ||
        !header_find(s->message + part->header_at, part->header_len, "Content-Transfer-Encoding",
                     &f)) {
        return part->body_len;
    }
    const char *name = content_token(s->arena, f.value, f.value_len);
    return text_decode(s->arena, s->message + part->body_at, part->body_len, name).n;
}

static void body(const struct source *s, const struct part *part, bool extended);

static void multipart(const struct source *s, const struct part *part, bool extended)
{
    const unsigned char *header = s->message + part->header_at;
    for (const struct part *c = part->first; c != NULL; c = c->next) {
        if (c != part->first && fault(FAULT_IMAP_MULTIPART_SPACES)) {
            buf_text(s->out, " ");
        }
        body(s, c, extended);
    }
    if (part->first == NULL) {
        /* The grammar wants a part; a multipart without any is shown with an empty one. */
        buf_text(s->out, "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 0 0)");
    }
    buf_text(s->out, " ");
    if (fault(FAULT_IMAP_MULTIPART_NO_SUBTYPE)) {
        buf_text(s->out, "NIL");
    } else {
        upper(s, part->type.subtype);
    }
    if (extended) {
        buf_text(s->out, " ");
        params(s, part->type.params);
        extension(s, header, part->header_len);
    }
}

static void single(const struct source *s, const struct part *part, bool extended)
{
    static struct param us_ascii = {.name = "CHARSET", .value = "US-ASCII"};
    const unsigned char *header = s->message + part->header_at;
    size_t n = part->header_len;
    struct content type = part->type;
    if (part->opaque) {
        type = (struct content){.type = "APPLICATION", .subtype = "OCTET-STREAM"};
    } else if (type.type == NULL && part->kind == PART_MESSAGE) {
        type = (struct content){.type = "MESSAGE", .subtype = "RFC822"};
    } else if (type.type == NULL) {
        type = (struct content){.type = "TEXT", .subtype = "PLAIN", .params = &us_ascii};
    }
    upper(s, type.type);
    buf_text(s->out, " ");
    upper(s, type.subtype);
    buf_text(s->out, " ");
    params(s, type.params);
    buf_text(s->out, " ");
    field(s, header, n, "Content-ID");
    buf_text(s->out, " ");
    field(s, header, n, "Content-Description");
    buf_text(s->out, " ");
    encoding(s, header, n);
    buf_printf(s->out, fault(FAULT_IMAP_BODY_SIZE_QUOTED) ? " \"%zu\"" : " %zu",
               shown_size(s, part));
    /* RFC 3501 has this form for RFC822 only, RFC 9051 for GLOBAL as well. */
    if (part->kind == PART_MESSAGE && (s->rev2 || strcasecmp(type.subtype, "RFC822") == 0) &&
        !fault(FAULT_IMAP_MESSAGE_AS_BASIC)) {
        const struct part *inner = part->first;
        buf_text(s->out, " ");
        structure_envelope(s->out, s->arena, s->message + inner->header_at, inner->header_len,
                           s->rev2);
        buf_text(s->out, " ");
        body(s, inner, extended);
        buf_printf(s->out, " %zu", part->body_lines);
    } else if (strcasecmp(type.type, "TEXT") == 0 && !fault(FAULT_IMAP_STRUCTURE_NO_LINES)) {
        buf_printf(s->out, " %zu", part->body_lines);
    }
    if (extended) {
        buf_text(s->out, " ");
        field(s, header, n, "Content-MD5");
        extension(s, header, n);
    }
}

static void body(const struct source *s, const struct part *part, bool extended)
{
    buf_text(s->out, "(");
    if (part->kind == PART_MULTIPART) {
        multipart(s, part, extended);
    } else {
        single(s, part, extended);
    }
    buf_text(s->out, ")");
}

void structure_body(struct buf *out, struct arena *a, const unsigned char *message,
                    const struct part *part, bool extended, bool rev2)
{
    const struct source s = {.out = out, .arena = a, .message = message, .rev2 = rev2};
    body(&s, part, extended);
}
