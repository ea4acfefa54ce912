/* ldns knows the form of messages and zones and makes signatures; which records belong into an
 * answer is decided here. RFC 1034, 4.3.2; RFC 4035, 3.1. SPDX-License-Identifier: MIT */
#include "ports/client/client_dns.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGE_MOST = 4096, /* a question is far smaller */
    UDP_PLAIN = 512,
    UDP_MOST = 1232,
    STREAMS = 16,
    ASKED_MOST = 512,
    FAILS_MOST = 8,
    PER_TURN = 64,
    HOUR = 3600
};

static const char authority[] = ". 0 IN SOA ns.invalid. nobody.invalid. 1 3600 600 86400 0\n"
                                ". 0 IN NS ns.invalid.\n"
                                "ns.invalid. 0 IN A 127.0.0.1\n";

struct stream {
    int fd; /* -1: free */
    size_t have;
    unsigned char in[2 + MESSAGE_MOST];
};

struct client_dns {
    int udp, tcp;
    uint16_t port;
    ldns_key_list *keys;
    ldns_rr *dnskey;
    ldns_dnssec_zone *zone;
    struct stream streams[STREAMS];
    struct {
        ldns_rdf *name;
        ldns_rr_type type;
    } asked[ASKED_MOST];
    size_t asked_n;
    ldns_rdf *fails[FAILS_MOST];
    size_t fails_n;
};

/* --- the zone --- */

static void forget(struct client_dns *d)
{
    for (size_t i = 0; i < d->asked_n; i++)
        ldns_rdf_deep_free(d->asked[i].name);
    for (size_t i = 0; i < d->fails_n; i++)
        ldns_rdf_deep_free(d->fails[i]);
    d->asked_n = d->fails_n = 0;
    if (d->zone != NULL)
        ldns_dnssec_zone_deep_free(d->zone);
    d->zone = NULL;
}

static int add_lines(ldns_dnssec_zone *zone, const char *lines, struct err *err)
{
    char line[2048];
    for (const char *at = lines; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        ldns_rr *rr = NULL;
        if (n >= sizeof line)
            return err_set(err, "a DNS record of %zu bytes", n);
        memcpy(line, at, n);
        line[n] = '\0';
        at += n + (at[n] == '\n');
        if (n == 0)
            continue;
        ldns_status s = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL);
        if (s == LDNS_STATUS_OK) {
            ldns_rr2canonical(rr);
            s = ldns_dnssec_zone_add_rr(zone, rr);
        }
        if (s != LDNS_STATUS_OK)
            return err_set(err, "\"%.200s\" is no DNS record: %s", line,
                           ldns_get_errorstr_by_id(s));
    }
    return 0;
}

int client_dns_say(struct client_dns *d, const char *records, struct err *err)
{
    ldns_dnssec_zone *zone = err_need(ldns_dnssec_zone_new());
    ldns_rr_list *made = err_need(ldns_rr_list_new());
    int rc = add_lines(zone, authority, err);
    if (rc == 0)
        rc = add_lines(zone, records, err);
    if (rc == 0 &&
        (ldns_dnssec_zone_add_rr(zone, ldns_rr_clone(d->dnskey)) != LDNS_STATUS_OK ||
         ldns_dnssec_zone_sign(zone, made, d->keys, ldns_dnssec_default_replace_signatures, NULL) !=
             LDNS_STATUS_OK))
        rc = err_set(err, "the zone cannot be signed");
    ldns_rr_list_free(made); /* what is in it belongs to the zone */
    if (rc != 0) {
        ldns_dnssec_zone_deep_free(zone);
        return -1;
    }
    forget(d);
    d->zone = zone;
    return 0;
}

int client_dns_fail(struct client_dns *d, const char *name, struct err *err)
{
    ldns_rdf *r = NULL;
    if (d->fails_n == FAILS_MOST || ldns_str2rdf_dname(&r, name) != LDNS_STATUS_OK)
        return err_set(err, "%s: no name that can fail", name);
    d->fails[d->fails_n++] = r;
    return 0;
}

static bool same(const ldns_rdf *a, const ldns_rdf *b)
{
    return ldns_dname_compare(a, b) == 0;
}

/* --- answers --- */

static void push(ldns_pkt *p, ldns_pkt_section section, const ldns_dnssec_rrs *rrs)
{
    for (; rrs != NULL; rrs = rrs->next)
        (void)ldns_pkt_push_rr(p, section, ldns_rr_clone(rrs->rr));
}

static void push_set(ldns_pkt *p, ldns_pkt_section section, const ldns_dnssec_rrsets *set,
                     bool signatures)
{
    if (set == NULL)
        return;
    push(p, section, set->rrs);
    if (signatures)
        push(p, section, set->signatures);
}

/* The proof that covers the name, or is the name's own: the last one that stands before it. */
static void push_proof(const struct client_dns *d, ldns_pkt *p, const ldns_rdf *name)
{
    const ldns_dnssec_name *best = NULL;
    for (ldns_rbnode_t *n = ldns_rbtree_first(d->zone->names); n != LDNS_RBTREE_NULL;
         n = ldns_rbtree_next(n)) {
        const ldns_dnssec_name *one = n->data;
        if (one->nsec != NULL && ldns_dname_compare(one->name, name) <= 0)
            best = one;
    }
    if (best == NULL)
        return;
    ldns_rr_list *have = ldns_pkt_authority(p);
    for (size_t i = 0; i < ldns_rr_list_rr_count(have); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(have, i)) == LDNS_RR_TYPE_NSEC &&
            same(ldns_rr_owner(ldns_rr_list_rr(have, i)), best->name))
            return; /* one proof may do for both */
    (void)ldns_pkt_push_rr(p, LDNS_SECTION_AUTHORITY, ldns_rr_clone(best->nsec));
    push(p, LDNS_SECTION_AUTHORITY, best->nsec_signatures);
}

/* Whether a name exists because one below it does. */
static bool has_below(const struct client_dns *d, const ldns_rdf *name)
{
    for (ldns_rbnode_t *n = ldns_rbtree_first(d->zone->names); n != LDNS_RBTREE_NULL;
         n = ldns_rbtree_next(n)) {
        const ldns_dnssec_name *one = n->data;
        if (same(one->name, name) || ldns_dname_is_subdomain(one->name, name))
            return true;
    }
    return false;
}

static void deny(const struct client_dns *d, ldns_pkt *p, const ldns_rdf *name, bool proofs)
{
    bool exists = has_below(d, name);
    if (!exists)
        ldns_pkt_set_rcode(p, LDNS_RCODE_NXDOMAIN);
    push_set(p, LDNS_SECTION_AUTHORITY,
             ldns_dnssec_zone_find_rrset(d->zone, d->zone->soa->name, LDNS_RR_TYPE_SOA), proofs);
    if (!proofs)
        return;
    push_proof(d, p, name);
    if (exists)
        return;
    /* And that no wildcard stands at the nearest name that exists. */
    ldns_rdf *up = ldns_dname_left_chop(name), *star = NULL;
    while (up != NULL && !has_below(d, up) && ldns_dname_label_count(up) > 0) {
        ldns_rdf *next = ldns_dname_left_chop(up);
        ldns_rdf_deep_free(up);
        up = next;
    }
    if (up != NULL && ldns_str2rdf_dname(&star, "*") == LDNS_STATUS_OK &&
        ldns_dname_cat(star, up) == LDNS_STATUS_OK)
        push_proof(d, p, star);
    ldns_rdf_deep_free(star);
    ldns_rdf_deep_free(up);
}

static void look_up(struct client_dns *d, ldns_pkt *p, const ldns_rr *question, bool proofs)
{
    ldns_rdf *name = ldns_rdf_clone(ldns_rr_owner(question));
    ldns_rr_type type = ldns_rr_get_type(question);
    ldns_dname2canonical(name);
    for (size_t i = 0; i < d->fails_n; i++)
        if (same(d->fails[i], name))
            ldns_pkt_set_rcode(p, LDNS_RCODE_SERVFAIL);
    const ldns_dnssec_rrsets *set =
        d->zone != NULL ? ldns_dnssec_zone_find_rrset(d->zone, name, type) : NULL;
    if (d->zone == NULL || ldns_rr_get_class(question) != LDNS_RR_CLASS_IN) {
        ldns_pkt_set_rcode(p, LDNS_RCODE_REFUSED);
    } else if (ldns_pkt_get_rcode(p) == LDNS_RCODE_NOERROR) {
        if (set != NULL)
            push_set(p, LDNS_SECTION_ANSWER, set, proofs);
        else
            deny(d, p, name, proofs);
    }
    if (d->asked_n < ASKED_MOST) {
        d->asked[d->asked_n].name = name;
        d->asked[d->asked_n++].type = type;
    } else {
        ldns_rdf_deep_free(name);
    }
}

unsigned char *client_dns_answer(struct client_dns *d, const unsigned char *in, size_t n, bool udp,
                                 size_t *size)
{
    ldns_pkt *q = NULL, *p;
    unsigned char *out = NULL;
    if (ldns_wire2pkt(&q, in, n) != LDNS_STATUS_OK)
        return NULL;
    if (ldns_pkt_qr(q) || ldns_pkt_qdcount(q) != 1) {
        ldns_pkt_free(q);
        return NULL;
    }
    bool edns = ldns_pkt_edns(q), proofs = edns && ldns_pkt_edns_do(q);
    size_t limit = edns ? ldns_pkt_edns_udp_size(q) : UDP_PLAIN;
    limit = limit < UDP_PLAIN ? UDP_PLAIN : limit > UDP_MOST ? UDP_MOST : limit;
    p = err_need(ldns_pkt_new());
    ldns_pkt_set_id(p, ldns_pkt_id(q));
    ldns_pkt_set_qr(p, true);
    ldns_pkt_set_opcode(p, ldns_pkt_get_opcode(q));
    ldns_pkt_set_rd(p, ldns_pkt_rd(q));
    ldns_pkt_set_cd(p, ldns_pkt_cd(q));
    ldns_pkt_set_ra(p, true);
    (void)ldns_pkt_push_rr(p, LDNS_SECTION_QUESTION,
                           ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(q), 0)));
    if (edns) {
        ldns_pkt_set_edns_udp_size(p, UDP_MOST);
        ldns_pkt_set_edns_do(p, proofs);
    }
    if (ldns_pkt_get_opcode(q) != LDNS_PACKET_QUERY)
        ldns_pkt_set_rcode(p, LDNS_RCODE_NOTIMPL);
    else
        look_up(d, p, ldns_rr_list_rr(ldns_pkt_question(q), 0), proofs);
    /* All of the zone is signed: whoever asks for it is told that it was validated. */
    ldns_pkt_set_ad(p, (proofs || ldns_pkt_ad(q)) && !ldns_pkt_cd(q) &&
                           (ldns_pkt_get_rcode(p) == LDNS_RCODE_NOERROR ||
                            ldns_pkt_get_rcode(p) == LDNS_RCODE_NXDOMAIN));
    if (ldns_pkt2wire(&out, p, size) != LDNS_STATUS_OK)
        out = NULL;
    if (out != NULL && udp && *size > limit) {
        free(out);
        out = NULL;
        ldns_rr_list_deep_free(ldns_pkt_answer(p));
        ldns_rr_list_deep_free(ldns_pkt_authority(p));
        ldns_pkt_set_answer(p, ldns_rr_list_new());
        ldns_pkt_set_authority(p, ldns_rr_list_new());
        ldns_pkt_set_ancount(p, 0);
        ldns_pkt_set_nscount(p, 0);
        ldns_pkt_set_tc(p, true);
        if (ldns_pkt2wire(&out, p, size) != LDNS_STATUS_OK)
            out = NULL;
    }
    ldns_pkt_free(p);
    ldns_pkt_free(q);
    return out;
}

bool client_dns_asked(const struct client_dns *d, const char *type, const char *below)
{
    ldns_rdf *top = NULL;
    bool is = false;
    if (below != NULL && ldns_str2rdf_dname(&top, below) != LDNS_STATUS_OK)
        return false;
    ldns_rr_type want = ldns_get_rr_type_by_name(type);
    for (size_t i = 0; i < d->asked_n && !is; i++)
        is = d->asked[i].type == want && (top == NULL || same(d->asked[i].name, top) ||
                                          ldns_dname_is_subdomain(d->asked[i].name, top));
    ldns_rdf_deep_free(top);
    return is;
}

/* --- sockets --- */

static void go_udp(struct client_dns *d)
{
    unsigned char in[MESSAGE_MOST];
    for (int i = 0; i < PER_TURN; i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(d->udp, in, sizeof in, 0, (struct sockaddr *)&from, &len);
        if (n < 0)
            return;
        size_t size = 0;
        unsigned char *out = client_dns_answer(d, in, (size_t)n, true, &size);
        if (out != NULL)
            (void)sendto(d->udp, out, size, 0, (struct sockaddr *)&from, len);
        free(out);
    }
}

static void end_stream(struct stream *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    *s = (struct stream){.fd = -1};
}

/* False: the connection is over. */
static bool go_stream(struct client_dns *d, struct stream *s)
{
    ssize_t n = recv(s->fd, s->in + s->have, sizeof s->in - s->have, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    s->have += n > 0 ? (size_t)n : 0;
    while (s->have >= 2) {
        size_t len = (size_t)s->in[0] << 8 | s->in[1], size = 0;
        if (len > MESSAGE_MOST)
            return false;
        if (s->have < 2 + len)
            return true;
        unsigned char *out = client_dns_answer(d, s->in + 2, len, false, &size);
        unsigned char head[2] = {(unsigned char)(size >> 8), (unsigned char)size};
        /* What does not fit into the socket's buffer at once is not read by anybody either. */
        bool sent = out != NULL && size < 65536 &&
                    send(s->fd, head, 2, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE) == 2 &&
                    send(s->fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
        free(out);
        if (!sent)
            return false;
        s->have -= 2 + len;
        memmove(s->in, s->in + 2 + len, s->have);
    }
    return true;
}

void client_dns_go(struct client_dns *d)
{
    go_udp(d);
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &d->streams[i];
        if (s->fd < 0)
            s->fd = accept4(d->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (s->fd >= 0 && !go_stream(d, s))
            end_stream(s);
    }
}

static int bind_both(struct client_dns *d, const char *address, uint16_t port, struct err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof a;
    int yes = 1;
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
        return err_set(err, "%s: no IPv4 address", address);
    d->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    d->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->tcp < 0 || d->udp < 0 ||
        setsockopt(d->tcp, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(d->tcp, (struct sockaddr *)&a, sizeof a) != 0 || listen(d->tcp, STREAMS) != 0 ||
        getsockname(d->tcp, (struct sockaddr *)&a, &len) != 0 ||
        bind(d->udp, (struct sockaddr *)&a, sizeof a) != 0)
        return err_errno(err, "cannot listen for DNS");
    d->port = ntohs(a.sin_port);
    return 0;
}

static void close_both(struct client_dns *d)
{
    if (d->tcp >= 0)
        (void)close(d->tcp);
    if (d->udp >= 0)
        (void)close(d->udp);
    d->tcp = d->udp = -1;
}

static int make_key(struct client_dns *d, struct err *err)
{
    ldns_key *key = ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
    ldns_rdf *root = NULL;
    d->keys = err_need(ldns_key_list_new());
    if (key == NULL || ldns_str2rdf_dname(&root, ".") != LDNS_STATUS_OK) {
        ldns_key_deep_free(key);
        return err_set(err, "no key to sign a zone with");
    }
    uint32_t now = (uint32_t)time(NULL);
    ldns_key_set_pubkey_owner(key, root);
    ldns_key_set_flags(key, LDNS_KEY_ZONE_KEY | LDNS_KEY_SEP_KEY);
    ldns_key_set_inception(key, now - HOUR);
    ldns_key_set_expiration(key, now + 24 * HOUR);
    ldns_key_set_origttl(key, 0);
    d->dnskey = err_need(ldns_key2rr(key));
    ldns_rr_set_ttl(d->dnskey, 0);
    ldns_key_set_keytag(key, ldns_calc_keytag(d->dnskey));
    (void)ldns_key_list_push_key(d->keys, key);
    return 0;
}

int client_dns_anchor(const struct client_dns *d, const char *path, struct err *err)
{
    ldns_rr *ds = err_need(ldns_key_rr2ds(d->dnskey, LDNS_SHA256));
    FILE *f = fopen(path, "w");
    if (f != NULL)
        ldns_rr_print(f, ds);
    ldns_rr_free(ds);
    return f != NULL && fclose(f) == 0 ? 0 : err_errno(err, path);
}

struct client_dns *client_dns_open(const char *address, uint16_t port, struct err *err)
{
    struct client_dns *d = err_need(calloc(1, sizeof *d));
    d->udp = d->tcp = -1;
    for (size_t i = 0; i < STREAMS; i++)
        d->streams[i].fd = -1;
    int rc = make_key(d, err);
    /* A port that is free for one of them need not be free for the other. */
    for (int i = 0; rc == 0 && i < (port == 0 ? 16 : 1); i++) {
        if (bind_both(d, address, port, err) == 0)
            return d;
        close_both(d);
    }
    client_dns_close(d);
    return NULL;
}

uint16_t client_dns_port(const struct client_dns *d)
{
    return d->port;
}

void client_dns_close(struct client_dns *d)
{
    if (d == NULL)
        return;
    forget(d);
    close_both(d);
    for (size_t i = 0; i < STREAMS; i++)
        end_stream(&d->streams[i]);
    ldns_rr_free(d->dnskey);
    ldns_key_list_free(d->keys);
    free(d);
}
