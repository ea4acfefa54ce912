/* What was given up is gone. Whoever enters the sandbox is a child of the test, which tells what
 * was wrong through a pipe: Check itself needs more than the sandbox leaves.
 * SPDX-License-Identifier: MIT */
#include "process/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct err err;
static struct sandbox s;
static char ours[] = "/tmp/mailproofd-sandbox-XXXXXX", theirs[] = "/tmp/mailproofd-sandbox-XXXXXX",
            shown[] = "/tmp/mailproofd-sandbox-XXXXXX";

static bool on(const char *layer)
{
    return strncmp(layer, "on", 2) == 0;
}

static const char *in(const char *folder, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool put(const char *folder, const char *name)
{
    int fd = open(in(folder, name), O_CREAT | O_WRONLY, 0644);
    bool done = fd >= 0 && write(fd, "x", 1) == 1;
    close(fd);
    return done;
}

static void make_folders(void)
{
    ck_assert(mkdtemp(ours) != NULL && mkdtemp(theirs) != NULL && mkdtemp(shown) != NULL);
    chmod(shown, 0755);
    chmod(theirs, 0777);
    ck_assert(put(ours, "a") && put(theirs, "a") && put(shown, "a"));
}

static void remove_folders(void)
{
    const char *all[] = {ours, theirs, shown};
    for (size_t i = 0; i < 3; i++) {
        unlink(in(all[i], "a"));
        unlink(in(all[i], "b"));
        rmdir(all[i]);
    }
    memcpy(strchr(ours, '-') + 9, "XXXXXX", 6);
    memcpy(strchr(theirs, '-') + 9, "XXXXXX", 6);
    memcpy(strchr(shown, '-') + 9, "XXXXXX", 6);
}

static bool enter(const char *run_as, enum sandbox_mode mode)
{
    const char *const write[] = {ours, NULL}, *const read[] = {shown, "/tmp/no-such-file", NULL},
                      *const gift[] = {ours, "/tmp/no-such-file", NULL};
    struct sandbox_options o = {
        .mode = mode, .run_as = run_as, .write = write, .read = read, .give = gift};
    return sandbox_enter(&o, &s, &err) == 0;
}

/* Runs it in a child. It gives a sentence, or NULL when all was well. Returns how the child ended.
 */
static int alone(const char *(*run)(void))
{
    int fd[2], status = 0;
    char words[512];
    ck_assert_int_eq(pipe(fd), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const char *why = run();
        if (why != NULL && write(fd[1], why, strlen(why)) < 0)
            _exit(2);
        _exit(0);
    }
    close(fd[1]);
    ssize_t n = read(fd[0], words, sizeof words - 1);
    close(fd[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(n == 0, "%.*s", (int)n, words);
    return status;
}

/* A sentence, unless it is true. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return #condition;                                                                     \
    } while (0)
#define MUST_ENTER(run_as, mode)                                                                   \
    do {                                                                                           \
        if (!enter(run_as, mode))                                                                  \
            return err.text;                                                                       \
    } while (0)

/* A layer is on, or says why not. */
static bool said(const char *layer)
{
    return on(layer) || strncmp(layer, "off: ", 5) == 0;
}

START_TEST(who_is_not_there_is_told)
    {
        ck_assert_int_eq(sandbox_check("no-such-user-here", &err), -1);
        ck_assert_msg(strstr(err.text, "no user \"no-such-user-here\"") != NULL, "%s", err.text);
        ck_assert_int_eq(sandbox_check("nobody:no-such-group", &err), -1);
        ck_assert_msg(strstr(err.text, "no group \"no-such-group\"") != NULL, "%s", err.text);
        ck_assert_int_eq(sandbox_check("nobody", &err), 0);
        ck_assert_int_eq(sandbox_check("nobody:nogroup", &err), 0);
    }
END_TEST

static const char *become_nobody(void)
{
    struct stat st;
    MUST_ENTER("nobody", SANDBOX_OFF);
    MUST(strcmp(s.user, "nobody") == 0);
    MUST(geteuid() != 0 && getuid() != 0 && getegid() != 0);
    MUST(getgroups(0, NULL) == 1); /* root's other groups are gone, too */
    MUST(setuid(0) == -1 && setresuid(0, 0, 0) == -1 && setegid(0) == -1);
    MUST(open("/etc/shadow", O_RDONLY) == -1);
    MUST(put(ours, "b"));                              /* root's, and given away */
    MUST(stat(shown, &st) == 0 && st.st_uid == 12345); /* not root's: not ours to give */
    return NULL;
}

START_TEST(root_does_not_come_back)
    {
        if (geteuid() != 0)
            return; /* only root can become someone else */
        ck_assert_int_eq(chown(shown, 12345, 12345), 0);
        ck_assert_int_eq(alone(become_nobody), 0);
    }
END_TEST

static const char *touch_files(void)
{
    MUST_ENTER(NULL, SANDBOX_ON);
    MUST(on(s.no_new_privs));
    MUST(said(s.landlock));
    if (!on(s.landlock))
        return NULL;
    MUST(put(ours, "b") && unlink(in(ours, "b")) == 0);
    MUST(open(in(shown, "a"), O_RDONLY) >= 0);
    MUST(open(in(shown, "a"), O_WRONLY) == -1 && errno == EACCES);
    MUST(!put(shown, "b"));
    MUST(open(in(theirs, "a"), O_RDONLY) == -1 && errno == EACCES);
    MUST(!put(theirs, "b"));
    MUST(unlink(in(theirs, "a")) == -1);
    MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
    MUST(open("/dev/null", O_WRONLY) >= 0);
    return NULL;
}

START_TEST(other_files_are_out_of_reach)
    {
        ck_assert_int_eq(alone(touch_files), 0);
    }
END_TEST

static const char *make_calls(void)
{
    MUST_ENTER(NULL, SANDBOX_ON);
    MUST(said(s.seccomp));
    if (!on(s.seccomp))
        return NULL;
    MUST(chroot("/") == -1 && errno == ENOSYS);
    MUST(setuid(getuid()) == -1 && errno == ENOSYS);
    MUST(fork() == -1);
    MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == ENOSYS);
    MUST(socket(AF_INET, SOCK_STREAM, 0) >= 0);
    return NULL;
}

START_TEST(a_forbidden_call_fails)
    {
        ck_assert_int_eq(alone(make_calls), 0);
    }
END_TEST

static const char *execute(void)
{
    char name[] = "true", *const argv[] = {name, NULL}, *const env[] = {NULL};
    MUST_ENTER(NULL, SANDBOX_ON);
    if (on(s.seccomp))
        execve("/bin/true", argv, env);
    else
        raise(SIGSYS);
    return "still alive";
}

static const char *look_into(void)
{
    MUST_ENTER(NULL, SANDBOX_ON);
    if (on(s.seccomp))
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    else
        raise(SIGSYS);
    return "still alive";
}

START_TEST(other_programs_are_neither_executed_nor_looked_into)
    {
        int status = alone(execute);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
        status = alone(look_into);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    }
END_TEST

static void *open_passwd(void *arg)
{
    *(int *)arg = open("/etc/passwd", O_RDONLY);
    return NULL;
}

static const char *start_thread(void)
{
    pthread_t t;
    int fd = -2;
    MUST_ENTER(NULL, SANDBOX_ON);
    MUST(pthread_create(&t, NULL, open_passwd, &fd) == 0);
    MUST(pthread_join(t, NULL) == 0);
    MUST((fd >= 0) == !on(s.landlock));
    return NULL;
}

START_TEST(threads_that_come_later_are_confined_too)
    {
        ck_assert_int_eq(alone(start_thread), 0);
    }
END_TEST

static const char *stay_outside(void)
{
    MUST_ENTER(NULL, SANDBOX_OFF);
    MUST(strcmp(s.landlock, "off: --sandbox off") == 0);
    MUST(strcmp(s.seccomp, "off: --sandbox off") == 0);
    MUST(strcmp(s.no_new_privs, "off: --sandbox off") == 0);
    MUST(open(in(theirs, "a"), O_RDONLY) >= 0);
    return NULL;
}

START_TEST(off_is_off_and_said)
    {
        ck_assert_int_eq(alone(stay_outside), 0);
    }
END_TEST

static const char *require(void)
{
    if (enter(NULL, SANDBOX_REQUIRE))
        MUST(on(s.no_new_privs) && on(s.landlock) && on(s.seccomp));
    else
        MUST(strncmp(err.text, "--sandbox require: ", 19) == 0);
    return NULL;
}

START_TEST(required_is_all_or_nothing)
    {
        ck_assert_int_eq(alone(require), 0);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *t = tcase_create("sandbox");
    tcase_add_checked_fixture(t, make_folders, remove_folders);
    tcase_add_test(t, who_is_not_there_is_told);
    tcase_add_test(t, root_does_not_come_back);
    tcase_add_test(t, other_files_are_out_of_reach);
    tcase_add_test(t, a_forbidden_call_fails);
    tcase_add_test(t, other_programs_are_neither_executed_nor_looked_into);
    tcase_add_test(t, threads_that_come_later_are_confined_too);
    tcase_add_test(t, off_is_off_and_said);
    tcase_add_test(t, required_is_all_or_nothing);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int bad = srunner_ntests_failed(r);
    srunner_free(r);
    return bad != 0;
}
