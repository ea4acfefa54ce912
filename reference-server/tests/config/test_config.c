/* Settings: flags and files say the same things, and mistakes are told in words.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "config/config.h"
#include "config/service.h"

static struct config c;
static struct err err;
static char *shown;

/* Reads words separated by spaces. */
static enum config_outcome read_words(const char *words)
{
    char text[1024], *argv[64] = {(char *)"mailproofd"};
    int argc = 1;
    size_t size;
    snprintf(text, sizeof text, "%s", words);
    for (char *w = strtok(text, " "); w != NULL; w = strtok(NULL, " "))
        argv[argc++] = w;
    err.text[0] = '\0';
    free(shown);
    FILE *f = open_memstream(&shown, &size);
    enum config_outcome outcome = config_read(argc, argv, &c, f, &err);
    fclose(f);
    return outcome;
}

START_TEST(nothing_said_is_every_service_on_the_loopback)
    {
        ck_assert_int_eq(read_words(""), CONFIG_RUN);
        ck_assert_uint_eq(c.listen_count, 2 * SERVICE_COUNT);
        ck_assert_str_eq(c.listens[0].address, "127.0.0.1");
        ck_assert_uint_eq(c.listens[0].port, 0);
        ck_assert(c.listens[1].optional);
        ck_assert_str_eq(c.store, ":memory:");
        ck_assert_str_eq(c.domains[0], "test.example");
        ck_assert(c.plaintext_login);
        ck_assert_int_eq(c.limits.pop3_idle_seconds, 600);
        ck_assert_uint_eq(c.user_count, 0);
        config_free(&c);
    }
END_TEST

START_TEST(flags_are_taken_in_both_forms)
    {
        ck_assert_int_eq(
            read_words("--user a:b:c --user=d:e --domain one.example --domain two.example "
                       "--listen pop3=127.0.0.1:1100 --listen imaps=[::1]:9930 "
                       "--limit pop3_idle_seconds=60 --fault tls-no-close-notify "
                       "--plaintext-login no --exit-with-stdin"),
            CONFIG_RUN);
        ck_assert_uint_eq(c.user_count, 2);
        ck_assert_str_eq(c.users[0].name, "a");
        ck_assert_str_eq(c.users[0].password, "b:c");
        ck_assert_str_eq(c.domains[1], "two.example");
        ck_assert_uint_eq(c.listen_count, 2);
        ck_assert_int_eq(c.listens[0].service, SERVICE_POP3);
        ck_assert_uint_eq(c.listens[0].port, 1100);
        ck_assert_str_eq(c.listens[1].address, "::1");
        ck_assert_int_eq(c.limits.pop3_idle_seconds, 60);
        ck_assert_str_eq(c.faults[0], "tls-no-close-notify");
        ck_assert(!c.plaintext_login);
        ck_assert(c.exit_with_stdin);
        config_free(&c);
    }
END_TEST

START_TEST(choices_are_flags_and_lines_of_the_file_that_is_shown)
    {
        ck_assert_int_eq(read_words("--pop3-expire ann=7 --pop3-expire 30 --bare-lf=normalize "
                                    "--pop3-language de --show-config"),
                         CONFIG_SHOWN);
        ck_assert_ptr_nonnull(strstr(shown, "\nbare-lf normalize\n"));
        ck_assert_ptr_nonnull(strstr(shown, "\npop3-expire 30\npop3-expire ann=7\n"));
        ck_assert_ptr_nonnull(strstr(shown, "\npop3-language de\n"));
        ck_assert_int_eq(read_words("--bare-lf perhaps"), CONFIG_BAD);
        ck_assert_str_eq(err.text, "bare-lf is refuse|normalize|accept, not \"perhaps\"");
        ck_assert_int_eq(read_words("--pop3-login-delay ann=soon"), CONFIG_BAD);
        ck_assert_int_eq(read_words("--bare-lg refuse"), CONFIG_BAD);
        ck_assert_ptr_nonnull(strstr(err.text, "did you mean --bare-lf?"));
        ck_assert_int_eq(read_words("--help"), CONFIG_SHOWN);
        ck_assert_ptr_nonnull(strstr(shown, "  --pop3-login-delay [NAME=]SECONDS\n"));
    }
END_TEST

START_TEST(passwords_in_clear_are_off_beyond_the_loopback)
    {
        ck_assert_int_eq(read_words("--listen pop3=127.0.0.1:0 --listen imap=0.0.0.0:0"),
                         CONFIG_RUN);
        ck_assert(!c.plaintext_login);
        config_free(&c);
        ck_assert_int_eq(read_words("--listen imap=0.0.0.0:0 --plaintext-login yes"), CONFIG_RUN);
        ck_assert(c.plaintext_login);
        config_free(&c);
    }
END_TEST

START_TEST(standard_ports_are_the_registered_ones)
    {
        ck_assert_int_eq(read_words("--ports standard"), CONFIG_RUN);
        for (size_t i = 0; i < c.listen_count; i++)
            ck_assert_uint_eq(c.listens[i].port, service_info[c.listens[i].service].port);
        config_free(&c);
    }
END_TEST

START_TEST(mistakes_are_told_in_words)
    {
        static const struct {
            const char *words, *told;
        } cases[] = {
            {"--usr a:b", "did you mean --user?"},
            {"--hostnam x", "did you mean --hostname?"},
            {"--qqqqqqqqqqqqqq", "--help lists them"},
            {"user", "is no flag"},
            {"--user", "wants a value: NAME:PASSWORD"},
            {"--user ann", "NAME:PASSWORD"},
            {"--help=now", "takes no value"},
            {"--ports some", "\"ephemeral\" or \"standard\""},
            {"--listen pop=127.0.0.1:1", "did you mean \"pop3\"?"},
            {"--listen pop3=localhost:1", "\"localhost\" is no IP address"},
            {"--listen pop3=127.0.0.1:70000", "\"70000\" is no port"},
            {"--listen pop3", "SERVICE=ADDRESS:PORT"},
            {"--limit pop3_idle_second=1", "did you mean \"pop3_idle_seconds\"?"},
            {"--limit pop3_idle_seconds=x", "no number above 0"},
            {"--limit pop3_idle_seconds=0", "no number above 0"},
            {"--fault tls-expired", "there is no fault"},
            {"--fault pop3-no-final-dots", "did you mean \"pop3-no-final-dot\"?"},
            {"--plaintext-login maybe", "\"yes\" or \"no\""},
            {"--tls-cert x.pem", "go together"},
            {"--config /nowhere/at/all", "/nowhere/at/all: No such file"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            ck_assert_msg(read_words(cases[i].words) == CONFIG_BAD, "%s was taken", cases[i].words);
            ck_assert_msg(strstr(err.text, cases[i].told) != NULL, "to %s it said: %s",
                          cases[i].words, err.text);
        }
    }
END_TEST

START_TEST(what_is_shown_can_be_read_again)
    {
        char path[] = "/tmp/mailproofd-config-XXXXXX", words[128];
        ck_assert_int_eq(
            read_words("--user ann:secret --limit recipients=7 --hostname mx.example "
                       "--listen smtp=[::1]:2525 --fault tls-wrong-name --show-config"),
            CONFIG_SHOWN);
        int fd = mkstemp(path);
        ck_assert(write(fd, shown, strlen(shown)) == (ssize_t)strlen(shown));
        char *before = strdup(shown);
        snprintf(words, sizeof words, "--config %s --show-config", path);
        ck_assert_msg(read_words(words) == CONFIG_SHOWN, "%s", err.text);
        ck_assert_str_eq(shown, before);
        ck_assert_ptr_nonnull(strstr(shown, "limit recipients=7\n"));

        dprintf(fd, "# a comment\n\n   limits\nlimmit x=1\n");
        ck_assert_int_eq(read_words(words), CONFIG_BAD);
        ck_assert_msg(strstr(err.text, "did you mean limit") != NULL, "%s", err.text);
        ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
        free(before);
        close(fd);
        unlink(path);
    }
END_TEST

/* What stood behind the limit used to be the next setting, and what stood behind a NUL nothing. */
START_TEST(a_line_of_a_file_is_read_whole_or_not_at_all)
    {
        char path[] = "/tmp/mailproofd-config-XXXXXX", words[128];
        int fd = mkstemp(path);
        dprintf(fd, "# %4092s domain evil.example\n", "x");
        snprintf(words, sizeof words, "--config %s", path);
        ck_assert_int_eq(read_words(words), CONFIG_BAD);
        ck_assert_msg(strstr(err.text, "too long") != NULL, "%s", err.text);
        snprintf(words, sizeof words, "--users %s", path);
        ck_assert_int_eq(read_words(words), CONFIG_BAD);
        ck_assert_int_eq(read_words("--config /tmp"), CONFIG_BAD);
        close(fd);
        unlink(path);
    }
END_TEST

START_TEST(a_file_that_names_itself_is_refused)
    {
        char path[] = "/tmp/mailproofd-config-XXXXXX", words[128];
        int fd = mkstemp(path);
        dprintf(fd, "config %s\n", path);
        snprintf(words, sizeof words, "--config %s", path);
        ck_assert_int_eq(read_words(words), CONFIG_BAD);
        ck_assert_msg(strstr(err.text, "too deeply") != NULL, "%s", err.text);
        close(fd);
        unlink(path);
    }
END_TEST

START_TEST(help_limits_faults_and_version_are_shown)
    {
        ck_assert_int_eq(read_words("--help"), CONFIG_SHOWN);
        ck_assert_ptr_nonnull(strstr(shown, "--listen SERVICE=ADDRESS:PORT"));
        ck_assert_int_eq(read_words("--limits"), CONFIG_SHOWN);
        ck_assert_ptr_nonnull(strstr(shown, "pop3_idle_seconds\t600\t"));
        ck_assert_int_eq(read_words("--fault help"), CONFIG_SHOWN);
        ck_assert_ptr_nonnull(strstr(shown, "pop3-stls-keeps-buffer\trfc2595-4-x1\t"));
        ck_assert_int_eq(read_words("--version"), CONFIG_SHOWN);
        ck_assert(strncmp(shown, "mailproofd ", 11) == 0);
        free(shown);
        shown = NULL;
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, choices_are_flags_and_lines_of_the_file_that_is_shown);
    tcase_add_test(t, nothing_said_is_every_service_on_the_loopback);
    tcase_add_test(t, flags_are_taken_in_both_forms);
    tcase_add_test(t, passwords_in_clear_are_off_beyond_the_loopback);
    tcase_add_test(t, standard_ports_are_the_registered_ones);
    tcase_add_test(t, mistakes_are_told_in_words);
    tcase_add_test(t, what_is_shown_can_be_read_again);
    tcase_add_test(t, a_line_of_a_file_is_read_whole_or_not_at_all);
    tcase_add_test(t, a_file_that_names_itself_is_refused);
    tcase_add_test(t, help_limits_faults_and_version_are_shown);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
