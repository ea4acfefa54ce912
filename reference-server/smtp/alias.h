/* Local parts that stand for others: aliases, and lists, which have an owner (RFC 5321, 3.9).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_ALIAS_H
#define SERVER_SMTP_ALIAS_H

#include "server.h"
#include "smtp/address.h"

enum { ALIAS_DEPTH = 16, ALIAS_MEMBERS = 1000 };

struct smtp_member {
    char *address;
    struct account *account; /* NULL: another host's */
    char *owner;             /* of the list, the sender of what it sends; NULL: of an alias */
};
struct smtp_members {
    struct smtp_member list[ALIAS_MEMBERS];
    size_t count;
};

/* Whether the path is one of ours that stands for others. */
bool smtp_is_alias(const struct server *s, const struct smtp_path *path);
/* The people behind a local part, each once for an owner: names that stand for others are followed,
 * circles are not, and what is ours and nobody's is left out. NULL: too many. */
struct smtp_members *smtp_expand(const struct server *s, const char *local);
/* The members as they were set, whole addresses: those of EXPN. */
struct smtp_members *smtp_alias_members(const struct server *s, const char *local);
void smtp_members_free(struct smtp_members *m); /* NULL: nothing */

#endif
