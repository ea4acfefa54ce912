/* Whether the values of an IMAP response have the shape that the grammar gives them. RFC 3501, 9;
 * RFC 9051, 9.
 *
 * Each function returns NULL when they have, and otherwise a sentence. The shapes are those of the
 * base documents with the room that they leave for extensions: items, codes and responses that they
 * do not name are never wrong here. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_IMAP_GRAMMAR_H
#define HARNESS_PROTOCOL_IMAP_GRAMMAR_H

#include "protocol/imap_response.h"

/* What part of a structure is wrong, so that lint can name the rule. */
enum imap_part { IMAP_PART_BASIC, IMAP_PART_MULTI, IMAP_PART_MESSAGE, IMAP_PART_EXTENSION };
/* The same for an envelope. */
enum imap_envelope_part { IMAP_ENVELOPE_MEMBERS, IMAP_ENVELOPE_ADDRESS, IMAP_ENVELOPE_EMPTY };

bool imap_is_nstring(const struct imap_value *v);
/* An atom, string or number, as mailbox names are sent; NIL is the name "NIL" there. */
bool imap_is_astring(const struct imap_value *v);
/* A number between low and high. */
bool imap_is_number(const struct imap_value *v, int64_t low, int64_t high);
/* How many numbers a set like 1:3,7 stands for; -1 when it is none or has "*" in it. */
int64_t imap_set_size(const struct imap_value *v);

const char *imap_grammar_envelope(const struct imap_value *v, enum imap_envelope_part *part);
/* extended: BODYSTRUCTURE, which may have extension fields. Finds the first thing that is wrong,
 * inner parts included. */
const char *imap_grammar_body(const struct imap_value *v, bool extended, enum imap_part *part);
/* Whether a part anywhere in the structure is a multipart, or a message/rfc822. */
bool imap_body_has_multipart(const struct imap_value *v);
bool imap_body_has_message(const struct imap_value *v);
const char *imap_grammar_internaldate(const struct imap_value *v);
const char *imap_grammar_fetch(const struct imap_response *r);
const char *imap_grammar_list(const struct imap_response *r);
const char *imap_grammar_status(const struct imap_response *r);
const char *imap_grammar_search(const struct imap_response *r);
const char *imap_grammar_esearch(const struct imap_response *r);
const char *imap_grammar_namespace(const struct imap_response *r);
const char *imap_grammar_appenduid(const struct imap_value *code);
const char *imap_grammar_copyuid(const struct imap_value *code);

#endif
