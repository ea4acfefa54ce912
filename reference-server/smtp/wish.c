/* Reads what senders ask for. Values that break the syntax get 501; lawful ones that this server
 * does not keep get what their RFC says.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/wish.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fault.h"

enum { BY_DIGITS = 9, HOLD_DIGITS = 9, FRACTION_DIGITS = 9 };

static int refuse(struct smtp_param_error *wrong, int code, const char *enhanced, const char *why)
{
    *wrong = (struct smtp_param_error){code, enhanced, why};
    return -1;
}

static int syntax(struct smtp_param_error *wrong, const char *why)
{
    return refuse(wrong, 501, "5.5.4", why);
}

/* Digits from *at on, at most `most` of them; -1: there is none, or one too many. */
static int64_t number(const char **at, const char *end, size_t most)
{
    int64_t n = 0;
    const char *p = *at;
    while (p < end && *p >= '0' && *p <= '9' && (size_t)(p - *at) < most)
        n = n * 10 + (*p++ - '0');
    bool fine = p > *at && !(p < end && *p >= '0' && *p <= '9');
    *at = p;
    return fine ? n : -1;
}

int smtp_take_requiretls(const char *value, const struct smtp_offer *offer, struct wishes *out,
                         struct smtp_param_error *wrong)
{
    if (value != NULL && !fault(FAULT_SMTP_REQUIRETLS_TAKES_VALUE))
        return syntax(wrong, "REQUIRETLS takes no value");
    if (!offer->requiretls)
        return refuse(wrong, 530, "5.7.10", "REQUIRETLS is for sessions inside TLS");
    out->requiretls = true;
    return 0;
}

/* seconds;mode, the mode N or R, and perhaps T (RFC 2852, 4). */
int smtp_take_by(const char *value, size_t n, const struct smtp_offer *offer, struct wishes *out,
                 struct smtp_param_error *wrong)
{
    static const char form[] = "BY takes up to nine digits, a semicolon, N or R, and perhaps T";
    const char *at = value, *end = value == NULL ? NULL : value + n;
    if ((value == NULL || n == 0) && fault(FAULT_SMTP_BY_WITHOUT_VALUE))
        return 0;
    if (value == NULL || n == 0)
        return syntax(wrong, form);
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    int64_t seconds = number(&at, end, BY_DIGITS);
    if (fault(FAULT_SMTP_BY_ANY_VALUE))
        return 0;
    if (seconds < 0 || at == end || *at++ != ';' || at == end)
        return syntax(wrong, form);
    char mode = fault(FAULT_SMTP_BY_MODE_CASE) ? *at : (char)toupper((unsigned char)*at);
    at++;
    bool trace = at < end && toupper((unsigned char)*at) == 'T';
    at += trace;
    if (at != end || (mode != 'N' && mode != 'R'))
        return syntax(wrong, form);
    if (negative)
        seconds = -seconds;
    if (mode == 'R' && seconds <= 0 && fault(FAULT_SMTP_BY_ZERO))
        return 0;
    if (mode == 'R' && seconds <= 0)
        return syntax(wrong, "BY with R needs a time to come");
    if (mode == 'N' && seconds <= 0 && fault(FAULT_SMTP_BY_PAST_REFUSED))
        return syntax(wrong, "That time is over");
    if (mode == 'R' && seconds < offer->limits->deliver_by_least_seconds &&
        !fault(FAULT_SMTP_BY_MINIMUM_IGNORED))
        return refuse(wrong, 555, "5.5.4", "BY with R is shorter than the least that EHLO tells");
    out->by = mode == 'R' ? BY_RETURN : BY_NOTIFY;
    out->by_trace = trace;
    out->by_s = offer->now_s + seconds;
    return 0;
}

/* RFC 4865, 4.2: 501 with 5.5.4. */
static int wrong_hold(struct smtp_param_error *wrong, const char *why)
{
    if (fault(FAULT_SMTP_HOLD_ANY_VALUE))
        return 0;
    return fault(FAULT_SMTP_HOLD_555) ? refuse(wrong, 555, "5.5.2", why) : syntax(wrong, why);
}

/* One to nine digits, the first of them not 0 (RFC 4865, 3). */
int smtp_take_hold_for(const char *value, size_t n, const struct smtp_offer *offer,
                       struct wishes *out, struct smtp_param_error *wrong)
{
    const char *at = value, *end = value == NULL ? NULL : value + n;
    int64_t seconds = value == NULL || *value == '0' ? -1 : number(&at, end, HOLD_DIGITS);
    if (seconds < 0 || at != end)
        return wrong_hold(wrong, "HOLDFOR takes a number of seconds");
    if (seconds > offer->limits->future_release_seconds && !fault(FAULT_SMTP_HOLD_MOST_IGNORED))
        return wrong_hold(wrong, "HOLDFOR is longer than the most that EHLO tells");
    out->release_s = offer->now_s + seconds;
    snprintf(out->hold, sizeof out->hold, "for;%.*s", (int)n, value);
    return 0;
}

static bool literal(const char **at, const char *end, char c)
{
    bool is = *at < end && toupper((unsigned char)**at) == c;
    *at += is;
    return is;
}

static int field(const char **at, const char *end, size_t digits)
{
    const char *from = *at;
    int64_t n = number(at, end, digits);
    return (size_t)(*at - from) == digits ? (int)n : -1;
}

/* A date and time of RFC 3339 in UTC, "2026-11-21T06:00:00Z". -1: it is none. */
static int64_t take_moment(const char *at, const char *end)
{
    struct tm tm = {0}, made;
    tm.tm_year = field(&at, end, 4) - 1900;
    bool fine = literal(&at, end, '-');
    tm.tm_mon = field(&at, end, 2) - 1;
    fine = fine && literal(&at, end, '-');
    tm.tm_mday = field(&at, end, 2);
    fine = fine && literal(&at, end, 'T');
    tm.tm_hour = field(&at, end, 2);
    fine = fine && literal(&at, end, ':');
    tm.tm_min = field(&at, end, 2);
    fine = fine && literal(&at, end, ':');
    tm.tm_sec = field(&at, end, 2);
    if (literal(&at, end, '.'))
        fine = fine && number(&at, end, FRACTION_DIGITS) >= 0;
    if (!fine || !literal(&at, end, 'Z') || at != end || tm.tm_sec > 60 || tm.tm_sec < 0)
        return -1;
    if (tm.tm_sec == 60) /* a leap second; the clock has none */
        tm.tm_sec = 59;
    made = tm;
    time_t t = timegm(&made); /* what is no date comes back as another */
    if (made.tm_mon != tm.tm_mon || made.tm_mday != tm.tm_mday || made.tm_hour != tm.tm_hour ||
        made.tm_min != tm.tm_min || made.tm_year != tm.tm_year)
        return -1;
    return (int64_t)t;
}

int smtp_take_hold_until(const char *value, size_t n, const struct smtp_offer *offer,
                         struct wishes *out, struct smtp_param_error *wrong)
{
    int64_t when = value == NULL ? -1 : take_moment(value, value + n);
    if (fault(FAULT_SMTP_HOLD_UNTIL_REFUSED))
        return syntax(wrong, "HOLDUNTIL takes nothing");
    if (when < 0 || n >= sizeof out->hold - 6)
        return wrong_hold(wrong, "HOLDUNTIL takes a date and time in UTC, as 2026-11-21T06:00:00Z");
    if (when <= offer->now_s)
        return wrong_hold(wrong, "HOLDUNTIL is over already");
    if (when - offer->now_s > offer->limits->future_release_seconds &&
        !fault(FAULT_SMTP_HOLD_MOST_IGNORED))
        return wrong_hold(wrong, "HOLDUNTIL is later than the most that EHLO tells");
    out->release_s = when;
    snprintf(out->hold, sizeof out->hold, "until;%.*s", (int)n, value);
    return 0;
}

/* -9 to 9, no sign before the others, no leading zero (RFC 6710, 7). */
int smtp_take_priority(const char *value, size_t n, struct wishes *out,
                       struct smtp_param_error *wrong)
{
    bool negative = value != NULL && n == 2 && value[0] == '-';
    char digit = value == NULL ? '\0' : value[negative];
    bool fine = (negative && digit >= '1' && digit <= '9') ||
                (!negative && n == 1 && digit >= '0' && digit <= '9');
    if (!fine && !(value != NULL && fault(FAULT_SMTP_PRIORITY_SYNTAX_IGNORED)))
        return refuse(wrong, 501, "5.5.2", "MT-PRIORITY takes a number from -9 to 9");
    out->priority = !fine ? 0 : negative ? '0' - digit : digit - '0';
    out->priority_said = true;
    return 0;
}
