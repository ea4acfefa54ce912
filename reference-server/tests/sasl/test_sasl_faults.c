/* Every fault of SASL shows: a row of exchanges whose outcome is the same each time without faults
 * differs with each one. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fault.h"
#include "sasl/sasl.h"
#include "server.h"

static struct server server;
static struct conn c;
static struct buf out;
static char transcript[16384];

static void note(const char *what, size_t n)
{
    size_t len = strlen(transcript);
    snprintf(transcript + len, sizeof transcript - len, "%.*s\n", (int)n, what);
}

static void note_step(enum sasl_step step, const struct sasl *s)
{
    static const char *const names[] = {"challenge", "ok", "bad login", "malformed", "temporary"};
    note(names[step], 64);
    if (step == SASL_OK && sasl_account(s) != NULL)
        note(sasl_account(s)->name, 64);
}

static struct sasl *begin(const char *mechanism)
{
    bool needs_tls;
    struct sasl *s = sasl_begin(&c, server.accounts, mechanism, &needs_tls);
    ck_assert_msg(s != NULL, "%s is not offered", mechanism);
    note(mechanism, 64);
    return s;
}

static void once(const char *mechanism, const char *text, size_t n)
{
    struct sasl *s = begin(mechanism);
    note_step(sasl_step(s, (const unsigned char *)text, n, &out), s);
    sasl_free(s);
}

/* --- SCRAM-SHA-1 --- */

enum { NONCE = 1, HEADER = 2, TAIL = 4, EXTRA = 8 };

static char *base64(const void *p, size_t n)
{
    struct buf b;
    buf_init(&b, 4096);
    base64_encode(&b, p, n);
    return (char *)buf_take(&b, &n);
}

/* The final message, wrong in the ways that `wrong` says. */
static char *final_message(const char *bare, const char *first, const char *header,
                           const char *binding, unsigned wrong)
{
    unsigned char *salt, salted[20], client[20], stored[20], signature[20];
    size_t salt_len;
    const char *salt_at = strstr(first, ",s=") + 3, *count_at = strstr(first, ",i=");
    ck_assert_int_eq(base64_decode(salt_at, (size_t)(count_at - salt_at), &salt, &salt_len), 0);
    PKCS5_PBKDF2_HMAC("pencil", 6, salt, (int)salt_len, atoi(count_at + 3), EVP_sha1(), 20, salted);
    free(salt);
    HMAC(EVP_sha1(), salted, 20, (const unsigned char *)"Client Key", 10, client, NULL);
    EVP_Digest(client, 20, stored, NULL, EVP_sha1(), NULL);
    char text[512], auth[2048], *made = malloc(4096);
    size_t n = strlen(header), more = strlen(binding);
    memcpy(text, header, n);
    memcpy(text + n, binding, more);
    char *c64 = (wrong & HEADER) != 0 ? base64("n,a=x,", 6) : base64(text, n + more);
    int written =
        snprintf(made, 4096, "c=%s,r=%.*s%s%s", c64, (int)(salt_at - 5 - first), first + 2,
                 (wrong & NONCE) != 0 ? "x" : "", (wrong & EXTRA) != 0 ? ",x=extra" : "");
    free(c64);
    snprintf(auth, sizeof auth, "%s,%s,%s", bare, first, made);
    HMAC(EVP_sha1(), stored, 20, (const unsigned char *)auth, strlen(auth), signature, NULL);
    for (int i = 0; i < 20; i++)
        client[i] ^= signature[i];
    if ((wrong & TAIL) != 0)
        client[19] ^= 1;
    char *proof = base64(client, 20);
    snprintf(made + written, 4096 - (size_t)written, ",p=%s", proof);
    free(proof);
    return made;
}

static void scram(const char *mechanism, const char *header, const char *bare, const char *binding,
                  unsigned wrong)
{
    char first[1024];
    struct sasl *s = begin(mechanism);
    snprintf(first, sizeof first, "%s%s", header, bare);
    enum sasl_step step = sasl_step(s, (const unsigned char *)first, strlen(first), &out);
    note_step(step, s);
    if (step == SASL_CHALLENGE) {
        snprintf(first, sizeof first, "%.*s", (int)out.len, (char *)out.data);
        note(strstr(first, ",i="), 64);
        /* Nonces: only whether our part is new each time matters. */
        static char before[1024];
        note(strncmp(before, first, 30) == 0 ? "same nonce" : "new nonce", 64);
        memcpy(before, first, sizeof before);
        char *last = final_message(bare, first, header, binding, wrong);
        step = sasl_step(s, (const unsigned char *)last, strlen(last), &out);
        note_step(step, s);
        free(last);
    }
    sasl_free(s);
}

/* Whether somebody unknown is given the same salt twice. */
static void unknown_twice(void)
{
    char salts[2][256] = {"", ""};
    for (int i = 0; i < 2; i++) {
        char first[256];
        struct sasl *s = begin("SCRAM-SHA-1");
        if (sasl_step(s, (const unsigned char *)"n,,n=nobody,r=abc", 17, &out) == SASL_CHALLENGE) {
            snprintf(first, sizeof first, "%.*s", (int)out.len, (char *)out.data);
            snprintf(salts[i], sizeof salts[i], "%s", strstr(first, ",s="));
        }
        sasl_free(s);
    }
    note(salts[0][0] == '\0'               ? "no salt"
         : strcmp(salts[0], salts[1]) == 0 ? "same salt"
                                           : "new salt",
         64);
}

static void cram(size_t digits, bool wrong)
{
    static char before[256];
    char answer[64] = "ann ";
    unsigned char digest[16];
    struct sasl *s = begin("CRAM-MD5");
    sasl_step(s, NULL, 0, &out);
    note(out.len < sizeof before && memcmp(before, out.data, out.len) == 0 ? "same" : "new", 64);
    memcpy(before, out.data, out.len);
    HMAC(EVP_md5(), "pencil", 6, out.data, out.len, digest, NULL);
    for (int i = 0; i < 16; i++)
        snprintf(answer + 4 + 2 * i, 3, "%02x", digest[i]);
    if (wrong)
        answer[4] = answer[4] == '0' ? '1' : '0';
    answer[4 + digits] = '\0';
    note_step(sasl_step(s, (const unsigned char *)answer, strlen(answer), &out), s);
    sasl_free(s);
}

static void list(void)
{
    buf_empty(&out);
    sasl_mechanisms(&c, &out);
    note((const char *)out.data, out.len);
}

static const char *all(const char *name)
{
    struct err err;
    char long_plain[500];
    transcript[0] = '\0';
    fault_clear_all();
    if (name != NULL)
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
    server = (struct server){
        .hostname = "mail.test.example", .domain = "test.example", .plaintext_login = true};
    server.clock = clock_new();
    server.accounts = accounts_new();
    accounts_add_domain(server.accounts, "test.example");
    accounts_add(server.accounts, NULL, "ann", "pencil", NULL, NULL, &err);
    accounts_add(server.accounts, NULL, "bob", "pencil", NULL, NULL, &err);
    accounts_add(server.accounts, NULL, "a=b", "pencil", NULL, NULL, &err);
    c = (struct conn){.server = &server, .tls = true, .binding_end_point_len = 3};
    memset(c.binding_exporter, 'e', sizeof c.binding_exporter);
    memcpy(c.binding_end_point, "ppp", 3);
    char exporter[33] = "";
    memset(exporter, 'e', 32);
    list();
    c.tls = false;
    list();
    c.tls = true;
    once("PLAIN", "\0ann\0pencil\0x", 13);
    once("PLAIN", "bob\0ann\0pencil", 14);
    once("PLAIN", "\0ann\0", 5);
    once("PLAIN", "\0a\xc2\xadnn\0pencil", 13);
    memset(long_plain, 'x', sizeof long_plain);
    memcpy(long_plain, "\0ann", 5);
    if (name == NULL || strcmp(name, "sasl-plain-short") != 0)
        once("PLAIN", long_plain, sizeof long_plain);
    unknown_twice();
    scram("SCRAM-SHA-1", "n,,", "n=ann,r=abc", "", 0);
    scram("SCRAM-SHA-1", "n,,", "n=ann,r=abc", "", NONCE);
    scram("SCRAM-SHA-1", "n,,", "n=ann,r=abc", "", HEADER);
    scram("SCRAM-SHA-1", "n,,", "n=ann,r=abc", "", TAIL);
    scram("SCRAM-SHA-1", "n,,", "n=ann,r=abc", "", EXTRA);
    scram("SCRAM-SHA-1", "n,,", "m=x,n=ann,r=abc", "", 0);
    scram("SCRAM-SHA-1", "y,,", "n=ann,r=abc", "", 0);
    scram("SCRAM-SHA-1", "x,,", "n=ann,r=abc", "", 0);
    scram("SCRAM-SHA-1", "n,,", "n=a=b,r=abc", "", 0);
    scram("SCRAM-SHA-1", "n,a=bob,", "n=ann,r=abc", "", 0);
    scram("SCRAM-SHA-1-PLUS", "p=tls-exporter,,", "n=ann,r=abc", exporter, 0);
    scram("SCRAM-SHA-1-PLUS", "p=tls-exporter,,", "n=ann,r=abc", "other", 0);
    scram("SCRAM-SHA-1-PLUS", "p=unheard-of,,", "n=ann,r=abc", exporter, 0);
    scram("SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", "n=ann,r=abc", "ppp", 0);
    bool needs_tls;
    struct sasl *external = sasl_begin(&c, server.accounts, "EXTERNAL", &needs_tls);
    note(external != NULL ? "EXTERNAL" : "no EXTERNAL", 64);
    sasl_free(external);
    cram(32, false);
    cram(32, true);
    cram(10, false);
    accounts_free(server.accounts);
    clock_free(server.clock);
    return transcript;
}

static const char *const names[] = {
#define FAULT(id, name, says, breaks) name,
#include "sasl/sasl_faults.def"
#undef FAULT
};

START_TEST(it_shows)
    {
        const char *name = names[_i];
        /* These show in a whole session only: the connection ends; the handshake is another one;
         * the signature is the client's to judge. */
        if (strcmp(name, "sasl-plain-short") == 0 || strcmp(name, "sasl-tls-unique-in-13") == 0 ||
            strcmp(name, "sasl-scram-wrong-signature") == 0)
            return;
        buf_init(&out, 8192);
        char *right = strdup(all(NULL));
        ck_assert_msg(strcmp(right, all(NULL)) == 0, "it differs without a fault");
        ck_assert_msg(strcmp(right, all(name)) != 0, "%s changes nothing", name);
        free(right);
        buf_free(&out);
        fault_clear_all();
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("sasl faults");
    TCase *t = tcase_create("each");
    tcase_add_loop_test(t, it_shows, 0, sizeof names / sizeof *names);
    tcase_set_timeout(t, 20);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
