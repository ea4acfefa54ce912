/* Makes, loads and saves the certificates of a server that was not given any.
 * SPDX-License-Identifier: MIT */
#include "tls/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (ext == NULL)
        return -1;
    int ok = X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return ok == 1 ? 0 : -1;
}

static int set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return -1;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and of full length */
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    int ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok ? 0 : -1;
}

/* Key, serial number, name and times. */
static int begin(struct certificate *c, const struct certificate_wish *w)
{
    if (w->key != NULL && EVP_PKEY_up_ref(w->key) == 1)
        c->key = w->key;
    else
        c->key = w->rsa_bits > 0 ? EVP_RSA_gen((unsigned)w->rsa_bits) : EVP_EC_gen("P-256");
    c->cert = X509_new();
    if (c->key == NULL || c->cert == NULL)
        return -1;
    X509_NAME *name = X509_get_subject_name(c->cert);
    if (w->organization != NULL &&
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)w->organization,
                                   -1, -1, 0) != 1)
        return -1;
    if (X509_set_version(c->cert, 2) != 1 || set_serial(c->cert) != 0 ||
        X509_set_pubkey(c->cert, c->key) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->common_name,
                                   -1, -1, 0) != 1)
        return -1;
    /* An hour back: the client's clock may be a little behind ours. */
    if (X509_time_adj_ex(X509_getm_notBefore(c->cert), w->from_days, -3600, NULL) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(c->cert), w->until_days, -3600, NULL) == NULL)
        return -1;
    return 0;
}

int certificate_make(const struct certificate_wish *w, struct certificate *out, struct err *err)
{
    struct certificate c = {NULL, NULL};
    if (begin(&c, w) != 0)
        goto failed;
    const struct certificate *issuer = w->issuer != NULL ? w->issuer : &c;
    const struct {
        int nid;
        const char *value;
    } extensions[] = {
        {NID_basic_constraints, w->constraints != NULL ? w->constraints : "critical,CA:FALSE"},
        {NID_key_usage, w->usage != NULL ? w->usage : "critical,digitalSignature"},
        {NID_ext_key_usage, w->purpose},
        {NID_subject_alt_name, w->names},
        {NID_tlsfeature, w->feature},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, w->issuer != NULL ? "keyid" : NULL},
    };
    if (X509_set_issuer_name(c.cert, X509_get_subject_name(issuer->cert)) != 1)
        goto failed;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].value != NULL &&
            add_extension(c.cert, issuer->cert, extensions[i].nid, extensions[i].value) != 0)
            goto failed;
    if (X509_sign(c.cert, issuer->key,
                  EVP_get_digestbyname(w->digest != NULL ? w->digest : "SHA256")) == 0)
        goto failed;
    *out = c;
    return 0;
failed:
    certificate_clear(&c);
    return err_tls(err, "making a certificate");
}

int certificate_authority(struct certificate *out, struct err *err)
{
    return certificate_make(&(struct certificate_wish){.common_name = "mailproofd test authority",
                                                       .until_days = 3650,
                                                       .constraints = "critical,CA:TRUE",
                                                       .usage = "critical,keyCertSign,cRLSign"},
                            out, err);
}

int certificate_server(const struct certificate *ca, const char *common_name, const char *names,
                       int from_days, int until_days, struct certificate *out, struct err *err)
{
    return certificate_make(&(struct certificate_wish){.common_name = common_name,
                                                       .names = names,
                                                       .from_days = from_days,
                                                       .until_days = until_days,
                                                       .purpose = "serverAuth",
                                                       .issuer = ca},
                            out, err);
}

void certificate_clear(struct certificate *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    *c = (struct certificate){NULL, NULL};
}

static void forget(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    if (ptr != NULL)
        certificate_clear(ptr);
    free(ptr);
}

int certificate_new_index(void)
{
    return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, forget);
}

int certificate_load(const char *cert_path, const char *key_path, EVP_PKEY *known,
                     struct certificate *out, struct err *err)
{
    struct certificate c = {NULL, NULL};
    if (access(cert_path, F_OK) != 0 && access(key_path, F_OK) != 0)
        return 1;
    FILE *f = fopen(cert_path, "re");
    if (f == NULL)
        return err_errno(err, cert_path);
    c.cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    if (c.cert == NULL)
        return err_tls(err, cert_path);
    if (known != NULL && X509_check_private_key(c.cert, known) == 1 &&
        EVP_PKEY_up_ref(known) == 1) {
        c.key = known;
        *out = c;
        return 0;
    }
    ERR_clear_error();
    f = fopen(key_path, "re");
    if (f == NULL) {
        err_errno(err, key_path);
        certificate_clear(&c);
        return -1;
    }
    c.key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (c.key == NULL || X509_check_private_key(c.cert, c.key) != 1) {
        err_tls(err, key_path);
        certificate_clear(&c);
        return -1;
    }
    *out = c;
    return 0;
}

static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

int certificate_save(const struct certificate *c, const char *cert_path, const char *key_path,
                     const char *note, struct err *err)
{
    FILE *f = create(key_path, 0600);
    if (f == NULL)
        return err_errno(err, key_path);
    int written = PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL);
    if (fclose(f) != 0 || written != 1)
        return err_errno(err, key_path);
    f = create(cert_path, 0644);
    if (f == NULL)
        return err_errno(err, cert_path);
    written = (note == NULL || fprintf(f, "%s\n", note) > 0) && PEM_write_X509(f, c->cert) == 1;
    if (fclose(f) != 0 || written != 1)
        return err_errno(err, cert_path);
    return 0;
}
