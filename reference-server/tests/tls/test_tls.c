/* The certificates that the server makes for itself: made once, found again, and read only when
 * somebody wants TLS. SPDX-License-Identifier: MIT */
#include "tls/tls.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static struct err err;

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/mailproofd-test-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
}

static const char *path(const char *file)
{
    static char text[128];
    snprintf(text, sizeof text, "%s/%s", folder, file);
    return text;
}

static void remove_folder(void)
{
    static const char *const files[] = {"ca.pem",     "ca.key",     "server.pem",   "server.key",
                                        "public.pem", "public.key", "client-a.pem", "client-a.key"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path(files[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}

static int start(const char *hostname, struct tls_identity **out)
{
    return tls_identity_open(&(struct tls_options){folder, hostname, NULL, NULL}, out, &err);
}

static void once(const char *hostname)
{
    struct tls_identity *t;
    ck_assert_msg(start(hostname, &t) == 0, "%s", err.text);
    tls_identity_free(t);
}

static void read_whole(const char *file, char *out, size_t size)
{
    FILE *f = fopen(path(file), "re");
    ck_assert_ptr_nonnull(f);
    out[fread(out, 1, size - 1, f)] = '\0';
    fclose(f);
}

static void write_whole(const char *file, const char *text)
{
    FILE *f = fopen(path(file), "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* Whether a certificate for a client can be made: for that all files are read. */
static int use(struct tls_identity *t)
{
    char *cert = NULL, *key = NULL;
    int rc = tls_client_certificate(t, "a", false, &cert, &key, &err);
    free(cert);
    free(key);
    return rc;
}

START_TEST(the_next_start_finds_the_same_certificates)
    {
        char before[8192], after[8192];
        struct tls_identity *t;
        once("mail.test.example");
        read_whole("server.pem", before, sizeof before);
        ck_assert_int_eq(start("mail.test.example", &t), 0);
        ck_assert_msg(use(t) == 0, "%s", err.text);
        tls_identity_free(t);
        read_whole("server.pem", after, sizeof after);
        ck_assert_str_eq(before, after);
    }
END_TEST

START_TEST(a_start_with_everything_in_place_reads_no_key)
    {
        char good[8192];
        struct tls_identity *t;
        once("mail.test.example");
        read_whole("server.key", good, sizeof good);
        write_whole("server.key", "no key\n");
        ck_assert_int_eq(start("mail.test.example", &t), 0);
        ck_assert_int_eq(use(t), -1);
        ck_assert_msg(strstr(err.text, "server.key") != NULL, "%s", err.text);
        write_whole("server.key", good);
        ck_assert_msg(use(t) == 0, "what was mended is still refused: %s", err.text);
        tls_identity_free(t);
    }
END_TEST

START_TEST(another_host_gets_another_certificate)
    {
        char text[8192];
        once("mail.test.example");
        once("mail.other.example");
        read_whole("public.pem", text, sizeof text);
        ck_assert_msg(strncmp(text, "mailproofd: mail.other.example until ", 37) == 0, "%s", text);
    }
END_TEST

START_TEST(a_note_that_ends_tomorrow_is_not_believed)
    {
        char text[8192], changed[8300];
        struct tls_identity *t;
        once("mail.test.example");
        read_whole("server.pem", text, sizeof text);
        snprintf(changed, sizeof changed, "mailproofd: mail.test.example until %lld%s",
                 (long long)time(NULL) + 3600, strchr(text, '\n'));
        write_whole("server.pem", changed);
        write_whole("server.key", "no key\n");
        ck_assert_msg(start("mail.test.example", &t) == -1, "the key was not looked at");
        ck_assert_msg(strstr(err.text, "server.key") != NULL, "%s", err.text);
    }
END_TEST

START_TEST(a_file_that_is_gone_is_made_again)
    {
        char text[8192];
        once("mail.test.example");
        unlink(path("public.pem"));
        unlink(path("public.key"));
        once("mail.test.example");
        read_whole("public.pem", text, sizeof text);
        ck_assert_ptr_nonnull(strstr(text, "BEGIN CERTIFICATE"));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("tls");
    TCase *c = tcase_create("certificates of its own");
    tcase_add_checked_fixture(c, make_folder, remove_folder);
    tcase_add_test(c, the_next_start_finds_the_same_certificates);
    tcase_add_test(c, a_start_with_everything_in_place_reads_no_key);
    tcase_add_test(c, another_host_gets_another_certificate);
    tcase_add_test(c, a_note_that_ends_tomorrow_is_not_believed);
    tcase_add_test(c, a_file_that_is_gone_is_made_again);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
