/* The certificate of a second host: a key and what is signed with it, made for one scenario, by
 * itself or by an authority that its server was told to trust; the digest that a TLSA record of it
 * holds, and the server's side of a handshake. The language on top of it is harness/lua/sink.lua.
 * SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "run/script_parts.h"

#define IDENTITY "mailproof.identity"

enum { DAY = 24 * 3600 };

struct identity {
    X509 *cert; /* NULL once collected */
    EVP_PKEY *key;
    char asked[256]; /* the server_name of the last handshake; "" when it named none */
};

static struct identity *check_identity(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, IDENTITY);
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (e != NULL)
        (void)X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* Nobody's signature yet. */
static X509 *certificate(EVP_PKEY *key, const char *subject, long serial, bool expired)
{
    X509 *x = err_need(X509_new());
    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -30L * DAY);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), expired ? -2L * DAY : 30L * DAY);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                     (const unsigned char *)subject, -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_set_pubkey(x, key);
    return x;
}

static FILE *open_in(const char *folder, const char *name, const char *mode, char *path,
                     size_t size)
{
    (void)snprintf(path, size, "%s/%s", folder, name);
    return fopen(path, mode);
}

/* wire.authority(folder) -> path of its certificate: makes an authority there whose certificates a
 * server trusts that is started with this file. */
static int l_authority(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1);
    char path[4096];
    EVP_PKEY *key = err_need(EVP_EC_gen("P-256"));
    X509 *x = certificate(key, "authority of second hosts", 1, false);
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, x, NID_key_usage, "critical,keyCertSign");
    bool done = X509_sign(x, key, EVP_sha256()) > 0;
    FILE *f = open_in(folder, "authority.key", "we", path, sizeof path);
    done = done && f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (f != NULL && fclose(f) != 0)
        done = false;
    f = open_in(folder, "authority.pem", "we", path, sizeof path);
    done = done && f != NULL && PEM_write_X509(f, x) == 1;
    if (f != NULL && fclose(f) != 0)
        done = false;
    X509_free(x);
    EVP_PKEY_free(key);
    lua_pushstring(L, path);
    return done ? 1 : luaL_error(L, "%s cannot be written", path);
}

/* Signs with the authority in the folder; false when there is none. */
static bool sign_by_authority(X509 *x, const char *folder)
{
    char path[4096];
    X509 *ca = NULL;
    EVP_PKEY *key = NULL;
    FILE *f = open_in(folder, "authority.pem", "re", path, sizeof path);
    if (f != NULL) {
        ca = PEM_read_X509(f, NULL, NULL, NULL);
        (void)fclose(f);
    }
    f = open_in(folder, "authority.key", "re", path, sizeof path);
    if (f != NULL) {
        key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        (void)fclose(f);
    }
    bool done = ca != NULL && key != NULL &&
                X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 &&
                X509_sign(x, key, EVP_sha256()) > 0;
    X509_free(ca);
    EVP_PKEY_free(key);
    return done;
}

/* wire.identity(name, expired, folder) -> identity. Without a folder it is signed by itself:
 * whoever trusts it does so by its TLSA record. */
static int l_identity(lua_State *L)
{
    size_t n;
    const char *name = luaL_checklstring(L, 1, &n), *folder = luaL_optstring(L, 3, NULL);
    bool expired = lua_toboolean(L, 2);
    char san[300];
    luaL_argcheck(L, n > 0 && n < 256 && strpbrk(name, ",:") == NULL, 1, "a host name");
    struct identity *i = lua_newuserdatauv(L, sizeof *i, 0);
    *i = (struct identity){NULL, NULL, ""};
    luaL_setmetatable(L, IDENTITY);
    i->key = err_need(EVP_EC_gen("P-256"));
    i->cert = certificate(i->key, "second host", 2, expired);
    (void)snprintf(san, sizeof san, "DNS:%s", name);
    extend(i->cert, i->cert, NID_subject_alt_name, san);
    if (folder == NULL)
        (void)X509_sign(i->cert, i->key, EVP_sha256());
    else if (!sign_by_authority(i->cert, folder))
        return luaL_error(L, "the server of this scenario trusts no authority of ours: "
                             "flags = { \"--relay-ca\", \"{authority}\" }");
    return 1;
}

/* identity:spki() -> SHA-256 of the public key, as a "3 1 1" record has it: 64 hex digits */
static int l_spki(lua_State *L)
{
    struct identity *i = check_identity(L, 1);
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned int got = 0;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(i->cert), &der);
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, digest, &got, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    if (!ok)
        return luaL_error(L, "no digest of the key");
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (unsigned int k = 0; k < got; k++) {
        char two[3];
        (void)snprintf(two, sizeof two, "%02x", digest[k]);
        luaL_addlstring(&b, two, 2);
    }
    luaL_pushresult(&b);
    return 1;
}

/* identity:asked() -> the server_name that the last client sent, "" for none */
static int l_asked(lua_State *L)
{
    lua_pushstring(L, check_identity(L, 1)->asked);
    return 1;
}

static int l_gc(lua_State *L)
{
    struct identity *i = check_identity(L, 1);
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
    i->cert = NULL;
    i->key = NULL;
    return 0;
}

static int note_name(SSL *ssl, int *alert, void *arg)
{
    struct identity *i = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    (void)snprintf(i->asked, sizeof i->asked, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static void prepare(struct ssl_st *ssl, void *arg)
{
    struct identity *i = arg;
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    i->asked[0] = '\0';
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, note_name);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, i);
    (void)SSL_use_certificate(ssl, i->cert);
    (void)SSL_use_PrivateKey(ssl, i->key);
}

/* wire.serve_tls(handle, identity, seconds) -> done, words. The identity is needed until the
 * handshake is over, which is when this returns. */
static int l_serve_tls(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    struct identity *i = check_identity(L, 2);
    struct conn_tls_options o = {.accept = true, .prepare = prepare, .prepare_arg = i};
    struct err err = {""};
    handle_forget(h);
    int rc = conn_starttls(h->conn, &o, script_ms(luaL_checknumber(L, 3)), &err);
    lua_pushboolean(L, rc == 0);
    lua_pushstring(L, err.text);
    return 2;
}

void script_add_identity(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"spki", l_spki},
        {"asked", l_asked},
        {NULL, NULL},
    };
    lua_pushcfunction(L, l_authority);
    lua_setfield(L, -2, "authority");
    lua_pushcfunction(L, l_identity);
    lua_setfield(L, -2, "identity");
    lua_pushcfunction(L, l_serve_tls);
    lua_setfield(L, -2, "serve_tls");
    luaL_newmetatable(L, IDENTITY);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
