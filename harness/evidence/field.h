/* Fields of an event, read so that a missing or wrong one is empty and nothing more: evidence is
 * made from whatever run.jsonl holds. SPDX-License-Identifier: MIT */
#ifndef HARNESS_EVIDENCE_FIELD_H
#define HARNESS_EVIDENCE_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* "" when it is not there or no text; borrowed from the event. */
const char *field_text(const json_t *event, const char *key);
/* 0 when it is not there or no integer. */
json_int_t field_int(const json_t *event, const char *key);
/* False when it is not there. */
bool field_true(const json_t *event, const char *key);
/* When it happened, seconds since the scenario began. */
double field_at(const json_t *event);
/* The bytes of an io event. The caller frees them; NULL, *len 0: the event does not hold them, or
 * no base64. */
unsigned char *field_bytes(const json_t *event, size_t *len);

#endif
