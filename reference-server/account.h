/* Who may log in, and with what. Passwords are kept as SCRAM keys (RFC 5802, 3); CRAM-MD5 and APOP need the secret
 * itself, kept only when the account was made with one in clear (test accounts are).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct accounts;

struct account {
    int64_t id;          /* in the store */
    char *name;          /* login name, "user1" */
    char *address;       /* "user1@test.example": local part and domain, compared by RFC 5321, 2.3.11 and 2.4 */
    char *secret;        /* clear, or NULL */
    char *token;         /* OAuth bearer token that is accepted, or NULL */
};

/* Logs in with a password; NULL: unknown or wrong, not told apart and taking the same time. Accepts name or address. */
struct account *account_check(struct accounts *a, const char *user, const char *password);
struct account *account_find(struct accounts *a, const char *user);           /* by name or address */
/* By mail address of one of our domains; *ours says whether the domain is ours. Sub-addresses (user+x) and any case of
 * "postmaster" find their account (postmaster: the first one). */
struct account *account_by_address(struct accounts *a, const char *local_part, const char *domain, bool *ours);
bool account_domain_ours(struct accounts *a, const char *domain);

#endif
