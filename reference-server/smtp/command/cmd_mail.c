/* MAIL and RCPT with their parameters. RFC 5321, 4.1.1.2, 4.1.1.3 and 4.1.1.11; RFC 1870 (SIZE),
 * 6152 (BODY), 3030 (BINARYMIME), 4954 (AUTH), 6531 (SMTPUTF8), 3461 (RET, ENVID, NOTIFY, ORCPT),
 * 6710 (MT-PRIORITY), 9422 (LIMITS); for the other wishes of senders see wish.c.
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/quota.h"
#include "fault.h"
#include "net/guard.h"
#include "queue/queue.h"
#include "server.h"
#include "smtp/alias.h"
#include "smtp/null_mx.h"
#include "smtp/param.h"
#include "smtp/recipient.h"
#include "smtp/state.h"
#include "smtp/submit.h"

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL)
        abort();
    return made;
}

static void out_of_order(struct smtp *s, const char *why)
{
    smtp_reply(s, fault(FAULT_SMTP_BAD_SEQUENCE_500) ? 500 : 503, "5.5.1", "%s", why);
}

/* FROM:<path> or TO:<path>, with no blank before or behind the colon, then the parameters. */
static int take_path(const char *word, const char *arg, size_t n, int allowed,
                     struct smtp_path *path, const char **rest, const char **why)
{
    size_t len = strlen(word), used = 0;
    if (n < len || strncasecmp(arg, word, len) != 0) {
        *why = "the argument has to begin with FROM:< or TO:<";
        return -1;
    }
    if (smtp_path_parse(arg + len, n - len, allowed, path, &used, why) != 0)
        return -1;
    *rest = arg + len + used;
    if (fault(FAULT_SMTP_JUNK_BEHIND_PATH))
        *rest += strcspn(*rest, " ");
    if (**rest != '\0' && **rest != ' ') {
        *why = "something follows the path without a space";
        return -1;
    }
    return 0;
}

static bool has_eight_bit(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 128)
            return true;
    return false;
}

/* RFC 6409, 4.2: what a submission sends on has domains of more than one label. */
static bool is_short(const struct smtp *s, const struct smtp_path *path)
{
    return s->submission && path->domain[0] != '\0' && !path->literal &&
           strchr(path->domain, '.') == NULL &&
           !account_domain_ours(s->conn->server->accounts, path->domain) &&
           !fault(FAULT_SUBMISSION_SHORT_DOMAINS);
}

/* Syntax that is right, and that one of the faults calls wrong. */
static const char *disliked(const struct smtp_path *path, const char *arg)
{
    if (path->quoted && fault(FAULT_SMTP_QUOTED_LOCAL_PART_REFUSED))
        return "no quotes, please";
    if (path->literal && fault(FAULT_SMTP_ADDRESS_LITERAL_REFUSED))
        return "no literals, please";
    if (strstr(arg, "<@") != NULL &&
        (fault(FAULT_SMTP_SOURCE_ROUTE_SYNTAX_ERROR) || fault(FAULT_SMTP_SOURCE_ROUTE_IN_MAIL)))
        return "no routes, please";
    if (strlen(path->local) > 32 && fault(FAULT_SMTP_SHORT_LOCAL_PART))
        return "the local part is too long";
    if (strlen(path->mailbox) > 126 && fault(FAULT_SMTP_SHORT_PATH))
        return "the path is too long";
    if (has_eight_bit(path->local) && fault(FAULT_SMTP_UTF8_LOCAL_PART_REFUSED))
        return "the local part is not ASCII";
    if (has_eight_bit(path->domain) && fault(FAULT_SMTP_UTF8_DOMAIN_REFUSED))
        return "the domain is not ASCII";
    return NULL;
}

/* --- MAIL --- */

static bool mail_parameters(struct smtp *s, const char *rest, struct smtp_params *params)
{
    struct smtp_param_error wrong;
    const struct smtp_offer offer = smtp_offers(s);
    if (smtp_mail_params(rest, &offer, params, &wrong) == 0)
        return true;
    smtp_reply(s, wrong.code, wrong.enhanced, "%s", wrong.why);
    return false;
}

/* The mailbox; by a fault with the source route that stood before it. */
static char *address_of(const struct smtp_path *path, const char *arg)
{
    const char *open = strchr(arg, '<'), *close = open != NULL ? strchr(open, '>') : NULL;
    bool routed = close != NULL && open[1] == '@' &&
                  (fault(FAULT_QUEUE_KEEPS_SOURCE_ROUTE) || fault(FAULT_QUEUE_REPORT_ALONG_ROUTE));
    if (!routed)
        return copy(path->mailbox);
    char *made = strndup(open + 1, (size_t)(close - open - 1));
    if (made == NULL)
        abort();
    return made;
}

/* Whoever has no account shares with all who have none. */
static int64_t holder_of(const struct smtp *s)
{
    return s->logged_in && s->account != NULL ? s->account->id : 0;
}

static void begin(struct smtp *s, const struct smtp_path *path, const char *arg,
                  const struct smtp_params *params)
{
    struct smtp_envelope *e = &s->envelope;
    struct smtp_recipient *kept =
        e->open ? NULL : e->recipients; /* there by a fault of RSET only */
    size_t kept_count = e->count, kept_room = e->room;
    if (kept != NULL)
        e->recipients = NULL, e->count = 0;
    smtp_reset(s);
    e->recipients = kept;
    e->count = kept != NULL ? kept_count : 0;
    e->room = kept != NULL ? kept_room : 0;
    e->open = true;
    e->sender = address_of(path, arg);
    if (fault(FAULT_SMTP_LOCAL_PART_LOWERED))
        for (char *p = e->sender; *p != '\0' && *p != '@'; p++)
            *p = (char)tolower((unsigned char)*p);
    e->envid = params->envid[0] != '\0' ? copy(params->envid) : NULL;
    e->return_header = params->return_header;
    e->return_full = params->return_full;
    e->utf8 = params->utf8;
    e->body = params->body;
    e->wishes = params->wishes;
    e->wishes.holder = e->wishes.release_s != 0 ? holder_of(s) : 0;
    e->size = params->size;
    s->after_last = false;
    /* RFC 6710, 4.1: strangers may only lower what they send. */
    if (e->wishes.priority > 0 && !s->lmtp && !smtp_may_relay(s) &&
        !fault(FAULT_SMTP_PRIORITY_FOR_STRANGERS)) {
        e->wishes.priority = 0;
        smtp_reply(s, 250, fault(FAULT_SMTP_PRIORITY_CHANGED_SILENTLY) ? "2.1.0" : "2.3.6",
                   fault(FAULT_SMTP_PRIORITY_CHANGED_SILENTLY)
                       ? "Sender taken"
                       : "0 is its priority: higher ones are for our users");
        return;
    }
    smtp_reply(s, 250, "2.1.0", "Sender taken");
}

/* Whose share it is; NULL: the address's alone. */
static const char *user_name(const struct smtp *s)
{
    return s->logged_in && s->account != NULL ? s->account->name : NULL;
}

/* RFC 9422, 4.1: every MAIL counts. */
static bool one_too_many(struct smtp *s)
{
    long most = s->conn->server->limits.smtp_transactions;
    if (fault(FAULT_SMTP_LIMITS_MAILMAX_LOWER))
        most = most / 2;
    return ++s->transactions > (unsigned long)most;
}

static void refuse_rate(struct smtp *s, const char *what, long wait)
{
    if (fault(FAULT_SMTP_RATE_LIMIT_PERMANENT))
        smtp_reply(s, 550, "5.7.1", "Too many %s", what);
    else
        smtp_reply(s, 451, "4.7.1", "Too many %s: wait %ld seconds", what, wait);
}

/* RFC 4865, 6. Another RFC (6710) has the same number for messages too big for their priority. */
const struct smtp_refusal smtp_held_too_much = {552, "5.7.16",
                                                "Too many messages of yours are held back"};

bool smtp_holds_too_much(const struct smtp *s)
{
    const struct server *server = s->conn->server;
    return queue_held(server->queue, holder_of(s)) >=
           (size_t)server->limits.future_release_messages;
}

static void sender(struct smtp *s, const char *arg, size_t n)
{
    struct smtp_path path = {0};
    struct smtp_params params = {0};
    const char *rest = "", *why = NULL;
    long wait;
    if (s->conn->service == SERVICE_SMTP && !s->conn->tls && fault(FAULT_SMTP_MX_DEMANDS_TLS)) {
        smtp_reply(s, 530, "5.7.0", "STARTTLS comes first");
        return;
    }
    if (one_too_many(s)) {
        smtp_goodbye(s, "4.7.0", "takes no more messages in this session");
        return;
    }
    if (s->helo == NULL) {
        out_of_order(s, "Say hello first");
        return;
    }
    size_t named = strlen(s->helo);
    if (fault(FAULT_SMTP_EHLO_NAME_CHECKED) && named > 8 &&
        strcasecmp(s->helo + named - 8, ".invalid") == 0) {
        smtp_reply(s, 550, "5.7.1", "The DNS does not know your name");
        return;
    }
    if (s->envelope.open && !fault(FAULT_SMTP_NESTED_MAIL)) {
        out_of_order(s, "A transaction is open already");
        return;
    }
    if (take_path("FROM:", arg, n, SMTP_PATH_NULL, &path, &rest, &why) == 0)
        why = disliked(&path, fault(FAULT_SMTP_SOURCE_ROUTE_IN_MAIL) ? arg : "");
    else if (fault(FAULT_SMTP_ACCEPTS_BAD_PATH))
        why = NULL, rest = "";
    else if (fault(FAULT_SMTP_ANY_LITERAL) && strstr(arg, "@[") != NULL &&
             strstr(arg, "]>") != NULL)
        why = NULL, rest = strstr(arg, "]>") + 2;
    if (why != NULL) {
        if (fault(FAULT_SMTP_BAD_MAIL_OPENS_TRANSACTION)) {
            s->envelope.open = true;
            s->envelope.sender = copy("");
        }
        smtp_reply(s, 501, "5.1.7", "Wrong: %s", why);
    } else if (path.null && (fault(FAULT_SMTP_NULL_SENDER_REFUSED) ||
                             (s->submission && fault(FAULT_SUBMISSION_NULL_SENDER_REFUSED)))) {
        smtp_reply(s, 550, "5.1.7", "Everybody has a name");
    } else if (is_short(s, &path)) {
        smtp_reply(s, 554, "5.1.8", "The domain is not a full one");
    } else if (mail_parameters(s, rest, &params)) {
        if (path.eight_bit && !params.utf8 && !fault(FAULT_SMTP_EIGHT_BIT_ADDRESS))
            smtp_reply(s, 553, "5.6.7", "This address needs SMTPUTF8"); /* RFC 6531, 3.5 */
        else if (!smtp_may_send_as(s, &path))                           /* RFC 6409, 6.1 */
            smtp_reply(s, 550, "5.7.1", "This is no address of yours");
        else if ((wait = guard_rate(s->conn, user_name(s), GUARD_MESSAGE)) > 0)
            refuse_rate(s, "messages", wait);
        else if (params.wishes.release_s != 0 && smtp_holds_too_much(s))
            smtp_reply(s, smtp_held_too_much.code, smtp_held_too_much.enhanced, "%s",
                       smtp_held_too_much.why);
        else
            begin(s, &path, arg, &params);
    }
}

void smtp_mail(struct smtp *s, const char *arg, size_t n)
{
    char *whole = smtp_complete_domain(s, arg);
    sender(s, whole != NULL ? whole : arg, whole != NULL ? strlen(whole) : n);
    free(whole);
}

/* --- RCPT --- */

static bool own_literal(const struct smtp *s, const char *literal)
{
    size_t n = strlen(literal);
    if (n < 2)
        return false;
    const char *inside = literal + 1;
    if (strncasecmp(inside, "IPv6:", 5) == 0)
        inside += 5;
    size_t len = strlen(s->conn->local);
    return strncasecmp(inside, s->conn->local, len) == 0 && strcmp(inside + len, "]") == 0;
}

struct account *smtp_account_of(struct smtp *s, const struct smtp_path *path, bool *ours)
{
    struct server *server = s->conn->server;
    const char *domain = path->domain;
    *ours = true;
    if ((path->literal && own_literal(s, domain)) || strcasecmp(domain, server->hostname) == 0)
        domain = server->domain;
    if (fault(FAULT_SMTP_QUOTING_MATTERS) && path->quoted)
        return NULL;
    struct account *account = account_by_address(server->accounts, path->local, domain, ours);
    bool postmaster = strcasecmp(path->local, "postmaster") == 0;
    if (postmaster && *ours &&
        (fault(FAULT_SMTP_POSTMASTER_REFUSED) ||
         (fault(FAULT_SMTP_POSTMASTER_CASE) && strcmp(path->local, "postmaster") != 0)))
        return NULL;
    if (account != NULL && !postmaster && fault(FAULT_SMTP_DOMAIN_CASE_SENSITIVE)) {
        const char *at = strrchr(account->address, '@');
        if (at == NULL || strcmp(at + 1, domain) != 0)
            return NULL;
    }
    return account;
}

bool smtp_names_alias(const struct smtp *s, const struct smtp_path *path)
{
    const struct server *server = s->conn->server;
    struct smtp_path here = *path;
    /* <Postmaster> alone is ours, too (RFC 5321, 4.5.1). */
    if (here.domain[0] == '\0' || (here.literal && own_literal(s, here.domain)))
        snprintf(here.domain, sizeof here.domain, "%s", server->domain);
    return smtp_is_alias(server, &here);
}

static void add_recipient(struct smtp *s, const struct smtp_path *path, const char *arg,
                          struct account *account, enum smtp_route route,
                          const struct smtp_params *params)
{
    struct smtp_envelope *e = &s->envelope;
    if (e->count == e->room) {
        e->room = e->room == 0 ? 4 : e->room * 2;
        e->recipients = realloc(e->recipients, e->room * sizeof *e->recipients);
        if (e->recipients == NULL)
            abort();
    }
    e->recipients[e->count++] = (struct smtp_recipient){
        .route = route,
        .account = account != NULL ? account->id : 0,
        .mailbox = address_of(path, arg),
        .orcpt = params->orcpt[0] != '\0' ? copy(params->orcpt) : NULL,
        .notify = params->notify,
    };
}

static void refuse_recipient(struct smtp *s, const char *enhanced, const char *why, const char *arg)
{
    smtp_refuse_echo(s, 550, enhanced, why, arg);
    s->envelope.refused++;
    if (fault(FAULT_SMTP_BAD_RCPT_DROPS_TRANSACTION))
        smtp_reset(s);
}

/* Mail for other hosts is taken from people of ours and from listed addresses (RFC 5321, 7.9); a
 * program that is no user has no business elsewhere. */
bool smtp_may_relay(const struct smtp *s)
{
    const struct queue *queue = s->conn->server->queue;
    return queue != NULL && !s->lmtp &&
           ((s->logged_in && s->account != NULL) || queue_relays_for(queue, s->conn->peer));
}

/* RFC 9422, 4.3: so many domains a session. */
static bool domain_fits(struct smtp *s, const char *domain)
{
    for (size_t i = 0; i < s->domain_count; i++)
        if (strcasecmp(s->domains[i], domain) == 0)
            return true;
    if (s->domain_count >= (size_t)s->conn->server->limits.recipient_domains)
        return false;
    s->domains = realloc(s->domains, (s->domain_count + 1) * sizeof *s->domains);
    if (s->domains == NULL)
        abort();
    s->domains[s->domain_count++] = copy(domain);
    return true;
}

static void refuse_one_more(struct smtp *s)
{
    if (fault(FAULT_SMTP_RECIPIENT_LIMIT_552))
        smtp_reply(s, 552, "5.5.3", "Too many recipients");
    else
        smtp_reply(s, 452, "4.5.3", "Too many recipients"); /* RFC 5321, 4.5.3.1.10 */
    if (fault(FAULT_SMTP_RECIPIENT_LIMIT_RESETS))
        smtp_reset(s);
}

/* Nothing fits any more; what may still fit is judged once it is there. */
static void refuse_full(struct smtp *s)
{
    if (s->conn->server->policy.quota_reply == 0)
        smtp_reply(s, 452, "4.2.2", "The mailbox is full");
    else
        smtp_reply(s, 552, "5.2.2", "The mailbox is full");
    if (fault(FAULT_SMTP_QUOTA_REFUSES_ALL))
        smtp_reset(s);
}

/* RFC 7505, 4.1; RFC 7504, 4. */
static void mx_known(struct smtp *s, const struct smtp_rcpt *r, bool null_mx)
{
    if (null_mx && fault(FAULT_SMTP_NULL_MX_550)) {
        smtp_reply(s, 550, "5.1.1", "There is no such mailbox");
    } else if (null_mx && !fault(FAULT_QUEUE_IGNORES_NULL_MX)) {
        smtp_reply(s, 556, "5.1.10", "The domain takes no mail: its MX is null");
    } else {
        add_recipient(s, &r->path, r->arg, NULL, ROUTE_QUEUE, &r->params);
        smtp_reply(s, 250, "2.1.5", "Recipient taken");
    }
}

/* RFC 5321, 3.9: people in the place of a name. What comes from a list is a new message to DSN (RFC
 * 3461, 5.2.7.3). */
static void add_members(struct smtp *s, const struct smtp_path *path,
                        const struct smtp_params *params)
{
    const struct server *server = s->conn->server;
    struct smtp_members *m = smtp_expand(server, path->local);
    struct smtp_envelope *e = &s->envelope;
    bool own = fault(FAULT_SMTP_ALIAS_CHANGES_SENDER);
    size_t before = e->count;
    for (size_t i = 0; m != NULL && i < m->count; i++) {
        struct smtp_member *one = &m->list[i];
        struct smtp_path to = {.null = false};
        struct smtp_params asked = *params;
        if (one->owner != NULL) {
            asked.orcpt[0] = '\0';
            asked.notify = 0;
            if (fault(FAULT_SMTP_LIST_NOT_TO_AUTHOR) && strcasecmp(one->address, e->sender) == 0)
                continue;
        }
        snprintf(to.mailbox, sizeof to.mailbox, "%s", one->address);
        if (one->account == NULL && server->queue == NULL)
            continue;
        add_recipient(s, &to, "", one->account, one->account != NULL ? ROUTE_MAILBOX : ROUTE_QUEUE,
                      &asked);
        struct smtp_recipient *r = &e->recipients[e->count - 1];
        r->owner = one->owner != NULL ? copy(one->owner) : own ? copy(path->mailbox) : NULL;
        if (s->lmtp)
            r->group = before + 1;
        if (s->lmtp && e->count == before + 1)
            r->alias = copy(path->mailbox);
    }
    if (m == NULL || e->count == before)
        smtp_reply(s, 554, "5.4.6", "Nobody can be reached by that name");
    else
        smtp_reply(s, 250, "2.1.5", "Recipients taken");
    smtp_members_free(m);
}

/* Whether the recipient is good; else the refusal is written. */
static void judge(struct smtp *s, const struct smtp_path *path, const char *arg,
                  const struct smtp_params *params)
{
    const struct limits *limits = &s->conn->server->limits;
    size_t most = fault(FAULT_SMTP_FIFTY_RECIPIENTS) ? 50 : (size_t)limits->recipients;
    if (fault(FAULT_SMTP_LIMITS_RCPTMAX_LOWER))
        most = most / 2;
    bool ours = false;
    long wait;
    struct account *account = smtp_account_of(s, path, &ours);
    bool elsewhere = account == NULL && !ours && smtp_may_relay(s);
    bool alias = s->conn->server->queue != NULL && smtp_names_alias(s, path);
    if (is_short(s, path))
        smtp_reply(s, 554, "5.1.2", "The domain is not a full one");
    else if (path->eight_bit && !s->envelope.utf8)
        smtp_reply(s, 553, "5.6.7", "This address needs SMTPUTF8");
    else if (account == NULL && !ours && !elsewhere && !fault(FAULT_SMTP_OPEN_RELAY))
        refuse_recipient(s, s->logged_in ? "5.4.4" : "5.7.1",
                         s->logged_in ? "This server has no way to other hosts"
                                      : "No relaying for strangers",
                         arg);
    else if (account == NULL && ours && !alias && !fault(FAULT_SMTP_UNKNOWN_USER_ACCEPTED) &&
             !(strpbrk(path->local, "%!") != NULL && fault(FAULT_SMTP_PERCENT_RELAY)))
        refuse_recipient(s, fault(FAULT_SMTP_ENHANCED_UNKNOWN_USER) ? "5.7.1" : "5.1.1",
                         "There is no such mailbox", arg);
    else if ((wait = guard_rate(s->conn, user_name(s), GUARD_RECIPIENT)) > 0)
        refuse_rate(s, "recipients", wait);
    else if (account != NULL && !alias && quota_full(s->conn->server, account, 1) &&
             !fault(FAULT_SMTP_QUOTA_IGNORED))
        refuse_full(s);
    else if (s->envelope.count >= most)
        refuse_one_more(s);
    else if (!domain_fits(s, path->domain))
        smtp_reply(s, 452, "4.5.3", "Too many domains in one session");
    else if (alias)
        add_members(s, path, params);
    else {
        enum smtp_route route = account != NULL ? ROUTE_MAILBOX
                                : elsewhere     ? ROUTE_QUEUE
                                                : ROUTE_NOWHERE;
        const struct smtp_rcpt r = {*path, *params, (char *)(uintptr_t)arg};
        if (route == ROUTE_QUEUE && !path->literal && !path->eight_bit &&
            queue_asks_dns(s->conn->server->queue)) {
            smtp_ask_null_mx(s, &r, mx_known);
            return;
        }
        add_recipient(s, path, arg, account, route, params);
        smtp_reply(s, 250, "2.1.5", "Recipient taken");
    }
}

static void recipient(struct smtp *s, const char *arg, size_t n)
{
    struct smtp_path path;
    struct smtp_params params = {0};
    struct smtp_param_error wrong;
    const char *rest = "", *why = NULL;
    if (!s->envelope.open) {
        if (fault(FAULT_SMTP_RCPT_BEFORE_MAIL))
            smtp_reply(s, 250, "2.1.5", "Recipient taken");
        else
            out_of_order(s, "MAIL comes before RCPT");
        return;
    }
    if (s->chunks_begun || s->chunks_failed) {
        out_of_order(s, "The text is under way");
        return;
    }
    if (strcasecmp(arg, "TO:<>") == 0 && fault(FAULT_SMTP_NULL_RECIPIENT)) {
        smtp_reply(s, 250, "2.1.5", "Recipient taken");
        return;
    }
    if (take_path("TO:", arg, n, SMTP_PATH_POSTMASTER, &path, &rest, &why) == 0)
        why = disliked(&path, fault(FAULT_SMTP_SOURCE_ROUTE_IN_MAIL) ? "" : arg);
    else if (fault(FAULT_SMTP_ANY_DOMAIN) && strchr(arg, '@') != NULL) {
        add_recipient(s, &(struct smtp_path){.null = false}, arg, NULL, ROUTE_NOWHERE, &params);
        smtp_reply(s, 250, "2.1.5", "Recipient taken");
        return;
    }
    if (why != NULL)
        smtp_reply(s, 501, "5.1.3", "Wrong: %s", why);
    else if (smtp_rcpt_params(rest, s->esmtp, &params, &wrong) != 0)
        smtp_reply(s, wrong.code, wrong.enhanced, "%s", wrong.why);
    else
        judge(s, &path, arg, &params);
}

void smtp_rcpt(struct smtp *s, const char *arg, size_t n)
{
    s->holding =
        fault(FAULT_SMTP_PIPELINING_OUT_OF_ORDER) || fault(FAULT_SMTP_RCPT_REPLY_HELD_BACK);
    char *whole = smtp_complete_domain(s, arg);
    recipient(s, whole != NULL ? whole : arg, whole != NULL ? strlen(whole) : n);
    free(whole);
    s->holding = false;
    if (fault(FAULT_SMTP_PIPELINING_FLUSHES))
        buf_empty(&s->conn->in);
}
