/* Load for the benchmarks, the same for every server. Each command prints one line of numbers.
 *
 *   load deliver ADDRESS:PORT PID SESSIONS BYTES SECONDS [lmtp]
 *        messages a second; CPU of the server in microseconds a message; messages
 *   load retrieve ADDRESS:PORT PID SESSIONS SECONDS
 *        messages a second over POP3; megabytes a second; CPU in microseconds a message
 *   load idle ADDRESS:PORT PID CONNECTIONS [tls]
 *        kilobytes of memory for each IMAP session that has logged in, selected INBOX and is silent
 *   load start TIMES PROGRAM ARGUMENT…
 *        milliseconds until it is ready, the median; CPU
 *
 * PID is the server, or the first process of the jail it lives in. Accounts are user1 to user6,
 * password pass. SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include <openssl/ssl.h>

#include <sys/epoll.h>

#include "bench/procs.h"

enum { USERS = 6, WARM_MS = 300 };

/* --- deliver --- */

enum step { GREETING, HELLO, ENVELOPE, TEXT };

struct session {
    int fd, number;
    enum step step;
    int lines;           /* of the answers to the envelope that have come */
    const char *sending; /* what the socket has not taken yet */
    size_t left, heard;
    char envelope[200], line[600];
};

static char *text; /* of every message, with its final dot */
static size_t text_len;
static const char *hello;
static size_t delivered;
static int epoll;

static void make_text(size_t bytes)
{
    static const char head[] = "From: <load@client.example>\r\nSubject: load\r\n\r\n";
    text = malloc(bytes + 300);
    if (text == NULL)
        die("memory");
    memcpy(text, head, sizeof head);
    text_len = sizeof head - 1;
    while (text_len + 2 < bytes) {
        size_t n = bytes - text_len - 2 < 76 ? bytes - text_len - 2 : 76;
        memset(text + text_len, 'x', n);
        memcpy(text + text_len + n, "\r\n", 2);
        text_len += n + 2;
    }
    memcpy(text + text_len, ".\r\n", 3);
    text_len += 3;
}

static void go_on_sending(struct session *s)
{
    while (s->left > 0) {
        ssize_t n = send(s->fd, s->sending, s->left, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            die("session %d: %s", s->number, strerror(errno));
        s->sending += n;
        s->left -= (size_t)n;
    }
}

static void say(struct session *s, enum step step, const char *what, size_t n)
{
    s->step = step;
    s->lines = 0;
    s->sending = what;
    s->left = n;
    go_on_sending(s);
}

static void took(struct session *s, const char *line)
{
    static const char want[] = {'2', '2', '2', '2'};
    char digit = s->step == ENVELOPE && s->lines == 2 ? '3' : want[s->step];
    if (line[0] != digit)
        die("session %d hears \"%s\"", s->number, line);
    if (line[3] == '-')
        return;
    switch (s->step) {
    case GREETING:
        say(s, HELLO, hello, strlen(hello));
        return;
    case TEXT:
        delivered++;
        /* fall through */
    case HELLO:
        say(s, ENVELOPE, s->envelope, strlen(s->envelope));
        return;
    case ENVELOPE:
        if (++s->lines == 3)
            say(s, TEXT, text, text_len);
        return;
    }
}

static void hear(struct session *s)
{
    char piece[4096];
    ssize_t n;
    while ((n = recv(s->fd, piece, sizeof piece, 0)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i] != '\n') {
                if (s->heard < sizeof s->line - 1)
                    s->line[s->heard++] = piece[i];
                continue;
            }
            s->line[s->heard] = '\0';
            s->heard = 0;
            took(s, s->line);
        }
    if (n == 0 || errno != EAGAIN)
        die("session %d: %s", s->number, n == 0 ? "closed" : strerror(errno));
}

static void run_until(double end)
{
    struct epoll_event events[64];
    for (double now = now_s(); now < end; now = now_s()) {
        int n = epoll_wait(epoll, events, 64, (int)((end - now) * 1000) + 1);
        for (int i = 0; i < n; i++) {
            struct session *s = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0)
                go_on_sending(s);
            if ((events[i].events & ~(unsigned)EPOLLOUT) != 0)
                hear(s);
        }
    }
}

static void deliver(const char *where, pid_t pid, int sessions, size_t bytes, double seconds,
                    bool lmtp)
{
    struct sockaddr_in to = address_of(where);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    hello = lmtp ? "LHLO client.example\r\n" : "EHLO client.example\r\n";
    make_text(bytes);
    for (int i = 0; i < sessions; i++) {
        struct session *s = calloc(1, sizeof *s);
        if (s == NULL)
            die("memory");
        s->number = i + 1;
        s->fd = connect_from(&to, i % 8);
        if (s->fd < 0)
            die("session %d: %s", i + 1, strerror(errno));
        fcntl(s->fd, F_SETFL, O_NONBLOCK);
        snprintf(s->envelope, sizeof s->envelope,
                 "MAIL FROM:<load@client.example>\r\nRCPT TO:<user%d@test.example>\r\nDATA\r\n",
                 i % USERS + 1);
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s};
        epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &e);
    }
    run_until(now_s() + WARM_MS / 1000.0);
    delivered = 0;
    double cpu = procs_cpu(pid), began = now_s();
    run_until(began + seconds);
    double took_s = now_s() - began;
    size_t n = delivered;
    cpu = procs_cpu(pid) - cpu;
    printf("%.1f %.1f %zu\n", (double)n / took_s, n > 0 ? cpu * 1e6 / (double)n : 0, n);
}

/* --- retrieve --- */

struct reader {
    struct line line;
    int there, next;
    bool in_text;
};

static size_t retrieved, octets;

static void retrieve(const char *where, pid_t pid, int sessions, double seconds)
{
    struct sockaddr_in to = address_of(where);
    struct reader *readers = calloc((size_t)sessions, sizeof *readers);
    char command[64];
    if (readers == NULL || sessions > USERS)
        die("%d sessions at most", USERS);
    for (int i = 0; i < sessions; i++) {
        struct reader *r = &readers[i];
        line_open(&r->line, &to, i);
        line_do(&r->line, "", "+OK", "-");
        snprintf(command, sizeof command, "USER user%d\r\n", i + 1);
        line_do(&r->line, command, "+OK", "-");
        line_do(&r->line, "PASS pass\r\n", "+OK", "-");
        r->there = atoi(line_do(&r->line, "STAT\r\n", "+OK", "-") + 4);
        if (r->there == 0)
            die("user%d has no mail", i + 1);
    }
    double cpu = 0, began = 0;
    /* All ask, then all are read to the end: the sessions keep the server busy side by side. */
    for (int round = 0;; round++) {
        if (round == 1) {
            retrieved = octets = 0;
            cpu = procs_cpu(pid);
            began = now_s();
        }
        if (round > 0 && now_s() >= began + seconds)
            break;
        for (int i = 0; i < sessions; i++) {
            struct reader *r = &readers[i];
            int n = 0;
            char batch[20 * 16];
            size_t len = 0;
            for (; n < 16; n++) {
                r->next = r->next % r->there + 1;
                len += (size_t)snprintf(batch + len, sizeof batch - len, "RETR %d\r\n", r->next);
            }
            line_say(&r->line, batch, len);
        }
        for (int i = 0; i < sessions; i++)
            for (int n = 0; n < 16; n++) {
                char *heard = line_hear(&readers[i].line);
                if (strncmp(heard, "+OK", 3) != 0)
                    die("RETR: %s", heard);
                while (strcmp(heard = line_hear(&readers[i].line), ".") != 0)
                    octets += strlen(heard) + 2;
                retrieved++;
            }
    }
    double took_s = now_s() - began;
    cpu = procs_cpu(pid) - cpu;
    printf("%.1f %.1f %.1f\n", (double)retrieved / took_s, (double)octets / took_s / 1e6,
           cpu * 1e6 / (double)retrieved);
}

/* --- idle --- */

static void tls_do(SSL *ssl, const char *say_this, const char *until)
{
    char heard[8192];
    size_t len = 0;
    if (*say_this != '\0' && SSL_write(ssl, say_this, (int)strlen(say_this)) <= 0)
        die("TLS: no writing");
    for (;;) {
        int n = SSL_read(ssl, heard + len, (int)(sizeof heard - 1 - len));
        if (n <= 0)
            die("TLS: no reading");
        len += (size_t)n;
        heard[len] = '\0';
        if (strstr(heard, until) != NULL)
            return;
    }
}

static void idle(const char *where, pid_t pid, int connections, bool tls)
{
    static struct line plain;
    struct sockaddr_in to = address_of(where);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char login[80];
    many_descriptors();
    double before = 0;
    /* The first ones bring what all share: processes, code, the mailbox. */
    int warm = USERS;
    for (int i = 0; i < connections + warm; i++) {
        if (i == warm) {
            sleep_ms(500);
            before = procs_memory(pid);
        }
        snprintf(login, sizeof login, "a LOGIN user%d pass\r\n", i % USERS + 1);
        if (!tls) {
            line_open(&plain, &to, i % 100);
            line_do(&plain, login, "a OK", "a NO");
            line_do(&plain, "b SELECT INBOX\r\n", "b OK", "b NO");
            continue; /* it stays open, and is closed by the end of this process */
        }
        SSL *ssl = SSL_new(ctx);
        SSL_set_fd(ssl, connect_from(&to, i % 100));
        if (SSL_connect(ssl) != 1)
            die("TLS: no handshake");
        tls_do(ssl, login, "a OK");
        tls_do(ssl, "b SELECT INBOX\r\n", "b OK");
    }
    sleep_ms(500);
    printf("%.1f\n", (procs_memory(pid) - before) / connections);
}

/* --- start --- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void start(int times, const char *const *arguments)
{
    double ms[100];
    struct rusage used;
    if (times < 1 || times > 100)
        die("1 to 100 times");
    for (int i = 0; i < times; i++) {
        double began = now_s();
        struct served s = served_start(arguments);
        ms[i] = (now_s() - began) * 1000;
        served_stop(&s);
    }
    qsort(ms, (size_t)times, sizeof *ms, by_size);
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%.1f ms (CPU to start and end: %.1f ms)\n", ms[times / 2], cpu_s * 1000 / times);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "deliver") == 0 && argc >= 7)
        deliver(argv[2], atoi(argv[3]), atoi(argv[4]), (size_t)atol(argv[5]), atof(argv[6]),
                argc > 7);
    else if (strcmp(what, "retrieve") == 0 && argc == 6)
        retrieve(argv[2], atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
    else if (strcmp(what, "idle") == 0 && argc >= 5)
        idle(argv[2], atoi(argv[3]), atoi(argv[4]), argc > 5);
    else if (strcmp(what, "start") == 0 && argc >= 4)
        start(atoi(argv[2]), (const char *const *)(argv + 3));
    else
        die("load deliver|retrieve|idle|start …; see the head of its source");
    return 0;
}
