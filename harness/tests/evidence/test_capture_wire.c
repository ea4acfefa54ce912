/* capture_wire: with the privilege the file holds what went over loopback; without it the refusal
 * says what to do. SPDX-License-Identifier: MIT */
#include "evidence/capture_wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/test_capture_wire.%ld.pcap", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void say_hello(int listener, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char got[32];
    int c = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(c, (struct sockaddr *)&a, sizeof a), 0);
    int s = accept(listener, NULL, NULL);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(write(c, "hello mailproof", 15), 15);
    ck_assert_int_eq(read(s, got, sizeof got), 15);
    close(c);
    close(s);
}

START_TEST(what_went_over_loopback_is_in_the_file)
    {
        struct err err;
        struct capture_wire *cw;
        struct capture_wire_count count;
        uint16_t port, other;
        char filter[128], why[PCAP_ERRBUF_SIZE];
        int listener = listen_somewhere(&port), elsewhere = listen_somewhere(&other);
        ck_assert_int_eq(capture_wire_filter("127.0.0.1", &port, 1, filter, sizeof filter), 0);
        if (capture_wire_start(NULL, "127.0.0.1", filter, path, &cw, &err) != 0) {
            /* Not even root may capture everywhere; then it is the refusal that is tested. */
            ck_assert_msg(strstr(err.text, "CAP_NET_RAW") != NULL, "%s", err.text);
            return;
        }
        say_hello(listener, port);
        say_hello(elsewhere, other);
        ck_assert_msg(capture_wire_stop(cw, &count, &err) == 0, "%s", err.text);
        close(listener);
        close(elsewhere);

        pcap_t *file = pcap_open_offline(path, why);
        ck_assert_msg(file != NULL, "%s", why);
        struct pcap_pkthdr *h;
        const u_char *bytes;
        uint64_t packets = 0, hellos = 0;
        while (pcap_next_ex(file, &h, &bytes) == 1) {
            packets++;
            hellos += h->caplen > 15 && memcmp(bytes + h->caplen - 15, "hello mailproof", 15) == 0;
        }
        pcap_close(file);
        ck_assert_uint_eq(packets, count.packets);
        ck_assert_uint_eq(hellos, 1); /* the other port is not in it */
        ck_assert_uint_ge(packets, 7);
        ck_assert_uint_eq(count.drops, 0);
    }
END_TEST

START_TEST(without_privilege_the_refusal_says_what_to_do)
    {
        pid_t child = fork();
        if (child == 0) {
            struct err err;
            struct capture_wire *cw;
            if (getuid() == 0 && setuid(65534) != 0)
                _exit(3);
            if (capture_wire_start("lo", NULL, NULL, path, &cw, &err) == 0)
                _exit(0); /* the program itself may carry the capability */
            _exit(
                strstr(
                    err.text,
                    "lo needs the privilege CAP_NET_RAW: run as root, or leave out --capture wire")
                    ? 0
                    : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
END_TEST

static bool refused(const char *device, const char *host, const char *filter, const char *where,
                    const char *why)
{
    struct err err;
    struct capture_wire *cw;
    ck_assert_int_eq(capture_wire_start(device, host, filter, where, &cw, &err), -1);
    bool said = strstr(err.text, why) != NULL || strstr(err.text, "CAP_NET_RAW") != NULL;
    ck_assert_msg(said, "\"%s\" does not say \"%s\"", err.text, why);
    return said;
}

START_TEST(what_cannot_work_is_refused_in_words)
    {
        ck_assert(refused("no-such-interface", NULL, NULL, path,
                          "there is no network interface \"no-such-interface\""));
        ck_assert(refused("lo", NULL, "tcp prot 25", path, "the capture filter \"tcp prot 25\""));
        ck_assert(
            refused("lo", NULL, NULL, "/tmp/no-such-folder/x.pcap", "/tmp/no-such-folder/x.pcap"));
        ck_assert(refused(NULL, "256.1.1.1", NULL, path, "256.1.1.1"));
    }
END_TEST

START_TEST(a_full_disk_is_told_when_it_stops)
    {
        struct err err;
        struct capture_wire *cw;
        uint16_t port;
        int listener = listen_somewhere(&port);
        if (capture_wire_start("lo", NULL, NULL, "/dev/full", &cw, &err) != 0) {
            ck_assert_ptr_nonnull(strstr(err.text, "CAP_NET_RAW"));
            return;
        }
        say_hello(listener, port);
        close(listener);
        ck_assert_int_eq(capture_wire_stop(cw, NULL, &err), -1);
        ck_assert_str_eq(err.text,
                         "/dev/full: the capture is not complete: No space left on device");
    }
END_TEST

START_TEST(a_filter_names_host_and_ports)
    {
        static const uint16_t ports[] = {25, 143};
        char filter[128];
        ck_assert_int_eq(capture_wire_filter("::1", ports, 2, filter, sizeof filter), 0);
        ck_assert_str_eq(filter, "(tcp port 25 or tcp port 143) and host ::1");
        ck_assert_int_eq(capture_wire_filter(NULL, ports, 1, filter, sizeof filter), 0);
        ck_assert_str_eq(filter, "tcp port 25");
        ck_assert_int_eq(capture_wire_filter("::1", ports, 0, filter, sizeof filter), 0);
        ck_assert_str_eq(filter, "tcp and host ::1");
        ck_assert_int_eq(capture_wire_filter("::1", ports, 2, filter, 20), -1);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture_wire");
    TCase *c = tcase_create("loopback");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 20);
    tcase_add_test(c, what_went_over_loopback_is_in_the_file);
    tcase_add_test(c, without_privilege_the_refusal_says_what_to_do);
    tcase_add_test(c, what_cannot_work_is_refused_in_words);
    tcase_add_test(c, a_full_disk_is_told_when_it_stops);
    tcase_add_test(c, a_filter_names_host_and_ports);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
