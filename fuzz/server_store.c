/* Fuzzes the opening of a damaged store: the input says which bytes of a good one are others now,
 * as records of place (3 bytes, from the front), length (1) and the bytes; a record of length 0
 * cuts the file there. The server refuses it in words, or lives with it: whoever reads or delivers
 * is answered, what cannot be read is no message, and what was taken afterwards is there.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>

#include "server_world.h"

enum { MOST_BYTES = 1 << 20 };

static const char *const messages[] = {
    "From: ann@x.example\r\nSubject: one\r\n\r\nhello\r\n",
    "Subject: two\r\n\r\n",
    "To: a:b@c;\r\n\r\n",
};
static const char make[] = "a LOGIN u p\r\nb CREATE one/two\r\nc SUBSCRIBE gone\r\n"
                           "d APPEND one/two (\\Seen $Word) {4+}\r\nA: b\r\n"
                           "e SELECT INBOX\r\nf STORE 1 +FLAGS ($Other \\Flagged)\r\n"
                           "g COPY 1:2 one/two\r\nh STORE 3 +FLAGS.SILENT (\\Deleted)\r\n"
                           "i EXPUNGE\r\nj LOGOUT\r\n";
static const char read_all[] = "a LOGIN u p\r\nb LIST \"\" *\r\nc LSUB \"\" *\r\n"
                               "d STATUS one/two (MESSAGES UIDNEXT UNSEEN)\r\n"
                               "e SELECT INBOX\r\nf FETCH 1:* (FLAGS ENVELOPE BODY BODY[])\r\n"
                               "g SEARCH TEXT hello\r\nh SELECT one/two\r\n"
                               "i UID FETCH 1:* (RFC822.SIZE INTERNALDATE RFC822.TEXT)\r\n"
                               "j STORE 1 +FLAGS ($New)\r\nk COPY 1:* INBOX\r\n"
                               "l CREATE new\r\nm RENAME one three\r\nn LOGOUT\r\n";
static const char deliver[] = "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@test.example>\r\n"
                              "DATA\r\nA: b\r\n\r\nc\r\n.\r\nQUIT\r\n";
static const char retrieve[] = "USER u\r\nPASS p\r\nSTAT\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nTOP 3 1\r\n"
                               "DELE 1\r\nQUIT\r\n";

static struct server server;
static char folder[PATH_MAX / 2], path[PATH_MAX];
static unsigned char *good;
static size_t good_len;

static void stop(void)
{
    store_close(server.store);
    accounts_free(server.accounts);
    loop_free(server.loop);
    clock_free(server.clock);
}

static void say(enum service service, const struct protocol *p, const char *text)
{
    world_session(&server, service, p, (const uint8_t *)text, strlen(text));
}

static void remove_files(void)
{
    char name[PATH_MAX + 8];
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void clean_up(void)
{
    remove_files();
    rmdir(folder);
    free(good);
}

static void make_good_one(void)
{
    struct err err;
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/mailproof-fuzz-XXXXXX", memory);
    if (mkdtemp(folder) == NULL)
        world_die("no folder for the store");
    snprintf(path, sizeof path, "%s/store.db", folder);
    if (world_start_at(&server, path, &err) != 0 ||
        accounts_add(server.accounts, server.store, "u", "p", NULL, NULL, &err) != 0)
        world_die(err.text);
    world_fill(&server, messages, sizeof messages / sizeof *messages);
    say(SERVICE_IMAP, &imap_protocol, make);
    stop();
    FILE *f = fopen(path, "rb");
    good = malloc(MOST_BYTES);
    if (f == NULL || good == NULL)
        abort();
    good_len = fread(good, 1, MOST_BYTES, f);
    fclose(f);
    atexit(clean_up);
}

static void write_damaged(const uint8_t *data, size_t size)
{
    unsigned char *bad = malloc(good_len);
    size_t len = good_len;
    if (bad == NULL)
        abort();
    memcpy(bad, good, good_len);
    while (size >= 4) {
        size_t at = ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % good_len;
        size_t n = data[3];
        data += 4, size -= 4;
        if (n == 0)
            len = at;
        n = n < size ? n : size;
        if (n > 0)
            memcpy(bad + at, data, n < good_len - at ? n : good_len - at);
        data += n, size -= n;
    }
    remove_files();
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bad, 1, len, f) != len || fclose(f) != 0)
        world_die("the store cannot be written");
    free(bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {""};
    if (good == NULL)
        make_good_one();
    write_damaged(data, size);
    if (world_start_at(&server, path, &err) != 0) {
        if (err.text[0] == '\0')
            world_die("refused without a word");
        return 0;
    }
    if (accounts_add(server.accounts, server.store, "u", "p", NULL, NULL, &err) == 0) {
        say(SERVICE_IMAP, &imap_protocol, read_all);
        say(SERVICE_SMTP, &smtp_protocol, deliver);
        say(SERVICE_POP3, &pop3_protocol, retrieve);
    } else if (err.text[0] == '\0') {
        world_die("refused without a word");
    }
    stop();
    return 0;
}
