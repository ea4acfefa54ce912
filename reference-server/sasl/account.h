/* Who may log in, and with what. Passwords are kept as SCRAM keys (RFC 5802, 3); CRAM-MD5 and APOP
 * need the secret itself, kept only when the account was made with one in clear (test accounts
 * are). All calls come from the loop thread. SPDX-License-Identifier: MIT */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sasl/scram.h"

struct accounts;
struct store;

struct account {
    int64_t id;    /* in the store */
    char *name;    /* login name, "user1" */
    char *address; /* "user1@test.example": local part and domain, compared by RFC 5321, 2.3.11
                      and 2.4 */
    char *secret;  /* clear, or NULL */
    int64_t pop3_login_ms;                    /* when the last POP3 login succeeded; 0: none did */
    char *token;                              /* OAuth bearer token that is accepted, or NULL */
    struct scram_keys keys[SCRAM_HASH_COUNT]; /* by account_keys: derived at first use while the
                                                 secret is there */
};

struct accounts *accounts_new(void);
void accounts_free(struct accounts *a);
/* Adds a mail domain of ours (case does not matter; a second time does nothing). The first one
 * added is the domain of accounts that are made without an address. */
void accounts_add_domain(struct accounts *a, const char *domain);
/* Makes an account, its INBOX in the store with it. address NULL: name if that holds an "@", else
 * name@first domain; the domain of an address becomes one of ours. store NULL (tests of their own):
 * ids are counted from 1. The secret is kept in clear; account_forget_secret keeps only keys. An
 * account of that name is given the new password instead. *out (may be NULL) is borrowed, valid
 * until accounts_free. */
int accounts_add(struct accounts *a, struct store *store, const char *name, const char *password,
                 const char *address, struct account **out, struct err *err);
/* Nobody logs in or gets mail under this name any more; sessions of the account go on, so it is
 * kept until accounts_free. Its mail stays in the store. False: there was none. */
bool accounts_remove(struct accounts *a, const char *name);
void account_forget_secret(struct accounts *a, struct account *account);
void account_set_token(struct account *account, const char *token); /* NULL: none */
size_t accounts_count(const struct accounts *a);
struct account *accounts_at(struct accounts *a,
                            size_t i);                /* in the order in which they were added */
bool accounts_have_secrets(const struct accounts *a); /* CRAM-MD5 and APOP make sense */
bool accounts_have_tokens(const struct accounts *a);  /* OAUTHBEARER and XOAUTH2 make sense */
/* ANONYMOUS is offered only where this was switched on. */
void accounts_allow_anonymous(struct accounts *a, bool on);
bool accounts_anonymous(const struct accounts *a);

/* Logs in with a password; NULL: unknown or wrong, not told apart and taking the same time. Accepts
 * name or address. */
struct account *account_check(struct accounts *a, const char *user, const char *password);
struct account *account_find(struct accounts *a, const char *user); /* by name or address */
/* The SCRAM keys of an account. account NULL (nobody of that name): keys that no password opens,
 * with a salt that is the same each time this user is asked for, so that a stranger learns nothing
 * (RFC 5802, 9). */
void account_keys(struct accounts *a, struct account *account, const char *user,
                  enum scram_hash hash, struct scram_keys *out);
/* By mail address of one of our domains; *ours says whether the domain is ours. Sub-addresses
 * (user+x) and any case of "postmaster" find their account (postmaster: the account of that name,
 * else the first one). An empty domain is ours for postmaster only (RFC 5321, 4.1.1.3). */
struct account *account_by_address(struct accounts *a, const char *local_part, const char *domain,
                                   bool *ours);
bool account_domain_ours(struct accounts *a, const char *domain);

#endif
