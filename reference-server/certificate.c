/* Makes, loads and saves the certificates of a server that was not given any.
 * SPDX-License-Identifier: MIT */
#include "certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
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

/* The part that both kinds share: key, serial, name, times. */
static int begin(struct certificate *c, const char *common_name, int from_days, int until_days)
{
    c->key = EVP_EC_gen("P-256");
    c->cert = X509_new();
    if (c->key == NULL || c->cert == NULL)
        return -1;
    X509_NAME *name = X509_get_subject_name(c->cert);
    if (X509_set_version(c->cert, 2) != 1 || set_serial(c->cert) != 0 ||
        X509_set_pubkey(c->cert, c->key) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                   -1, -1, 0) != 1)
        return -1;
    /* An hour back: the client's clock may be a little behind ours. */
    if (X509_time_adj_ex(X509_getm_notBefore(c->cert), from_days, -3600, NULL) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(c->cert), until_days, -3600, NULL) == NULL)
        return -1;
    return 0;
}

int certificate_authority(struct certificate *out, struct err *err)
{
    struct certificate c = {NULL, NULL};
    if (begin(&c, "mailproofd test authority", 0, 3650) != 0)
        goto failed;
    if (X509_set_issuer_name(c.cert, X509_get_subject_name(c.cert)) != 1 ||
        add_extension(c.cert, c.cert, NID_basic_constraints, "critical,CA:TRUE") != 0 ||
        add_extension(c.cert, c.cert, NID_key_usage, "critical,keyCertSign,cRLSign") != 0 ||
        add_extension(c.cert, c.cert, NID_subject_key_identifier, "hash") != 0)
        goto failed;
    if (X509_sign(c.cert, c.key, EVP_sha256()) == 0)
        goto failed;
    *out = c;
    return 0;
failed:
    certificate_clear(&c);
    return err_tls(err, "making a certificate authority");
}

int certificate_server(const struct certificate *ca, const char *common_name, const char *names,
                       int from_days, int until_days, struct certificate *out, struct err *err)
{
    struct certificate c = {NULL, NULL};
    if (begin(&c, common_name, from_days, until_days) != 0)
        goto failed;
    if (X509_set_issuer_name(c.cert, X509_get_subject_name(ca->cert)) != 1 ||
        add_extension(c.cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") != 0 ||
        add_extension(c.cert, ca->cert, NID_key_usage, "critical,digitalSignature") != 0 ||
        add_extension(c.cert, ca->cert, NID_ext_key_usage, "serverAuth") != 0 ||
        add_extension(c.cert, ca->cert, NID_subject_alt_name, names) != 0 ||
        add_extension(c.cert, ca->cert, NID_subject_key_identifier, "hash") != 0 ||
        add_extension(c.cert, ca->cert, NID_authority_key_identifier, "keyid") != 0)
        goto failed;
    if (X509_sign(c.cert, ca->key, EVP_sha256()) == 0)
        goto failed;
    *out = c;
    return 0;
failed:
    certificate_clear(&c);
    return err_tls(err, "making a server certificate");
}

void certificate_clear(struct certificate *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    *c = (struct certificate){NULL, NULL};
}

int certificate_load(const char *cert_path, const char *key_path, struct certificate *out,
                     struct err *err)
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
                     struct err *err)
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
    written = PEM_write_X509(f, c->cert);
    if (fclose(f) != 0 || written != 1)
        return err_errno(err, cert_path);
    return 0;
}
