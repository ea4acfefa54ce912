/* SCRAM as a client speaks it; see scram.h. Names and passwords are sent as the script gives them:
 * a string that SASLprep (RFC 4013) would change is prepared by the script, or left wrong on
 * purpose. SPDX-License-Identifier: MIT */
#include "protocol/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that asks for more work than this would hold up the run: seconds of our time, not its.
 */
enum { ITERATIONS_MOST = 1000000, SALT_MOST = 1024, MESSAGE_MOST = 16384, NONCE_BYTES = 18 };

enum state { AT_FIRST, AT_SERVER_FIRST, AT_SERVER_FINAL, AT_END, BROKEN };

struct scram {
    const EVP_MD *md;
    enum state state;
    char *password;
    char *nonce;          /* ours */
    char *gs2;            /* "n,,", "y,,", "p=tls-exporter,," with the authorization identity */
    char *first_bare;     /* client-first-message-bare */
    unsigned char *cbind; /* gs2 header and binding data: what c= carries */
    size_t cbind_len;
    unsigned char server_signature[EVP_MAX_MD_SIZE];
};

char *scram_name(const char *text)
{
    char *out = err_need(malloc(3 * strlen(text) + 1)), *p = out;
    for (; *text != '\0'; text++) {
        const char *code = *text == '=' ? "=3D" : *text == ',' ? "=2C" : NULL;
        if (code == NULL) {
            *p++ = *text;
            continue;
        }
        memcpy(p, code, 3);
        p += 3;
    }
    *p = '\0';
    return out;
}

static char *base64(const unsigned char *p, size_t n)
{
    char *out = err_need(malloc(4 * ((n + 2) / 3) + 1));
    (void)EVP_EncodeBlock((unsigned char *)out, p, (int)n);
    return out;
}

/* Strict: whole groups of four, padding only at the end. -1 when text is no base64 or more than
 * size. */
static int unbase64(const char *text, size_t n, unsigned char *out, size_t size, size_t *len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t pad = 0;
    while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
        pad++;
    if (n == 0 || n % 4 != 0 || n / 4 * 3 > size)
        return -1;
    for (size_t i = 0; i < n - pad; i++) {
        if (memchr(alphabet, text[i], sizeof alphabet - 1) == NULL)
            return -1;
    }
    int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (got < (int)pad)
        return -1;
    *len = (size_t)got - pad;
    return 0;
}

static char *print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *print(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    return err_need(text);
}

static int set_binding(struct scram *s, bool plus, const struct sasl_options *o, struct err *err)
{
    char *authzid = scram_name(o->authzid != NULL ? o->authzid : "");
    const char *a = authzid[0] != '\0' ? "a=" : "";
    size_t data = 0;
    if (plus && o->binding == NULL) {
        free(authzid);
        return err_set(err, "a -PLUS mechanism needs a channel binding, and there is none");
    }
    if (plus) {
        s->gs2 = print("p=%s,%s%s,", o->binding, a, authzid);
        data = o->binding_data != NULL ? o->binding_len : 0;
    } else {
        s->gs2 = print("%c,%s%s,", o->binding_unused ? 'y' : 'n', a, authzid);
    }
    free(authzid);
    size_t head = strlen(s->gs2);
    s->cbind_len = head + data;
    s->cbind = err_need(malloc(s->cbind_len));
    memcpy(s->cbind, s->gs2, head);
    if (data > 0)
        memcpy(s->cbind + head, o->binding_data, data);
    return 0;
}

int scram_new(const char *hash, bool plus, const struct sasl_options *o, struct scram **out,
              struct err *err)
{
    struct scram *s = err_need(calloc(1, sizeof *s));
    s->md = EVP_get_digestbyname(hash);
    if (s->md == NULL) {
        (void)err_set(err, "no hash is called \"%s\"", hash);
        goto bad;
    }
    if (set_binding(s, plus, o, err) != 0)
        goto bad;
    s->password = err_need(strdup(o->password != NULL ? o->password : ""));
    if (o->nonce != NULL) {
        s->nonce = err_need(strdup(o->nonce));
    } else {
        unsigned char random[NONCE_BYTES];
        if (RAND_bytes(random, sizeof random) != 1) {
            (void)err_tls(err, "random bytes");
            goto bad;
        }
        s->nonce = base64(random, sizeof random);
    }
    char *name = scram_name(o->user != NULL ? o->user : "");
    s->first_bare = print("n=%s,r=%s", name, s->nonce);
    free(name);
    *out = s;
    return 0;
bad:
    scram_free(s);
    return -1;
}

void scram_free(struct scram *s)
{
    if (s == NULL)
        return;
    if (s->password != NULL)
        OPENSSL_cleanse(s->password, strlen(s->password));
    free(s->password);
    free(s->nonce);
    free(s->gs2);
    free(s->first_bare);
    free(s->cbind);
    free(s);
}

static void hmac(const struct scram *s, const unsigned char *key, const char *text,
                 unsigned char *out)
{
    err_need(HMAC(s->md, key, EVP_MD_get_size(s->md), (const unsigned char *)text, strlen(text),
                  out, NULL));
}

/* The value of "x=value" up to the comma or the end; moves *p past both. NULL: another attribute.
 */
static char *attribute(const char **p, char letter)
{
    if ((*p)[0] != letter || (*p)[1] != '=')
        return NULL;
    size_t n = strcspn(*p + 2, ",");
    char *value = err_need(strndup(*p + 2, n));
    *p += 2 + n;
    if (**p == ',')
        (*p)++;
    return value;
}

struct server_first {
    char *nonce, *salt64, *count;
    unsigned char salt[SALT_MOST + 3];
    size_t salt_len;
    int iterations;
};

static int read_first(const struct scram *s, const char *text, struct server_first *f,
                      struct err *err)
{
    const char *p = text;
    if (p[0] == 'm' && p[1] == '=')
        return err_set(
            err,
            "the server's first message asks for an extension that SCRAM does not have: %.100s",
            text);
    f->nonce = attribute(&p, 'r');
    f->salt64 = f->nonce != NULL ? attribute(&p, 's') : NULL;
    f->count = f->salt64 != NULL ? attribute(&p, 'i') : NULL;
    if (f->count == NULL)
        return err_set(err, "the server's first message is not r=…,s=…,i=…: %.100s", text);
    size_t ours = strlen(s->nonce);
    if (strncmp(f->nonce, s->nonce, ours) != 0)
        return err_set(err, "the server's nonce does not begin with ours: %.100s", f->nonce);
    if (f->nonce[ours] == '\0')
        return err_set(err, "the server added nothing to our nonce");
    if (unbase64(f->salt64, strlen(f->salt64), f->salt, sizeof f->salt, &f->salt_len) != 0 ||
        f->salt_len == 0)
        return err_set(err, "the salt is no base64: %.100s", f->salt64);
    char *end = NULL;
    long count = f->count[0] >= '1' && f->count[0] <= '9' ? strtol(f->count, &end, 10) : 0;
    if (count < 1 || *end != '\0')
        return err_set(err, "the iteration count is no positive number: %.100s", f->count);
    if (count > ITERATIONS_MOST)
        return err_set(err, "the server asks for %s iterations; the driver does %d at most",
                       f->count, ITERATIONS_MOST);
    f->iterations = (int)count;
    return 0;
}

/* RFC 5802, 3: the proof, and the signature that the server has to answer with. */
static char *final_message(struct scram *s, const char *text, const struct server_first *f)
{
    unsigned char salted[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE];
    unsigned char signature[EVP_MAX_MD_SIZE];
    int size = EVP_MD_get_size(s->md);
    char *bind = base64(s->cbind, s->cbind_len);
    char *without = print("c=%s,r=%s", bind, f->nonce);
    char *all = print("%s,%s,%s", s->first_bare, text, without);
    free(bind);
    if (PKCS5_PBKDF2_HMAC(s->password, (int)strlen(s->password), f->salt, (int)f->salt_len,
                          f->iterations, s->md, size, salted) != 1)
        err_need(NULL);
    hmac(s, salted, "Client Key", key);
    if (EVP_Digest(key, (size_t)size, stored, NULL, s->md, NULL) != 1)
        err_need(NULL);
    hmac(s, stored, all, signature);
    for (int i = 0; i < size; i++)
        key[i] ^= signature[i];
    unsigned char server_key[EVP_MAX_MD_SIZE];
    hmac(s, salted, "Server Key", server_key);
    hmac(s, server_key, all, s->server_signature);
    char *proof = base64(key, (size_t)size);
    char *message = print("%s,p=%s", without, proof);
    free(proof);
    free(without);
    free(all);
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(key, sizeof key);
    return message;
}

static int answer_first(struct scram *s, const char *text, char **out, struct err *err)
{
    struct server_first f = {0};
    int rc = read_first(s, text, &f, err);
    if (rc == 0)
        *out = final_message(s, text, &f);
    free(f.nonce);
    free(f.salt64);
    free(f.count);
    return rc;
}

static int check_final(const struct scram *s, const char *text, struct err *err)
{
    unsigned char got[EVP_MAX_MD_SIZE + 3];
    size_t n = 0, size = (size_t)EVP_MD_get_size(s->md);
    const char *p = text;
    char *value = attribute(&p, 'e');
    if (value != NULL) {
        (void)err_set(err, "the server refuses: %.100s", value);
        free(value);
        return -1;
    }
    value = attribute(&p, 'v');
    if (value == NULL)
        return err_set(err, "the server's last message is neither v=… nor e=…: %.100s", text);
    int bad = unbase64(value, strlen(value), got, sizeof got, &n);
    free(value);
    if (bad != 0 || n != size)
        return err_set(err, "the server's signature has the wrong form: %.100s", text);
    if (CRYPTO_memcmp(got, s->server_signature, size) != 0)
        return err_set(err, "the server's signature is wrong: it does not know the password");
    return 0;
}

int scram_step(struct scram *s, const unsigned char *challenge, size_t n, unsigned char **out,
               size_t *out_len, struct err *err)
{
    char *answer = NULL, *text = NULL;
    int rc = -1;
    if (n > MESSAGE_MOST)
        return err_set(err, "the server's message is %zu bytes long", n);
    if (n > 0 && memchr(challenge, '\0', n) != NULL)
        return err_set(err, "the server's message contains NUL");
    text = err_need(n > 0 ? strndup((const char *)challenge, n) : strdup(""));
    switch (s->state) {
    case AT_FIRST:
        rc = 0;
        if (n > 0)
            rc = err_set(err, "the client speaks first, but the server said: %.100s", text);
        else
            answer = print("%s%s", s->gs2, s->first_bare);
        s->state = AT_SERVER_FIRST;
        break;
    case AT_SERVER_FIRST:
        rc = answer_first(s, text, &answer, err);
        s->state = AT_SERVER_FINAL;
        break;
    case AT_SERVER_FINAL:
        rc = check_final(s, text, err);
        if (rc == 0)
            answer = err_need(strdup(""));
        s->state = AT_END;
        break;
    case AT_END:
    case BROKEN:
        rc = err_set(err, "the mechanism was over, but the server goes on: %.100s", text);
        break;
    }
    free(text);
    if (rc != 0) {
        s->state = BROKEN;
        return -1;
    }
    *out_len = strlen(answer);
    *out = (unsigned char *)answer;
    return 0;
}

bool scram_done(const struct scram *s)
{
    return s->state == AT_END;
}
