/* SPDX-License-Identifier: MIT */
#include "imap/grammar/write.h"

#include <string.h>
#include <time.h>

#include "fault.h"
#include "imap/grammar/utf7.h"

/* Long strings go as literals: some clients keep short buffers for quoted ones. */
#define LONGEST_QUOTED 1000

static bool quotable(const unsigned char *p, size_t n, bool utf8)
{
    if (n > LONGEST_QUOTED) {
        return false;
    }
    bool high = false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\0' || p[i] == '\r' || p[i] == '\n') {
            return false;
        }
        high = high || p[i] >= 0x80;
    }
    if (high && fault(FAULT_IMAP_QUOTED_8BIT)) {
        return true;
    }
    return !high || (utf8 && utf8_valid((const char *)p, n));
}

void write_string(struct buf *out, const void *p, size_t n, bool utf8)
{
    const unsigned char *s = p;
    if (n > 0 && !quotable(s, n, utf8)) {
        buf_printf(out, "{%zu}\r\n", n);
        buf_add(out, s, n);
        return;
    }
    buf_text(out, "\"");
    for (size_t i = 0; i < n; i++) {
        if ((s[i] == '"' || s[i] == '\\') && !fault(FAULT_IMAP_QUOTED_BARE_QUOTE)) {
            buf_text(out, "\\");
        }
        buf_add(out, s + i, 1);
    }
    buf_text(out, "\"");
}

void write_nstring(struct buf *out, const void *p, size_t n, bool utf8)
{
    if (p == NULL) {
        buf_text(out, fault(FAULT_IMAP_EMPTY_FOR_NIL) ? "\"\"" : "NIL");
    } else {
        write_string(out, p, n, utf8);
    }
}

void write_astring(struct buf *out, const void *p, size_t n)
{
    const unsigned char *s = p;
    bool atom = n > 0 && !(n == 3 && memcmp(s, "NIL", 3) == 0);
    for (size_t i = 0; i < n && atom; i++) {
        atom = s[i] > 0x20 && s[i] < 0x7f && strchr("(){%*\"\\]", s[i]) == NULL;
    }
    if (atom) {
        buf_add(out, s, n);
    } else {
        write_string(out, s, n, false);
    }
}

void write_mailbox(struct buf *out, const char *name, bool utf8)
{
    if (utf8) {
        write_string(out, name, strlen(name), true);
        return;
    }
    struct buf wire;
    buf_init(&wire, 65536);
    utf7_encode(&wire, name);
    write_astring(out, wire.data ? wire.data : (const unsigned char *)"", wire.len);
    buf_free(&wire);
}

void write_flags(struct buf *out, const struct mailbox *m, uint64_t flags)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
        {FLAG_ANSWERED, "\\Answered"}, {FLAG_FLAGGED, "\\Flagged"}, {FLAG_DELETED, "\\Deleted"},
        {FLAG_SEEN, "\\Seen"},         {FLAG_DRAFT, "\\Draft"},     {FLAG_RECENT, "\\Recent"},
    };
    const char *sep = "";
    buf_text(out, "(");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (flags & names[i].bit) {
            buf_printf(out, "%s%s", sep, names[i].name);
            sep = " ";
        }
    }
    for (int k = 0; k < m->keyword_count; k++) {
        if (flags & (uint64_t)1 << (FLAG_KEYWORD_0 + k)) {
            buf_printf(out, "%s%s", sep, m->keywords[k]);
            sep = " ";
        }
    }
    buf_text(out, ")");
}

void write_date_time(struct buf *out, int64_t seconds, int zone_minutes)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t local = (time_t)(seconds + (int64_t)zone_minutes * 60);
    struct tm tm = {0};
    gmtime_r(&local, &tm);
    int zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;
    buf_text(out, fault(FAULT_IMAP_QUOTED_BAD_ESCAPE) ? "\"\\" : "\"");
    buf_printf(out, fault(FAULT_IMAP_DATE_UNPADDED) ? "%d" : "%2d", tm.tm_mday);
    buf_printf(out, "-%s-%04d %02d:%02d:%02d ", months[tm.tm_mon % 12], tm.tm_year + 1900,
               tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (fault(FAULT_IMAP_INTERNALDATE_ZONE_NAME)) {
        buf_text(out, "GMT\"");
    } else {
        buf_printf(out, "%c%02d%02d\"", zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
    }
}

uint64_t write_uidvalidity(uint32_t uidvalidity)
{
    if (fault(FAULT_IMAP_UIDVALIDITY_CONSTANT)) {
        return 1;
    }
    return uidvalidity + (fault(FAULT_IMAP_UIDVALIDITY_TOO_BIG) ? (uint64_t)1 << 32 : 0);
}
