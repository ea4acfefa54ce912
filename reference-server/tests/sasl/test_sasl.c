/* SASL: each mechanism with what it takes and what it refuses, the vectors of RFC 5802 and 7677,
 * and base64. SPDX-License-Identifier: MIT */
#include "sasl/sasl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fault.h"
#include "server.h"

static struct server server;
static struct conn c;
static struct account *ann;
static struct buf out;

static void start(void)
{
    struct err err;
    fault_clear_all();
    server = (struct server){.hostname = "mail.test.example", .domain = "test.example"};
    server.clock = clock_new();
    server.accounts = accounts_new();
    accounts_add_domain(server.accounts, "test.example");
    ck_assert_int_eq(accounts_add(server.accounts, NULL, "ann", "pencil", NULL, &ann, &err), 0);
    c = (struct conn){
        .server = &server, .tls = true, .binding_unique_len = 12, .binding_end_point_len = 32};
    memset(c.binding_exporter, 'e', sizeof c.binding_exporter);
    memset(c.binding_unique, 'u', sizeof c.binding_unique);
    memset(c.binding_end_point, 'p', sizeof c.binding_end_point);
    buf_init(&out, 8192);
}

static void stop(void)
{
    accounts_free(server.accounts);
    clock_free(server.clock);
    buf_free(&out);
}

static struct sasl *begin(const char *mechanism)
{
    bool needs_tls;
    struct sasl *s = sasl_begin(&c, server.accounts, mechanism, &needs_tls);
    ck_assert_msg(s != NULL, "%s is not offered", mechanism);
    return s;
}

static enum sasl_step say(struct sasl *s, const char *text, size_t n)
{
    return sasl_step(s, (const unsigned char *)text, n, &out);
}

static char *heard(void)
{
    static char text[8192];
    snprintf(text, sizeof text, "%.*s", (int)out.len, out.len > 0 ? (char *)out.data : "");
    return text;
}

/* --- the simple ones --- */

static const struct {
    const char *text;
    size_t n;
    enum sasl_step step;
} plains[] = {
    {"\0ann\0pencil", 11, SASL_OK},
    {"ann\0ann\0pencil", 14, SASL_OK},
    {"ann@test.example\0ann\0pencil", 27, SASL_OK},
    {"bob\0ann\0pencil", 14, SASL_BAD_LOGIN}, /* nobody may act as another */
    {"\0ann\0pen", 8, SASL_BAD_LOGIN},
    {"\0bob\0pencil", 11, SASL_BAD_LOGIN},
    {"\0ann\0", 5, SASL_MALFORMED},
    {"\0\0pencil", 8, SASL_MALFORMED},
    {"ann\0pencil", 10, SASL_MALFORMED},
    {"\0ann\0pen\0cil", 12, SASL_MALFORMED},
    {"\0ann\0\xff", 6, SASL_MALFORMED},
    {"", 0, SASL_MALFORMED},
};

START_TEST(plain_takes_one_message)
    {
        struct sasl *s = begin("plain");
        ck_assert_int_eq(say(s, plains[_i].text, plains[_i].n), plains[_i].step);
        if (plains[_i].step == SASL_OK)
            ck_assert_ptr_eq(sasl_account(s), ann);
        sasl_free(s);
    }
END_TEST

START_TEST(plain_without_initial_response_is_asked_for_it)
    {
        struct sasl *s = begin("PLAIN");
        ck_assert_int_eq(sasl_step(s, NULL, 0, &out), SASL_CHALLENGE);
        ck_assert_uint_eq(out.len, 0);
        ck_assert_int_eq(say(s, "\0ann\0pencil", 11), SASL_OK);
        sasl_free(s);
    }
END_TEST

START_TEST(login_asks_for_name_and_password)
    {
        struct sasl *s = begin("LOGIN");
        ck_assert_int_eq(sasl_step(s, NULL, 0, &out), SASL_CHALLENGE);
        ck_assert_str_eq(heard(), "Username:");
        ck_assert_int_eq(say(s, "ann", 3), SASL_CHALLENGE);
        ck_assert_str_eq(heard(), "Password:");
        ck_assert_int_eq(say(s, "pencil", 6), SASL_OK);
        sasl_free(s);
        s = begin("LOGIN");
        ck_assert_int_eq(say(s, "ann", 3), SASL_CHALLENGE); /* as an initial response */
        ck_assert_int_eq(say(s, "pen", 3), SASL_BAD_LOGIN);
        sasl_free(s);
    }
END_TEST

/* The digest of RFC 2195's example cannot be forced on a server that picks the stamp: it is
 * computed here. */
START_TEST(cram_md5_takes_the_digest_of_its_stamp)
    {
        struct sasl *s = begin("CRAM-MD5");
        ck_assert_int_eq(sasl_step(s, NULL, 0, &out), SASL_CHALLENGE);
        unsigned char digest[16];
        HMAC(EVP_md5(), "pencil", 6, out.data, out.len, digest, NULL);
        char answer[64] = "ann ", wrong[64];
        for (int i = 0; i < 16; i++)
            snprintf(answer + 4 + 2 * i, 3, "%02x", digest[i]);
        strcpy(wrong, answer);
        wrong[10] = wrong[10] == '0' ? '1' : '0';
        ck_assert_int_eq(say(s, answer, strlen(answer)), SASL_OK);
        ck_assert_ptr_eq(sasl_account(s), ann);
        sasl_free(s);
        s = begin("CRAM-MD5");
        ck_assert_int_eq(sasl_step(s, NULL, 0, &out), SASL_CHALLENGE);
        ck_assert_int_eq(say(s, wrong, strlen(wrong)), SASL_BAD_LOGIN);
        sasl_free(s);
        s = begin("CRAM-MD5"); /* the server speaks first: RFC 4422, 5.1 */
        ck_assert_int_eq(say(s, answer, strlen(answer)), SASL_MALFORMED);
        sasl_free(s);
    }
END_TEST

START_TEST(external_is_who_the_certificate_says)
    {
        bool needs_tls;
        ck_assert_ptr_null(sasl_begin(&c, server.accounts, "EXTERNAL", &needs_tls));
        strcpy(c.tls_client_subject, "ann@test.example");
        struct sasl *s = begin("EXTERNAL");
        ck_assert_int_eq(say(s, "", 0), SASL_OK);
        ck_assert_ptr_eq(sasl_account(s), ann);
        sasl_free(s);
        s = begin("EXTERNAL");
        ck_assert_int_eq(say(s, "bob", 3), SASL_BAD_LOGIN);
        sasl_free(s);
        strcpy(c.tls_client_subject, "nobody@test.example");
        s = begin("EXTERNAL");
        ck_assert_int_eq(say(s, "", 0), SASL_BAD_LOGIN);
        sasl_free(s);
    }
END_TEST

START_TEST(anonymous_is_off_until_it_is_allowed)
    {
        bool needs_tls;
        ck_assert_ptr_null(sasl_begin(&c, server.accounts, "ANONYMOUS", &needs_tls));
        accounts_allow_anonymous(server.accounts, true);
        struct sasl *s = begin("ANONYMOUS");
        ck_assert_int_eq(say(s, "sirhc", 5), SASL_OK);
        ck_assert_ptr_null(sasl_account(s));
        sasl_free(s);
    }
END_TEST

START_TEST(tokens_log_in)
    {
        static const struct {
            const char *mechanism, *text;
            enum sasl_step step;
        } t[] = {
            {"OAUTHBEARER", "n,a=ann@test.example,\1host=x\1auth=Bearer tok\1\1", SASL_OK},
            {"OAUTHBEARER", "n,,\1auth=Bearer tok\1\1", SASL_OK},
            {"OAUTHBEARER", "n,a=ann,\1auth=Bearer bad\1\1", SASL_CHALLENGE},
            {"OAUTHBEARER", "n,a=ann,\1auth=Bearer tok\1", SASL_MALFORMED},
            {"OAUTHBEARER", "p=x,a=ann,\1auth=Bearer tok\1\1", SASL_MALFORMED},
            {"XOAUTH2", "user=ann\1auth=Bearer tok\1\1", SASL_OK},
            {"XOAUTH2", "user=ann\1auth=Bearer bad\1\1", SASL_CHALLENGE},
            {"XOAUTH2", "user=bob\1auth=Bearer tok\1\1", SASL_CHALLENGE},
            {"XOAUTH2", "ann\1auth=Bearer tok\1\1", SASL_MALFORMED},
        };
        account_set_token(ann, "tok");
        for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
            struct sasl *s = begin(t[i].mechanism);
            ck_assert_msg(say(s, t[i].text, strlen(t[i].text)) == t[i].step, "case %zu", i);
            if (t[i].step == SASL_CHALLENGE) {
                ck_assert_ptr_nonnull(strstr(heard(), "\"status\""));
                ck_assert_int_eq(say(s, "\1", 1), SASL_BAD_LOGIN);
            } else if (t[i].step == SASL_OK) {
                ck_assert_ptr_eq(sasl_account(s), ann);
            }
            sasl_free(s);
        }
    }
END_TEST

/* --- SCRAM --- */

static char expected[100]; /* what the server has to say at the end of the last exchange */

/* The client's side, for any hash; fills final with its last message. */
static void client_final(enum scram_hash hash, const char *password, const char *first_bare,
                         const char *server_first, const char *binding64, char *final, size_t size)
{
    struct scram_keys k = {0};
    char nonce[256], salt64[64], message[4096];
    unsigned char *salt = NULL;
    size_t salt_len = 0, n = scram_bytes(hash);
    ck_assert_int_eq(
        sscanf(server_first, "r=%255[^,],s=%63[^,],i=%d", nonce, salt64, &k.iterations), 3);
    ck_assert_int_eq(base64_decode(salt64, strlen(salt64), &salt, &salt_len), 0);
    const EVP_MD *md = hash == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
    unsigned char salted[32], client[32], stored[32], signature[32];
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_len, k.iterations, md,
                      (int)n, salted);
    HMAC(md, salted, (int)n, (const unsigned char *)"Client Key", 10, client, NULL);
    EVP_Digest(client, n, stored, NULL, md, NULL);
    snprintf(final, size, "c=%s,r=%s", binding64, nonce);
    snprintf(message, sizeof message, "%s,%s,%s", first_bare, server_first, final);
    HMAC(md, stored, (int)n, (const unsigned char *)message, strlen(message), signature, NULL);
    for (size_t i = 0; i < n; i++)
        client[i] ^= signature[i];
    struct buf proof;
    buf_init(&proof, 100);
    base64_encode(&proof, client, n);
    size_t used = strlen(final);
    snprintf(final + used, size - used, ",p=%.*s", (int)proof.len, (char *)proof.data);
    HMAC(md, salted, (int)n, (const unsigned char *)"Server Key", 10, client, NULL);
    HMAC(md, client, (int)n, (const unsigned char *)message, strlen(message), signature, NULL);
    buf_empty(&proof);
    base64_encode(&proof, signature, n);
    snprintf(expected, sizeof expected, "v=%.*s", (int)proof.len, (char *)proof.data);
    buf_free(&proof);
    free(salt);
}

/* One exchange; binding is what the client mixes in behind its GS2 header. */
static enum sasl_step scram(const char *mechanism, const char *user, const char *password,
                            const char *header, const char *binding, size_t binding_len)
{
    enum scram_hash hash = strstr(mechanism, "256") != NULL ? SCRAM_SHA256 : SCRAM_SHA1;
    char bare[128], first[256], final[1024], server_first[1024];
    struct sasl *s = begin(mechanism);
    struct buf b;
    snprintf(bare, sizeof bare, "n=%s,r=fyko+d2lbbFgONRv9qkxdawL", user);
    snprintf(first, sizeof first, "%s%s", header, bare);
    enum sasl_step step = say(s, first, strlen(first));
    if (step == SASL_CHALLENGE) {
        strcpy(server_first, heard());
        buf_init(&b, 400);
        unsigned char all[300];
        size_t n = strlen(header);
        memcpy(all, header, n);
        memcpy(all + n, binding, binding_len);
        base64_encode(&b, all, n + binding_len);
        buf_add(&b, "", 1);
        client_final(hash, password, bare, server_first, (char *)b.data, final, sizeof final);
        buf_free(&b);
        step = say(s, final, strlen(final));
        if (step == SASL_OK) {
            ck_assert_ptr_eq(sasl_account(s), ann);
            ck_assert_str_eq(sasl_user(s), user);
            ck_assert_int_eq(strcmp(heard(), expected) == 0,
                             !fault(FAULT_SASL_SCRAM_WRONG_SIGNATURE));
        }
    }
    sasl_free(s);
    return step;
}

START_TEST(scram_logs_in_with_the_right_password_only)
    {
        const char *const names[] = {"SCRAM-SHA-1", "SCRAM-SHA-256"};
        c.tls = false;
        for (size_t i = 0; i < 2; i++) {
            ck_assert_int_eq(scram(names[i], "ann", "pencil", "n,,", "", 0), SASL_OK);
            ck_assert_int_eq(scram(names[i], "ann", "pencil", "y,,", "", 0), SASL_OK);
            ck_assert_int_eq(scram(names[i], "ann", "pencil", "n,a=ann,", "", 0), SASL_OK);
            ck_assert_int_eq(scram(names[i], "ann", "pen", "n,,", "", 0), SASL_BAD_LOGIN);
            ck_assert_int_eq(scram(names[i], "bob", "pencil", "n,,", "", 0), SASL_BAD_LOGIN);
            ck_assert_int_eq(scram(names[i], "ann", "pencil", "n,a=bob,", "", 0), SASL_BAD_LOGIN);
        }
        account_forget_secret(server.accounts, ann);
        ck_assert_int_eq(scram("SCRAM-SHA-256", "ann", "pencil", "n,,", "", 0), SASL_OK);
    }
END_TEST

START_TEST(plus_binds_to_the_connection)
    {
        const char *plus = "SCRAM-SHA-256-PLUS";
        char e[32], u[12], p[32];
        memset(e, 'e', sizeof e);
        memset(u, 'u', sizeof u);
        memset(p, 'p', sizeof p);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-exporter,,", e, 32), SASL_OK);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-unique,,", u, 12), SASL_OK);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-server-end-point,,", p, 32), SASL_OK);
        ck_assert_int_eq(scram("SCRAM-SHA-1-PLUS", "ann", "pencil", "p=tls-exporter,,", e, 32),
                         SASL_OK);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-exporter,,", p, 32), SASL_BAD_LOGIN);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-exporter,,", e, 31), SASL_BAD_LOGIN);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-frob,,", e, 32), SASL_BAD_LOGIN);
        ck_assert_int_eq(scram(plus, "ann", "pencil", "n,,", "", 0), SASL_BAD_LOGIN);
        ck_assert_int_eq(scram("SCRAM-SHA-256", "ann", "pencil", "p=tls-exporter,,", e, 32),
                         SASL_BAD_LOGIN);
        /* Someone took -PLUS out of our list: RFC 5802, 6. */
        ck_assert_int_eq(scram("SCRAM-SHA-256", "ann", "pencil", "y,,", "", 0), SASL_BAD_LOGIN);
        c.binding_unique_len = 0; /* TLS 1.3 */
        ck_assert_int_eq(scram(plus, "ann", "pencil", "p=tls-unique,,", u, 12), SASL_BAD_LOGIN);
        bool needs_tls = false;
        c.tls = false;
        ck_assert_ptr_null(sasl_begin(&c, server.accounts, plus, &needs_tls));
        ck_assert(needs_tls);
    }
END_TEST

START_TEST(faults_of_scram_show)
    {
        ck_assert_int_eq(fault_switch("sasl-scram-wrong-signature", true, NULL), 0);
        ck_assert_int_eq(scram("SCRAM-SHA-1", "ann", "pencil", "n,,", "", 0), SASL_OK);
        fault_clear_all();
        ck_assert_int_eq(scram("SCRAM-SHA-1-PLUS", "ann", "pencil", "p=tls-exporter,,", "x", 1),
                         SASL_BAD_LOGIN);
        ck_assert_int_eq(fault_switch("sasl-scram-binding-unchecked", true, NULL), 0);
        ck_assert_int_eq(scram("SCRAM-SHA-1-PLUS", "ann", "pencil", "p=tls-exporter,,", "x", 1),
                         SASL_OK);
        fault_clear_all();
    }
END_TEST

START_TEST(broken_scram_messages_are_malformed)
    {
        static const char *const firsts[] = {"",
                                             "n",
                                             "n,",
                                             "n,,",
                                             "n,,n=ann",
                                             "n,,n=ann,r=",
                                             "n,,n=,r=abc",
                                             "n,,n=a=n,r=abc",
                                             "n,,m=x,n=ann,r=abc",
                                             "n,,r=abc,n=ann",
                                             "x,,n=ann,r=abc",
                                             "n,b=c,n=ann,r=abc",
                                             "nn,,n=ann,r=abc",
                                             "n,,n=ann,r=a\x7f"};
        static const char *const finals[] = {"",
                                             "c=biws",
                                             "c=biws,r=x",
                                             "r=x,c=biws,p=AAAA",
                                             "c=biws,r=x,p=!",
                                             "c=biws,r=x,p=AAAA,z=1"};
        for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
            struct sasl *s = begin("SCRAM-SHA-1");
            ck_assert_msg(say(s, firsts[i], strlen(firsts[i])) == SASL_MALFORMED, "%s", firsts[i]);
            sasl_free(s);
        }
        for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
            struct sasl *s = begin("SCRAM-SHA-1");
            ck_assert_int_eq(say(s, "n,,n=ann,r=abc", 14), SASL_CHALLENGE);
            ck_assert_msg(say(s, finals[i], strlen(finals[i])) == SASL_MALFORMED, "%s", finals[i]);
            sasl_free(s);
        }
    }
END_TEST

START_TEST(nonces_are_new_each_time)
    {
        char first[1024];
        struct sasl *s = begin("SCRAM-SHA-1");
        say(s, "n,,n=ann,r=abc", 14);
        strcpy(first, heard());
        sasl_free(s);
        s = begin("SCRAM-SHA-1");
        say(s, "n,,n=ann,r=abc", 14);
        ck_assert_str_ne(first, heard());
        sasl_free(s);
    }
END_TEST

/* The exchange of RFC 5802, 5: user, password pencil, the salt and nonces given there. */
static const struct {
    enum scram_hash hash;
    const char *salt64, *auth_message, *proof64, *signature64;
} vectors[] = {
    {SCRAM_SHA1, "QSXCR+Q6sek8bf92",
     "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
     "s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
     "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

START_TEST(the_published_vectors_fit)
    {
        unsigned char *salt, *proof, signature[SCRAM_MAX_BYTES];
        size_t salt_len, proof_len;
        enum scram_hash hash = vectors[_i].hash;
        ck_assert_int_eq(
            base64_decode(vectors[_i].salt64, strlen(vectors[_i].salt64), &salt, &salt_len), 0);
        ck_assert_int_eq(
            base64_decode(vectors[_i].proof64, strlen(vectors[_i].proof64), &proof, &proof_len), 0);
        if (salt_len != SCRAM_SALT_BYTES) { /* our salts have 16 bytes; SHA-1's vector has 12 */
            unsigned char salted[20], client[20];
            struct scram_keys k = {.iterations = 4096};
            PKCS5_PBKDF2_HMAC("pencil", 6, salt, (int)salt_len, 4096, EVP_sha1(), 20, salted);
            HMAC(EVP_sha1(), salted, 20, (const unsigned char *)"Client Key", 10, client, NULL);
            EVP_Digest(client, 20, k.stored_key, NULL, EVP_sha1(), NULL);
            HMAC(EVP_sha1(), salted, 20, (const unsigned char *)"Server Key", 10, k.server_key,
                 NULL);
            ck_assert(scram_proof_fits(hash, &k, vectors[_i].auth_message, proof, proof_len));
            scram_server_signature(hash, &k, vectors[_i].auth_message, signature);
        } else {
            struct scram_keys k = {.iterations = 4096};
            memcpy(k.salt, salt, salt_len);
            scram_derive(hash, "pencil", &k);
            ck_assert(scram_password_fits(hash, "pencil", &k));
            ck_assert(!scram_password_fits(hash, "pencils", &k));
            ck_assert(scram_proof_fits(hash, &k, vectors[_i].auth_message, proof, proof_len));
            proof[3] ^= 1;
            ck_assert(!scram_proof_fits(hash, &k, vectors[_i].auth_message, proof, proof_len));
            ck_assert(!scram_proof_fits(hash, &k, vectors[_i].auth_message, proof, proof_len - 1));
            scram_server_signature(hash, &k, vectors[_i].auth_message, signature);
        }
        buf_empty(&out);
        base64_encode(&out, signature, scram_bytes(hash));
        ck_assert_str_eq(heard(), vectors[_i].signature64);
        free(salt);
        free(proof);
    }
END_TEST

/* --- what is offered --- */

START_TEST(passwords_are_not_asked_for_in_clear)
    {
        bool needs_tls = false;
        c.tls = false;
        sasl_mechanisms(&c, &out);
        ck_assert_str_eq(heard(), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5");
        ck_assert_ptr_null(sasl_begin(&c, server.accounts, "PLAIN", &needs_tls));
        ck_assert(needs_tls);
        ck_assert_ptr_null(sasl_begin(&c, server.accounts, "GSSAPI", &needs_tls));
        ck_assert(!needs_tls);
        server.plaintext_login = true;
        buf_empty(&out);
        sasl_mechanisms(&c, &out);
        ck_assert_str_eq(heard(), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN");
        c.tls = true;
        account_forget_secret(server.accounts, ann);
        buf_empty(&out);
        sasl_mechanisms(&c, &out);
        ck_assert_str_eq(
            heard(), "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
    }
END_TEST

/* --- base64 --- */

static const struct {
    const char *text, *plain;
} encoded[] = {{"", ""},
               {"Zg==", "f"},
               {"Zm8=", "fo"},
               {"Zm9v", "foo"},
               {"Zm9vYg==", "foob"},
               {"Zm9vYmE=", "fooba"},
               {"Zm9vYmFy", "foobar"},
               {"++//", "\xfb\xef\xff"}};
static const char *const not_base64[] = {"Z",    "Zg",   "Zg=",      "Zg===", "=Zg=",   "Z===",
                                         "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-_"};

START_TEST(base64_there_and_back)
    {
        unsigned char *plain = NULL;
        size_t len = 99;
        const char *text = encoded[_i].text;
        ck_assert_int_eq(base64_decode(text, strlen(text), &plain, &len), 0);
        ck_assert_uint_eq(len, strlen(encoded[_i].plain));
        ck_assert_str_eq((char *)plain, encoded[_i].plain);
        buf_empty(&out);
        ck_assert(base64_encode(&out, plain, len));
        ck_assert_str_eq(heard(), text);
        free(plain);
    }
END_TEST

START_TEST(what_is_no_base64_is_refused)
    {
        unsigned char *plain = NULL;
        size_t len;
        const char *text = not_base64[_i];
        ck_assert_msg(base64_decode(text, strlen(text), &plain, &len) == -1, "%s", text);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("sasl");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_loop_test(t, plain_takes_one_message, 0, (int)(sizeof plains / sizeof plains[0]));
    tcase_add_test(t, plain_without_initial_response_is_asked_for_it);
    tcase_add_test(t, login_asks_for_name_and_password);
    tcase_add_test(t, cram_md5_takes_the_digest_of_its_stamp);
    tcase_add_test(t, external_is_who_the_certificate_says);
    tcase_add_test(t, anonymous_is_off_until_it_is_allowed);
    tcase_add_test(t, tokens_log_in);
    tcase_add_test(t, scram_logs_in_with_the_right_password_only);
    tcase_add_test(t, plus_binds_to_the_connection);
    tcase_add_test(t, faults_of_scram_show);
    tcase_add_test(t, broken_scram_messages_are_malformed);
    tcase_add_test(t, nonces_are_new_each_time);
    tcase_add_loop_test(t, the_published_vectors_fit, 0, 2);
    tcase_add_test(t, passwords_are_not_asked_for_in_clear);
    tcase_add_loop_test(t, base64_there_and_back, 0, (int)(sizeof encoded / sizeof encoded[0]));
    tcase_add_loop_test(t, what_is_no_base64_is_refused, 0,
                        (int)(sizeof not_base64 / sizeof not_base64[0]));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
