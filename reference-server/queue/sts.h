/* MTA-STS policies (RFC 8461), as files: one a domain, in the form in which a web server would give
 * it. Nothing is fetched. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_STS_H
#define SERVER_QUEUE_STS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sts;

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts *sts_new(void);
void sts_free(struct sts *s);
/* Makes one hold what another holds. */
void sts_assign(struct sts *to, const struct sts *from);
int sts_read_folder(struct sts *s, const char *path, struct err *err);
/* policy NULL: there is none any more. -1: it is malformed. */
int sts_set(struct sts *s, const char *domain, const char *policy, struct err *err);
bool sts_any(const struct sts *s);
/* What is in force for a domain. announced: its TXT record says v=STSv1, now; a policy that was
 * announced before stays in force for its max_age. */
enum sts_mode sts_mode(struct sts *s, const char *domain, bool announced, int64_t now_s);
/* Whether the policy names this MX (RFC 8461, 4.1). */
bool sts_allows(const struct sts *s, const char *domain, const char *host);

#endif
