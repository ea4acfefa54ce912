/* pcapng: every block is whole, aligned and in order, and the file appears whole or not at all.
 * SPDX-License-Identifier: MIT */
#include "evidence/pcapng.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];
static unsigned char *bytes;
static size_t size;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_pcapng.%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/x.pcapng", folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
    free(bytes);
    bytes = NULL;
}

/* How many files there are: a temporary one left behind would be counted. */
static int files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void load(void)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
}

static uint32_t at32(size_t at)
{
    uint32_t v;
    ck_assert_uint_le(at + 4, size);
    memcpy(&v, bytes + at, sizeof v);
    return v;
}

static uint16_t at16(size_t at)
{
    uint16_t v;
    ck_assert_uint_le(at + 2, size);
    memcpy(&v, bytes + at, sizeof v);
    return v;
}

/* Where the nth block (from 0) of the file begins, having checked each before it. */
static size_t block(size_t n, uint32_t type)
{
    size_t at = 0;
    for (;; n--) {
        uint32_t length = at32(at + 4);
        ck_assert_uint_eq(length % 4, 0);
        ck_assert_uint_ge(length, 12);
        ck_assert_msg(at32(at + length - 4) == length, "the block at %zu ends with another length",
                      at);
        if (n == 0)
            break;
        at += length;
    }
    ck_assert_uint_eq(at32(at), type);
    return at;
}

/* The options from `at` on hold this one; all of them are followed to their end. */
static bool has_option(size_t at, uint16_t code, const char *value, size_t n)
{
    bool found = false;
    while (at16(at) != 0) {
        uint16_t length = at16(at + 2);
        if (at16(at) == code && length == n && memcmp(bytes + at + 4, value, n) == 0)
            found = true;
        at += 4u + (length + 3u) / 4u * 4u;
    }
    ck_assert_uint_eq(at16(at + 2), 0);
    return found;
}

START_TEST(blocks_are_whole_aligned_and_in_order)
    {
        struct err err;
        struct pcapng *p;
        static const char log[] = "CLIENT_RANDOM aa bb\n";
        static const char *const comments[] = {"five!", "eight..."};
        ck_assert_msg(pcapng_open(path, "app", "about", &p, &err) == 0, "%s", err.text);
        ck_assert_int_eq(access(path, F_OK), -1); /* not under its name before it is complete */
        pcapng_secrets(p, log, strlen(log));
        pcapng_packet(p, 0x123456789abcdefu, (const unsigned char *)"packet!", 7, comments, 2);
        pcapng_packet(p, 1, (const unsigned char *)"bare", 4, NULL, 0);
        ck_assert_msg(pcapng_close(p, &err) == 0, "%s", err.text);
        ck_assert_int_eq(files(), 1);
        load();

        size_t at = block(0, 0x0A0D0D0A);
        ck_assert_uint_eq(at32(at + 8), 0x1A2B3C4D);
        ck_assert_uint_eq(at16(at + 12), 1);
        ck_assert(has_option(at + 24, 1, "about", 5));
        ck_assert(has_option(at + 24, 4, "app", 3));
        at = block(1, 1);
        ck_assert_uint_eq(at16(at + 8), 101);
        ck_assert(has_option(at + 16, 9, "\x06", 1));
        at = block(2, 10);
        ck_assert_uint_eq(at32(at + 8), 0x544c534b);
        ck_assert_uint_eq(at32(at + 12), strlen(log));
        ck_assert_mem_eq(bytes + at + 16, log, strlen(log));
        at = block(3, 6);
        ck_assert_uint_eq(at32(at + 12), 0x1234567);
        ck_assert_uint_eq(at32(at + 16), 0x89abcdef);
        ck_assert_uint_eq(at32(at + 20), 7);
        ck_assert_mem_eq(bytes + at + 28, "packet!\0", 8);
        ck_assert(has_option(at + 36, 1, "five!", 5));
        ck_assert(has_option(at + 36, 1, "eight...", 8));
        at = block(4, 6);
        ck_assert_uint_eq(at + at32(at + 4), size);
        ck_assert_uint_eq(at32(at + 4), 36);
    }
END_TEST

START_TEST(a_long_comment_is_cut_between_characters)
    {
        struct err err;
        struct pcapng *p;
        char *comment = malloc(PCAPNG_COMMENT_LIMIT * 2);
        ck_assert_ptr_nonnull(comment);
        memset(comment, 'x', PCAPNG_COMMENT_LIMIT);
        strcpy(comment + PCAPNG_COMMENT_LIMIT - 2,
               "\xe2\x82\xac and so on"); /* three bytes, two of which fit */
        ck_assert_int_eq(pcapng_open(path, NULL, NULL, &p, &err), 0);
        pcapng_packet(p, 1, (const unsigned char *)"bare", 4, (const char *const *)&comment, 1);
        ck_assert_int_eq(pcapng_close(p, &err), 0);
        load();
        ck_assert(has_option(block(2, 6) + 32, 1, comment, PCAPNG_COMMENT_LIMIT - 2));
        free(comment);
    }
END_TEST

START_TEST(a_full_disk_leaves_no_file)
    {
        struct err err;
        struct pcapng *p;
        static const unsigned char packet[1500];
        struct rlimit small = {8192,
                               8192}; /* the tests' own process: each test has one of its own */
        if (getenv("CK_FORK") != NULL && strcmp(getenv("CK_FORK"), "no") == 0)
            return;
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        ck_assert_int_eq(pcapng_open(path, NULL, NULL, &p, &err), 0);
        for (int i = 0; i < 100; i++)
            pcapng_packet(p, 1, packet, sizeof packet, NULL, 0);
        ck_assert_int_eq(pcapng_close(p, &err), -1);
        ck_assert_msg(strstr(err.text, "File too large") != NULL, "%s", err.text);
        ck_assert_int_eq(files(), 0);
    }
END_TEST

START_TEST(giving_up_leaves_no_file)
    {
        struct err err;
        struct pcapng *p;
        ck_assert_int_eq(pcapng_open(path, NULL, NULL, &p, &err), 0);
        pcapng_abandon(p);
        pcapng_abandon(NULL);
        ck_assert_int_eq(files(), 0);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("pcapng");
    TCase *c = tcase_create("file");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, blocks_are_whole_aligned_and_in_order);
    tcase_add_test(c, a_long_comment_is_cut_between_characters);
    tcase_add_test(c, a_full_disk_leaves_no_file);
    tcase_add_test(c, giving_up_leaves_no_file);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
