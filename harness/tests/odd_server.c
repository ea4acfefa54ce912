/* A server that behaves badly, for the tests of the command line: `odd_server MODE` listens on a
 * free port of 127.0.0.1, prints the port, and serves until its stdin closes.
 *
 *   close     hangs up at once
 *   silent    accepts and says nothing
 *   nonsense  says what is no mail protocol
 *   login     POP3 that refuses every password
 *   slow      POP3 that greets, answers CAPA, and then never again
 *   flood     sends lines without end
 *   550, 450, 530   SMTP that answers RCPT with this code
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(0);
}

static void pop3(int fd, bool slow)
{
    char line[1024];
    size_t n = 0;
    say(fd, "+OK odd\r\n");
    while (n < sizeof line - 1 && read(fd, line + n, 1) == 1) {
        if (line[n++] != '\n')
            continue;
        line[n] = '\0';
        n = 0;
        if (strncasecmp(line, "CAPA", 4) == 0)
            say(fd, "+OK\r\nUSER\r\n.\r\n");
        else if (slow)
            pause();
        else if (strncasecmp(line, "PASS", 4) == 0)
            say(fd, "-ERR [AUTH] no\r\n");
        else
            say(fd, "+OK\r\n");
    }
}

static void smtp(int fd, const char *code)
{
    char line[1024];
    size_t n = 0;
    say(fd, "220 odd\r\n");
    while (n < sizeof line - 1 && read(fd, line + n, 1) == 1) {
        if (line[n++] != '\n')
            continue;
        n = 0;
        say(fd, strncasecmp(line, "RCPT", 4) == 0 ? code : "250");
        say(fd, " so\r\n");
    }
}

static void serve(int fd, const char *mode)
{
    char chunk[1024];
    if (strcmp(mode, "close") == 0)
        return;
    if (strcmp(mode, "nonsense") == 0)
        say(fd, "hello, is this the right number?\r\n");
    if (strcmp(mode, "login") == 0 || strcmp(mode, "slow") == 0)
        pop3(fd, strcmp(mode, "slow") == 0);
    if (mode[0] == '4' || mode[0] == '5')
        smtp(fd, mode);
    while (strcmp(mode, "flood") == 0)
        say(fd, "220-more and more and more of it, and no end to it whatever you say or do\r\n");
    while (read(fd, chunk, sizeof chunk) > 0)
        continue;
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    signal(SIGCHLD, SIG_IGN);
    if (argc != 2 || fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&a, &size) != 0)
        return 1;
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    for (;;) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                                {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 || fds[1].revents != 0) {
            return 0; /* its children see to their own end: alarm() */
        }
        int client = accept(fd, NULL, NULL);
        if (fork() == 0) {
            alarm(30);
            close(fd);
            serve(client, argv[1]);
            _exit(0);
        }
        close(client);
    }
}
