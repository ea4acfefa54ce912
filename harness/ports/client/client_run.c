/* Starts and ends the client. SPDX-License-Identifier: MIT */
#include "ports/client/client_run.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_MOST = 16 * 1024, STOP_MS = 300 };

/* Values stand in a shell's command: what a shell would read in another way is not put there. */
static bool harmless(const char *value)
{
    return value[strcspn(value, " \t\r\n'\"\\`$&|;<>(){}*?!#~")] == '\0';
}

char *client_command(const char *text, const struct client_words *w, struct err *err)
{
    char port[16], dns_port[16], web_port[16], *out = err_need(calloc(1, COMMAND_MOST));
    const struct {
        const char *name, *value;
    } all[] = {{"{host}", w->host},
               {"{port}", port},
               {"{ca}", w->ca},
               {"{user}", w->user},
               {"{password}", w->password},
               {"{domain}", w->domain},
               {"{dns}", w->dns},
               {"{dns_port}", w->domain != NULL ? dns_port : NULL},
               {"{dns_anchor}", w->dns_anchor},
               {"{https_port}", w->domain != NULL ? web_port : NULL},
               {"{policy}", w->policy}};
    size_t used = 0;
    (void)snprintf(port, sizeof port, "%u", w->port);
    (void)snprintf(dns_port, sizeof dns_port, "%u", w->dns_port);
    (void)snprintf(web_port, sizeof web_port, "%u", w->web_port);
    while (*text != '\0') {
        size_t take = 1;
        const char *put = text;
        size_t n = 1;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (strncmp(text, all[i].name, strlen(all[i].name)) == 0) {
                put = all[i].value;
                if (put == NULL) {
                    (void)err_set(err, "%s: only commands with {domain} know it", all[i].name);
                    free(out);
                    return NULL;
                }
                n = strlen(put);
                take = strlen(all[i].name);
                if (!harmless(put)) {
                    (void)err_set(err, "%s: a shell would not read \"%s\" as it is", all[i].name,
                                  put);
                    free(out);
                    return NULL;
                }
            }
        if (used + n + 1 >= COMMAND_MOST) {
            (void)err_set(err, "--client: the command is longer than %d bytes", COMMAND_MOST);
            free(out);
            return NULL;
        }
        memcpy(out + used, put, n);
        used += n;
        text += take;
    }
    return out;
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    (void)close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* A user namespace in which we are who we were, if it takes one to have the others. */
static int own_namespaces(int flags)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (uid == 0)
        return unshare(flags);
    if (unshare(CLONE_NEWUSER | flags) != 0)
        return -1;
    (void)write_file("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
    if (write_file("/proc/self/uid_map", map) != 0)
        return -1;
    (void)snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/gid_map", map);
}

/* In the child: a view of the file system of its own. */
static int own_view(const struct client_view *v)
{
    const struct {
        const char *from, *to;
    } all[] = {{v->hosts, "/etc/hosts"},
               {v->resolv, "/etc/resolv.conf"},
               {v->nsswitch, "/etc/nsswitch.conf"}};
    if (own_namespaces(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return -1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].from != NULL && mount(all[i].from, all[i].to, NULL, MS_BIND, NULL) != 0)
            return -1;
    return 0;
}

int client_own_network(struct err *err)
{
    struct ifreq r = {.ifr_name = "lo"};
    if (own_namespaces(CLONE_NEWNET) != 0)
        return err_errno(err, "a network of the client's own needs root or user namespaces; with "
                              "{dns} and {dns_port} in the command it needs none");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    int rc = fd >= 0 ? ioctl(fd, SIOCSIFFLAGS, &r) : -1;
    if (rc != 0)
        rc = err_errno(err, "the loopback of the client's network");
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

bool client_can_have_hosts(const char *hosts_file)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(own_view(&(struct client_view){.hosts = hosts_file}) == 0 ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void child(const char *command, const struct client_view *view, int out)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setpgid(0, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    if ((view->hosts != NULL || view->resolv != NULL) && own_view(view) != 0)
        _exit(126);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int client_start(struct client_process *p, const char *command, const struct client_view *view,
                 struct err *err)
{
    int ends[2];
    *p = (struct client_process){.out = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    p->pid = fork();
    if (p->pid == 0)
        child(command, view, ends[1]);
    (void)close(ends[1]);
    if (p->pid < 0) {
        p->pid = 0;
        (void)close(ends[0]);
        return err_errno(err, "fork");
    }
    (void)setpgid(p->pid, p->pid); /* whoever comes first */
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    p->out = ends[0];
    return 0;
}

static void drain(struct client_process *p)
{
    char more[4096];
    ssize_t n;
    while (p->out >= 0 && (n = read(p->out, more, sizeof more)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        size_t room = CLIENT_OUTPUT_MOST - p->text_len, keep = (size_t)n < room ? (size_t)n : room;
        memcpy(p->text + p->text_len, more, keep);
        p->text_len += keep;
        p->text[p->text_len] = '\0';
    }
}

bool client_look(struct client_process *p)
{
    drain(p);
    if (p->pid > 0 && waitpid(p->pid, &p->status, WNOHANG) == p->pid) {
        drain(p);
        (void)kill(-p->pid, SIGKILL); /* what it left behind */
        p->pid = 0;
    }
    return p->pid == 0;
}

void client_stop(struct client_process *p)
{
    if (p->pid > 0) {
        pid_t pid = p->pid;
        (void)kill(-pid, SIGTERM);
        for (int i = 0; i < STOP_MS / 10 && !client_look(p); i++)
            (void)usleep(10 * 1000);
        if (p->pid > 0) {
            (void)kill(-pid, SIGKILL);
            (void)waitpid(pid, &p->status, 0);
            p->pid = 0;
        }
    }
    if (p->out >= 0)
        (void)close(p->out);
    p->out = -1;
}
