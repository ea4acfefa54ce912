/* The pcapng writer behind pcapng.h: blocks in the machine's byte order (the section header says
 * which), each with its length at both ends and padded to four bytes. SPDX-License-Identifier: MIT
 */
#include "evidence/pcapng.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SECTION 0x0A0D0D0Au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BLOCK_SECRETS 10u
#define SECRETS_TLS 0x544c534bu
#define LINKTYPE_RAW 101u

#define OPTION_END 0u
#define OPTION_COMMENT 1u
#define OPTION_APPLICATION 4u /* of the section */
#define OPTION_NAME 2u        /* of the interface */
#define OPTION_RESOLUTION 9u  /* of the interface */

struct pcapng {
    FILE *file;
    char *path;
    char *temporary;
    int broken;           /* errno of the first write that failed, 0 while all is well */
    unsigned char *block; /* the block being built */
    size_t len, room;
};

static void put(struct pcapng *p, const void *src, size_t n)
{
    if (p->room - p->len < n) {
        size_t room = p->room * 2 + n;
        p->block = err_need(realloc(p->block, room));
        p->room = room;
    }
    if (n > 0)
        memcpy(p->block + p->len, src, n);
    p->len += n;
}

static void put16(struct pcapng *p, unsigned v)
{
    uint16_t x = (uint16_t)v;
    put(p, &x, sizeof x);
}

static void put32(struct pcapng *p, uint32_t v)
{
    put(p, &v, sizeof v);
}

static void pad(struct pcapng *p)
{
    static const unsigned char zero[4];
    put(p, zero, (4 - p->len % 4) % 4);
}

static void option(struct pcapng *p, unsigned code, const void *value, size_t n)
{
    put16(p, code);
    put16(p, (unsigned)n);
    put(p, value, n);
    pad(p);
}

/* The most of text that fits into limit bytes without cutting a character in two. */
static size_t utf8_cut(const char *text, size_t limit)
{
    size_t n = strlen(text);
    if (n <= limit)
        return n;
    for (n = limit; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

static void comment(struct pcapng *p, const char *text)
{
    option(p, OPTION_COMMENT, text, utf8_cut(text, PCAPNG_COMMENT_LIMIT));
}

static void block_begin(struct pcapng *p, uint32_t type)
{
    p->len = 0;
    put32(p, type);
    put32(p, 0); /* the length, known at the end */
}

static void block_end(struct pcapng *p)
{
    pad(p);
    put32(p, 0);
    uint32_t total = (uint32_t)p->len;
    memcpy(p->block + 4, &total, sizeof total);
    memcpy(p->block + p->len - sizeof total, &total, sizeof total);
    if (p->broken == 0 && fwrite(p->block, 1, p->len, p->file) != p->len)
        p->broken = errno != 0 ? errno : EIO;
}

static void section(struct pcapng *p, const char *application, const char *about)
{
    static const unsigned char unknown_length[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    block_begin(p, BLOCK_SECTION);
    put32(p, 0x1A2B3C4Du);
    put16(p, 1);
    put16(p, 0);
    put(p, unknown_length, sizeof unknown_length);
    if (about != NULL)
        comment(p, about);
    if (application != NULL)
        option(p, OPTION_APPLICATION, application, utf8_cut(application, PCAPNG_COMMENT_LIMIT));
    if (about != NULL || application != NULL)
        option(p, OPTION_END, "", 0);
    block_end(p);
}

static void interface(struct pcapng *p)
{
    static const unsigned char microseconds = 6; /* 10 to the power of -6 */
    block_begin(p, BLOCK_INTERFACE);
    put16(p, LINKTYPE_RAW);
    put16(p, 0);
    put32(p, 0); /* no limit to the length of a packet */
    option(p, OPTION_NAME, "mailproof", strlen("mailproof"));
    option(p, OPTION_RESOLUTION, &microseconds, 1);
    option(p, OPTION_END, "", 0);
    block_end(p);
}

static void free_all(struct pcapng *p)
{
    free(p->block);
    free(p->path);
    free(p->temporary);
    free(p);
}

int pcapng_open(const char *path, const char *application, const char *about, struct pcapng **out,
                struct err *err)
{
    struct pcapng *p = err_need(calloc(1, sizeof *p));
    p->path = err_need(strdup(path));
    if (asprintf(&p->temporary, "%s.part%ld", path, (long)getpid()) < 0)
        abort();
    p->file = fopen(p->temporary, "wbe");
    if (p->file == NULL) {
        err_errno(err, p->temporary);
        free_all(p);
        return -1;
    }
    section(p, application, about);
    interface(p);
    *out = p;
    return 0;
}

void pcapng_secrets(struct pcapng *p, const char *keylog, size_t n)
{
    block_begin(p, BLOCK_SECRETS);
    put32(p, SECRETS_TLS);
    put32(p, (uint32_t)n);
    put(p, keylog, n);
    block_end(p);
}

void pcapng_packet(struct pcapng *p, uint64_t time_us, const unsigned char *packet, size_t len,
                   const char *const *comments, size_t n)
{
    block_begin(p, BLOCK_PACKET);
    put32(p, 0); /* the only interface */
    put32(p, (uint32_t)(time_us >> 32));
    put32(p, (uint32_t)time_us);
    put32(p, (uint32_t)len);
    put32(p, (uint32_t)len);
    put(p, packet, len);
    pad(p);
    for (size_t i = 0; i < n; i++)
        comment(p, comments[i]);
    if (n > 0)
        option(p, OPTION_END, "", 0);
    block_end(p);
}

int pcapng_close(struct pcapng *p, struct err *err)
{
    int rc = -1;
    if (fclose(p->file) != 0 && p->broken == 0)
        p->broken = errno;
    if (p->broken != 0) {
        errno = p->broken;
        err_errno(err, p->temporary);
        goto out;
    }
    if (rename(p->temporary, p->path) != 0) {
        err_errno(err, p->path);
        goto out;
    }
    rc = 0;
out:
    if (rc != 0)
        unlink(p->temporary);
    free_all(p);
    return rc;
}

void pcapng_abandon(struct pcapng *p)
{
    if (p == NULL)
        return;
    fclose(p->file);
    unlink(p->temporary);
    free_all(p);
}
