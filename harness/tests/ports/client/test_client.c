/* The small parts of the client tests: commands, tags, certificates, and a handshake of the
 * harness's own TLS with itself as the server. SPDX-License-Identifier: MIT */
#include "ports/client/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/client/client_domain.h"
#include "ports/client/client_play.h"
#include "ports/client/client_run.h"

START_TEST(words_in_braces_are_replaced_and_others_stay)
    {
        struct client_words w = {.host = "h.example",
                                 .ca = "/tmp/ca.pem",
                                 .user = "ann",
                                 .password = "s-e_c.r@t",
                                 .port = 25};
        struct err err;
        char *c = client_command("x {host}:{port} {ca} {user}:{password} {other} ${x} {", &w, &err);
        ck_assert_str_eq(c, "x h.example:25 /tmp/ca.pem ann:s-e_c.r@t {other} ${x} {");
        free(c);
    }
END_TEST

/* What a user gives as a password does not become a command. */
START_TEST(a_value_that_a_shell_would_read_is_refused)
    {
        static const char *const values[] = {"a b", "a;b", "$(b)", "`b`", "a'b", "a\nb", "a|b"};
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            struct client_words w = {
                .host = "h", .ca = "c", .user = "ann", .password = values[i], .port = 25};
            struct err err;
            ck_assert_msg(client_command("x {password}", &w, &err) == NULL, "%s", values[i]);
            char *c = client_command("x {user}", &w, &err); /* it is not asked for here */
            ck_assert_ptr_nonnull(c);
            free(c);
        }
    }
END_TEST

START_TEST(the_next_tag_counts_up)
    {
        static const char *const tags[][2] = {{"a1", "a2"}, {"a009", "a010"},     {"A999", "A1000"},
                                              {"7", "8"},   {"x1y2", "x1y3"},     {"abc", NULL},
                                              {"", NULL},   {"a1234567890", NULL}};
        char next[64];
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
            bool is = talk_next_tag(tags[i][0], next, sizeof next);
            ck_assert_msg(is == (tags[i][1] != NULL), "%s", tags[i][0]);
            if (is)
                ck_assert_str_eq(next, tags[i][1]);
        }
    }
END_TEST

START_TEST(a_protocol_may_have_a_mode)
    {
        struct client_options o = {0};
        struct err err;
        ck_assert_int_eq(client_parse_protocol("imap", &o, &err), 0);
        ck_assert(o.protocol == PROTOCOL_IMAP && o.mode == MODE_CLEAR);
        ck_assert_int_eq(client_parse_protocol("pop3/implicit", &o, &err), 0);
        ck_assert(o.protocol == PROTOCOL_POP3 && o.mode == MODE_IMPLICIT);
        ck_assert(!o.mta);
        ck_assert_int_eq(client_parse_protocol("http", &o, &err), -1);
        ck_assert_int_eq(client_parse_protocol("smtp/tls13", &o, &err), -1);
    }
END_TEST

/* An MTA has nothing to go by but a domain. */
START_TEST(an_mta_is_told_a_domain)
    {
        struct client_options o = {.command = "x {host}"};
        struct err err;
        ck_assert_int_eq(client_parse_protocol("mx", &o, &err), -1);
        ck_assert_msg(strstr(err.text, "{domain}") != NULL, "%s", err.text);
        o.command = "x {domain}";
        ck_assert_int_eq(client_parse_protocol("mx", &o, &err), 0);
        ck_assert(o.mta && o.protocol == PROTOCOL_SMTP && o.mode == MODE_CLEAR);
        ck_assert_int_eq(client_parse_protocol("mx/implicit", &o, &err), -1);
    }
END_TEST

START_TEST(words_of_the_dns_stand_beside_a_domain_only)
    {
        struct client_words w = {
            .host = "h", .ca = "c", .user = "ann", .password = "secret", .port = 25};
        struct err err;
        ck_assert_ptr_null(client_command("x {dns}:{dns_port}", &w, &err));
        ck_assert_msg(strstr(err.text, "{domain}") != NULL, "%s", err.text);
        ck_assert_ptr_null(client_command("x {https_port}", &w, &err));
        w.domain = "d.example";
        w.dns = "1";
        w.dns_anchor = "/a";
        w.policy = "/p";
        w.dns_port = 5353;
        w.web_port = 8443;
        char *c = client_command("{domain} {dns}:{dns_port} {dns_anchor} {policy} {https_port}", &w,
                                 &err);
        ck_assert_str_eq(c, "d.example 1:5353 /a /p 8443");
        free(c);
    }
END_TEST

/* The digest is that of the key's SubjectPublicKeyInfo, and the SRV-ID stands where RFC 4985 says.
 */
START_TEST(certificates_of_a_domain)
    {
        char ca[] = "/tmp/mailproof-ca-XXXXXX", digest[65], other[65];
        struct identity_names names = {
            .host = "h.d.example", .domain = "d.example", .service = "_imap"};
        struct identities all;
        struct err err;
        close(mkstemp(ca));
        ck_assert_msg(identities_make(&all, &names, ca, &err) == 0, "%s", err.text);
        domain_key_digest(all.leaf[LEAF_GOOD], digest);
        ck_assert_uint_eq(strlen(digest), 64);
        unsigned char *der = NULL, md[32];
        int n = i2d_PUBKEY(all.key[LEAF_GOOD], &der);
        ck_assert(n > 0 && SHA256(der, (size_t)n, md) != NULL);
        for (int i = 0; i < 32; i++)
            (void)snprintf(other + 2 * i, 3, "%02x", md[i]);
        ck_assert_str_eq(digest, other);
        OPENSSL_free(der);
        ck_assert_int_eq(X509_check_host(all.leaf[LEAF_GOOD], "d.example", 0, 0, NULL), 1);
        ck_assert_int_eq(
            X509_check_host(all.leaf[LEAF_POLICY_HOST], "mta-sts.d.example", 0, 0, NULL), 1);
        ck_assert_int_eq(X509_check_host(all.leaf[LEAF_SRV_ID], "d.example", 0, 0, NULL), 0);
        GENERAL_NAMES *san =
            X509_get_ext_d2i(all.leaf[LEAF_SRV_ID], NID_subject_alt_name, NULL, NULL);
        ck_assert_int_eq(sk_GENERAL_NAME_num(san), 1);
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(san, 0);
        ck_assert_int_eq(one->type, GEN_OTHERNAME);
        const ASN1_TYPE *v = one->d.otherName->value;
        ck_assert_int_eq(v->type, V_ASN1_IA5STRING);
        ck_assert_int_eq(v->value.ia5string->length, (int)strlen("_imap.d.example"));
        ck_assert_mem_eq(v->value.ia5string->data, "_imap.d.example", 15);
        GENERAL_NAMES_free(san);
        identities_clear(&all);
        (void)unlink(ca);
    }
END_TEST

/* --- a server that is played, and a client that is OpenSSL alone --- */

struct peer {
    uint16_t port;
    bool eager; /* its ClientHello follows STARTTLS without waiting for the reply */
    char inside[256];
};

static void read_line(int fd, char *out, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && read(fd, out + n, 1) == 1 && out[n++] != '\n')
        ;
    out[n] = '\0';
}

static void *connect_and_talk(void *arg)
{
    struct peer *p = arg;
    char line[512];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(p->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        return NULL;
    read_line(fd, line, sizeof line);
    (void)!write(fd, "STARTTLS\r\n", 10);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    if (!p->eager)
        read_line(fd, line, sizeof line);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    (void)SSL_do_handshake(ssl);
    char bytes[16384];
    int n = BIO_read(out, bytes, sizeof bytes);
    (void)!write(fd, bytes, (size_t)n);
    if (p->eager)
        read_line(fd, line, sizeof line);
    for (bool said = false; p->inside[0] == '\0';) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got <= 0)
            break;
        (void)BIO_write(in, bytes, (int)got);
        if (!SSL_is_init_finished(ssl))
            (void)SSL_do_handshake(ssl);
        if (SSL_is_init_finished(ssl) && !said) {
            (void)SSL_write(ssl, "EHLO client\r\n", 13);
            said = true;
        }
        int r = SSL_read(ssl, p->inside, sizeof p->inside - 1);
        p->inside[r > 0 ? r : 0] = '\0';
        while ((n = BIO_read(out, bytes, sizeof bytes)) > 0)
            (void)!write(fd, bytes, (size_t)n);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    return NULL;
}

/* The handshake comes about however early the ClientHello comes, and the answer is inside TLS. */
START_TEST(a_played_server_speaks_tls)
    {
        char ca[] = "/tmp/mailproof-ca-XXXXXX";
        close(mkstemp(ca));
        struct identity_names names = {.host = "localhost"};
        struct identities all;
        struct err err;
        struct seen seen = {0};
        struct play play = {0};
        struct conn_watch nobody = {0};
        struct peer peer = {.eager = _i == 1};
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof a;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        peer.port = ntohs(a.sin_port);
        ck_assert_msg(identities_make(&all, &names, ca, &err) == 0, "%s", err.text);
        ck_assert_ptr_null(all.leaf[LEAF_STAR_IN_LABEL]);
        ck_assert_int_eq(X509_check_host(all.leaf[LEAF_GOOD], "localhost", 0, 0, NULL), 1);
        ck_assert_int_eq(X509_check_host(all.leaf[LEAF_COMMON_NAME], "localhost", 0, 0, NULL), 0);
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, connect_and_talk, &peer), 0);
        struct loop *loop = loop_new(&nobody);
        struct stage s = {loop, PROTOCOL_SMTP, MODE_CLEAR, &play, &all, &seen, 3000};
        struct conn *c = NULL;
        ck_assert_int_eq(conn_accept(loop, "c1", fd, 3000, &c, &err), 1);
        struct talk *t = talk_new(&s, c);
        while (talk_go(t) && loop_now(loop) < 5)
            conn_pause(loop, 5);
        talk_free(t);
        pthread_join(thread, NULL);
        loop_free(loop);
        ck_assert_int_eq(seen.tls, 1);
        ck_assert_int_eq(seen.caps_inside, 1);
        ck_assert_msg(strncmp(peer.inside, "250-", 4) == 0, "%s", peer.inside);
        ck_assert_ptr_nonnull(strstr(peer.inside, "AUTH PLAIN LOGIN"));
        ck_assert_ptr_null(strstr(peer.inside, "STARTTLS"));
        identities_clear(&all);
        unlink(ca);
        close(fd);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("client");
    TCase *t = tcase_create("client");
    tcase_add_test(t, words_in_braces_are_replaced_and_others_stay);
    tcase_add_test(t, a_value_that_a_shell_would_read_is_refused);
    tcase_add_test(t, the_next_tag_counts_up);
    tcase_add_test(t, a_protocol_may_have_a_mode);
    tcase_add_test(t, an_mta_is_told_a_domain);
    tcase_add_test(t, words_of_the_dns_stand_beside_a_domain_only);
    tcase_add_test(t, certificates_of_a_domain);
    tcase_add_loop_test(t, a_played_server_speaks_tls, 0, 2);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
