/* Fuzzes mailproofd's readers of one piece of text or record, chosen by the first byte: paths and
 * parameters of SMTP, addresses of header fields, replies of other servers, records of the DNS,
 * MTA-STS policies. What is refused is refused in words, what is taken fits its room, and a reply
 * is the same however it is cut. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/arena.h"
#include "dns/record.h"
#include "mime/address.h"
#include "queue/client/reply.h"
#include "queue/sts.h"
#include "smtp/address.h"
#include "smtp/param.h"
#include "target.h"

enum { MOST_INPUT = 70000, NOW_S = 1700000000 };

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void read_path(const char *text, size_t n)
{
    struct smtp_path path;
    const char *why = NULL;
    size_t used = 0;
    if (smtp_path_parse(text, n, SMTP_PATH_NULL | SMTP_PATH_POSTMASTER, &path, &used, &why) == 0)
        need(used > 0 && used <= n && strlen(path.mailbox) <= n &&
             (path.null || path.local[0] != '\0' || path.quoted));
    else
        need(why != NULL);
    why = NULL;
    if (smtp_mailbox_parse(text, n, &path, &why) == 0)
        need(strlen(path.mailbox) == n && path.domain[0] != '\0');
    else
        need(why != NULL);
    (void)smtp_domain_ok(text, n);
    (void)smtp_literal_ok(text, n);
}

static void read_params(const char *text, size_t n)
{
    static const struct limits limits = {
#define LIMIT(name, value, says) .name = value,
#include "config/limits.def"
#undef LIMIT
    };
    struct smtp_offer offer = {.limits = &limits,
                               .esmtp = true,
                               .requiretls = true,
                               .by = true,
                               .hold = true,
                               .now_s = NOW_S};
    struct smtp_params out = {.size = 0};
    struct smtp_param_error wrong = {0};
    char *decoded = malloc(n + 1);
    size_t len = 0;
    need(decoded != NULL);
    if (smtp_mail_params(text, &offer, &out, &wrong) != 0)
        need(wrong.code >= 400 && wrong.why != NULL);
    wrong = (struct smtp_param_error){0};
    if (smtp_rcpt_params(text, true, &out, &wrong) != 0)
        need(wrong.code >= 400 && wrong.why != NULL);
    if (smtp_xtext_decode(text, n, decoded, &len) == 0)
        need(len <= n);
    free(decoded);
}

static void read_addresses(const uint8_t *data, size_t n)
{
    struct arena a = {0};
    size_t count = 0;
    for (const struct address *at = address_parse(&a, data, n); at != NULL; at = at->next)
        need(++count <= ADDRESS_MOST + 2);
    arena_free(&a);
}

/* The digest of all replies in it, and of where they end. */
static uint64_t read_replies(const uint8_t *data, size_t size, enum cuts cuts)
{
    struct cutter cutter = cutter_new(cuts, data, size);
    struct digest d = {0};
    static struct reply r;
    char line[600];
    r = (struct reply){.code = 0};
    while (size > 0) {
        size_t used = 0, piece = cutter_next(&cutter, size);
        enum reply_step step = reply_feed(&r, data, piece, &used);
        need(used <= piece && (used > 0 || step != REPLY_MORE));
        data += used, size -= used;
        if (step == REPLY_MORE)
            continue;
        digest_number(&d, (uint64_t)step);
        if (step == REPLY_BAD) {
            need(r.why != NULL);
            break;
        }
        need(r.text_len <= sizeof r.text);
        digest_number(&d, (uint64_t)r.code);
        digest_block(&d, r.text, r.text_len);
        digest_string(&d, r.enhanced);
        reply_diagnostic(&r, line, sizeof line);
        digest_string(&d, line);
        digest_string(&d, reply_keyword(&r, "SIZE", line, sizeof line));
        r = (struct reply){.code = 0};
    }
    digest_number(&d, size);
    return d.value;
}

static void read_record(const uint8_t *data, size_t n)
{
    static const enum dns_type types[] = {DNS_A, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};
    struct dns_record r;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (record_read(types[i], data, n, &r) == 0) {
            need(r.bytes == NULL || r.bytes[r.len] == '\0');
            need(strlen(r.name) <= DNS_NAME_MAX);
            record_clear(&r);
        }
}

static void read_policy(const char *text)
{
    struct sts *s = sts_new();
    struct err err = {""};
    if (sts_set(s, "d.example", text, &err) == 0) {
        (void)sts_mode(s, "d.example", true, NOW_S);
        (void)sts_mode(s, "d.example", false, NOW_S + 1);
        (void)sts_allows(s, "d.example", "mx.d.example");
    } else {
        need(err.text[0] != '\0');
    }
    sts_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MOST_INPUT)
        return 0;
    unsigned which = data[0] % 6;
    data++, size--;
    char *text = malloc(size + 1);
    need(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    switch (which) {
    case 0:
        read_path(text, size);
        break;
    case 1:
        read_params(text, size);
        break;
    case 2:
        read_addresses(data, size);
        break;
    case 3: {
        uint64_t whole = read_replies(data, size, CUT_NONE);
        need(read_replies(data, size, CUT_BYTES) == whole);
        need(read_replies(data, size, CUT_MIXED) == whole);
        break;
    }
    case 4:
        read_record(data, size);
        break;
    default:
        read_policy(text);
        break;
    }
    free(text);
    return 0;
}
