/* Writes notifications: words for people, fields for programs, and the message or its header.
 * SPDX-License-Identifier: MIT */
#include "queue/dsn.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "fault.h"
#include "sasl/sasl.h"
#include "smtp/header.h"
#include "smtp/param.h"

enum { EXTRA_BYTES = 4 * 1024 * 1024, DECODED_BYTES = 600 };

bool dsn_wanted(enum dsn_action action, unsigned notify)
{
    if (action == DSN_DELAYED && fault(FAULT_QUEUE_NO_DELAY_DSN))
        return false;
    if (action == DSN_DELAYED && fault(FAULT_QUEUE_DELAY_UNASKED))
        return true;
    if ((notify & QUEUE_NOTIFY_NEVER) != 0)
        return fault(FAULT_QUEUE_DSN_DESPITE_NEVER) && action == DSN_FAILED;
    switch (action) {
    case DSN_FAILED:
        return notify == 0 || (notify & QUEUE_NOTIFY_FAILURE) != 0 ||
               fault(FAULT_QUEUE_DSN_FAILURE_UNASKED);
    case DSN_DELAYED:
        return notify == 0 || (notify & QUEUE_NOTIFY_DELAY) != 0;
    case DSN_RELAYED:
        return ((notify & QUEUE_NOTIFY_SUCCESS) != 0 || fault(FAULT_QUEUE_SUCCESS_UNASKED)) &&
               !fault(FAULT_QUEUE_NO_SUCCESS_DSN);
    case DSN_DELIVERED:
        return ((notify & QUEUE_NOTIFY_SUCCESS) != 0 || fault(FAULT_SMTP_DELIVERED_DSN_UNASKED)) &&
               !fault(FAULT_QUEUE_NO_SUCCESS_DSN) && !fault(FAULT_SMTP_NO_DELIVERED_DSN);
    }
    return false;
}

/* With numeric zones (RFC 3464, 2.2.5). */
static void write_date(struct buf *b, const char *field, int64_t when)
{
    bool named = fault(FAULT_QUEUE_DSN_DATE_ZONE_NAME) && strcmp(field, "Date") != 0;
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    time_t t = (time_t)when;
    if (gmtime_r(&t, &tm) == NULL)
        return;
    buf_printf(b, "%s: %.3s, %d %.3s %04d %02d:%02d:%02d %s\r\n", field,
               days + (size_t)tm.tm_wday * 3, tm.tm_mday, months + (size_t)tm.tm_mon * 3,
               tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, named ? "GMT" : "+0000");
}

/* Undoes xtext; what would break a header field becomes "?". */
static const char *plain(const char *xtext, char out[DECODED_BYTES])
{
    size_t len = 0, n = strlen(xtext);
    if (n >= DECODED_BYTES || smtp_xtext_decode(xtext, n, out, &len) != 0)
        snprintf(out, DECODED_BYTES, "%.*s", DECODED_BYTES - 1, xtext);
    for (char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            *p = '?';
    return out;
}

static const char *const action_words[] = {
    [DSN_FAILED] = "failed",
    [DSN_DELAYED] = "delayed",
    [DSN_RELAYED] = "relayed",
    [DSN_DELIVERED] = "delivered",
};

static const char *subject(enum dsn_action action)
{
    switch (action) {
    case DSN_FAILED:
        return "Your mail could not be delivered";
    case DSN_DELAYED:
        return "Your mail is delayed";
    case DSN_RELAYED:
        return "Your mail was passed on";
    case DSN_DELIVERED:
        break;
    }
    return "Your mail was delivered";
}

static const char *explanation(enum dsn_action action)
{
    switch (action) {
    case DSN_FAILED:
        return "The mail that you sent could not be delivered to these recipients,\r\n"
               "and no more attempts are made:\r\n";
    case DSN_DELAYED:
        return "The mail that you sent could not be delivered to these recipients yet.\r\n"
               "Attempts go on; there is nothing that you have to do.\r\n";
    case DSN_RELAYED:
        return "The mail that you sent was passed on to a server that does not confirm\r\n"
               "deliveries. You may hear no more of these recipients:\r\n";
    case DSN_DELIVERED:
        break;
    }
    return "The mail that you sent was delivered to these recipients:\r\n";
}

static void write_header(struct buf *b, const struct dsn *d, const char *boundary, bool eight_bit)
{
    static unsigned counter; /* the loop thread's */
    buf_printf(b, "From: Mail Delivery Subsystem <MAILER-DAEMON@%s>\r\n", d->hostname);
    if (!fault(FAULT_QUEUE_DSN_NO_TO))
        buf_printf(b, "To: <%s>\r\n", d->sender);
    buf_printf(b, "Subject: %s\r\n", subject(d->action));
    write_date(b, "Date", d->now_s);
    buf_printf(b, "Message-ID: <dsn.%" PRIx64 ".%x.%s@%s>\r\n", (uint64_t)d->now_s, ++counter,
               d->name, d->hostname);
    buf_text(b, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    if (fault(FAULT_QUEUE_DSN_PLAIN))
        buf_text(b, "Content-Type: text/plain; charset=utf-8\r\n");
    else
        buf_printf(b,
                   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                   "\tboundary=\"%s\"\r\n",
                   boundary);
    if (eight_bit)
        buf_text(b, "Content-Transfer-Encoding: 8bit\r\n");
    buf_text(b, "\r\n");
}

static void write_words(struct buf *b, const struct dsn *d)
{
    if (fault(FAULT_QUEUE_DSN_NO_HUMAN_PART))
        return;
    buf_printf(b, "This is the mail server %s.\r\n\r\n%s\r\n", d->hostname, explanation(d->action));
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipients[i];
        buf_printf(b, "  <%s>\r\n", r->address);
        if (r->remote[0] != '\0')
            buf_printf(b, "    %s said:\r\n", r->remote);
        if (r->diagnostic[0] != '\0')
            buf_printf(b, "    %s\r\n", r->diagnostic);
    }
}

/* The word for what became of it, which is where some faults lie. */
static const char *action_word(enum dsn_action action)
{
    if (action == DSN_FAILED && fault(FAULT_QUEUE_DSN_WRONG_ACTION))
        action = DSN_DELAYED;
    else if (action == DSN_RELAYED && fault(FAULT_QUEUE_RELAYED_AS_DELIVERED))
        action = DSN_DELIVERED;
    else if (action == DSN_DELIVERED && fault(FAULT_SMTP_DELIVERED_AS_RELAYED))
        action = DSN_RELAYED;
    return action_words[action];
}

static void write_remote(struct buf *b, const struct dsn *d, const struct dsn_recipient *r)
{
    if (d->action == DSN_DELIVERED && fault(FAULT_SMTP_DELIVERED_REMOTE_MTA))
        buf_printf(b, "Remote-MTA: dns;%s\r\n", d->hostname);
    if (fault(FAULT_QUEUE_DSN_NO_DIAGNOSTIC))
        return;
    if (r->remote[0] != '\0')
        buf_printf(b, "Remote-MTA: dns;%s\r\n", r->remote);
    if (r->from_server && r->diagnostic[0] != '\0')
        buf_printf(b, "Diagnostic-Code: smtp;%s\r\n", r->diagnostic);
}

static void write_final_recipient(struct buf *b, const char *address)
{
    bool ascii = text_is_ascii((const unsigned char *)address, strlen(address));
    buf_printf(b, "Final-Recipient: %s;", ascii ? "rfc822" : "utf-8");
    for (const char *p = address; *p != '\0'; p++) {
        char c = fault(FAULT_QUEUE_DSN_RECIPIENT_LOWERED) ? (char)tolower((unsigned char)*p) : *p;
        buf_add(b, &c, 1);
    }
    buf_text(b, "\r\n");
}

static void write_recipient(struct buf *b, const struct dsn *d, const struct dsn_recipient *r)
{
    char decoded[DECODED_BYTES];
    buf_text(b, "\r\n");
    if (r->orcpt != NULL && !fault(FAULT_QUEUE_NO_ORCPT))
        buf_printf(b, "Original-Recipient: %s\r\n", plain(r->orcpt, decoded));
    else if (r->orcpt == NULL && fault(FAULT_QUEUE_ORCPT_INVENTED))
        buf_printf(b, "Original-Recipient: rfc822;%s\r\n", r->address);
    write_final_recipient(b, r->address);
    buf_printf(b, "Action: %s\r\n", action_word(d->action));
    if (!fault(FAULT_QUEUE_DSN_NO_STATUS))
        buf_printf(b, "Status: %s\r\n", r->status);
    write_remote(b, d, r);
    if (r->tried_s != 0)
        write_date(b, "Last-Attempt-Date", r->tried_s);
    if (d->action == DSN_DELAYED || (d->action == DSN_FAILED && fault(FAULT_QUEUE_DSN_WILL_RETRY)))
        write_date(b, "Will-Retry-Until", r->until_s);
}

static void write_fields(struct buf *b, const struct dsn *d)
{
    char decoded[DECODED_BYTES];
    if (d->envid != NULL && !fault(FAULT_QUEUE_NO_ENVID))
        buf_printf(b, "Original-Envelope-Id: %s\r\n",
                   fault(FAULT_QUEUE_ENVID_ENCODED) ? d->envid : plain(d->envid, decoded));
    if (!fault(FAULT_QUEUE_DSN_NO_REPORTING_MTA))
        buf_printf(b, "Reporting-MTA: dns;%s\r\n", d->hostname);
    write_date(b, "Arrival-Date", d->arrival_s);
    if (d->wishes != NULL && d->wishes->by != BY_NOT_ASKED && !fault(FAULT_QUEUE_BY_DATE_MISSING))
        write_date(b, "Deliver-By-Date", d->wishes->by_s); /* RFC 2852, 5 */
    if (d->wishes != NULL && d->wishes->hold[0] != '\0' && !fault(FAULT_QUEUE_HOLD_NOT_REPORTED))
        buf_printf(b, "Future-Release-Request: %s\r\n", d->wishes->hold); /* RFC 4865, 5.1.2 */
    size_t count = d->count > 1 && fault(FAULT_QUEUE_DSN_FIRST_ONLY) ? 1 : d->count;
    for (size_t i = 0; i < count; i++)
        write_recipient(b, d, &d->recipients[i]);
}

static size_t header_len(const unsigned char *data, size_t n)
{
    size_t at = 0, end;
    while ((end = smtp_header_field(data, n, at)) != 0)
        at = end;
    return at;
}

/* RET decides for failures; other notifications return the header alone (RFC 3461, 4.3). A failure
 * without RET returns all, which is the more useful of the two that are allowed. */
static bool returns_all(const struct dsn *d)
{
    if (d->action != DSN_FAILED && !fault(FAULT_QUEUE_SUCCESS_FULL))
        return false;
    if (d->return_full && fault(FAULT_QUEUE_RET_FULL_HDRS))
        return false;
    if (d->wishes != NULL && d->wishes->requiretls && !fault(FAULT_QUEUE_REQUIRETLS_FULL_REPORT))
        return false; /* RFC 8689, 5 */
    return !d->return_header || fault(FAULT_QUEUE_RET_HDRS_FULL);
}

static void write_status(struct buf *b, const struct dsn *d, const char *boundary, bool global)
{
    bool encoded = fault(FAULT_QUEUE_DSN_BASE64_STATUS);
    buf_printf(b, "\r\n--%s\r\nContent-Type: message/%s\r\n", boundary,
               global ? "global-delivery-status" : "delivery-status");
    if (!encoded) {
        buf_printf(b, "%s\r\n", global ? "Content-Transfer-Encoding: 8bit\r\n" : "");
        write_fields(b, d);
        return;
    }
    struct buf fields;
    buf_init(&fields, EXTRA_BYTES);
    write_fields(&fields, d);
    buf_text(b, "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t at = 0; at < fields.len; at += 54) {
        base64_encode(b, fields.data + at, fields.len - at < 54 ? fields.len - at : 54);
        buf_text(b, "\r\n");
    }
    buf_free(&fields);
}

unsigned char *dsn_make(const struct dsn *d, size_t *len)
{
    static unsigned counter;
    struct buf b;
    char boundary[100];
    bool all = returns_all(d);
    size_t part = all ? d->len : header_len(d->data, d->len);
    bool eight_bit = d->utf8 || !text_is_ascii(d->data, part);
    bool addresses_ascii = text_is_ascii((const unsigned char *)d->sender, strlen(d->sender));
    for (size_t i = 0; i < d->count; i++)
        addresses_ascii =
            addresses_ascii && text_is_ascii((const unsigned char *)d->recipients[i].address,
                                             strlen(d->recipients[i].address));
    bool global = d->utf8 || !addresses_ascii;
    buf_init(&b, d->len + EXTRA_BYTES);
    snprintf(boundary, sizeof boundary, "=_%" PRIx64 ".%x.%s", (uint64_t)d->now_s, ++counter,
             d->name);
    write_header(&b, d, boundary, eight_bit || global);
    if (fault(FAULT_QUEUE_DSN_PLAIN)) {
        write_words(&b, d);
        return buf_take(&b, len);
    }
    buf_printf(&b, "--%s\r\nContent-Type: text/plain; charset=%s\r\n%s\r\n", boundary,
               global ? "utf-8" : "us-ascii", global ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    write_words(&b, d);
    if (fault(FAULT_QUEUE_DSN_NO_HUMAN_PART))
        write_status(&b, d, boundary, global);
    write_status(&b, d, boundary, global);
    const char *type = all ? (global ? "message/global" : "message/rfc822")
                           : (global ? "message/global-headers" : "text/rfc822-headers");
    buf_printf(&b, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n", boundary, type,
               eight_bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    buf_add(&b, d->data, part);
    if (part < 2 || memcmp(d->data + part - 2, "\r\n", 2) != 0)
        buf_text(&b, "\r\n");
    buf_printf(&b, "\r\n--%s--\r\n", boundary);
    return buf_take(&b, len);
}
