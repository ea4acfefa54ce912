/* The accounts of this server and its mail domains. Called by the protocols through sasl.h and, for
 * recipients, by SMTP; the mailboxes themselves are the store's.
 *
 * SPDX-License-Identifier: MIT */
#include "sasl/account.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "fault.h"
#include "sasl/saslprep.h"
#include "store/store.h"

enum { FEW_ITERATIONS = 1000 }; /* a fault's */

struct accounts {
    struct account **list; /* pointers stay valid while the array grows */
    size_t count, room;
    struct account **gone; /* removed; sessions may still look at them */
    size_t gone_count, gone_room;
    char **domains;
    size_t domain_count, domain_room;
    bool anonymous;
    bool some_without_secret; /* then every check pays for the slow hash, known user or not */
    unsigned char pepper[32]; /* random per process: made-up salts and keyed comparison */
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static char *copy(const char *s)
{
    return must_have(strdup(s));
}

static void *grow(void *list, size_t count, size_t *room, size_t each)
{
    if (count < *room)
        return list;
    *room = *room == 0 ? 8 : *room * 2;
    return must_have(realloc(list, *room * each));
}

struct accounts *accounts_new(void)
{
    struct accounts *a = must_have(calloc(1, sizeof *a));
    /* The kernel's: OpenSSL's own generator takes a third of a start to get ready. */
    if (getrandom(a->pepper, sizeof a->pepper, 0) != (ssize_t)sizeof a->pepper)
        abort();
    return a;
}

static void drop_secret(struct account *account)
{
    if (account->secret != NULL)
        OPENSSL_cleanse(account->secret, strlen(account->secret));
    free(account->secret);
    account->secret = NULL;
}

static void account_free(struct account *account)
{
    drop_secret(account);
    free(account->name);
    free(account->address);
    free(account->token);
    free(account);
}

void accounts_free(struct accounts *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->count; i++)
        account_free(a->list[i]);
    for (size_t i = 0; i < a->gone_count; i++)
        account_free(a->gone[i]);
    free(a->gone);
    for (size_t i = 0; i < a->domain_count; i++)
        free(a->domains[i]);
    free(a->list);
    free(a->domains);
    free(a);
}

void accounts_add_domain(struct accounts *a, const char *domain)
{
    if (*domain == '\0' || account_domain_ours(a, domain))
        return;
    a->domains = grow(a->domains, a->domain_count, &a->domain_room, sizeof *a->domains);
    a->domains[a->domain_count++] = copy(domain);
}

static struct account *by_name(struct accounts *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->list[i]->name, name) == 0)
            return a->list[i];
    return NULL;
}

static char *address_of(const struct accounts *a, const char *name, const char *address)
{
    if (address != NULL)
        return copy(address);
    if (strchr(name, '@') != NULL || a->domain_count == 0)
        return copy(name);
    size_t room = strlen(name) + 1 + strlen(a->domains[0]) + 1;
    char *made = must_have(malloc(room));
    char *end = stpcpy(made, name);
    *end++ = '@';
    strcpy(end, a->domains[0]);
    return made;
}

/* A new account in the list, with its mailbox in the store. NULL with *err set where that cannot
 * be. */
static struct account *make(struct accounts *a, struct store *store, const char *name,
                            const char *address, struct err *err)
{
    char *full = address_of(a, name, address);
    const char *at = strrchr(full, '@');
    int64_t id = (int64_t)a->count + 1;
    if (at == NULL || at == full || at[1] == '\0') {
        err_set(err, "account %s has no mail address: give a domain first, or an address", name);
        goto bad;
    }
    if (store != NULL && store_account(store, name, true, &id, err) != 0)
        goto bad;
    struct account *account = must_have(calloc(1, sizeof *account));
    account->id = id;
    account->name = copy(name);
    account->address = full;
    accounts_add_domain(a, at + 1);
    a->list = grow(a->list, a->count, &a->room, sizeof *a->list);
    a->list[a->count++] = account;
    return account;
bad:
    free(full);
    return NULL;
}

int accounts_add(struct accounts *a, struct store *store, const char *name, const char *password,
                 const char *address, struct account **out, struct err *err)
{
    int rc = -1;
    struct account *account = NULL;
    char *user = saslprep(name), *secret = saslprep(password);
    if (user == NULL || secret == NULL) {
        err_set(err, "an account needs a name and a password, of characters that SASLprep allows");
        goto out;
    }
    account = by_name(a, user);
    if (account != NULL && address != NULL && strcmp(account->address, address) != 0) {
        err_set(err, "account %s has the address %s already", user, account->address);
        goto out;
    }
    if (account == NULL)
        account = make(a, store, user, address, err);
    if (account == NULL)
        goto out;
    drop_secret(account);
    account->secret = secret;
    secret = NULL;
    memset(account->keys, 0, sizeof account->keys);
    if (out != NULL)
        *out = account;
    rc = 0;
out:
    free(user);
    free(secret);
    return rc;
}

bool accounts_remove(struct accounts *a, const char *name)
{
    char *user = saslprep(name);
    bool found = false;
    for (size_t i = 0; user != NULL && i < a->count && !found; i++) {
        struct account *account = a->list[i];
        if (strcmp(account->name, user) != 0)
            continue;
        a->gone = grow(a->gone, a->gone_count, &a->gone_room, sizeof *a->gone);
        a->gone[a->gone_count++] = account;
        memmove(a->list + i, a->list + i + 1, (--a->count - i) * sizeof *a->list);
        found = true;
    }
    free(user);
    return found;
}

/* Keys are derived when they are first asked for: a test server with many accounts starts at once.
 */
static void derive(struct account *account, enum scram_hash hash)
{
    struct scram_keys *keys = &account->keys[hash];
    if (keys->iterations != 0)
        return;
    if (RAND_bytes(keys->salt, sizeof keys->salt) != 1)
        abort();
    keys->iterations = SCRAM_ITERATIONS;
    scram_derive(hash, account->secret, keys);
}

void account_forget_secret(struct accounts *a, struct account *account)
{
    if (account->secret == NULL)
        return;
    derive(account, SCRAM_SHA1);
    derive(account, SCRAM_SHA256);
    drop_secret(account);
    a->some_without_secret = true;
}

void account_set_token(struct account *account, const char *token)
{
    free(account->token);
    account->token = token == NULL ? NULL : copy(token);
}

size_t accounts_count(const struct accounts *a)
{
    return a->count;
}

struct account *accounts_at(struct accounts *a, size_t i)
{
    return a->list[i];
}

bool accounts_have_secrets(const struct accounts *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i]->secret != NULL)
            return true;
    return false;
}

bool accounts_have_tokens(const struct accounts *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i]->token != NULL)
            return true;
    return false;
}

void accounts_allow_anonymous(struct accounts *a, bool on)
{
    a->anonymous = on;
}

bool accounts_anonymous(const struct accounts *a)
{
    return a->anonymous;
}

/* Exactly the same local part, or where none is: the same in another case. RFC 5321, 2.4 leaves the
 * reading of the local part to us, and two accounts that differ in case only must stay two
 * accounts. */
static struct account *by_parts(struct accounts *a, const char *local, size_t local_len,
                                const char *domain)
{
    struct account *near = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const char *address = a->list[i]->address, *at = strrchr(address, '@');
        if ((size_t)(at - address) != local_len || strcasecmp(at + 1, domain) != 0)
            continue;
        if (memcmp(address, local, local_len) == 0)
            return a->list[i];
        if (near == NULL && strncasecmp(address, local, local_len) == 0)
            near = a->list[i];
    }
    return near;
}

struct account *account_find(struct accounts *a, const char *user)
{
    char *prepared = saslprep(user);
    if (prepared == NULL)
        return NULL;
    struct account *account = by_name(a, prepared);
    const char *at = strrchr(prepared, '@');
    if (account == NULL && at != NULL)
        account = by_parts(a, prepared, (size_t)(at - prepared), at + 1);
    free(prepared);
    return account;
}

/* A digest under a key of our own: comparing digests leaks neither length nor prefix. */
static void keyed(const struct accounts *a, const char *text, unsigned char out[32])
{
    unsigned len = 0;
    if (HMAC(EVP_sha256(), a->pepper, sizeof a->pepper, (const unsigned char *)text, strlen(text),
             out, &len) == NULL)
        abort();
}

static bool secret_fits(const struct accounts *a, const char *secret, const char *password)
{
    unsigned char one[32], other[32];
    keyed(a, secret, one);
    keyed(a, password, other);
    return CRYPTO_memcmp(one, other, sizeof one) == 0;
}

struct account *account_check(struct accounts *a, const char *user, const char *password)
{
    struct account *account = account_find(a, user);
    char *prepared = saslprep(password);
    bool fits;
    if (prepared == NULL)
        return NULL; /* it depends on what was sent only, so it tells nothing */
    if (a->some_without_secret) {
        struct scram_keys keys;
        account_keys(a, account, user, SCRAM_SHA256, &keys);
        fits = scram_password_fits(SCRAM_SHA256, prepared, &keys);
    } else {
        fits = secret_fits(a, account != NULL ? account->secret : "", prepared);
    }
    if (account != NULL && account->secret != NULL && *prepared != '\0' &&
        fault(FAULT_SASL_PASSWORD_PREFIX)) {
        size_t n = strlen(prepared), len = strlen(account->secret);
        fits = strncmp(prepared, account->secret, n < len ? n : len) == 0;
    }
    OPENSSL_cleanse(prepared, strlen(prepared));
    free(prepared);
    return fits && account != NULL ? account : NULL;
}

void account_keys(struct accounts *a, struct account *account, const char *user,
                  enum scram_hash hash, struct scram_keys *out)
{
    if (account != NULL && account->secret != NULL && fault(FAULT_SASL_SCRAM_FEW_ITERATIONS)) {
        *out = (struct scram_keys){.iterations = FEW_ITERATIONS};
        scram_derive(hash, account->secret, out);
        return;
    }
    if (account != NULL && account->secret != NULL && fault(FAULT_SASL_SCRAM_SALT_SHARED)) {
        *out = (struct scram_keys){.iterations = SCRAM_ITERATIONS, .salt = "the salt of all"};
        scram_derive(hash, account->secret, out);
        return;
    }
    if (account != NULL) {
        derive(account, hash);
        *out = account->keys[hash];
        return;
    }
    unsigned char salt[32];
    keyed(a, user, salt);
    memset(out, 0, sizeof *out);
    out->iterations = fault(FAULT_SASL_SCRAM_FEW_ITERATIONS) ? FEW_ITERATIONS : SCRAM_ITERATIONS;
    memcpy(out->salt, salt, sizeof out->salt);
    /* Nobody knows a preimage of random bytes. */
    if (RAND_bytes(out->stored_key, sizeof out->stored_key) != 1 ||
        RAND_bytes(out->server_key, sizeof out->server_key) != 1)
        abort();
}

bool account_domain_ours(struct accounts *a, const char *domain)
{
    for (size_t i = 0; i < a->domain_count; i++)
        if (strcasecmp(a->domains[i], domain) == 0)
            return true;
    return false;
}

struct account *account_by_address(struct accounts *a, const char *local_part, const char *domain,
                                   bool *ours)
{
    bool postmaster = strcasecmp(local_part, "postmaster") == 0;
    *ours = *domain == '\0' ? postmaster : account_domain_ours(a, domain);
    if (!*ours)
        return NULL;
    struct account *account = by_parts(a, local_part, strlen(local_part), domain);
    const char *plus = strchr(local_part, '+');
    if (account == NULL && plus != NULL && plus != local_part)
        account = by_parts(a, local_part, (size_t)(plus - local_part), domain);
    if (account == NULL && postmaster)
        account = by_name(a, "postmaster");
    if (account == NULL && postmaster && a->count > 0)
        account = a->list[0];
    return account;
}
