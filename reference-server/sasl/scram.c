/* SCRAM keys and signatures (RFC 5802, 3). Called by account.c for what is kept of a password and
 * by sasl_scram.c for the exchange. Passwords are used as the UTF-8 bytes that the client sent:
 * printable ASCII is its own SASLprep form.
 *
 * SPDX-License-Identifier: MIT */
#include "sasl/scram.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const EVP_MD *digest_of(enum scram_hash hash)
{
    return hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t scram_bytes(enum scram_hash hash)
{
    return hash == SCRAM_SHA1 ? 20 : 32;
}

/* OpenSSL fails here only when memory is out, which ends the process everywhere. */
static void must(bool fine)
{
    if (!fine)
        abort();
}

static void hmac(enum scram_hash hash, const unsigned char *key, const char *text,
                 unsigned char *out)
{
    unsigned len = 0;
    must(HMAC(digest_of(hash), key, (int)scram_bytes(hash), (const unsigned char *)text,
              strlen(text), out, &len) != NULL);
}

static void plain_hash(enum scram_hash hash, const unsigned char *in, unsigned char *out)
{
    must(EVP_Digest(in, scram_bytes(hash), out, NULL, digest_of(hash), NULL) == 1);
}

bool scram_proof_begins(enum scram_hash hash, const struct scram_keys *keys, const char *password,
                        const char *auth_message, const unsigned char *proof, size_t proof_len)
{
    unsigned char salted[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE], signature[EVP_MAX_MD_SIZE];
    must(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), keys->salt, sizeof keys->salt,
                           keys->iterations, digest_of(hash), (int)scram_bytes(hash), salted) == 1);
    hmac(hash, salted, "Client Key", client);
    hmac(hash, keys->stored_key, auth_message, signature);
    for (size_t i = 0; i < 16; i++)
        client[i] = (unsigned char)(client[i] ^ signature[i]);
    return proof_len == scram_bytes(hash) && memcmp(client, proof, 16) == 0;
}

void scram_derive(enum scram_hash hash, const char *password, struct scram_keys *keys)
{
    unsigned char salted[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE];
    must(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), keys->salt, sizeof keys->salt,
                           keys->iterations, digest_of(hash), (int)scram_bytes(hash), salted) == 1);
    hmac(hash, salted, "Client Key", client);
    plain_hash(hash, client, keys->stored_key);
    hmac(hash, salted, "Server Key", keys->server_key);
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(client, sizeof client);
}

bool scram_password_fits(enum scram_hash hash, const char *password, const struct scram_keys *keys)
{
    struct scram_keys tried = *keys;
    scram_derive(hash, password, &tried);
    return CRYPTO_memcmp(tried.stored_key, keys->stored_key, scram_bytes(hash)) == 0;
}

bool scram_proof_fits(enum scram_hash hash, const struct scram_keys *keys, const char *auth_message,
                      const unsigned char *proof, size_t proof_len)
{
    unsigned char signature[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE];
    size_t n = scram_bytes(hash);
    if (proof_len != n)
        return false;
    hmac(hash, keys->stored_key, auth_message, signature);
    for (size_t i = 0; i < n; i++)
        client[i] = (unsigned char)(proof[i] ^ signature[i]);
    plain_hash(hash, client, stored);
    return CRYPTO_memcmp(stored, keys->stored_key, n) == 0;
}

void scram_server_signature(enum scram_hash hash, const struct scram_keys *keys,
                            const char *auth_message, unsigned char *out)
{
    unsigned char full[EVP_MAX_MD_SIZE];
    hmac(hash, keys->server_key, auth_message, full);
    memcpy(out, full, scram_bytes(hash));
}
