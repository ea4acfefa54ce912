/* SASLprep (RFC 4013): the one form of a user name or password that is compared and hashed.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SASLPREP_H
#define SERVER_SASLPREP_H

/* The prepared form, malloc'd; NULL where the text is not UTF-8, holds what is prohibited, or comes
 * to nothing. Code points that Unicode 3.2 did not know pass, as in a query (RFC 3454, 7). */
char *saslprep(const char *text);

#endif
