/* The client's side of SCRAM-SHA-1 without channel binding (RFC 5802), for tests of the servers
 * that speak it. SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_SCRAM_CLIENT_H
#define SERVER_TESTS_SCRAM_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SCRAM_FIRST_BARE "n=user1,r=clientnonce"

/* Base64 of a text, in a buffer of the caller's. */
static inline void scram_encode(const char *text, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)strlen(text));
}

static inline void scram_decode(const char *base64, size_t n, char *out)
{
    int len = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)base64, (int)n);
    ck_assert_int_ge(len, 0);
    for (size_t i = n; i > 0 && base64[i - 1] == '='; i--)
        len--;
    out[len] = '\0';
}

/* The client-final-message for a server-first-message; both plain text. */
static inline void scram_final(const char *server_first, const char *password, char *out,
                               size_t size)
{
    char salt64[128], message[2048], proof64[64];
    unsigned char salt[128], salted[20], client[20], stored[20], signature[20];
    const char *nonce = server_first + 2, *s = strstr(server_first, ",s="),
               *i = strstr(server_first, ",i=");
    ck_assert(s != NULL && i != NULL);
    snprintf(salt64, sizeof salt64, "%.*s", (int)(i - s - 3), s + 3);
    int n = EVP_DecodeBlock(salt, (unsigned char *)salt64, (int)strlen(salt64));
    for (size_t k = strlen(salt64); k > 0 && salt64[k - 1] == '='; k--)
        n--;
    ck_assert(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, n, atoi(i + 3), EVP_sha1(),
                                sizeof salted, salted) == 1);
    HMAC(EVP_sha1(), salted, sizeof salted, (const unsigned char *)"Client Key", 10, client, NULL);
    EVP_Digest(client, sizeof client, stored, NULL, EVP_sha1(), NULL);
    snprintf(out, size, "c=biws,r=%.*s", (int)(s - nonce), nonce);
    snprintf(message, sizeof message, SCRAM_FIRST_BARE ",%s,%s", server_first, out);
    HMAC(EVP_sha1(), stored, sizeof stored, (const unsigned char *)message, strlen(message),
         signature, NULL);
    for (int k = 0; k < 20; k++)
        client[k] ^= signature[k];
    EVP_EncodeBlock((unsigned char *)proof64, client, sizeof client);
    snprintf(out + strlen(out), size - strlen(out), ",p=%s", proof64);
}

#endif
