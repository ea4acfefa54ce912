/* Fuzzes the control socket of mailproofd: the input is what somebody writes to it. Each line that
 * is not empty is answered, in time, and a session of SMTP works afterwards.
 * SPDX-License-Identifier: MIT */
#include <sys/un.h>

#include "control/control.h"
#include "control/rule.h"
#include "fault.h"
#include "server_world.h"

enum { MOST_INPUT = 20000, RENEW_EVERY = 200 };

static const char usual[] = "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@test.example>\r\n"
                            "DATA\r\nA: b\r\n\r\nc\r\n.\r\nQUIT\r\n";

static struct server server;
static struct control *control;
static char path[64];

static void start(void)
{
    struct err err;
    snprintf(path, sizeof path, "/tmp/mailproof-fuzz-%ld.sock", (long)getpid());
    world_start(&server);
    if (control_open(&server, path, &control, &err) != 0)
        world_die(err.text);
}

static void stop(void)
{
    control_close(control);
    store_close(server.store);
    accounts_free(server.accounts);
    policy_free(&server.policy);
    loop_free(server.loop);
    clock_free(server.clock);
    server.loop = NULL;
}

static int call(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memcpy(a.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        world_die("nobody listens on the control socket");
    return fd;
}

/* These wait in real time, as they are told to. */
static bool waits(const uint8_t *data, size_t size)
{
    return memmem(data, size, "\"disk\"", 6) != NULL || memmem(data, size, "\"rest\"", 6) != NULL ||
           memmem(data, size, "\\u", 2) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    if (size > MOST_INPUT || waits(data, size))
        return 0;
    if (server.loop != NULL && ++runs % RENEW_EVERY == 0)
        stop();
    if (server.loop == NULL)
        start();
    int fd = call();
    world_talk(&server, fd, data, size);
    close(fd);
    (void)rule_remove(0);
    fault_clear_all();
    world_session(&server, SERVICE_SMTP, &smtp_protocol, (const uint8_t *)usual, sizeof usual - 1);
    return 0;
}
