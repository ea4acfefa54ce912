/* Who is behind an address: the accounts as SMTP sees them. SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_RECIPIENT_H
#define SERVER_SMTP_RECIPIENT_H

#include "smtp/state.h"

/* The account that mail to this path reaches; NULL: none. *ours: the domain is one that we take
 * mail for: a domain of an account, our host's name, our own address as a literal, or no domain at
 * all (postmaster). */
struct account *smtp_account_of(struct smtp *s, const struct smtp_path *path, bool *ours);

/* Whether it is a name of ours that stands for others; our address literal is our domain. */
bool smtp_names_alias(const struct smtp *s, const struct smtp_path *path);

#endif
