/* Reading the configuration again at SIGHUP: everything is read and made before anything is
 * changed, so that a mistake in a file costs nothing but the change. SPDX-License-Identifier: MIT
 */
#include "config/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/sandbox.h"
#include "sasl/saslprep.h"
#include "tls/tls.h"

static bool has_user(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->user_count; i++)
        if (strcmp(c->users[i].name, name) == 0)
            return true;
    return false;
}

static int check_users(const struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->user_count; i++) {
        char *name = saslprep(c->users[i].name), *password = saslprep(c->users[i].password);
        bool good = name != NULL && password != NULL && *name != '\0' && *password != '\0';
        free(name);
        free(password);
        if (!good)
            return err_set(err,
                           "account %s: name and password have to be of characters that SASLprep "
                           "allows",
                           c->users[i].name);
    }
    return 0;
}

static int check_readable(const char *path, struct err *err)
{
    return path == NULL || access(path, R_OK) == 0 ? 0 : err_errno(err, path);
}

/* A certificate that the user gave can be judged without a state folder. */
static int check_certificate(const struct config *c, struct err *err)
{
    struct tls_identity *t;
    struct tls_options o = {NULL, c->hostname, c->cert, c->key};
    if (c->cert == NULL)
        return 0;
    if (tls_identity_open(&o, &t, err) != 0)
        return -1;
    tls_identity_free(t);
    return 0;
}

int reload_check(const struct config *c, struct err *err)
{
    if (check_users(c, err) != 0 || check_certificate(c, err) != 0 ||
        check_readable(c->dns_zone, err) != 0 || check_readable(c->dns_anchor, err) != 0 ||
        check_readable(c->relay_ca, err) != 0 || check_readable(c->mta_sts, err) != 0 ||
        (c->run_as != NULL && geteuid() == 0 && sandbox_check(c->run_as, err) != 0))
        return -1;
    return 0;
}

static int add_users(struct server *s, const struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->domain_count; i++)
        accounts_add_domain(s->accounts, c->domains[i]);
    for (size_t i = 0; i < c->user_count; i++)
        if (accounts_add(s->accounts, s->store, c->users[i].name, c->users[i].password, NULL, NULL,
                         err) != 0)
            return -1;
    return 0;
}

/* What a setting of the old configuration held goes to the new one, which is freed. */
#define SWAP(member)                                                                               \
    do {                                                                                           \
        __typeof__(now.member) kept_ = in_force->member;                                           \
        in_force->member = now.member;                                                             \
        now.member = kept_;                                                                        \
    } while (0)

int reload(struct server *s, struct config *in_force, int argc, char **argv, const char *state,
           struct err *err)
{
    struct config now;
    struct tls_identity *t;
    FILE *nowhere = fopen("/dev/null", "we");
    if (nowhere == NULL)
        return err_errno(err, "/dev/null");
    enum config_outcome outcome = config_read(argc, argv, &now, nowhere, err);
    fclose(nowhere);
    if (outcome == CONFIG_SHOWN)
        return err_set(err, "the configuration asks to be shown, not to be run");
    if (outcome == CONFIG_BAD)
        return -1;
    struct tls_options o = {state, s->hostname, now.cert, now.key};
    if (reload_check(&now, err) != 0 || tls_identity_open(&o, &t, err) != 0) {
        config_free(&now);
        return -1;
    }
    if (add_users(s, &now, err) != 0) {
        tls_identity_free(t);
        config_free(&now);
        return -1;
    }
    /* Accounts that the control socket made are in neither list, and stay. */
    for (size_t i = 0; i < in_force->user_count; i++)
        if (!has_user(&now, in_force->users[i].name))
            accounts_remove(s->accounts, in_force->users[i].name);
    tls_identity_free(s->tls); /* sessions hold what they need of it */
    s->tls = t;
    s->limits = in_force->limits = now.limits;
    policy_free(&s->policy);
    s->policy = now.policy;
    now.policy = (struct policy){.bare_lf = BARE_REFUSE};
    SWAP(users);
    SWAP(user_count);
    SWAP(cert);
    SWAP(key);
    config_free(&now);
    return 0;
}
