/* Runs libpcap in a thread for capture_wire.h. The kernel hands packets over in blocks, at the
 * latest after BLOCK_MS; stopping therefore waits a little longer than that, so that the last
 * replies are in the file. SPDX-License-Identifier: MIT */
#include "evidence/capture_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_MS 50
#define DRAIN_S 0.15
#define KERNEL_BUFFER (32 * 1024 * 1024)
#define SNAPLEN 262144

struct capture_wire {
    pcap_t *pcap;
    pcap_dumper_t *file;
    pthread_t thread;
    atomic_bool stop;
    uint64_t packets;
    struct capture_wire_count count;
    char path[512];
};

/* --- which interface -----------------------------------------------------------------------------
 */

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a == NULL || b == NULL || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        struct sockaddr_in x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x.sin_addr.s_addr == y.sin_addr.s_addr;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0;
    }
    return false;
}

/* The interface that has this address. A machine's own address is reached over loopback, whichever
 * interface has it. */
static int name_interface(const struct sockaddr *local, bool own, char *device, size_t size,
                          struct err *err)
{
    struct ifaddrs *list, *i;
    if (getifaddrs(&list) != 0)
        return err_errno(err, "the list of network interfaces");
    for (i = list; i != NULL; i = i->ifa_next)
        if (own ? (i->ifa_flags & IFF_LOOPBACK) != 0 : same_address(i->ifa_addr, local))
            break;
    int rc = 0;
    if (i != NULL)
        snprintf(device, size, "%s", i->ifa_name);
    else
        rc = err_set(err, "no network interface has the address from which the target is reached");
    freeifaddrs(list);
    return rc;
}

/* Asks the kernel by which address it would leave for host; a connected UDP socket sends nothing.
 */
static int find_interface(const char *host, char *device, size_t size, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *to = NULL;
    struct sockaddr_storage local;
    socklen_t len = sizeof local;
    int rc = -1, fd = -1;
    int why = getaddrinfo(host != NULL ? host : "127.0.0.1", "25", &hints, &to);
    if (why != 0)
        return err_set(err, "%s: %s", host, gai_strerror(why));
    fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &len) != 0) {
        err_errno(err, host != NULL ? host : "127.0.0.1");
        goto out;
    }
    rc = name_interface((struct sockaddr *)&local,
                        same_address((struct sockaddr *)&local, to->ai_addr), device, size, err);
out:
    if (fd >= 0)
        close(fd);
    freeaddrinfo(to);
    return rc;
}

/* --- capturing -----------------------------------------------------------------------------------
 */

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *bytes)
{
    struct capture_wire *cw = (struct capture_wire *)(void *)arg;
    pcap_dump((u_char *)cw->file, h, bytes);
    cw->packets++;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void broken(struct capture_wire *cw, const char *why)
{
    if (cw->count.broken)
        return;
    cw->count.broken = 1;
    snprintf(cw->count.why, sizeof cw->count.why, "%s", why);
}

static void *capture(void *arg)
{
    struct capture_wire *cw = arg;
    double end = 0;
    for (;;) {
        if (end == 0 && atomic_load(&cw->stop))
            end = now() + DRAIN_S;
        if (end != 0 && now() >= end)
            break;
        int n = pcap_dispatch(cw->pcap, -1, on_packet, (u_char *)cw);
        if (n < 0) {
            broken(cw, pcap_geterr(cw->pcap));
            break;
        }
        if (n == 0) /* libpcap's own wait has no end where no packet comes */
            (void)poll(&(struct pollfd){.fd = pcap_get_selectable_fd(cw->pcap), .events = POLLIN},
                       1, BLOCK_MS / 2);
        if (ferror(pcap_dump_file(cw->file)) != 0) {
            broken(cw, strerror(ENOSPC));
            break;
        }
    }
    return NULL;
}

static int refuse(pcap_t *p, int status, const char *device, struct err *err)
{
    switch (status) {
    case PCAP_ERROR_PERM_DENIED:
        return err_set(err,
                       "capturing on %s needs the privilege CAP_NET_RAW: run as root, or leave out "
                       "--capture wire "
                       "(the captures made from mailproof's own record need no privilege)",
                       device);
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return err_set(err, "capturing: there is no network interface \"%s\"", device);
    case PCAP_ERROR_IFACE_NOT_UP:
        return err_set(err, "capturing: the network interface %s is down", device);
    default:
        return err_set(err, "capturing on %s: %s", device,
                       status == PCAP_ERROR ? pcap_geterr(p) : pcap_statustostr(status));
    }
}

static int activate(pcap_t *p, const char *device, const char *filter, struct err *err)
{
    struct bpf_program program;
    pcap_set_snaplen(p, SNAPLEN);
    pcap_set_timeout(p, BLOCK_MS);
    pcap_set_buffer_size(p, KERNEL_BUFFER);
    int status = pcap_activate(p);
    if (status < 0)
        return refuse(p, status, device, err);
    if (filter != NULL && filter[0] != '\0') {
        if (pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
            return err_set(err, "the capture filter \"%s\": %s", filter, pcap_geterr(p));
        status = pcap_setfilter(p, &program);
        pcap_freecode(&program);
        if (status != 0)
            return err_set(err, "the capture filter \"%s\": %s", filter, pcap_geterr(p));
    }
    char why[PCAP_ERRBUF_SIZE];
    if (pcap_setnonblock(p, 1, why) != 0)
        return err_set(err, "capturing on %s: %s", device, why);
    /* The programs that a target starts have no business with our socket. */
    int fd = pcap_get_selectable_fd(p);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

static void free_all(struct capture_wire *cw)
{
    if (cw->file != NULL)
        pcap_dump_close(cw->file);
    if (cw->pcap != NULL)
        pcap_close(cw->pcap);
    free(cw);
}

int capture_wire_start(const char *device, const char *host, const char *filter, const char *path,
                       struct capture_wire **out, struct err *err)
{
    char name[64], why[PCAP_ERRBUF_SIZE] = "";
    if (device == NULL) {
        if (find_interface(host, name, sizeof name, err) != 0)
            return -1;
        device = name;
    }
    struct capture_wire *cw = err_need(calloc(1, sizeof *cw));
    snprintf(cw->path, sizeof cw->path, "%s", path);
    cw->pcap = pcap_create(device, why);
    if (cw->pcap == NULL) {
        err_set(err, "capturing on %s: %s", device, why);
        goto fail;
    }
    if (activate(cw->pcap, device, filter, err) != 0)
        goto fail;
    cw->file = pcap_dump_open(cw->pcap, path);
    if (cw->file == NULL) {
        err_set(err, "%s", pcap_geterr(cw->pcap)); /* names the file */
        goto fail;
    }
    int status = pthread_create(&cw->thread, NULL, capture, cw);
    if (status != 0) {
        errno = status;
        err_errno(err, "a thread for capturing");
        goto fail;
    }
    *out = cw;
    return 0;
fail:
    free_all(cw);
    return -1;
}

int capture_wire_stop(struct capture_wire *cw, struct capture_wire_count *count, struct err *err)
{
    struct pcap_stat stat;
    int rc = 0;
    atomic_store(&cw->stop, true);
    pthread_join(cw->thread, NULL);
    if (pcap_stats(cw->pcap, &stat) == 0)
        cw->count.drops = (uint64_t)stat.ps_drop + stat.ps_ifdrop;
    cw->count.packets = cw->packets;
    errno = EIO;
    if (pcap_dump_flush(cw->file) != 0)
        broken(cw, strerror(errno));
    if (cw->count.broken)
        rc = err_set(err, "%s: the capture is not complete: %s", cw->path, cw->count.why);
    if (count != NULL)
        *count = cw->count;
    free_all(cw);
    return rc;
}

int capture_wire_filter(const char *host, const uint16_t *ports, size_t n, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i <= n; i++) {
        int added;
        if (i < n)
            added = snprintf(out + used, size - used, "%stcp port %u",
                             i == 0 ? (host ? "(" : "") : " or ", (unsigned)ports[i]);
        else if (host != NULL)
            added =
                snprintf(out + used, size - used, "%shost %s", n > 0 ? ") and " : "tcp and ", host);
        else
            added = snprintf(out + used, size - used, "%s", n > 0 ? "" : "tcp");
        if (added < 0 || (size_t)added >= size - used)
            return -1;
        used += (size_t)added;
    }
    return 0;
}
