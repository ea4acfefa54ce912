/* Trace fields: where a message came from and whom to tell when it fails.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/received.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "server.h"
#include "smtp/submit.h"

void smtp_make_id(const struct smtp *s, char id[SMTP_ID_BYTES])
{
    static unsigned counter; /* the loop thread's */
    snprintf(id, SMTP_ID_BYTES, "%" PRIx64 ".%x.%x", (uint64_t)clock_wall_s(s->conn->server->clock),
             s->conn->number, ++counter);
}

/* RFC 5322, 3.3, without names of zones and with four digits of year; strftime would use the
 * locale's words. */
void smtp_write_date(const struct smtp *s, struct buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    /* The loop thread's: thousands of messages come in one second. */
    static time_t written = -1;
    static bool two_digits;
    static char text[64];
    time_t now = (time_t)clock_wall_s(s->conn->server->clock);
    bool wrong = fault(FAULT_SMTP_RECEIVED_TWO_DIGIT_YEAR);
    struct tm tm;
    if (now == written && wrong == two_digits) {
        buf_text(out, text);
        return;
    }
    if (localtime_r(&now, &tm) == NULL)
        gmtime_r(&now, &tm);
    long minutes = tm.tm_gmtoff / 60, positive = minutes < 0 ? -minutes : minutes;
    snprintf(text, sizeof text, "%.3s, %d %.3s %0*d %02d:%02d:%02d %c%02ld%02ld",
             days + (size_t)tm.tm_wday * 3, tm.tm_mday, months + (size_t)tm.tm_mon * 3,
             wrong ? 2 : 4, wrong ? tm.tm_year % 100 : tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec, minutes < 0 ? '-' : '+', positive / 60, positive % 60);
    written = now;
    two_digits = wrong;
    buf_text(out, text);
}

/* Registered names only: RFC 3848 and RFC 6531, 4.3. */
static void write_protocol(const struct smtp *s, struct buf *out)
{
    bool esmtp = s->told_protocol != 0 ? s->told_protocol == 'E' : s->esmtp;
    if (!esmtp) {
        buf_text(out, "SMTP");
        return;
    }
    if (fault(FAULT_SMTP_RECEIVED_WITH_ANY)) {
        buf_text(out, "MAILPROOF");
        return;
    }
    const char *secure = s->conn->tls ? "S" : "",
               *login = s->logged_in && !fault(FAULT_SMTP_RECEIVED_NO_LOGIN) ? "A" : "";
    if (s->envelope.utf8 && !fault(FAULT_SMTP_UTF8_WITH_ESMTP))
        buf_printf(out, "UTF8%s%s%s", s->lmtp ? "LMTP" : "SMTP", secure, login);
    else
        buf_printf(out, "%s%s%s", s->lmtp ? "LMTP" : "ESMTP", secure, login);
}

static void write_received(const struct smtp *s, const char *id, struct buf *out)
{
    const struct conn *c = s->conn;
    const char *helo = s->told_helo != NULL ? s->told_helo : s->helo;
    buf_text(out, "Received: ");
    if (!fault(FAULT_SMTP_RECEIVED_WITHOUT_FROM))
        buf_printf(out, "from %s (%s%s[%s%s])\r\n\t", helo != NULL ? helo : "unknown",
                   s->told_name != NULL ? s->told_name : "", s->told_name != NULL ? " " : "",
                   strchr(c->peer, ':') != NULL ? "IPv6:" : "", c->peer);
    buf_printf(out, "by %s with ", c->server->hostname);
    write_protocol(s, out);
    buf_printf(out, " id %s", id);
    if (s->envelope.count > 1 && fault(FAULT_SMTP_RECEIVED_FOR_ALL))
        for (size_t i = 0; i < s->envelope.count; i++)
            buf_printf(out, "%s<%s>", i == 0 ? "\r\n\tfor " : ",\r\n\t ",
                       s->envelope.recipients[i].mailbox);
    if (s->envelope.count == 1) /* more would give blind copies away: RFC 5321, 7.6 */
        buf_printf(out, "\r\n\tfor <%s>", s->envelope.recipients[0].mailbox);
    if (c->tls && !fault(FAULT_SMTP_RECEIVED_NO_SUITE)) /* RFC 8314, 4.3 */
        buf_printf(out, "\r\n\ttls %s", c->tls_cipher);
    if (s->envelope.wishes.priority_said &&
        !fault(FAULT_SMTP_RECEIVED_NO_PRIORITY)) /* RFC 6710, 7 */
        buf_printf(out, "\r\n\tPRIORITY %d", s->envelope.wishes.priority);
    buf_text(out, "; ");
    smtp_write_date(s, out);
    if (fault(FAULT_SMTP_RECEIVED_ZONE_NAME) && out->len > 5) {
        out->len -= 5;
        buf_text(out, "GMT");
    }
    buf_text(out, "\r\n");
}

void smtp_trace_fields(const struct smtp *s, const char *id, const unsigned char *text, size_t n,
                       struct buf *out)
{
    bool below = fault(FAULT_SMTP_RETURN_PATH_BELOW);
    if (!below && !fault(FAULT_SMTP_NO_RETURN_PATH))
        buf_printf(out, "Return-Path: <%s>\r\n", s->envelope.sender);
    if (fault(FAULT_SMTP_APPARENTLY_TO))
        for (size_t i = 0; i < s->envelope.count; i++)
            buf_printf(out, "Apparently-To: <%s>\r\n", s->envelope.recipients[i].mailbox);
    if (!fault(FAULT_SMTP_NO_RECEIVED))
        write_received(s, id, out);
    if (below)
        buf_printf(out, "Return-Path: <%s>\r\n", s->envelope.sender);
    smtp_submission_fields(s, id, text, n, out);
}
