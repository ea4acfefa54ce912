/* What scripts need besides connections: encodings, digests, SASL steps, folders of a maildir, and
 * JSON of Lua values for events. SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/sasl.h"
#include "run/script_parts.h"

#define SASL "mailproof.sasl"

/* ---- encodings ---- */

/* wire.base64(bytes) -> text */
static int l_base64(lua_State *L)
{
    size_t n;
    const unsigned char *p = (const unsigned char *)luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, n < (size_t)256 * 1024 * 1024, 1, "too long for base64");
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, 4 * ((n + 2) / 3) + 1);
    luaL_pushresultsize(&b, (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n));
    return 1;
}

static int base64_digit(unsigned char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* wire.unbase64(text) -> bytes | nil. Strict: no white space, right padding (RFC 4648, 4), because
 * what a server sends in SASL has to be so. */
static int l_unbase64(lua_State *L)
{
    size_t n;
    const unsigned char *p = (const unsigned char *)luaL_checklstring(L, 1, &n);
    luaL_Buffer b;
    unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &b, n / 4 * 3 + 3);
    size_t len = 0;
    bool good = n % 4 == 0;
    for (size_t i = 0; good && i < n; i += 4) {
        bool last = i + 4 == n;
        int pad = last && p[i + 3] == '=' ? (p[i + 2] == '=' ? 2 : 1) : 0;
        unsigned value = 0;
        for (int k = 0; k < 4; k++) {
            int d = k >= 4 - pad ? 0 : base64_digit(p[i + (size_t)k]);
            if (d < 0)
                good = false;
            value = value << 6 | (unsigned)(d & 63);
        }
        out[len++] = (unsigned char)(value >> 16);
        if (pad < 2)
            out[len++] = (unsigned char)(value >> 8);
        if (pad < 1)
            out[len++] = (unsigned char)value;
    }
    luaL_pushresultsize(&b, len);
    if (!good)
        lua_pushnil(L);
    return 1;
}

static const char *check_algorithm(lua_State *L)
{
    static const char *const names[] = {"md5", "sha1", "sha256", "sha512", NULL};
    return names[luaL_checkoption(L, 1, NULL, names)];
}

/* wire.digest(algorithm, bytes) -> lower-case hex */
static int l_digest(lua_State *L)
{
    const char *name = check_algorithm(L);
    size_t n;
    const char *p = luaL_checklstring(L, 2, &n);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(p, n, sum, &len, EVP_get_digestbyname(name), NULL) != 1)
        return luaL_error(L, "OpenSSL does not offer %s", name);
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    for (unsigned i = 0; i < len; i++) {
        hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
    }
    lua_pushlstring(L, hex, 2 * (size_t)len);
    return 1;
}

/* wire.hmac(algorithm, key, bytes) -> bytes */
static int l_hmac(lua_State *L)
{
    const char *name = check_algorithm(L);
    size_t key_len, n;
    const char *key = luaL_checklstring(L, 2, &key_len), *p = luaL_checklstring(L, 3, &n);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    luaL_argcheck(L, key_len < 65536, 2, "too long for a key");
    if (HMAC(EVP_get_digestbyname(name), key, (int)key_len, (const unsigned char *)p, n, sum,
             &len) == NULL)
        return luaL_error(L, "OpenSSL does not offer HMAC with %s", name);
    lua_pushlstring(L, (char *)sum, len);
    return 1;
}

/* wire.pbkdf2(algorithm, password, salt, iterations) -> bytes, as many as the digest has */
static int l_pbkdf2(lua_State *L)
{
    const EVP_MD *md = EVP_get_digestbyname(check_algorithm(L));
    size_t password_len, salt_len;
    const char *password = luaL_checklstring(L, 2, &password_len);
    const char *salt = luaL_checklstring(L, 3, &salt_len);
    lua_Integer iterations = luaL_checkinteger(L, 4);
    unsigned char key[EVP_MAX_MD_SIZE];
    luaL_argcheck(L, password_len < 65536, 2, "too long for a password");
    luaL_argcheck(L, salt_len < 65536, 3, "too long for a salt");
    luaL_argcheck(L, iterations > 0 && iterations <= 10000000, 4, "out of range");
    int size = md != NULL ? EVP_MD_get_size(md) : 0;
    if (md == NULL || PKCS5_PBKDF2_HMAC(password, (int)password_len, (const unsigned char *)salt,
                                        (int)salt_len, (int)iterations, md, size, key) != 1)
        return luaL_error(L, "OpenSSL cannot derive the key");
    lua_pushlstring(L, (char *)key, (size_t)size);
    return 1;
}

/* ---- SASL ---- */

struct sasl_handle {
    struct sasl *sasl;
    unsigned char *answer; /* of the last step: freed by the next one, so that a jump out of Lua
                              leaks nothing */
};

static struct sasl_handle *check_sasl(lua_State *L)
{
    return luaL_checkudata(L, 1, SASL);
}

static int l_sasl_gc(lua_State *L)
{
    struct sasl_handle *h = check_sasl(L);
    sasl_free(h->sasl);
    free(h->answer);
    h->sasl = NULL;
    h->answer = NULL;
    return 0;
}

static const char *field(lua_State *L, const char *name, size_t *len)
{
    lua_getfield(L, 2, name);
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, len) : NULL;
    lua_pop(L, 1);
    return s;
}

/* wire.sasl(mechanism, {user, password, authzid, host, port, nonce, binding, binding_data,
 * binding_unused})
 * -> steps | nil, words */
static int l_sasl(lua_State *L)
{
    const char *mechanism = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct sasl_options o = {.user = field(L, "user", NULL)};
    o.password = field(L, "password", NULL);
    o.authzid = field(L, "authzid", NULL);
    o.host = field(L, "host", NULL);
    o.nonce = field(L, "nonce", NULL);
    o.binding = field(L, "binding", NULL);
    o.binding_data = (const unsigned char *)field(L, "binding_data", &o.binding_len);
    lua_getfield(L, 2, "port");
    o.port = (unsigned)lua_tointeger(L, -1);
    lua_getfield(L, 2, "binding_unused");
    o.binding_unused = lua_toboolean(L, -1);
    lua_pop(L, 2);
    struct sasl_handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (struct sasl_handle){NULL, NULL};
    luaL_setmetatable(L, SASL);
    struct err err = {""};
    h->sasl = sasl_new(mechanism, &o, &err);
    if (h->sasl == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    return 1;
}

/* steps:step(challenge or nil) -> bytes | nil, words */
static int l_sasl_step(lua_State *L)
{
    struct sasl_handle *h = check_sasl(L);
    size_t n = 0, len = 0;
    const char *challenge = luaL_optlstring(L, 2, NULL, &n);
    struct err err = {""};
    free(h->answer);
    h->answer = NULL;
    if (sasl_step(h->sasl, (const unsigned char *)challenge, n, &h->answer, &len, &err) != 0) {
        h->answer = NULL;
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    lua_pushlstring(L, h->answer != NULL ? (const char *)h->answer : "",
                    h->answer != NULL ? len : 0);
    return 1;
}

static int l_sasl_client_first(lua_State *L)
{
    lua_pushboolean(L, sasl_client_first(check_sasl(L)->sasl));
    return 1;
}

static int l_sasl_done(lua_State *L)
{
    lua_pushboolean(L, sasl_done(check_sasl(L)->sasl));
    return 1;
}

/* ---- folders ---- */

struct folder {
    DIR *dir;
};

static int l_folder_gc(lua_State *L)
{
    struct folder *f = lua_touserdata(L, 1);
    if (f->dir != NULL)
        closedir(f->dir);
    f->dir = NULL;
    return 0;
}

/* wire.files(folder) -> names, in no order | nil, words */
static int l_files(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct folder *f = lua_newuserdatauv(L, sizeof *f, 0);
    f->dir = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_folder_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    f->dir = opendir(path);
    if (f->dir == NULL) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, strerror(errno));
        return 2;
    }
    lua_newtable(L);
    struct dirent *e;
    for (lua_Integer i = 1; (e = readdir(f->dir)) != NULL;)
        if (e->d_name[0] != '.') {
            lua_pushstring(L, e->d_name);
            lua_rawseti(L, -2, i++);
        }
    closedir(f->dir);
    f->dir = NULL;
    return 1;
}

/* ---- Lua values as JSON ---- */

static json_t *json_table(lua_State *L, int index, int depth)
{
    size_t n = lua_rawlen(L, index);
    json_t *out = n > 0 ? json_array() : json_object();
    if (n > 0) {
        for (size_t i = 1; i <= n; i++) {
            lua_rawgeti(L, index, (lua_Integer)i);
            json_array_append_new(out, script_json(L, lua_gettop(L), depth + 1));
            lua_pop(L, 1);
        }
        return out;
    }
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            json_object_set_new(out, lua_tostring(L, -2), script_json(L, lua_gettop(L), depth + 1));
    return out;
}

json_t *script_json(lua_State *L, int index, int depth)
{
    size_t n;
    const char *s;
    json_t *out = NULL;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        out = lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
                                      : event_time(lua_tonumber(L, index));
        break;
    case LUA_TSTRING:
        s = lua_tolstring(L, index, &n);
        return event_text(s, n);
    case LUA_TTABLE:
        if (depth < 16 && lua_checkstack(L, 4))
            return json_table(L, index, depth);
        break;
    default:
        break;
    }
    return out != NULL ? out : json_null();
}

void script_add_tools(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"base64", l_base64}, {"unbase64", l_unbase64}, {"digest", l_digest}, {"hmac", l_hmac},
        {"pbkdf2", l_pbkdf2}, {"sasl", l_sasl},         {"files", l_files},   {NULL, NULL},
    };
    static const luaL_Reg steps[] = {
        {"step", l_sasl_step},
        {"client_first", l_sasl_client_first},
        {"done", l_sasl_done},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, SASL);
    luaL_newlib(L, steps);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_sasl_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
