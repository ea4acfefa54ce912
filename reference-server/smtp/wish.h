/* The parameters of MAIL with which a sender asks for more than delivery: REQUIRETLS (RFC 8689), BY
 * (RFC 2852), HOLDFOR and HOLDUNTIL (RFC 4865), MT-PRIORITY (RFC 6710).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_WISH_H
#define SERVER_SMTP_WISH_H

#include <stddef.h>

#include "queue/wishes.h"
#include "smtp/param.h"

/* Each takes a value of n bytes (NULL: there was none); -1: *wrong is filled. */
int smtp_take_requiretls(const char *value, const struct smtp_offer *offer, struct wishes *out,
                         struct smtp_param_error *wrong);
int smtp_take_by(const char *value, size_t n, const struct smtp_offer *offer, struct wishes *out,
                 struct smtp_param_error *wrong);
int smtp_take_hold_for(const char *value, size_t n, const struct smtp_offer *offer,
                       struct wishes *out, struct smtp_param_error *wrong);
int smtp_take_hold_until(const char *value, size_t n, const struct smtp_offer *offer,
                         struct wishes *out, struct smtp_param_error *wrong);
int smtp_take_priority(const char *value, size_t n, struct wishes *out,
                       struct smtp_param_error *wrong);

#endif
