/* The messages of SCRAM (RFC 5802, 7; RFC 7677; RFC 9266 for tls-exporter), the server's side.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "fault.h"
#include "sasl/sasl_mech.h"
#include "server.h"

enum { FIRST, FINAL };

/* The value of attribute `name` at *at, moved past it and its comma. NULL: something else stands
 * there. */
static char *attribute(const char **at, char name)
{
    if ((*at)[0] != name || (*at)[1] != '=')
        return NULL;
    const char *value = *at + 2, *end = strchr(value, ',');
    size_t len = end == NULL ? strlen(value) : (size_t)(end - value);
    *at = end == NULL ? value + len : end + 1;
    return sasl_copy(value, len);
}

/* =2C is a comma and =3D is =; any other = is an error (RFC 5802, 5.1). In place. */
static bool unescape(char *name)
{
    char *to = name;
    for (const char *from = name; *from != '\0'; from++) {
        if (*from != '=') {
            *to++ = *from;
        } else if (strncmp(from, "=2C", 3) == 0 || strncmp(from, "=3D", 3) == 0) {
            *to++ = from[1] == '2' ? ',' : '=';
            from += 2;
        } else if (fault(FAULT_SASL_SCRAM_BAD_ESCAPE)) {
            *to++ = '=';
        } else {
            return false;
        }
    }
    *to = '\0';
    return *name != '\0';
}

static bool printable(const char *nonce)
{
    for (const char *p = nonce; *p != '\0'; p++)
        if (*p < 0x21 || *p > 0x7e || *p == ',')
            return false;
    return *nonce != '\0';
}

/* Finds the bytes of the channel binding that the client named. */
static bool take_binding(struct scram_exchange *x, const struct conn *c, const char *name)
{
    const unsigned char *bytes = NULL;
    size_t len = 0;
    bool exporter = strcmp(name, "tls-exporter") == 0;
    if (exporter && fault(FAULT_SASL_NO_TLS_EXPORTER))
        return false;
    if (exporter || (strncmp(name, "tls-", 4) != 0 && fault(FAULT_SASL_SCRAM_UNKNOWN_BINDING))) {
        bytes = c->binding_exporter;
        len = sizeof c->binding_exporter;
    } else if (strcmp(name, "tls-unique") == 0) { /* none in TLS 1.3 (RFC 8446, C.5) */
        bytes = c->binding_unique;
        len = c->binding_unique_len;
    } else if (strcmp(name, "tls-server-end-point") == 0) {
        bytes = c->binding_end_point;
        len = c->binding_end_point_len;
    }
    if (len > 0)
        memcpy(x->binding, bytes, len);
    if (bytes == c->binding_end_point && len > 0 && fault(FAULT_SASL_END_POINT_WRONG))
        x->binding[0] ^= 1;
    x->binding_len = len;
    return len > 0;
}

/* n,a=zid,  y,a=zid,  p=type,a=zid,   On success *rest stands behind the header. */
static enum sasl_step gs2_header(struct sasl *s, const char *in, const char **rest, char **authzid)
{
    struct scram_exchange *x = &s->scram;
    const char *comma = strchr(in, ',');
    if (comma == NULL)
        return SASL_MALFORMED;
    if (in[0] == 'p' && in[1] == '=') {
        char *type = sasl_copy(in + 2, (size_t)(comma - in - 2));
        bool known = x->plus && take_binding(x, s->conn, type);
        free(type);
        if (!known)
            return SASL_BAD_LOGIN;
    } else if (comma != in + 1 ||
               (in[0] != 'n' && in[0] != 'y' && !fault(FAULT_SASL_SCRAM_ANY_FLAG))) {
        return SASL_MALFORMED;
    } else if (x->plus) {
        return SASL_BAD_LOGIN; /* -PLUS without a binding is a contradiction (RFC 5802, 6) */
    } else if (in[0] == 'y' && s->conn->tls && !fault(FAULT_SASL_SCRAM_Y_ACCEPTED)) {
        /* It believes that we offer no -PLUS, and we do: someone took it out of our list (6). */
        return SASL_BAD_LOGIN;
    }
    const char *at = comma + 1;
    if (*at != ',') {
        *authzid = attribute(&at, 'a');
        if (*authzid == NULL || at[-1] != ',' || !unescape(*authzid))
            return SASL_MALFORMED;
    } else {
        at++;
    }
    x->gs2_header = sasl_copy(in, (size_t)(at - in));
    *rest = at;
    return SASL_OK;
}

static void make_nonce(struct scram_exchange *x, const char *client)
{
    unsigned char noise[18];
    if (RAND_bytes(noise, sizeof noise) != 1)
        abort();
    if (fault(FAULT_SASL_SCRAM_NONCE_CONSTANT))
        memset(noise, 0, sizeof noise);
    struct buf b;
    buf_init(&b, SASL_MESSAGE_BYTES * 2);
    buf_text(&b, client);
    base64_encode(&b, noise, sizeof noise);
    x->nonce = sasl_copy(b.data, b.len);
    buf_free(&b);
}

static enum sasl_step client_first(struct sasl *s, const char *in, struct buf *out)
{
    struct scram_exchange *x = &s->scram;
    const char *bare = NULL;
    char *authzid = NULL, *nonce = NULL;
    enum sasl_step step = gs2_header(s, in, &bare, &authzid);
    if (step != SASL_OK)
        goto out;
    step = SASL_MALFORMED;
    const char *at = bare;
    if (fault(FAULT_SASL_SCRAM_EXTENSION_IGNORED))
        free(attribute(&at, 'm'));
    /* m= here is an extension that must be understood, and we know none: it is no n=, so it fails
     * below. */
    s->user = attribute(&at, 'n');
    if (s->user == NULL || !unescape(s->user))
        goto out;
    nonce = attribute(&at, 'r');
    if (nonce == NULL || !printable(nonce))
        goto out;
    if (*at != '\0' && fault(FAULT_SASL_SCRAM_OPTIONAL_REFUSED))
        goto out;
    step = SASL_CHALLENGE;
    x->client_first_bare = sasl_copy(bare, strlen(bare));
    make_nonce(x, nonce);
    s->account = account_find(s->accounts, s->user);
    if (s->account != NULL && authzid != NULL && !sasl_may_be(s->account, authzid) &&
        !fault(FAULT_SASL_SCRAM_AUTHZID_IGNORED))
        s->account = NULL; /* found out at the end only, like any unknown user */
    if (s->account == NULL && fault(FAULT_SASL_SCRAM_USER_ORACLE)) {
        step = SASL_BAD_LOGIN;
        goto out;
    }
    account_keys(s->accounts, s->account, s->user, x->hash, &x->keys);
    if (s->account == NULL && fault(FAULT_SASL_SCRAM_SALT_RANDOM) &&
        RAND_bytes(x->keys.salt, sizeof x->keys.salt) != 1)
        abort();
    buf_printf(out, "r=%s,s=", x->nonce);
    base64_encode(out, x->keys.salt, sizeof x->keys.salt);
    buf_printf(out, ",i=%d", x->keys.iterations);
    x->server_first = sasl_copy(out->data, out->len);
    s->state = FINAL;
out:
    free(authzid);
    free(nonce);
    return step;
}

/* Whether c= holds the header of the first message and the binding of this very connection. */
static bool binding_fits(const struct scram_exchange *x, const char *c64)
{
    unsigned char *sent = NULL;
    size_t len = 0, header = strlen(x->gs2_header);
    if (base64_decode(c64, strlen(c64), &sent, &len) != 0)
        return false;
    bool fits = len == header + x->binding_len && memcmp(sent, x->gs2_header, header) == 0 &&
                CRYPTO_memcmp(sent + header, x->binding, x->binding_len) == 0;
    free(sent);
    return fits || (!x->plus && fault(FAULT_SASL_SCRAM_HEADER_UNCHECKED)) ||
           (x->binding_len > 0 && fault(FAULT_SASL_SCRAM_BINDING_UNCHECKED));
}

static enum sasl_step client_final(struct sasl *s, const char *in, struct buf *out)
{
    struct scram_exchange *x = &s->scram;
    enum sasl_step step = SASL_MALFORMED;
    const char *at = in, *proof_at = strstr(in, ",p=");
    char *binding = attribute(&at, 'c'), *nonce = attribute(&at, 'r'), *proof64 = NULL;
    unsigned char *proof = NULL;
    size_t proof_len = 0;
    if (binding == NULL || nonce == NULL || proof_at == NULL)
        goto out;
    const char *last = proof_at + 1; /* extensions between r= and p= are allowed and ignored */
    if (at != last && fault(FAULT_SASL_SCRAM_OPTIONAL_REFUSED))
        goto out;
    proof64 = attribute(&last, 'p');
    if (proof64 == NULL || *last != '\0' ||
        base64_decode(proof64, strlen(proof64), &proof, &proof_len) != 0)
        goto out;
    step = SASL_BAD_LOGIN;
    struct buf message;
    buf_init(&message, SASL_MESSAGE_BYTES * 4);
    buf_printf(&message, "%s,%s,", x->client_first_bare, x->server_first);
    buf_add(&message, in, (size_t)(proof_at - in));
    char *auth_message = sasl_copy(message.data, message.len);
    buf_free(&message);
    bool fits = scram_proof_fits(x->hash, &x->keys, auth_message, proof, proof_len);
    if (!fits && s->account != NULL && s->account->secret != NULL &&
        fault(FAULT_SASL_SCRAM_PROOF_PREFIX))
        fits = scram_proof_begins(x->hash, &x->keys, s->account->secret, auth_message, proof,
                                  proof_len);
    bool same_nonce = strcmp(nonce, x->nonce) == 0 || fault(FAULT_SASL_SCRAM_NONCE_UNCHECKED);
    if (same_nonce && binding_fits(x, binding) && fits && s->account != NULL) {
        unsigned char signature[SCRAM_MAX_BYTES];
        scram_server_signature(x->hash, &x->keys, auth_message, signature);
        if (fault(FAULT_SASL_SCRAM_WRONG_SIGNATURE))
            signature[0] ^= 1;
        buf_text(out, "v=");
        base64_encode(out, signature, scram_bytes(x->hash));
        step = SASL_OK;
    }
    free(auth_message);
out:
    free(binding);
    free(nonce);
    free(proof64);
    free(proof);
    return step;
}

enum sasl_step sasl_scram_step(struct sasl *s, const char *in, size_t n, struct buf *out)
{
    (void)n;
    return s->state == FIRST ? client_first(s, in, out) : client_final(s, in, out);
}

void sasl_scram_clear(struct scram_exchange *x)
{
    free(x->gs2_header);
    free(x->client_first_bare);
    free(x->server_first);
    free(x->nonce);
    OPENSSL_cleanse(&x->keys, sizeof x->keys);
    *x = (struct scram_exchange){0};
}
