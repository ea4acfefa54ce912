/* Says in the DNS what a check is about, runs the client, and sees whether mail came.
 * SPDX-License-Identifier: MIT */
#include "ports/client/client_domain.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { RECORDS_MOST = 8192 };

const char *domain_service(const struct client_options *o)
{
    bool implicit = o->mode == MODE_IMPLICIT;
    switch (o->protocol) {
    case PROTOCOL_IMAP:
        return implicit ? "_imaps" : "_imap";
    case PROTOCOL_POP3:
        return implicit ? "_pop3s" : "_pop3";
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        break;
    }
    return implicit ? "_submissions" : "_submission";
}

/* more: records that the check adds, or "". */
static int say(struct trial *t, const char *more, struct err *err)
{
    static const char *const services[] = {"_submission", "_submissions", "_imap",
                                           "_imaps",      "_pop3",        "_pop3s"};
    char text[RECORDS_MOST];
    size_t n = (size_t)snprintf(
        text, sizeof text, "%s. 0 IN MX 10 %s.\n%s. 0 IN A %s\nmta-sts.%s. 0 IN A %s\n%s",
        trial_domain, trial_host, trial_host, t->address, trial_domain, t->address, more);
    /* Services that are not there are said to be not there. RFC 6186, 3.4. */
    for (size_t i = 0; i < sizeof services / sizeof *services && n < sizeof text; i++) {
        bool ours = !t->o->mta && strcmp(services[i], domain_service(t->o)) == 0;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s._tcp.%s. 0 IN SRV 0 %d %u %s%s\n",
                              services[i], trial_domain, ours, ours ? (unsigned)t->port : 0U,
                              ours ? trial_host : "", ".");
    }
    if (n >= sizeof text)
        return err_set(err, "the client's zone is longer than %d bytes", RECORDS_MOST);
    return client_dns_say(t->dns, text, err);
}

int domain_plain(struct trial *t, struct err *err)
{
    return say(t, "", err);
}

/* --- U10 --- */

int domain_srv_id(struct trial *t, struct err *err)
{
    struct play good = {.leaf = LEAF_GOOD}, srv = {.leaf = LEAF_SRV_ID},
                elsewhere = {.leaf = LEAF_SRV_ELSEWHERE};
    if (t->dns == NULL) {
        trial_find(t, CHECK_U10, FINDING_UNTESTED, 0,
                   "not checked: the client has to find the server by SRV records: {domain} in "
                   "the command instead of {host}");
        return 0;
    }
    if (t->o->mta) {
        trial_find(t, CHECK_U10, FINDING_NOT_HERE, 0, "an MTA finds its next host by MX");
        return 0;
    }
    if (domain_plain(t, err) != 0 || trial_run(t, &good, err) != 0)
        return -1;
    char name[256];
    (void)snprintf(name, sizeof name, "%s._tcp.%s", domain_service(t->o), trial_domain);
    if (!client_dns_asked(t->dns, "SRV", name)) {
        trial_find(t, CHECK_U10, FINDING_NOT_HERE, 0, "it does not ask for SRV records of %s",
                   name);
        return 0;
    }
    if (trial_run(t, &srv, err) != 0)
        return -1;
    trial_judge(t, CHECK_U10, t->seen.inside == 0 ? t->seen.first : 0,
                "it refused a certificate whose SRV-ID is that of the service and domain by which "
                "it found the server");
    /* Whoever takes every SRV-ID has not read it. */
    if (trial_run(t, &elsewhere, err) != 0)
        return -1;
    trial_judge(t, CHECK_U10, t->seen.inside,
                "it accepted a certificate whose SRV-ID is of another domain");
    return 0;
}

/* --- U11 --- */

void domain_key_digest(X509 *x, char out[65])
{
    unsigned char *der = NULL, md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    out[0] = '\0';
    if (len > 0 && EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(), NULL) == 1)
        for (unsigned i = 0; i < n && i < 32; i++)
            (void)snprintf(out + 2 * i, 3, "%02x", md[i]);
    OPENSSL_free(der);
}

enum tlsa { TLSA_LEAF, TLSA_AUTHORITY, TLSA_WRONG, TLSA_FAILS };

static int say_tlsa(struct trial *t, enum tlsa kind, enum leaf leaf, struct err *err)
{
    char digest[65], host[128], more[512];
    (void)snprintf(host, sizeof host, "_%u._tcp.%s", t->port, trial_host);
    if (kind == TLSA_WRONG)
        (void)snprintf(digest, sizeof digest, "%064d", 7);
    else
        domain_key_digest(
            kind == TLSA_AUTHORITY ? t->identities.authority : t->identities.leaf[leaf], digest);
    (void)snprintf(more, sizeof more, "%s. 0 IN TLSA %d 1 1 %s\n", host,
                   kind == TLSA_AUTHORITY ? 2 : 3, digest);
    if (say(t, more, err) != 0)
        return -1;
    return kind == TLSA_FAILS ? client_dns_fail(t->dns, host, err) : 0;
}

/* Whether mail came, or came in clear; the connection, or 0. */
static int mail(const struct trial *t)
{
    return t->seen.mail_tls > 0 ? t->seen.mail_tls : t->seen.mail_clear;
}

/* Who was cut off before it connected has not shown that it would not deliver. */
static bool cut_off(struct trial *t, enum check_id id)
{
    if (!t->timed_out || t->seen.connections > 0)
        return false;
    trial_find(t, id, FINDING_UNTESTED, 0,
               "not tested: the client had neither connected nor ended after %d s: "
               "--client-timeout SECONDS",
               t->o->run_ms / 1000);
    return true;
}

int domain_dane(struct trial *t, struct err *err)
{
    static const struct {
        const char *words;
        enum tlsa tlsa;
        struct play play;
        bool delivers;
    } all[] = {
        {"with a 3 1 1 record that matches", TLSA_LEAF, {.leaf = LEAF_SELF_SIGNED}, true},
        {"with a 3 1 1 record that matches, whatever name the certificate has",
         TLSA_LEAF,
         {.leaf = LEAF_WRONG_NAME},
         true},
        {"with a 3 1 1 record that matches, whatever dates the certificate has",
         TLSA_LEAF,
         {.leaf = LEAF_EXPIRED},
         true},
        {"with a 2 1 1 record of the authority, and the right name",
         TLSA_AUTHORITY,
         {.leaf = LEAF_GOOD, .chain = true},
         true},
        {"with a 3 1 1 record that does not match", TLSA_WRONG, {.leaf = LEAF_GOOD}, false},
        {"with a 2 1 1 record of the authority, and another name",
         TLSA_AUTHORITY,
         {.leaf = LEAF_WRONG_NAME, .chain = true},
         false},
        {"with TLSA records, and no STARTTLS", TLSA_LEAF, {.no_starttls = true}, false},
        {"although asking for TLSA records failed", TLSA_FAILS, {.leaf = LEAF_GOOD}, false},
    };
    struct play right = {.leaf = LEAF_GOOD};
    if (!t->o->mta) {
        trial_find(t, CHECK_U11, FINDING_NOT_HERE, 0,
                   "only MTAs look for TLSA records: "
                   "--protocol mx");
        return 0;
    }
    /* A record has to be there: who has seen a proof of absence need not ask. RFC 8198. */
    if (say_tlsa(t, TLSA_LEAF, LEAF_GOOD, err) != 0 || trial_run(t, &right, err) != 0)
        return -1;
    if (!client_dns_asked(t->dns, "TLSA", NULL)) {
        trial_find(t, CHECK_U11, FINDING_NOT_HERE, 0, "it does not ask for TLSA records");
        return 0;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char why[256];
        if (say_tlsa(t, all[i].tlsa, all[i].play.leaf, err) != 0 ||
            trial_run(t, &all[i].play, err) != 0)
            return -1;
        if (all[i].delivers) {
            if (cut_off(t, CHECK_U11))
                return 0;
            (void)snprintf(why, sizeof why, "it did not deliver by TLS %s", all[i].words);
            if (t->seen.mail_tls == 0)
                trial_find(t, CHECK_U11, FINDING_BAD, t->seen.first, "%s", why);
        } else {
            (void)snprintf(why, sizeof why, "it delivered %s", all[i].words);
            if (mail(t) > 0)
                trial_find(t, CHECK_U11, FINDING_BAD, mail(t), "%s", why);
        }
    }
    if (t->h->found[CHECK_U11].kind == FINDING_NONE)
        trial_find(t, CHECK_U11, FINDING_GOOD, t->seen.first, "%s", "");
    return 0;
}

/* --- U12 --- */

/* A policy, and where the client finds it: on the web server or in a file. Each has an id of its
 * own, so that none is taken for one before it. */
static int say_policy(struct trial *t, const char *mx, char *text, size_t size, struct err *err)
{
    static unsigned number;
    char more[256];
    (void)snprintf(text, size, "version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: 604800\r\n",
                   mx);
    (void)snprintf(more, sizeof more, "_mta-sts.%s. 0 IN TXT \"v=STSv1; id=%u;\"\n", trial_domain,
                   20000000 + ++number);
    FILE *f = fopen(t->policy, "w");
    bool kept = f != NULL && fputs(text, f) >= 0;
    if (f != NULL && fclose(f) != 0)
        kept = false;
    if (!kept)
        return err_errno(err, t->policy);
    t->policy_text = text;
    return say(t, more, err);
}

int domain_sts(struct trial *t, struct err *err)
{
    static const struct {
        const char *words, *mx;
        struct play play;
        bool delivers;
    } all[] = {
        {"to an MX that the policy names, with a good certificate",
         trial_host,
         {.leaf = LEAF_GOOD},
         true},
        {"to an MX that the policy does not name",
         "elsewhere.mail.mailproof.example",
         {.leaf = LEAF_GOOD},
         false},
        {"to an MX whose certificate is of an authority that nobody knows",
         trial_host,
         {.leaf = LEAF_UNKNOWN_AUTHORITY},
         false},
        {"to an MX whose certificate is self-signed",
         trial_host,
         {.leaf = LEAF_SELF_SIGNED},
         false},
        {"to an MX whose certificate has another name",
         trial_host,
         {.leaf = LEAF_WRONG_NAME},
         false},
        {"to an MX whose certificate is expired", trial_host, {.leaf = LEAF_EXPIRED}, false},
        {"to an MX without STARTTLS", trial_host, {.no_starttls = true}, false},
        {"to an MX that refuses STARTTLS", trial_host, {.refuse_starttls = true}, false},
    };
    char text[512];
    int rc = 0;
    bool from_file = strstr(t->o->command, "{policy}") != NULL;
    if (!t->o->mta) {
        trial_find(t, CHECK_U12, FINDING_NOT_HERE, 0,
                   "only MTAs look for MTA-STS policies: --protocol mx");
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++) {
        char why[256];
        rc = say_policy(t, all[i].mx, text, sizeof text, err);
        if (rc == 0)
            rc = trial_run(t, &all[i].play, err);
        if (rc != 0)
            break;
        if (all[i].delivers && cut_off(t, CHECK_U12))
            break;
        /* Without one it is not bound to anything. */
        if (i == 0 && t->policies == 0 && !from_file) {
            trial_find(t, CHECK_U12, FINDING_NOT_HERE, 0, "it does not fetch MTA-STS policies");
            break;
        }
        (void)snprintf(why, sizeof why, "under an enforced policy it %s %s",
                       all[i].delivers ? "did not deliver by TLS" : "delivered", all[i].words);
        int conn = mail(t);
        if (all[i].delivers ? t->seen.mail_tls == 0 : conn > 0)
            trial_find(t, CHECK_U12, FINDING_BAD, conn > 0 ? conn : t->seen.first, "%s", why);
    }
    t->policy_text = NULL;
    (void)remove(t->policy);
    if (rc == 0 && t->h->found[CHECK_U12].kind == FINDING_NONE)
        trial_find(t, CHECK_U12, FINDING_GOOD, t->seen.first, "%s", "");
    return rc;
}
