/* The quotas of accounts: what the policy says, for the store and for SMTP.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include "server.h"

/* From now on the store asks us. */
void quota_attach(struct server *s);
/* Whether a message of so many bytes would be too much for the account now. */
bool quota_full(const struct server *s, const struct account *a, uint64_t more_bytes);
/* The same by the account's id. */
bool quota_full_for(const struct server *s, int64_t account, uint64_t more_bytes);
/* By a fault: what is handed to the store from now on arrives however full the mailboxes are. */
void quota_lift(bool lifted);

#endif
