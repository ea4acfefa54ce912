/* SASL as a client speaks it: the mechanisms that are a message or two, and the door to SCRAM.
 * Base64, the initial response and "*" belong to the protocol that carries it.
 * SPDX-License-Identifier: MIT */
#include "protocol/sasl.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/scram.h"
#include "wire/buf.h"

enum { MESSAGE_MOST = 1 << 28 }; /* scripts may send absurd passwords */

struct sasl {
    const struct mechanism *mechanism;
    struct scram *scram;
    char *authzid, *user, *password, *host;
    unsigned port;
    int steps; /* answers given so far */
    bool done;
};

/* Writes the answer to a challenge. -1 with words for a challenge that is none. */
typedef int answer_fn(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                      struct err *err);

struct mechanism {
    const char *name;
    bool client_first;
    answer_fn *answer;
};

static int over(const struct sasl *s, const unsigned char *challenge, size_t n, struct err *err)
{
    return err_set(err, "%s was over, but the server goes on: %.*s", s->mechanism->name,
                   n < 100 ? (int)n : 100, n > 0 ? (const char *)challenge : "");
}

/* The first challenge of a mechanism in which the client speaks first is empty (RFC 4422, 3). */
static int begin(const struct sasl *s, const unsigned char *challenge, size_t n, struct err *err)
{
    if (s->steps > 0)
        return over(s, challenge, n, err);
    if (n > 0)
        return err_set(err, "in %s the client speaks first, but the server said: %.*s",
                       s->mechanism->name, n < 100 ? (int)n : 100, (const char *)challenge);
    return 0;
}

/* RFC 4616, 2. */
static int plain(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                 struct err *err)
{
    if (begin(s, challenge, n, err) != 0)
        return -1;
    (void)buf_printf(out, "%s%c%s%c%s", s->authzid, '\0', s->user, '\0', s->password);
    s->done = true;
    return 0;
}

/* Never standardised (draft-murchison-sasl-login): two questions whose text means nothing. */
static int login(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                 struct err *err)
{
    if (s->steps > 1)
        return over(s, challenge, n, err);
    (void)buf_printf(out, "%s", s->steps == 0 ? s->user : s->password);
    s->done = s->steps == 1;
    return 0;
}

/* RFC 2195, 2. */
static int cram_md5(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                    struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (s->steps > 0)
        return over(s, challenge, n, err);
    if (n == 0)
        return err_set(err, "the challenge of CRAM-MD5 is empty");
    if (HMAC(EVP_md5(), s->password, (int)strlen(s->password), challenge, n, digest, &size) == NULL)
        return err_tls(err, "HMAC-MD5");
    (void)buf_printf(out, "%s ", s->user);
    for (unsigned int i = 0; i < size; i++)
        (void)buf_printf(out, "%02x", digest[i]);
    s->done = true;
    return 0;
}

/* RFC 4422, appendix A: the identity comes from outside, only the one to act as is sent. */
static int external(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                    struct err *err)
{
    if (begin(s, challenge, n, err) != 0)
        return -1;
    (void)buf_printf(out, "%s", s->authzid);
    s->done = true;
    return 0;
}

/* RFC 4505, 2. */
static int anonymous(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                     struct err *err)
{
    if (begin(s, challenge, n, err) != 0)
        return -1;
    (void)buf_printf(out, "%s", s->password);
    s->done = true;
    return 0;
}

/* RFC 7628, 3.1; a second challenge is the server's error in JSON and is answered with one ^A
 * (3.2.3). */
static int oauthbearer(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                       struct err *err)
{
    if (s->steps == 1) {
        s->done = false;
        (void)buf_printf(out, "\x01");
        return 0;
    }
    if (begin(s, challenge, n, err) != 0)
        return -1;
    char *name = scram_name(s->authzid[0] != '\0' ? s->authzid : s->user);
    (void)buf_printf(out, "n,%s%s,\x01", name[0] != '\0' ? "a=" : "", name);
    free(name);
    if (s->host[0] != '\0')
        (void)buf_printf(out, "host=%s\x01", s->host);
    if (s->port != 0)
        (void)buf_printf(out, "port=%u\x01", s->port);
    (void)buf_printf(out, "auth=Bearer %s\x01\x01", s->password);
    s->done = true;
    return 0;
}

/* Google's and Microsoft's forerunner of OAUTHBEARER; the error challenge is answered with nothing.
 */
static int xoauth2(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                   struct err *err)
{
    if (s->steps == 1) {
        s->done = false;
        return 0;
    }
    if (begin(s, challenge, n, err) != 0)
        return -1;
    (void)buf_printf(out,
                     "user=%s\x01"
                     "auth=Bearer %s\x01\x01",
                     s->user, s->password);
    s->done = true;
    return 0;
}

static int scram(struct sasl *s, const unsigned char *challenge, size_t n, struct buf *out,
                 struct err *err)
{
    unsigned char *answer = NULL;
    size_t len = 0;
    if (scram_step(s->scram, challenge, n, &answer, &len, err) != 0)
        return -1;
    (void)buf_add(out, answer, len);
    free(answer);
    s->done = scram_done(s->scram);
    return 0;
}

static const struct mechanism mechanisms[] = {
    {"PLAIN", true, plain},
    {"LOGIN", false, login},
    {"CRAM-MD5", false, cram_md5},
    {"SCRAM-SHA-1", true, scram},
    {"SCRAM-SHA-1-PLUS", true, scram},
    {"SCRAM-SHA-256", true, scram},
    {"SCRAM-SHA-256-PLUS", true, scram},
    {"SCRAM-SHA-512", true, scram},
    {"SCRAM-SHA-512-PLUS", true, scram},
    {"EXTERNAL", true, external},
    {"ANONYMOUS", true, anonymous},
    {"OAUTHBEARER", true, oauthbearer},
    {"XOAUTH2", true, xoauth2},
};

static int open_scram(struct sasl *s, const struct sasl_options *o, struct err *err)
{
    const char *name = s->mechanism->name + strlen("SCRAM-");
    char hash[16];
    size_t n = strlen(name), tail = strlen("-PLUS");
    bool plus = n > tail && strcmp(name + n - tail, "-PLUS") == 0;
    (void)snprintf(hash, sizeof hash, "%.*s", (int)(plus ? n - tail : n), name);
    return scram_new(hash, plus, o, &s->scram, err);
}

static char *copy(const char *text)
{
    return err_need(strdup(text != NULL ? text : ""));
}

struct sasl *sasl_new(const char *mechanism, const struct sasl_options *o, struct err *err)
{
    const struct mechanism *m = NULL;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (strcasecmp(mechanisms[i].name, mechanism) == 0)
            m = &mechanisms[i];
    }
    if (m == NULL) {
        (void)err_set(err, "the driver knows no SASL mechanism \"%s\"", mechanism);
        return NULL;
    }
    struct sasl *s = err_need(calloc(1, sizeof *s));
    s->mechanism = m;
    s->authzid = copy(o->authzid);
    s->user = copy(o->user);
    s->password = copy(o->password);
    s->host = copy(o->host);
    s->port = o->port;
    if (m->answer == scram && open_scram(s, o, err) != 0) {
        sasl_free(s);
        return NULL;
    }
    return s;
}

void sasl_free(struct sasl *s)
{
    if (s == NULL)
        return;
    scram_free(s->scram);
    free(s->authzid);
    free(s->user);
    free(s->password);
    free(s->host);
    free(s);
}

bool sasl_client_first(const struct sasl *s)
{
    return s->mechanism->client_first;
}

int sasl_step(struct sasl *s, const unsigned char *challenge, size_t n, unsigned char **out,
              size_t *out_len, struct err *err)
{
    struct buf answer;
    buf_init(&answer, MESSAGE_MOST);
    int rc = s->mechanism->answer(s, challenge, n, &answer, err);
    if (rc != 0) {
        s->done = false;
        buf_clear(&answer);
        return -1;
    }
    s->steps++;
    *out = buf_take(&answer, out_len);
    if (*out == NULL) /* an empty answer is an answer */
        *out = err_need(calloc(1, 1));
    return 0;
}

bool sasl_done(const struct sasl *s)
{
    return s->done;
}
