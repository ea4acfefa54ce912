/* SCRAM (RFC 5802, RFC 7677): the keys that stand for a password, and the arithmetic of the
 * exchange. The messages are read and written in sasl_scram.c. SPDX-License-Identifier: MIT */
#ifndef SERVER_SCRAM_H
#define SERVER_SCRAM_H

#include <stdbool.h>
#include <stddef.h>

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256, SCRAM_HASH_COUNT };

#define SCRAM_ITERATIONS 4096 /* the least that RFC 5802, 5.1 and RFC 7677, 4 recommend */
#define SCRAM_SALT_BYTES 16
#define SCRAM_MAX_BYTES 32

struct scram_keys {
    int iterations; /* 0: not derived yet */
    unsigned char salt[SCRAM_SALT_BYTES];
    unsigned char stored_key[SCRAM_MAX_BYTES], server_key[SCRAM_MAX_BYTES];
};

size_t scram_bytes(enum scram_hash hash); /* 20 or 32 */
/* Fills stored_key and server_key from the password; salt and iterations are given. */
void scram_derive(enum scram_hash hash, const char *password, struct scram_keys *keys);
/* Whether this password gives these keys. Takes the same time for yes and no. */
bool scram_password_fits(enum scram_hash hash, const char *password, const struct scram_keys *keys);
/* Whether the client's proof over auth_message comes from someone who has the client key. */
bool scram_proof_fits(enum scram_hash hash, const struct scram_keys *keys, const char *auth_message,
                      const unsigned char *proof, size_t proof_len);
/* The server's signature over auth_message: scram_bytes(hash) bytes. */
void scram_server_signature(enum scram_hash hash, const struct scram_keys *keys,
                            const char *auth_message, unsigned char *out);

/* For a fault: whether the first 16 octets of the proof are right. */
bool scram_proof_begins(enum scram_hash hash, const struct scram_keys *keys, const char *password,
                        const char *auth_message, const unsigned char *proof, size_t proof_len);

#endif
