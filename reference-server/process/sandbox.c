/* Another user, no_new_privs, Landlock and seccomp, in this order. The C library has no calls for
 * Landlock, so they are made by number.
 *
 * seccomp: a call that is not on the list fails with ENOSYS and does not kill. A C library that is
 * newer than this list then takes its older way, where death would lose sessions over nothing, and
 * EPERM would not make it look for another way. Only what no library ever tries on its own, and
 * what an intruder wants first, ends the process. SPDX-License-Identifier: MIT */
#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const char sanitizer[] = "off: this build has a sanitizer, which needs more";

/* --- another user --- */

struct identity {
    char user[64];
    uid_t uid;
    gid_t gid;
};

static int look_up(const char *run_as, struct identity *out, struct err *err)
{
    const char *colon = strchr(run_as, ':');
    size_t n = colon != NULL ? (size_t)(colon - run_as) : strlen(run_as);
    if (n == 0 || n >= sizeof out->user)
        return err_set(err, "--run-as: USER or USER:GROUP is wanted");
    memcpy(out->user, run_as, n);
    out->user[n] = '\0';
    const struct passwd *p = getpwnam(out->user);
    if (p == NULL)
        return err_set(err, "--run-as: there is no user \"%s\"", out->user);
    out->uid = p->pw_uid;
    out->gid = p->pw_gid;
    if (colon != NULL) {
        const struct group *g = getgrnam(colon + 1);
        if (g == NULL)
            return err_set(err, "--run-as: there is no group \"%s\"", colon + 1);
        out->gid = g->gr_gid;
    }
    return 0;
}

int sandbox_check(const char *run_as, struct err *err)
{
    struct identity who;
    return look_up(run_as, &who, err);
}

static int give(const char *path, const struct identity *who, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(err, path);
    if (st.st_uid == 0 && lchown(path, who->uid, who->gid) != 0)
        return err_errno(err, path);
    return 0;
}

static int become(const struct sandbox_options *o, struct err *err)
{
    struct identity who;
    if (look_up(o->run_as, &who, err) != 0)
        return -1;
    if (getuid() == who.uid && geteuid() == who.uid && getegid() == who.gid)
        return 0;
    for (size_t i = 0; geteuid() == 0 && o->give != NULL && o->give[i] != NULL; i++)
        if (give(o->give[i], &who, err) != 0)
            return -1;
    if (initgroups(who.user, who.gid) != 0 || setresgid(who.gid, who.gid, who.gid) != 0 ||
        setresuid(who.uid, who.uid, who.uid) != 0)
        return err_errno(err, "--run-as");
    if (who.uid != 0 && (setresuid(0, 0, 0) == 0 || setuid(0) == 0))
        return err_set(err, "--run-as: root could be had back");
    return 0;
}

static void say_user(char *out, size_t size)
{
    const struct passwd *p = getpwuid(geteuid());
    if (p != NULL)
        snprintf(out, size, "%s", p->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)geteuid());
}

/* Someone who is not root may still have been given single rights, to bind low ports say. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{.effective = 0}};
    if (geteuid() != 0)
        syscall(SYS_capset, &head, none);
}

/* --- Landlock --- */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

enum { MOST_WORDS = 96 };

static const uint64_t on_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
    LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK;

/* What the C library, OpenSSL, libunbound and iconv read when they like, and nothing secret. */
static const char *const always[] = {"/usr",
                                     "/lib",
                                     "/lib64",
                                     "/etc/ssl",
                                     "/etc/localtime",
                                     "/etc/hosts",
                                     "/etc/services",
                                     "/etc/resolv.conf",
                                     "/etc/gai.conf",
                                     "/etc/nsswitch.conf",
                                     "/etc/host.conf",
                                     "/etc/ld.so.cache",
                                     "/dev/urandom",
                                     "/dev/random",
                                     "/proc/self",
                                     "/sys/devices/system/cpu",
                                     NULL};

static uint64_t all_rights(long abi)
{
    uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* the last one of the first ABI */
    all |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    all |= abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
    return all;
}

static int allow(int rules, const char *path, uint64_t rights, struct err *err)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights};
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES ? 0 : err_errno(err, path);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        beneath.allowed_access &= on_files;
    beneath.parent_fd = fd;
    long rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int kept = errno;
    close(fd);
    errno = kept;
    return rc == 0 ? 0 : err_errno(err, path);
}

static int allow_all(int rules, const char *const *paths, uint64_t rights, struct err *err)
{
    for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
        if (allow(rules, paths[i], rights, err) != 0)
            return -1;
    return 0;
}

static int confine(const struct sandbox_options *o, char *words, struct err *err)
{
    if (SANITIZED) {
        snprintf(words, MOST_WORDS, "%s", sanitizer);
        return 0;
    }
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi <= 0) {
        snprintf(words, MOST_WORDS, "off: %s",
                 errno == ENOSYS ? "this kernel has no Landlock" : "Landlock is switched off here");
        return 0;
    }
    uint64_t all = all_rights(abi);
    struct landlock_ruleset_attr attr = {.handled_access_fs = all};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0)
        return err_errno(err, "Landlock");
    static const char *const nowhere[] = {"/dev/null", NULL};
    int rc = 0;
    if (allow_all(rules, always, reading & all, err) != 0 ||
        allow_all(rules, nowhere, writing & all, err) != 0 ||
        allow_all(rules, o->read, reading & all, err) != 0 ||
        allow_all(rules, o->write, writing & all, err) != 0 ||
        allow_all(rules, o->leave, LANDLOCK_ACCESS_FS_REMOVE_DIR, err) != 0)
        rc = -1;
    else if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        rc = err_errno(err, "Landlock");
    close(rules);
    snprintf(words, MOST_WORDS, "on (ABI %ld)", abi);
    return rc;
}

/* --- seccomp --- */

/* From traces of the test suite, with what the C library uses in their place elsewhere. */
static const char *const calls[] = {
    /* files */
    "open", "openat", "openat2", "close", "close_range", "read", "pread64", "readv", "preadv",
    "write", "pwrite64", "writev", "pwritev", "lseek", "stat", "fstat", "lstat", "newfstatat",
    "fstatat64", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "fsync",
    "fdatasync", "sync_file_range", "ftruncate", "fallocate", "fadvise64", "unlink", "unlinkat",
    "rmdir", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat",
    "chown", "fchown", "lchown", "fchownat", "utimensat", "getdents64", "readlink", "readlinkat",
    "getcwd", "fcntl", "fcntl64", "flock", "dup", "dup2", "dup3", "pipe", "pipe2", "umask",
    /* sockets */
    "bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername",
    "setsockopt", "getsockopt", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
    "socketpair",
    /* waiting and time */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2",
    "timerfd_create", "timerfd_settime", "timerfd_gettime", "signalfd4", "poll", "ppoll", "select",
    "pselect6", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday",
    "time", "times",
    /* memory and threads */
    "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mincore", "mlock",
    "munlock", "membarrier", "futex", "futex_time64", "set_robust_list", "get_robust_list",
    "set_tid_address", "rseq", "arch_prctl", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "gettid", "exit", "exit_group",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "sigaltstack", "alarm", "setitimer", "restart_syscall",
    /* who and where */
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getrandom",
    "uname", "sysinfo", "prlimit64", "getrlimit", "getrusage", NULL};

static const char *const deadly[] = {"execve",           "execveat",          "ptrace",
                                     "process_vm_readv", "process_vm_writev", NULL};

static int add(scmp_filter_ctx f, uint32_t action, const char *name)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR || nr < 0)
        return 0; /* this machine has no such call */
    return seccomp_rule_add(f, action, nr, 0);
}

/* Calls that are needed in some of their forms. */
static int add_forms(scmp_filter_ctx f)
{
    static const int domains[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const unsigned long controls[] = {FIONBIO, FIONREAD, TCGETS};
    static const int process[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof domains / sizeof *domains; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)domains[i], 0));
    for (size_t i = 0; rc == 0 && i < sizeof controls / sizeof *controls; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                              SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)controls[i], 0));
    for (size_t i = 0; rc == 0 && i < sizeof process / sizeof *process; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)process[i], 0));
    /* Threads, but no processes. The flags of clone3 are in memory, where a filter cannot look: it
     * does not exist, and the C library takes clone instead. */
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    /* abort() */
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return rc;
}

static int filter(char *words, struct err *err)
{
    if (SANITIZED) {
        snprintf(words, MOST_WORDS, "%s", sanitizer);
        return 0;
    }
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
        snprintf(words, MOST_WORDS, "off: this kernel has no seccomp");
        return 0;
    }
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (f == NULL)
        return err_set(err, "seccomp: no filter can be made");
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: the list is long */
    for (size_t i = 0; rc == 0 && calls[i] != NULL; i++)
        rc = add(f, SCMP_ACT_ALLOW, calls[i]);
    for (size_t i = 0; rc == 0 && deadly[i] != NULL; i++)
        rc = add(f, SCMP_ACT_KILL_PROCESS, deadly[i]);
    if (rc == 0)
        rc = add_forms(f);
    if (rc == 0)
        rc = seccomp_load(f);
    seccomp_release(f);
    if (rc == -EINVAL || rc == -ENOSYS || rc == -EPERM) {
        snprintf(words, MOST_WORDS, "off: the kernel takes no filter (%s)", strerror(-rc));
        return 0;
    }
    snprintf(words, MOST_WORDS, "on");
    errno = -rc;
    return rc == 0 ? 0 : err_errno(err, "seccomp");
}

/* --- all of it --- */

static bool missing(const char *layer)
{
    return strncmp(layer, "on", 2) != 0;
}

int sandbox_enter(const struct sandbox_options *o, struct sandbox *out, struct err *err)
{
    static const char asked[] = "off: --sandbox off";
    struct sandbox s = {.user = ""};
    if (o->run_as != NULL && become(o, err) != 0)
        return -1;
    say_user(s.user, sizeof s.user);
    if (o->mode == SANDBOX_OFF) {
        memcpy(s.no_new_privs, asked, sizeof asked);
        memcpy(s.landlock, asked, sizeof asked);
        memcpy(s.seccomp, asked, sizeof asked);
        *out = s;
        return 0;
    }
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        snprintf(s.no_new_privs, sizeof s.no_new_privs, "on");
    else
        snprintf(s.no_new_privs, sizeof s.no_new_privs, "off: %s", strerror(errno));
    if (confine(o, s.landlock, err) != 0 || filter(s.seccomp, err) != 0)
        return -1;
    const char *layers[] = {s.no_new_privs, s.landlock, s.seccomp};
    static const char *const names[] = {"no_new_privs", "Landlock", "seccomp"};
    for (size_t i = 0; o->mode == SANDBOX_REQUIRE && i < 3; i++)
        if (missing(layers[i]))
            return err_set(err, "--sandbox require: %s is %s", names[i], layers[i]);
    *out = s;
    return 0;
}
