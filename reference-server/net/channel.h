/* The bytes of a client: its socket, plain or through TLS. Errors and ends are noted in the client.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_CHANNEL_H
#define SERVER_CHANNEL_H

#include "net/client.h"

/* How many more bytes of input there is room for. */
size_t channel_room(const struct client *k);
/* Reads what is there, within reason: one buffer of plaintext, or all that OpenSSL has already got.
 * True when bytes came. */
bool channel_receive(struct client *k);
/* Reads what nobody wants any more. */
void channel_discard(struct client *k);
/* Sends what the socket and the rules take. */
void channel_flush(struct client *k);

void channel_begin_tls(struct client *k, bool keep_input);
/* Whether a fault obeys what was sent in clear behind STARTTLS. */
bool channel_keeps_input(const struct client *k);
/* A step of the handshake; true: it is done. */
bool channel_shake_hands(struct client *k);
/* Says that nothing more will come: close_notify, FIN. */
void channel_shut(struct client *k);

#endif
