/* The nearest right name for one that was mistyped. SPDX-License-Identifier: MIT */
#ifndef SERVER_NEAREST_H
#define SERVER_NEAREST_H

#include <stddef.h>

/* at(0), at(1), … give the right names and then NULL. NULL when none is near enough to be meant. */
const char *nearest(const char *name, const char *(*at)(size_t i));

#endif
