/* Reads the parameters of MAIL and RCPT. One that is not known gets 555, one that is known and
 * wrong 501, one that comes twice 501.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/param.h"

#include <string.h>
#include <strings.h>

#include "fault.h"
#include "smtp/wish.h"

enum { VALUE_MAX = 1024 };

struct param {
    const char *name, *value; /* value NULL: no = */
    size_t name_len, value_len;
};

static int refuse(struct smtp_param_error *wrong, int code, const char *enhanced, const char *why)
{
    *wrong = (struct smtp_param_error){code, enhanced, why};
    return -1;
}

static int syntax(struct smtp_param_error *wrong, const char *why)
{
    return refuse(wrong, 501, "5.5.4", why);
}

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool named(const struct param *p, const char *name)
{
    return strlen(name) == p->name_len && strncasecmp(name, p->name, p->name_len) == 0 &&
           (!fault(FAULT_SMTP_PARAMETERS_CASE_SENSITIVE) ||
            strncmp(name, p->name, p->name_len) == 0);
}

static bool valued(const struct param *p, const char *value)
{
    return p->value != NULL && strlen(value) == p->value_len &&
           strncasecmp(value, p->value, p->value_len) == 0;
}

/* A word of NOTIFY or RET, in any case (RFC 3461, 4.1 and 4.3). */
static bool worded(const struct param *p, const char *value)
{
    return valued(p, value) &&
           (!fault(FAULT_SMTP_DSN_WORDS_CASE) || strncmp(value, p->value, p->value_len) == 0);
}

/* By a fault these may stand without a value. */
static bool may_be_empty(const struct param *p)
{
    return (named(p, "RET") && fault(FAULT_SMTP_DSN_RET_ANY)) ||
           (named(p, "BY") && fault(FAULT_SMTP_BY_WITHOUT_VALUE)) ||
           (named(p, "NOTIFY") && fault(FAULT_SMTP_DSN_NOTIFY_ANY)) ||
           (named(p, "SIZE") && fault(FAULT_SMTP_SIZE_ANY_VALUE));
}

/* The next parameter behind one space. 1: there it is, 0: that was all. */
static int next(const char **at, struct param *p, struct smtp_param_error *wrong)
{
    const char *text = *at;
    if (*text == '\0')
        return 0;
    if (*text++ != ' ' || !alnum(*text))
        return syntax(wrong, "Parameters are separated by one space each");
    p->name = text;
    while (alnum(*text) || *text == '-')
        text++;
    p->name_len = (size_t)(text - p->name);
    p->value = NULL;
    p->value_len = 0;
    if (*text == '=') {
        p->value = ++text;
        while (*text > 32 && *text < 127 && *text != '=')
            text++;
        p->value_len = (size_t)(text - p->value);
        /* AUTH=<> and the like hold no = but UTF-8 is never there */
        if ((p->value_len == 0 && !may_be_empty(p)) || p->value_len > VALUE_MAX)
            return syntax(wrong, "A parameter has no value, or one that is too long");
    }
    if (*text != '\0' && *text != ' ')
        return syntax(wrong, "A parameter holds an octet that it may not");
    *at = text;
    return 1;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int smtp_xtext_decode(const char *text, size_t n, char *out, size_t *len)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < 33 || text[i] > 126 || text[i] == '=')
            return -1;
        if (text[i] != '+') {
            out[used++] = text[i];
            continue;
        }
        int high = i + 2 < n ? hex_value(text[i + 1]) : -1;
        int low = i + 2 < n ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    out[used] = '\0';
    *len = used;
    return 0;
}

/* RFC 1870, 6: up to 20 digits. */
static int take_size(const struct param *p, const struct limits *limits, struct smtp_params *out,
                     struct smtp_param_error *wrong)
{
    unsigned long long size = 0;
    if (fault(FAULT_SMTP_SIZE_ANY_VALUE))
        return 0;
    if (p->value == NULL || p->value_len > 20)
        return syntax(wrong, "SIZE takes a number");
    for (size_t i = 0; i < p->value_len; i++) {
        if (p->value[i] < '0' || p->value[i] > '9')
            return syntax(wrong, "SIZE takes a number");
        unsigned long long digit = (unsigned long long)(p->value[i] - '0');
        bool wraps = fault(FAULT_SMTP_SIZE_WRAPS);
        size = wraps                         ? (size * 10 + digit) & UINT32_MAX
               : size > (~0ULL - digit) / 10 ? ~0ULL
                                             : size * 10 + digit;
    }
    if (size > (unsigned long long)limits->message_bytes && !fault(FAULT_SMTP_SIZE_IGNORED))
        return refuse(wrong, 552, "5.3.4", "The message would be larger than this server takes");
    out->size = size;
    return 0;
}

static int take_body(const struct param *p, struct smtp_params *out, struct smtp_param_error *wrong)
{
    if (valued(p, "7BIT"))
        out->body = SMTP_BODY_7BIT;
    else if (valued(p, "8BITMIME"))
        out->body = SMTP_BODY_8BITMIME;
    else if (valued(p, "BINARYMIME"))
        out->body = SMTP_BODY_BINARYMIME;
    else
        return syntax(wrong, "BODY is 7BIT, 8BITMIME or BINARYMIME");
    return 0;
}

/* RFC 4954, 5: <> or a mailbox, as xtext. It is read and not acted on: nothing is relayed. */
static int take_auth(const struct param *p, struct smtp_param_error *wrong)
{
    if (fault(FAULT_SMTP_MAIL_AUTH_REFUSED))
        return syntax(wrong, "AUTH is not wanted here");
    if (p->value != NULL && fault(FAULT_SMTP_MAIL_AUTH_ANY_VALUE))
        return 0;
    char plain[VALUE_MAX + 1];
    size_t len = 0, used = 0;
    struct smtp_path path;
    const char *why;
    if (p->value == NULL || smtp_xtext_decode(p->value, p->value_len, plain, &len) != 0)
        return syntax(wrong, "AUTH takes a mailbox or <>, as xtext");
    if (strcmp(plain, "<>") == 0 || smtp_mailbox_parse(plain, len, &path, &why) == 0 ||
        (smtp_path_parse(plain, len, 0, &path, &used, &why) == 0 && used == len))
        return 0;
    return syntax(wrong, "AUTH takes a mailbox or <>, as xtext");
}

static int take_envid(const struct param *p, struct smtp_params *out,
                      struct smtp_param_error *wrong)
{
    char plain[VALUE_MAX + 1];
    size_t len = 0;
    bool lax = p->value != NULL && fault(FAULT_SMTP_DSN_XTEXT_UNCHECKED);
    size_t most = fault(FAULT_SMTP_DSN_ENVID_SHORT) ? 8 : sizeof out->envid - 1;
    if (p->value == NULL || p->value_len > most ||
        (smtp_xtext_decode(p->value, p->value_len, plain, &len) != 0 && !lax))
        return syntax(wrong, "ENVID takes xtext of up to 100 characters");
    for (size_t i = 0; i < len; i++)
        if ((plain[i] < 32 || plain[i] > 126) && !lax)
            return syntax(wrong, "ENVID stands for printable characters only");
    memcpy(out->envid, p->value, p->value_len);
    out->envid[p->value_len] = '\0';
    return 0;
}

/* Whether these parameters were there before: *seen is a bit each. */
static bool again(unsigned *seen, unsigned bit)
{
    bool was = (*seen & bit) != 0;
    *seen |= bit;
    return was;
}

static int unknown(bool esmtp, struct smtp_param_error *wrong)
{
    if (esmtp && fault(FAULT_SMTP_UNKNOWN_PARAMETER_ACCEPTED))
        return 0;
    return refuse(wrong, 555, "5.5.4",
                  esmtp ? "I do not know this parameter" : "There are no parameters after HELO");
}

/* RET says how much of the message a report of failure holds (RFC 3461, 4.3). */
static int take_ret(const struct param *p, struct smtp_params *out, struct smtp_param_error *wrong)
{
    out->return_header = worded(p, "HDRS");
    out->return_full = worded(p, "FULL");
    bool fine = out->return_header || out->return_full || fault(FAULT_SMTP_DSN_RET_ANY);
    return fine ? 0 : syntax(wrong, "RET is FULL or HDRS");
}

enum mail_param {
    NO_PARAM = 0,
    SIZE = 1,
    BODY = 2,
    AUTH = 4,
    UTF8 = 8,
    RET = 16,
    ENVID = 32,
    REQUIRETLS = 64,
    BY = 128,
    HOLD_FOR = 256,
    HOLD_UNTIL = 512,
    PRIORITY = 1024,
};

static enum mail_param which(const struct param *p, const struct smtp_offer *offer)
{
    static const struct {
        const char *name;
        enum mail_param is;
    } known[] = {
        {"SIZE", SIZE},
        {"BODY", BODY},
        {"AUTH", AUTH},
        {"SMTPUTF8", UTF8},
        {"RET", RET},
        {"ENVID", ENVID},
        {"BY", BY},
        {"HOLDFOR", HOLD_FOR},
        {"HOLDUNTIL", HOLD_UNTIL},
        {"MT-PRIORITY", PRIORITY},
        {"REQUIRETLS", REQUIRETLS},
    };
    enum mail_param is = NO_PARAM;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (named(p, known[i].name))
            is = known[i].is;
    if (!offer->esmtp || (is == BY && !offer->by) ||
        ((is == HOLD_FOR || is == HOLD_UNTIL) && !offer->hold))
        return NO_PARAM;
    return is;
}

static int take(enum mail_param is, const struct param *p, const struct smtp_offer *offer,
                struct smtp_params *out, struct smtp_param_error *wrong)
{
    struct wishes *w = &out->wishes;
    switch (is) {
    case SIZE:
        return take_size(p, offer->limits, out, wrong);
    case BODY:
        return take_body(p, out, wrong);
    case AUTH:
        return take_auth(p, wrong);
    case UTF8:
        out->utf8 = true;
        return p->value == NULL || fault(FAULT_SMTP_UTF8_TAKES_VALUE)
                   ? 0
                   : syntax(wrong, "SMTPUTF8 takes no value");
    case RET:
        return take_ret(p, out, wrong);
    case ENVID:
        return take_envid(p, out, wrong);
    case REQUIRETLS:
        return smtp_take_requiretls(p->value, offer, w, wrong);
    case BY:
        return smtp_take_by(p->value, p->value_len, offer, w, wrong);
    case HOLD_FOR:
        return smtp_take_hold_for(p->value, p->value_len, offer, w, wrong);
    case HOLD_UNTIL:
        return smtp_take_hold_until(p->value, p->value_len, offer, w, wrong);
    case PRIORITY:
        return smtp_take_priority(p->value, p->value_len, w, wrong);
    case NO_PARAM:
        break;
    }
    return unknown(offer->esmtp, wrong);
}

/* One HOLD is enough, of either kind (RFC 4865, 4.2); a fault lets RET and ENVID come twice. */
static bool too_many(enum mail_param is, unsigned *seen)
{
    if (is == HOLD_FOR || is == HOLD_UNTIL)
        is = HOLD_FOR;
    if (is == NO_PARAM || !again(seen, is))
        return false;
    if ((is == HOLD_FOR && fault(FAULT_SMTP_HOLD_TWICE)) ||
        (is == PRIORITY && fault(FAULT_SMTP_PRIORITY_TWICE)) ||
        (is == SIZE && fault(FAULT_SMTP_SIZE_TWICE)))
        return false;
    return !((is == RET || is == ENVID) && fault(FAULT_SMTP_DSN_REPEATED));
}

int smtp_mail_params(const char *text, const struct smtp_offer *offer, struct smtp_params *out,
                     struct smtp_param_error *wrong)
{
    struct smtp_params made = {0};
    const struct wishes *w = &made.wishes;
    struct param p;
    unsigned seen = 0;
    int more;
    while ((more = next(&text, &p, wrong)) > 0) {
        enum mail_param is = which(&p, offer);
        if (too_many(is, &seen))
            return syntax(wrong, "A parameter comes twice");
        if (take(is, &p, offer, &made, wrong) != 0)
            return -1;
    }
    if (more < 0)
        return -1;
    /* RFC 4865, 5.2.2 */
    if (w->release_s != 0 && w->by != BY_NOT_ASKED && w->release_s > w->by_s &&
        !fault(FAULT_SMTP_HOLD_BEYOND_BY))
        return syntax(wrong, "It would be released after the time by which BY wants it there");
    *out = made;
    return 0;
}

/* RFC 3461, 4.1: NEVER alone, or a list of the others. */
static int take_notify(const struct param *p, struct smtp_params *out,
                       struct smtp_param_error *wrong)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {{"NEVER", SMTP_NOTIFY_NEVER},
                 {"SUCCESS", SMTP_NOTIFY_SUCCESS},
                 {"FAILURE", SMTP_NOTIFY_FAILURE},
                 {"DELAY", SMTP_NOTIFY_DELAY}};
    const char *at = p->value, *end = p->value == NULL ? NULL : p->value + p->value_len;
    while (at != NULL) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct param word = {.value = at,
                             .value_len = (size_t)((comma == NULL ? end : comma) - at)};
        unsigned bit = 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (worded(&word, known[i].name))
                bit = known[i].bit;
        if (bit == 0 && !fault(FAULT_SMTP_DSN_NOTIFY_ANY))
            break;
        out->notify |= bit;
        if (comma == NULL)
            goto whole;
        at = comma + 1;
    }
    if (!fault(FAULT_SMTP_DSN_NOTIFY_ANY))
        return syntax(wrong, "NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY");
whole:
    if (out->notify == SMTP_NOTIFY_NEVER && fault(FAULT_SMTP_DSN_NEVER_REFUSED))
        return refuse(wrong, 550, "5.7.1", "Everybody is told here");
    if ((out->notify & SMTP_NOTIFY_NEVER) != 0 && out->notify != SMTP_NOTIFY_NEVER &&
        !fault(FAULT_SMTP_DSN_NEVER_BESIDE_OTHERS))
        return syntax(wrong, "NOTIFY=NEVER stands alone");
    return 0;
}

static int take_orcpt(const struct param *p, struct smtp_params *out,
                      struct smtp_param_error *wrong)
{
    static const char form[] = "ORCPT takes type;address, the address as xtext";
    char plain[VALUE_MAX + 1];
    size_t len = 0, most = fault(FAULT_SMTP_DSN_ORCPT_SHORT) ? 128 : sizeof out->orcpt - 1;
    const char *semicolon = p->value == NULL ? NULL : memchr(p->value, ';', p->value_len);
    if (p->value == NULL || p->value_len > most)
        return syntax(wrong, form);
    if (semicolon == NULL && fault(FAULT_SMTP_DSN_ORCPT_NO_TYPE))
        return 0;
    if (semicolon == NULL || semicolon == p->value)
        return syntax(wrong, form);
    size_t rest = p->value_len - (size_t)(semicolon + 1 - p->value);
    bool fine = smtp_xtext_decode(semicolon + 1, rest, plain, &len) == 0 && len > 0;
    for (size_t i = 0; fine && i < len; i++)
        fine = plain[i] >= 32 && plain[i] <= 126; /* RFC 3461, 4.2 */
    if (!fine && (rest == 0 || !fault(FAULT_SMTP_DSN_XTEXT_UNCHECKED)))
        return syntax(wrong, form);
    memcpy(out->orcpt, p->value, p->value_len);
    out->orcpt[p->value_len] = '\0';
    return 0;
}

int smtp_rcpt_params(const char *text, bool esmtp, struct smtp_params *out,
                     struct smtp_param_error *wrong)
{
    struct smtp_params made = {0};
    struct param p;
    bool twice_fine = fault(FAULT_SMTP_DSN_REPEATED);
    int more;
    while ((more = next(&text, &p, wrong)) > 0) {
        int rc;
        if (esmtp && named(&p, "NOTIFY"))
            rc = made.notify != 0 && !twice_fine ? syntax(wrong, "NOTIFY comes twice")
                                                 : take_notify(&p, &made, wrong);
        else if (esmtp && named(&p, "ORCPT"))
            rc = made.orcpt[0] != '\0' && !twice_fine ? syntax(wrong, "ORCPT comes twice")
                                                      : take_orcpt(&p, &made, wrong);
        else
            rc = unknown(esmtp, wrong);
        if (rc != 0)
            return -1;
    }
    if (more < 0)
        return -1;
    *out = made;
    return 0;
}
