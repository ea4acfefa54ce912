/* Fuzzes what the driver reads of a domain, chosen by the first byte: records of the DNS, MTA-STS
 * and TLS reporting, and addresses of resolvers. What is refused is refused in words.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "ports/dns/dns.h"
#include "ports/dns/dns_policy.h"
#include "ports/dns/dns_tlsa.h"
#include "target.h"

enum { MOST_INPUT = 70000 };

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void read_records(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A,    DNS_CNAME, DNS_MX,   DNS_TXT,
                                          DNS_AAAA, DNS_SRV,   DNS_TLSA, DNS_CAA};
    struct dns_record r;
    char words[400];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (dns_record_read(types[i], data, size, &r) == 0) {
            need(strlen(r.name) < DNS_NAME_SIZE && (r.data == NULL || r.data[r.len] == '\0'));
            if (types[i] == DNS_TLSA)
                tlsa_words(&r, words, sizeof words);
            dns_record_clear(&r);
        }
}

static void read_texts(const char *text)
{
    struct err err = {""};
    char host[64];
    uint16_t port = 53;
    if (policy_sts_record(text, &err) != 0)
        need(err.text[0] != '\0');
    err.text[0] = '\0';
    if (policy_report_record(text, &err) != 0)
        need(err.text[0] != '\0');
    if (dns_parse_address(text, host, sizeof host, &port) == 0)
        need(strlen(host) < sizeof host);
}

static void read_policy(const char *text, size_t size)
{
    static struct policy p;
    struct err err = {""};
    if (policy_read(text, size, &p, &err) != 0) {
        need(err.text[0] != '\0');
        return;
    }
    need(p.mx_n <= POLICY_MX_MOST);
    (void)policy_covers(&p, "mx.d.example");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MOST_INPUT)
        return 0;
    char *text = malloc(size);
    need(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 3) {
    case 0:
        read_records(data + 1, size - 1);
        break;
    case 1:
        read_texts(text);
        break;
    default:
        read_policy(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
