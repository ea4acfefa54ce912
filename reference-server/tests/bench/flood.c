/* Idle connections by the thousand and slow ones that send a byte a second, from several addresses,
 * while three clients of good manners deliver mail, read it and log in: how long these have to
 * wait.
 *
 * Usage: flood MAILPROOFD IDLE SLOW SECONDS LIMIT_MS. Exit code 1: a 99th percentile is above the
 * limit, or a connection was lost that should not be. SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <sys/epoll.h>

#include "bench/served.h"

enum { ADDRESSES = 16, SAMPLES = 200000, PAUSE_MS = 10, KINDS = 5 };

/* --- the measured clients --- */

struct measure {
    const char *name;
    double *ms;
    size_t count;
};

static struct measure measures[KINDS] = {{"SMTP delivery", NULL, 0},
                                         {"IMAP NOOP", NULL, 0},
                                         {"IMAP FETCH", NULL, 0},
                                         {"POP3 connect", NULL, 0},
                                         {"POP3 login", NULL, 0}};
static atomic_bool stop;
static struct served server;

static void note(struct measure *m, double since)
{
    if (m->count < SAMPLES)
        m->ms[m->count++] = (now_s() - since) * 1000;
}

static void *deliver(void *arg)
{
    static const char text[] = "Subject: flood\r\n\r\nStill there?\r\n.\r\n";
    static struct line l;
    struct sockaddr_in to = served_at(&server, "smtp");
    (void)arg;
    line_open(&l, &to, 100);
    line_do(&l, "", "220", "");
    line_do(&l, "EHLO good.example\r\n", "250 ", "5");
    while (!stop) {
        double since = now_s();
        line_do(&l, "MAIL FROM:<x@good.example>\r\n", "250", "");
        line_do(&l, "RCPT TO:<ann@test.example>\r\n", "250", "");
        line_do(&l, "DATA\r\n", "354", "");
        line_do(&l, text, "250", "4");
        note(&measures[0], since);
        sleep_ms(PAUSE_MS);
    }
    line_close(&l);
    return NULL;
}

static void *read_mail(void *arg)
{
    static struct line l;
    struct sockaddr_in to = served_at(&server, "imap");
    (void)arg;
    line_open(&l, &to, 101);
    line_do(&l, "a LOGIN bob pass\r\n", "a OK", "a NO");
    line_do(&l, "a APPEND INBOX {26+}\r\nSubject: one\r\n\r\none text\r\n\r\n", "a OK", "a NO");
    line_do(&l, "a SELECT INBOX\r\n", "a OK", "a NO");
    while (!stop) {
        double since = now_s();
        line_do(&l, "a NOOP\r\n", "a OK", "a NO");
        note(&measures[1], since);
        sleep_ms(PAUSE_MS);
        since = now_s();
        line_do(&l, "a FETCH 1 (FLAGS BODY.PEEK[])\r\n", "a OK", "a NO");
        note(&measures[2], since);
        sleep_ms(PAUSE_MS);
    }
    line_close(&l);
    return NULL;
}

static void *log_in(void *arg)
{
    static struct line l;
    struct sockaddr_in to = served_at(&server, "pop3");
    (void)arg;
    while (!stop) {
        double since = now_s();
        line_open(&l, &to, 102);
        line_do(&l, "", "+OK", "");
        note(&measures[3], since);
        since = now_s();
        line_do(&l, "USER cat\r\n", "+OK", "-ERR");
        line_do(&l, "PASS pass\r\n", "+OK", "-ERR");
        note(&measures[4], since);
        line_do(&l, "QUIT\r\n", "+OK", "");
        line_close(&l);
        sleep_ms(PAUSE_MS);
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct measure *m, double part)
{
    return m->count > 0 ? m->ms[(size_t)((double)(m->count - 1) * part)] : 0;
}

/* --- the flood --- */

static const char *const services[] = {"imap", "pop3", "smtp"};
/* What slow clients have to say; the last of them is the text of a message. */
static const char *const slow_words[] = {
    "a LOGIN ann wrong-and-very-long-and-slow-password-that-takes-a-while\r\n",
    "USER somebody-who-types-with-one-finger-of-the-left-hand-and-rests\r\n",
    "EHLO a.host.with.a.very.long.name.that.comes.a.letter.at.a.time.example\r\n"};

struct slow {
    int fd;
    size_t at;
    int kind;
};

static bool still_there(int fd)
{
    char scrap[4096];
    for (;;) {
        ssize_t n = recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n < 0)
            return true;
    }
}

static int open_one(const struct sockaddr_in to[3], long i)
{
    int fd = connect_from(&to[i % 3], (int)(i % ADDRESSES));
    if (fd < 0)
        die("connection %ld: %s", i, strerror(errno));
    return fd;
}

/* A byte from each slow client in each second, spread over it. */
static void trickle(struct slow *slow, long count, double seconds)
{
    double began = now_s();
    for (double at = began; at < began + seconds; at = now_s()) {
        double second = now_s();
        for (long i = 0; i < count; i++) {
            struct slow *s = &slow[i];
            const char *word = slow_words[s->kind];
            if (send(s->fd, word + s->at % strlen(word), 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
                s->at++;
            double due = second + (double)(i + 1) / (double)count;
            if (i % 10 == 0 && due > now_s())
                sleep_ms((long)((due - now_s()) * 1000));
        }
        if (now_s() < second + 1)
            sleep_ms((long)((second + 1 - now_s()) * 1000));
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("usage: flood MAILPROOFD IDLE SLOW SECONDS LIMIT_MS");
    long idle_count = atol(argv[2]), slow_count = atol(argv[3]);
    double seconds = atof(argv[4]), limit = atof(argv[5]);
    long most = many_descriptors() - 100;
    if (idle_count + slow_count > most) {
        printf("flood: %ld descriptors are all there are; idle connections reduced to %ld\n", most,
               most - slow_count);
        idle_count = most - slow_count;
    }
    /* In memory: what the disk costs is another question. */
    char store[] = "/dev/shm/mailproofd-flood-XXXXXX", path[80], connections[80], address[80];
    if (mkdtemp(store) == NULL && mkdtemp(strcpy(store, "/tmp/mailproofd-flood-XXXXXX")) == NULL)
        die("a folder: %s", strerror(errno));
    snprintf(path, sizeof path, "%s/store.db", store);
    snprintf(connections, sizeof connections, "connections=%ld", idle_count + slow_count + 1000);
    snprintf(address, sizeof address, "connections_per_address=%ld", idle_count + slow_count);
    const char *const arguments[] = {argv[1],
                                     "--ports",
                                     "ephemeral",
                                     "--user",
                                     "ann:pass",
                                     "--user",
                                     "bob:pass",
                                     "--user",
                                     "cat:pass",
                                     "--store",
                                     path,
                                     "--limit",
                                     connections,
                                     "--limit",
                                     address,
                                     "--limit",
                                     "slow_seconds=100000",
                                     "--limit",
                                     "smtp_transactions=1000000",
                                     "--state",
                                     store,
                                     NULL};
    server = served_start(arguments);
    struct sockaddr_in to[3];
    for (int i = 0; i < 3; i++)
        to[i] = served_at(&server, services[i]);
    long before = memory_kb(server.pid, "VmRSS");

    int *idle = calloc((size_t)idle_count + 1, sizeof *idle);
    struct slow *slow = calloc((size_t)slow_count + 1, sizeof *slow);
    if (idle == NULL || slow == NULL)
        die("memory");
    double began = now_s();
    for (long i = 0; i < idle_count; i++)
        idle[i] = open_one(to, i);
    for (long i = 0; i < slow_count; i++)
        slow[i] = (struct slow){.fd = open_one(to, i), .kind = (int)(i % 3)};
    /* The greeting of the last one: the server has accepted them all. */
    for (int tries = 0; slow_count > 0 && tries < 1000; tries++) {
        char first;
        if (recv(slow[slow_count - 1].fd, &first, 1, MSG_PEEK) == 1)
            break;
        sleep_ms(10);
    }
    sleep_ms(200);
    long after = memory_kb(server.pid, "VmRSS");
    printf("flood: %ld idle, %ld slow, all there after %.2f s; %.2f KB of memory a connection\n",
           idle_count, slow_count, now_s() - began,
           (double)(after - before) / (double)(idle_count + slow_count));
    fflush(stdout);

    static void *(*const work[])(void *) = {deliver, read_mail, log_in};
    pthread_t threads[3];
    for (int i = 0; i < KINDS; i++)
        measures[i].ms = calloc(SAMPLES, sizeof(double));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work[i], NULL);
    trickle(slow, slow_count, seconds);
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);

    int failed = 0;
    for (int i = 0; i < KINDS; i++) {
        struct measure *m = &measures[i];
        qsort(m->ms, m->count, sizeof *m->ms, by_size);
        bool good = m->count > 0 && percentile(m, 0.99) < limit;
        failed += !good;
        printf("flood: %-14s %6zu times, median %6.2f ms, p99 %6.2f ms, worst %6.2f ms%s\n",
               m->name, m->count, percentile(m, 0.5), percentile(m, 0.99), percentile(m, 1),
               good ? "" : "  TOO SLOW");
    }
    long lost = 0, slow_lost = 0;
    for (long i = 0; i < idle_count; i++)
        lost += !still_there(idle[i]);
    for (long i = 0; i < slow_count; i++)
        slow_lost += !still_there(slow[i].fd); /* lawful: many wrong logins end a session */
    printf("flood: %ld idle and %ld slow connections lost; memory at most %ld MB\n", lost,
           slow_lost, memory_kb(server.pid, "VmHWM") / 1024);
    failed += lost > 0;
    for (int i = 0; i < KINDS; i++)
        free(measures[i].ms);
    free(idle);
    free(slow);
    served_stop(&server);
    for (int i = 0; i < 10; i++) {
        static const char *const files[] = {
            "store.db",   "store.db-wal", "store.db-shm", "ca.pem",     "ca.key",
            "server.pem", "server.key",   "public.pem",   "public.key", "control.sock"};
        snprintf(path, sizeof path, "%s/%s", store, files[i]);
        unlink(path);
    }
    rmdir(store);
    printf("%d passed, %d failed\n", KINDS + 1 - failed, failed);
    return failed > 0;
}
