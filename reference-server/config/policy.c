/* The table of what can be chosen. SPDX-License-Identifier: MIT */
#include "config/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "config/service.h"

enum kind {
    CHOICE,
    NUMBER,   /* one for everyone, others by account */
    DAYS,     /* the same, and NEVER */
    NETWORKS, /* one list */
    SERVED,   /* one list a service */
    TEXTS,    /* one text a name */
};

static const struct setting {
    const char *name, *value, *says;
    enum kind kind;
    size_t offset;
    const char *words[4];
} settings[] = {
    {"bare-lf",
     "refuse|normalize|accept",
     "an LF without CR in SMTP text: refused (the default; Postfix: reject), made a line end "
     "(Postfix's "
     "default, normalize), or kept as it came; it ends the text in no case",
     CHOICE,
     offsetof(struct policy, bare_lf),
     {"refuse", "normalize", "accept"}},
    {"bare-cr",
     "refuse|normalize|accept",
     "a CR without LF in SMTP text: the same choices",
     CHOICE,
     offsetof(struct policy, bare_cr),
     {"refuse", "normalize", "accept"}},
    {"pop3-login-delay",
     "[NAME=]SECONDS",
     "time between two POP3 logins of an account, announced as LOGIN-DELAY (default 0: none)",
     NUMBER,
     offsetof(struct policy, login_delay),
     {NULL}},
    {"pop3-expire",
     "[NAME=]DAYS|NEVER",
     "how long mail stays in a maildrop, announced as EXPIRE (default NEVER); 0: until it is read",
     DAYS,
     offsetof(struct policy, expire),
     {NULL}},
    {"pop3-language",
     "i-default|en|de",
     "the language of POP3 replies that LANG * chooses",
     CHOICE,
     offsetof(struct policy, language),
     {"i-default", "en", "de"}},
    {"pop3-utf8-mail",
     "refuse|surrogate",
     "mail with UTF-8 in its header, for POP3 clients that did not say UTF8",
     CHOICE,
     offsetof(struct policy, utf8_mail),
     {"refuse", "surrogate"}},
    {"quota-bytes",
     "[NAME=]BYTES",
     "what the mailboxes of an account may hold together (default 0: no limit)",
     NUMBER,
     offsetof(struct policy, quota_bytes),
     {NULL}},
    {"quota-messages",
     "[NAME=]MESSAGES",
     "the same, in messages",
     NUMBER,
     offsetof(struct policy, quota_messages),
     {NULL}},
    {"quota-reply",
     "temporary|permanent",
     "what SMTP says where that is reached: 452 4.2.2 or 552 5.2.2",
     CHOICE,
     offsetof(struct policy, quota_reply),
     {"temporary", "permanent"}},
    {"sender-must-match",
     "no|envelope|header",
     "which addresses have to be the user's on the submission ports: none, MAIL FROM, or From too",
     CHOICE,
     offsetof(struct policy, sender_must_match),
     {"no", "envelope", "header"}},
    {"submission-date",
     "add|leave",
     "whether submission adds a Date that is missing",
     CHOICE,
     offsetof(struct policy, submission_date),
     {"add", "leave"}},
    {"submission-message-id",
     "add|leave",
     "whether submission adds a Message-ID that is missing",
     CHOICE,
     offsetof(struct policy, submission_message_id),
     {"add", "leave"}},
    {"submission-domain",
     "refuse|complete",
     "addresses without a domain in MAIL and RCPT on the submission ports: complete makes those of "
     "our accounts whole",
     CHOICE,
     offsetof(struct policy, submission_domain),
     {"refuse", "complete"}},
    {"submission-sender",
     "leave|add",
     "whether submission adds a Sender where From does not name the user",
     CHOICE,
     offsetof(struct policy, submission_sender),
     {"leave", "add"}},
    {"proxy-from",
     "[SERVICE=]ADDRESS[/BITS]",
     "who has to begin each connection with a header of the PROXY protocol, version 1 or 2; repeat",
     SERVED,
     offsetof(struct policy, proxy_from),
     {NULL}},
    {"xclient-from",
     "ADDRESS[/BITS]",
     "whom SMTP offers XCLIENT, and believes what it says of its client; repeat",
     NETWORKS,
     offsetof(struct policy, xclient_from),
     {NULL}},
    {"etrn-from",
     "ADDRESS[/BITS]",
     "who may start what waits in the queue by ETRN, besides those who may relay; repeat",
     NETWORKS,
     offsetof(struct policy, etrn_from),
     {NULL}},
    {"client-certificates",
     "no|yes",
     "whether clients are asked for a certificate of our authority, for AUTH EXTERNAL",
     CHOICE,
     offsetof(struct policy, client_certificates),
     {"no", "yes"}},
    {"oauth-token",
     "NAME:TOKEN",
     "the bearer token of an account: OAUTHBEARER and XOAUTH2 are offered inside TLS; repeat",
     TEXTS,
     offsetof(struct policy, oauth_tokens),
     {":"}},
    {"anonymous",
     "no|yes",
     "whether ANONYMOUS is offered: who comes so reads nobody's mail and may not relay",
     CHOICE,
     offsetof(struct policy, anonymous),
     {"no", "yes"}},
    {"alias",
     "NAME=ADDRESS[,ADDRESS...]",
     "whom mail to NAME reaches, here or elsewhere; the sender stays; repeat",
     TEXTS,
     offsetof(struct policy, aliases),
     {"="}},
    {"list",
     "NAME=OWNER:ADDRESS[,ADDRESS...]",
     "the same for a mailing list: what it sends comes from its OWNER, who gets the reports; "
     "repeat",
     TEXTS,
     offsetof(struct policy, lists),
     {"="}},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void *at(struct policy *p, const struct setting *s)
{
    return (char *)p + s->offset;
}

static const void *at_const(const struct policy *p, const struct setting *s)
{
    return (const char *)p + s->offset;
}

static const char *setting_name(size_t i)
{
    return i < SETTINGS ? settings[i].name : NULL;
}

bool policy_describe(size_t i, const char **name, const char **value, const char **says)
{
    if (i >= SETTINGS)
        return false;
    *name = settings[i].name;
    *value = settings[i].value;
    *says = settings[i].says;
    return true;
}

/* --- numbers for accounts --- */

long per_account_get(const struct per_account *n, const char *account)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->others[i].account, account) == 0)
            return n->others[i].value;
    return n->value;
}

long per_account_most(const struct per_account *n, bool *differs)
{
    long found = n->value;
    *differs = false;
    for (size_t i = 0; i < n->count; i++) {
        *differs = *differs || n->others[i].value != n->value;
        if (n->others[i].value > found)
            found = n->others[i].value;
    }
    return found;
}

long per_account_soonest(const struct per_account *n, bool *differs)
{
    long found = n->value;
    *differs = false;
    for (size_t i = 0; i < n->count; i++) {
        long other = n->others[i].value;
        *differs = *differs || other != n->value;
        if (other != 0 && (found == 0 || other < found))
            found = other;
    }
    return found;
}

static void set_other(struct per_account *n, const char *account, size_t len, long value)
{
    for (size_t i = 0; i < n->count; i++)
        if (strlen(n->others[i].account) == len &&
            memcmp(n->others[i].account, account, len) == 0) {
            n->others[i].value = value;
            return;
        }
    n->others = realloc(n->others, (n->count + 1) * sizeof *n->others);
    char *name = strndup(account, len);
    if (n->others == NULL || name == NULL)
        abort();
    n->others[n->count++] = (struct per_account_other){name, value};
}

static void per_account_free(struct per_account *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->others[i].account);
    free(n->others);
    *n = (struct per_account){.value = 0};
}

static bool read_number(const char *text, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out < LONG_MAX;
}

static int set_number(const struct setting *s, struct per_account *n, const char *value,
                      struct err *err)
{
    const char *equals = strrchr(value, '=');
    const char *text = equals != NULL ? equals + 1 : value;
    long number;
    if (s->kind == DAYS && strcmp(text, "NEVER") == 0)
        number = 0;
    else if (!read_number(text, &number))
        return err_set(err, "%s wants %s, not \"%s\"", s->name, s->value, value);
    else
        number += s->kind == DAYS;
    if (equals == NULL)
        n->value = number;
    else
        set_other(n, value, (size_t)(equals - value), number);
    return 0;
}

/* --- all of them --- */

static int set_choice(const struct setting *s, int *where, const char *value, struct err *err)
{
    for (int i = 0; i < 4 && s->words[i] != NULL; i++)
        if (strcmp(s->words[i], value) == 0) {
            *where = i;
            return 0;
        }
    return err_set(err, "%s is %s, not \"%s\"", s->name, s->value, value);
}

static void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->list[i].name);
        free(t->list[i].text);
    }
    free(t->list);
    *t = (struct texts){.count = 0};
}

const char *texts_get(const struct texts *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcasecmp(t->list[i].name, name) == 0)
            return t->list[i].text;
    return NULL;
}

/* The setting's first word is what stands between name and text. A name has one text: the last. */
static int set_text(const struct setting *s, struct texts *t, const char *value, struct err *err)
{
    const char *between = strchr(value, *s->words[0]);
    size_t n = between != NULL ? (size_t)(between - value) : 0;
    if (n == 0 || between[1] == '\0' || strpbrk(value, " \t\r\n") != NULL)
        return err_set(err, "%s wants %s, not \"%s\"", s->name, s->value, value);
    if (s->offset == offsetof(struct policy, lists) && strchr(between, ':') == NULL)
        return err_set(err, "%s wants %s, not \"%s\"", s->name, s->value, value);
    char *name = strndup(value, n), *text = strdup(between + 1);
    if (name == NULL || text == NULL)
        abort();
    for (size_t i = 0; i < t->count; i++)
        if (strcasecmp(t->list[i].name, name) == 0) {
            free(name);
            free(t->list[i].text);
            t->list[i].text = text;
            return 0;
        }
    t->list = realloc(t->list, (t->count + 1) * sizeof *t->list);
    if (t->list == NULL)
        abort();
    t->list[t->count++] = (struct text_of){name, text};
    return 0;
}

static void back_to_default(struct policy *p, const struct setting *s)
{
    switch (s->kind) {
    case CHOICE:
        *(int *)at(p, s) = 0;
        break;
    case NUMBER:
    case DAYS:
        per_account_free(at(p, s));
        break;
    case NETWORKS:
        networks_free(at(p, s));
        break;
    case TEXTS:
        texts_free(at(p, s));
        break;
    case SERVED:
        for (int i = 0; i < SERVICE_COUNT; i++)
            networks_free((struct networks *)at(p, s) + i);
        break;
    }
}

/* A service's list, or everyone's. */
static int add_served(const struct setting *s, struct networks *lists, const char *value,
                      struct err *err)
{
    const char *equals = strchr(value, '=');
    enum service only = SERVICE_COUNT;
    char name[32];
    struct err why;
    size_t n = equals != NULL ? (size_t)(equals - value) : 0;
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : 0), value);
    if (equals != NULL && service_by_name(name, &only) != 0)
        return err_set(err, "%s: there is no service \"%.*s\"", s->name, (int)n, value);
    for (int i = 0; i < SERVICE_COUNT; i++)
        if ((only == SERVICE_COUNT || i == (int)only) &&
            networks_add(&lists[i], equals != NULL ? equals + 1 : value, &why) != 0)
            return err_set(err, "%s: %s", s->name, why.text);
    return 0;
}

static int add_network(const struct setting *s, struct networks *list, const char *value,
                       struct err *err)
{
    struct err why;
    if (networks_add(list, value, &why) != 0)
        return err_set(err, "%s: %s", s->name, why.text);
    return 0;
}

int policy_set(struct policy *p, const char *name, const char *value, struct err *err)
{
    for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
        if (strcmp(s->name, name) != 0)
            continue;
        if (strcmp(value, "default") == 0) {
            back_to_default(p, s);
            return 0;
        }
        switch (s->kind) {
        case CHOICE:
            return set_choice(s, at(p, s), value, err);
        case NUMBER:
        case DAYS:
            return set_number(s, at(p, s), value, err);
        case NETWORKS:
            return add_network(s, at(p, s), value, err);
        case TEXTS:
            return set_text(s, at(p, s), value, err);
        case SERVED:
            return add_served(s, at(p, s), value, err);
        }
    }
    const char *near = nearest(name, setting_name);
    return err_set(err, "there is no setting %s%s%s%s", name, near != NULL ? "; did you mean " : "",
                   near != NULL ? near : "", near != NULL ? "?" : "");
}

static void show_number(const struct setting *s, const char *account, long value, FILE *out)
{
    const char *equals = *account != '\0' ? "=" : "";
    if (s->kind == DAYS && value == 0)
        fprintf(out, "%s %s%sNEVER\n", s->name, account, equals);
    else
        fprintf(out, "%s %s%s%ld\n", s->name, account, equals, value - (s->kind == DAYS));
}

static void show_networks(const struct setting *s, const char *service, const struct networks *list,
                          FILE *out)
{
    char address[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < list->count; i++) {
        const struct network *n = &list->list[i];
        inet_ntop(n->family, n->address, address, sizeof address);
        fprintf(out, "%s %s%s%s/%u\n", s->name, service, *service != '\0' ? "=" : "", address,
                n->bits);
    }
}

static void show_numbers(const struct setting *s, const struct per_account *n, FILE *out)
{
    if (n->value != 0)
        show_number(s, "", n->value, out);
    for (size_t i = 0; i < n->count; i++)
        show_number(s, n->others[i].account, n->others[i].value, out);
}

static void show_texts(const struct setting *s, const struct texts *t, FILE *out)
{
    for (size_t i = 0; i < t->count; i++)
        fprintf(out, "%s %s%s%s\n", s->name, t->list[i].name, s->words[0], t->list[i].text);
}

void policy_show(const struct policy *p, FILE *out)
{
    for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
        const void *value = at_const(p, s);
        switch (s->kind) {
        case CHOICE:
            if (*(const int *)value != 0)
                fprintf(out, "%s %s\n", s->name, s->words[*(const int *)value]);
            break;
        case NUMBER:
        case DAYS:
            show_numbers(s, value, out);
            break;
        case NETWORKS:
            show_networks(s, "", value, out);
            break;
        case TEXTS:
            show_texts(s, value, out);
            break;
        case SERVED:
            for (int i = 0; i < SERVICE_COUNT; i++)
                show_networks(s, service_info[i].name, (const struct networks *)value + i, out);
            break;
        }
    }
}

void policy_free(struct policy *p)
{
    for (const struct setting *s = settings; s < settings + SETTINGS; s++)
        back_to_default(p, s);
}

/* --- copies --- */

static void *copy_of(const void *p, size_t n)
{
    void *made = malloc(n + 1);
    if (made == NULL)
        abort();
    return n > 0 ? memcpy(made, p, n) : made;
}

static char *copy_text(const char *text)
{
    return copy_of(text, strlen(text) + 1);
}

static struct networks networks_copy(const struct networks *from)
{
    return (struct networks){copy_of(from->list, from->count * sizeof *from->list), from->count};
}

static struct per_account numbers_copy(const struct per_account *from)
{
    struct per_account made = *from;
    made.others = copy_of(from->others, from->count * sizeof *from->others);
    for (size_t i = 0; i < made.count; i++)
        made.others[i].account = copy_text(from->others[i].account);
    return made;
}

static struct texts texts_copy(const struct texts *from)
{
    struct texts made = {copy_of(from->list, from->count * sizeof *from->list), from->count};
    for (size_t i = 0; i < made.count; i++)
        made.list[i] =
            (struct text_of){copy_text(from->list[i].name), copy_text(from->list[i].text)};
    return made;
}

void policy_assign(struct policy *to, const struct policy *from)
{
    policy_free(to);
    for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
        const void *value = at_const(from, s);
        switch (s->kind) {
        case CHOICE:
            *(int *)at(to, s) = *(const int *)value;
            break;
        case NUMBER:
        case DAYS:
            *(struct per_account *)at(to, s) = numbers_copy(value);
            break;
        case NETWORKS:
            *(struct networks *)at(to, s) = networks_copy(value);
            break;
        case TEXTS:
            *(struct texts *)at(to, s) = texts_copy(value);
            break;
        case SERVED:
            for (int i = 0; i < SERVICE_COUNT; i++)
                ((struct networks *)at(to, s))[i] =
                    networks_copy((const struct networks *)value + i);
            break;
        }
    }
}
