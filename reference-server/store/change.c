/* Carries changes out in SQL, on the writer thread. Each function works inside a savepoint of its
 * own: it may stop at any point, and refuse() or trouble undoes what it did.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/job.h"

enum { KEYWORDS = 56, NAME_BYTES = 1000, LEVELS = 50 };

/* A mailbox's row, and its keywords once they were needed. */
struct row {
    int64_t id;
    uint32_t uidvalidity, uidnext;
    uint64_t modseq;
    bool noselect;
    bool keywords_known;
    int keyword_count;
    char *keywords[KEYWORDS];
};

/* Results of the functions below: done; refused (status and text are set); the database is in
 * trouble. */
enum { DONE = 0, REFUSED = 1, TROUBLE = -1 };

static int refuse(struct job *j, enum store_status status, const char *text)
{
    j->status = status;
    snprintf(j->text, sizeof j->text, "%s", text);
    return REFUSED;
}

static void row_clear(struct row *r)
{
    for (int i = 0; i < r->keyword_count; i++)
        free(r->keywords[i]);
    r->keyword_count = 0;
}

/* 1 found, 0 not, -1 trouble. */
static int read_row(sqlite3_stmt *s, struct row *r)
{
    int found = db_step(s);
    if (found != 1)
        return found;
    *r = (struct row){
        .id = sqlite3_column_int64(s, 0),
        .uidvalidity = (uint32_t)sqlite3_column_int64(s, 1),
        .uidnext = (uint32_t)sqlite3_column_int64(s, 2),
        .modseq = (uint64_t)sqlite3_column_int64(s, 3),
        .noselect = sqlite3_column_int(s, 5) != 0,
    };
    sqlite3_reset(s);
    return 1;
}

static int row_by_name(struct db *d, int64_t account, const char *name, struct row *r)
{
    sqlite3_stmt *s = db_prepare(d, SQL_MAILBOX_BY_NAME, DB(account));
    if (s == NULL || sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC) != SQLITE_OK)
        return -1;
    return read_row(s, r);
}

static int row_by_id(struct db *d, int64_t id, struct row *r)
{
    return read_row(db_prepare(d, SQL_MAILBOX_BY_ID, DB(id)), r);
}

/* A mailbox that messages can be in, or the refusal. */
static int selectable(struct db *d, struct job *j, int64_t account, const char *name, struct row *r)
{
    int found = row_by_name(d, account, name, r);
    if (found < 0)
        return TROUBLE;
    if (found == 0 || r->noselect)
        return refuse(j, STORE_NO_MAILBOX, "there is no such mailbox");
    return DONE;
}

static int row_save(struct db *d, const struct row *r)
{
    return db_run(d, SQL_MAILBOX_ADVANCE, DB(r->id, r->uidnext, (int64_t)r->modseq));
}

/* UIDVALIDITY values are drawn from one counter, so that no two lives of a name ever share one. */
static int draw_uidvalidity(struct db *d, int64_t now_s, uint32_t *out)
{
    sqlite3_stmt *s = db_prepare(d, SQL_VALIDITY_GET, DB_NONE);
    if (db_step(s) != 1)
        return TROUBLE;
    int64_t value = sqlite3_column_int64(s, 0) + 1;
    sqlite3_reset(s);
    if (value < now_s)
        value = now_s;
    if (value > UINT32_MAX)
        value = UINT32_MAX;
    *out = (uint32_t)value;
    return db_run(d, SQL_VALIDITY_SET, DB(value));
}

/* --- keywords --- */

static int read_keywords(struct db *d, struct row *r)
{
    if (r->keywords_known)
        return DONE;
    sqlite3_stmt *s = db_prepare(d, SQL_KEYWORDS, DB(r->id));
    int got;
    while ((got = db_step(s)) == 1 && r->keyword_count < KEYWORDS)
        r->keywords[r->keyword_count++] = db_text(s, 1);
    sqlite3_reset(s);
    r->keywords_known = got >= 0;
    return got < 0 ? TROUBLE : DONE;
}

/* The bit of a keyword; a new one is added where `add` says so. *bit 0: not there. */
static int keyword_bit(struct db *d, struct job *j, struct row *r, const char *name, bool add,
                       uint64_t *bit)
{
    *bit = 0;
    if (read_keywords(d, r) != DONE)
        return TROUBLE;
    int i = 0;
    while (i < r->keyword_count && strcasecmp(r->keywords[i], name) != 0)
        i++;
    if (i == r->keyword_count) {
        if (!add)
            return DONE;
        if (i == KEYWORDS)
            return refuse(j, STORE_REFUSED, "this mailbox has no room for another keyword");
        sqlite3_stmt *s = db_prepare(d, SQL_KEYWORD_ADD, DB(r->id, i));
        if (s == NULL || sqlite3_bind_text(s, 3, name, -1, SQLITE_STATIC) != SQLITE_OK ||
            db_finish(s) != 0)
            return TROUBLE;
        r->keywords[r->keyword_count++] = strdup(name);
        struct effect *e = job_effect(j, EFFECT_KEYWORD, r->id);
        e->number = i;
        e->name = strdup(name);
    }
    *bit = (uint64_t)1 << (FLAG_KEYWORD_0 + i);
    return DONE;
}

static int keyword_bits(struct db *d, struct job *j, struct row *r, char *const *names, bool add,
                        uint64_t *bits)
{
    for (; names != NULL && *names != NULL; names++) {
        uint64_t bit;
        int rc = keyword_bit(d, j, r, *names, add, &bit);
        if (rc != DONE)
            return rc;
        *bits |= bit;
    }
    return DONE;
}

/* --- messages --- */

/* The size that POP3 tells: every line end counts as two octets (RFC 1939, 11). */
static uint32_t pop3_size(const unsigned char *data, size_t len)
{
    size_t size = len;
    const unsigned char *end = data + len;
    for (const unsigned char *p = data; p < end; p++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p == NULL)
            break;
        if (p == data || p[-1] != '\r')
            size++;
    }
    if (len > 0 && data[len - 1] != '\n')
        size += 2;
    return (uint32_t)size;
}

static int add_blob(struct writer_state *w, const unsigned char *data, size_t len, size_t refs,
                    int64_t *id)
{
    *id = ++w->next_blob;
    sqlite3_stmt *s = db_prepare(w->db, SQL_BLOB_ADD, DB(*id, (int64_t)refs));
    if (s == NULL || sqlite3_bind_blob64(s, 3, len > 0 ? data : (const void *)"", len,
                                         SQLITE_STATIC) != SQLITE_OK)
        return TROUBLE;
    int rc = db_finish(s);
    sqlite3_clear_bindings(s);
    return rc;
}

/* Adds a message row under the next UID. The row's modseq was raised before. */
static int add_message(struct db *d, struct job *j, struct row *r, struct message *m)
{
    if (r->uidnext == UINT32_MAX)
        return refuse(j, STORE_REFUSED, "this mailbox has given out all its UIDs");
    m->uid = r->uidnext++;
    m->modseq = r->modseq;
    job_effect(j, EFFECT_NEW, r->id)->message = *m;
    return db_run(d, SQL_MESSAGE_ADD,
                  DB(r->id, m->uid, (int64_t)m->modseq, (int64_t)m->flags, m->internal_date,
                     m->internal_zone, m->size_bytes, m->pop3_bytes, m->blob));
}

static int get_message(struct db *d, int64_t mailbox, uint32_t uid, struct message *m)
{
    sqlite3_stmt *s = db_prepare(d, SQL_MESSAGE_GET, DB(mailbox, uid));
    int found = db_step(s);
    if (found == 1) {
        message_from_row(s, m);
        sqlite3_reset(s);
    }
    return found;
}

void message_from_row(sqlite3_stmt *s, struct message *m)
{
    *m = (struct message){
        .uid = (uint32_t)sqlite3_column_int64(s, 0),
        .modseq = (uint64_t)sqlite3_column_int64(s, 1),
        .flags = (uint64_t)sqlite3_column_int64(s, 2),
        .internal_date = sqlite3_column_int64(s, 3),
        .internal_zone = sqlite3_column_int(s, 4),
        .size_bytes = (uint32_t)sqlite3_column_int64(s, 5),
        .pop3_bytes = (uint32_t)sqlite3_column_int64(s, 6),
        .blob = sqlite3_column_int64(s, 7),
    };
}

/* Takes a message out, its tombstone stays. keep_blob: another row refers to the bytes from now on.
 */
static int remove_message(struct db *d, struct job *j, struct row *r, const struct message *m,
                          bool keep_blob)
{
    if (db_run(d, SQL_MESSAGE_REMOVE, DB(r->id, m->uid)) != 0 ||
        db_run(d, SQL_TOMBSTONE_ADD, DB(r->id, m->uid, (int64_t)r->modseq)) != 0)
        return TROUBLE;
    if (!keep_blob && (db_run(d, SQL_BLOB_REFER, DB(m->blob, -1)) != 0 ||
                       db_run(d, SQL_BLOB_DROP, DB(m->blob)) != 0))
        return TROUBLE;
    struct effect *e = job_effect(j, EFFECT_EXPUNGED, r->id);
    e->message.uid = m->uid;
    e->message.modseq = r->modseq;
    return DONE;
}

/* Called once everything is added; the refusal undoes it. */
static int within_quota(struct db *d, struct job *j, int64_t account)
{
    int kept = quota_kept(d, j, account);
    if (kept < 0)
        return TROUBLE;
    return kept > 0 ? DONE : refuse(j, STORE_OVER_QUOTA, "there is no room for it in the quota");
}

static int run_append(struct writer_state *w, struct job *j, struct row *r)
{
    int rc = selectable(w->db, j, j->account, j->name, r);
    if (rc != DONE)
        return rc;
    r->modseq++;
    for (size_t i = 0; i < j->message_count; i++) {
        struct append_message *a = &j->messages[i];
        struct message m = {
            .flags = a->flags & ~FLAG_RECENT,
            .internal_date = a->internal_date != 0 ? a->internal_date : j->now_s,
            .internal_zone = a->internal_zone,
            .size_bytes = (uint32_t)a->len,
            .pop3_bytes = pop3_size(a->data, a->len),
        };
        if ((rc = keyword_bits(w->db, j, r, a->keywords, true, &m.flags)) != DONE ||
            (rc = add_blob(w, a->data, a->len, 1, &m.blob)) != DONE ||
            (rc = add_message(w->db, j, r, &m)) != DONE)
            return rc;
        job_uid(&j->uids_out, m.uid);
    }
    j->uidvalidity = r->uidvalidity;
    rc = within_quota(w->db, j, j->account);
    return rc != DONE ? rc : row_save(w->db, r);
}

static bool listed_before(const int64_t *accounts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (accounts[i] == accounts[n])
            return true;
    return false;
}

static int deliver(struct writer_state *w, struct job *j, const struct append_message *a,
                   const int64_t *accounts, size_t count, struct row *r)
{
    struct message m = {
        .internal_date = j->now_s,
        .size_bytes = (uint32_t)a->len,
        .pop3_bytes = pop3_size(a->data, a->len),
    };
    size_t copies = 0;
    for (size_t i = 0; i < count; i++)
        copies += !listed_before(accounts, i);
    int rc = add_blob(w, a->data, a->len, copies, &m.blob);
    for (size_t i = 0; rc == DONE && i < count; i++) {
        if (listed_before(accounts, i))
            continue; /* two addresses of one person: one copy is enough */
        rc = selectable(w->db, j, accounts[i], "INBOX", r);
        if (rc != DONE)
            break;
        r->modseq++;
        rc = add_message(w->db, j, r, &m);
        if (rc == DONE && !a->beyond_quota)
            rc = within_quota(w->db, j, accounts[i]);
        if (rc == DONE)
            rc = row_save(w->db, r);
    }
    return rc;
}

static int run_ride(struct writer_state *w, struct job *j, struct row *r)
{
    const int64_t *accounts = j->accounts;
    int rc = DONE;
    for (size_t i = 0; rc == DONE && i < j->message_count; i++) {
        rc = deliver(w, j, &j->messages[i], accounts, j->shares[i], r);
        accounts += j->shares[i];
    }
    if (rc == DONE && j->ride(j->rider, w->db->sql) != 0)
        rc = TROUBLE;
    return rc;
}

static int run_flags(struct writer_state *w, struct job *j, struct row *r)
{
    struct db *d = w->db;
    int found = row_by_id(d, j->mailbox_id, r);
    if (found <= 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_NO_MAILBOX, "the mailbox is gone");
    uint64_t given = j->flags & ~FLAG_RECENT;
    int rc = keyword_bits(d, j, r, j->keywords, j->op != FLAGS_REMOVE, &given);
    if (rc != DONE)
        return rc;
    bool changed = false;
    for (size_t i = 0; i < j->uid_count; i++) {
        struct message m;
        found = get_message(d, r->id, j->uids[i], &m);
        if (found < 0)
            return TROUBLE;
        if (found == 0)
            continue;
        if (j->unchangedsince != 0 && m.modseq > j->unchangedsince) {
            job_uid(&j->uids_out, m.uid);
            j->status = STORE_CONFLICT;
            continue;
        }
        uint64_t flags = j->op == FLAGS_SET   ? given
                         : j->op == FLAGS_ADD ? m.flags | given
                                              : m.flags & ~given;
        if (flags == m.flags)
            continue;
        if (!changed)
            r->modseq++;
        changed = true;
        if (db_run(d, SQL_MESSAGE_FLAGS, DB(r->id, m.uid, (int64_t)flags, (int64_t)r->modseq)) != 0)
            return TROUBLE;
        struct effect *e = job_effect(j, EFFECT_FLAGS, r->id);
        e->message.uid = m.uid;
        e->message.flags = flags;
        e->message.modseq = r->modseq;
    }
    return changed ? row_save(d, r) : DONE;
}

static int run_expunge(struct writer_state *w, struct job *j, struct row *r)
{
    int found = row_by_id(w->db, j->mailbox_id, r);
    if (found <= 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_NO_MAILBOX, "the mailbox is gone");
    r->modseq++;
    for (size_t i = 0; i < j->uid_count; i++) {
        struct message m;
        found = get_message(w->db, r->id, j->uids[i], &m);
        if (found < 0)
            return TROUBLE;
        if (found == 0 || (j->on && (m.flags & FLAG_DELETED) == 0))
            continue;
        if (remove_message(w->db, j, r, &m, false) != DONE)
            return TROUBLE;
        job_uid(&j->uids_out, m.uid);
    }
    return j->uids_out.count > 0 ? row_save(w->db, r) : DONE;
}

/* The flags of a message of one mailbox, as bits of another: keywords are numbered differently in
 * each. */
static int translate_flags(struct db *d, struct job *j, struct row *from, struct row *to,
                           uint64_t flags, uint64_t *out)
{
    if (from->id == to->id) {
        *out = flags;
        return DONE;
    }
    *out = flags & (((uint64_t)1 << FLAG_KEYWORD_0) - 1);
    if (*out == flags)
        return DONE;
    if (read_keywords(d, from) != DONE)
        return TROUBLE;
    for (int i = 0; i < from->keyword_count; i++) {
        uint64_t bit;
        if ((flags >> (FLAG_KEYWORD_0 + i) & 1) == 0)
            continue;
        int rc = keyword_bit(d, j, to, from->keywords[i], true, &bit);
        if (rc != DONE)
            return rc;
        *out |= bit;
    }
    return DONE;
}

static int copy_one(struct db *d, struct job *j, struct row *from, struct row *to, uint32_t uid,
                    bool move)
{
    struct message m;
    int found = get_message(d, from->id, uid, &m);
    if (found <= 0)
        return found < 0 ? TROUBLE : DONE;
    struct message copy = m;
    int rc = translate_flags(d, j, from, to, m.flags, &copy.flags);
    if (rc != DONE)
        return rc;
    if (!move && db_run(d, SQL_BLOB_REFER, DB(m.blob, 1)) != 0)
        return TROUBLE;
    if ((rc = add_message(d, j, to, &copy)) != DONE)
        return rc;
    job_uid(&j->sources, m.uid);
    job_uid(&j->uids_out, copy.uid);
    return move ? remove_message(d, j, from, &m, true) : DONE;
}

/* uids NULL: every message. */
static int copy_all(struct db *d, struct job *j, struct row *from, struct row *to,
                    const uint32_t *uids, size_t count, bool move)
{
    struct row *target = from->id == to->id ? from : to; /* one mailbox has one row */
    target->modseq++;
    if (move && target != from)
        from->modseq++;
    for (size_t i = 0; i < count; i++) {
        int rc = copy_one(d, j, from, target, uids[i], move);
        if (rc != DONE)
            return rc;
    }
    j->uidvalidity = target->uidvalidity;
    if (row_save(d, target) != 0)
        return TROUBLE;
    return move && target != from ? row_save(d, from) : DONE;
}

static int run_copy(struct writer_state *w, struct job *j, struct row *from)
{
    int found = row_by_id(w->db, j->mailbox_id, from);
    if (found <= 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_REFUSED, "the mailbox is gone");
    struct row to = {.id = 0};
    int rc = selectable(w->db, j, j->account, j->to, &to);
    if (rc == DONE)
        rc = copy_all(w->db, j, from, &to, j->uids, j->uid_count, j->on);
    if (rc == DONE && !j->on)
        rc = within_quota(w->db, j, j->account);
    row_clear(&to);
    return rc;
}

/* --- mailboxes --- */

static const char *bad_name(const char *name)
{
    int levels = 1;
    if (*name == '\0')
        return "a mailbox name cannot be empty";
    if (strlen(name) > NAME_BYTES)
        return "this mailbox name is too long";
    if (*name == STORE_SEPARATOR || strstr(name, "//") != NULL)
        return "a level of this mailbox name is empty";
    for (const char *p = name; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return "a mailbox name cannot hold control characters";
        levels += *p == STORE_SEPARATOR;
    }
    return levels > LEVELS ? "this mailbox name has too many levels" : NULL;
}

static int add_mailbox(struct db *d, struct job *j, const char *name, bool noselect)
{
    uint32_t validity;
    if (draw_uidvalidity(d, j->now_s, &validity) != 0)
        return TROUBLE;
    /* The integer after the text is bound by hand. */
    sqlite3_stmt *s = db_prepare(d, SQL_MAILBOX_ADD, DB(j->account));
    if (s == NULL || sqlite3_bind_text(s, 2, name, -1, SQLITE_TRANSIENT) != SQLITE_OK ||
        sqlite3_bind_int64(s, 3, validity) != SQLITE_OK ||
        sqlite3_bind_int(s, 4, noselect) != SQLITE_OK)
        return TROUBLE;
    j->uidvalidity = validity;
    return db_finish(s);
}

/* Makes the levels above name that are missing. */
static int add_parents(struct db *d, struct job *j, const char *name)
{
    char parent[NAME_BYTES + 1];
    for (const char *p = strchr(name, STORE_SEPARATOR); p != NULL;
         p = strchr(p + 1, STORE_SEPARATOR)) {
        struct row r;
        memcpy(parent, name, (size_t)(p - name));
        parent[p - name] = '\0';
        int found = row_by_name(d, j->account, parent, &r);
        if (found < 0 || (found == 0 && add_mailbox(d, j, parent, false) != 0))
            return TROUBLE;
    }
    return DONE;
}

static int create(struct db *d, struct job *j, const char *name)
{
    struct row r;
    const char *bad = bad_name(name);
    if (bad != NULL)
        return refuse(j, STORE_REFUSED, bad);
    int found = row_by_name(d, j->account, name, &r);
    if (found < 0)
        return TROUBLE;
    if (found > 0 && !r.noselect)
        return refuse(j, STORE_EXISTS, "a mailbox of that name exists");
    if (found > 0) { /* only a name above others so far */
        if (draw_uidvalidity(d, j->now_s, &j->uidvalidity) != 0)
            return TROUBLE;
        return db_run(d, SQL_MAILBOX_SELECTABLE, DB(r.id, j->uidvalidity));
    }
    if (add_parents(d, j, name) != 0)
        return TROUBLE;
    return add_mailbox(d, j, name, false);
}

/* Removes a mailbox with all that is in it. */
static int remove_mailbox(struct db *d, struct job *j, int64_t id)
{
    if (db_run(d, SQL_BLOBS_UNREFER, DB(id)) != 0 || db_run(d, SQL_BLOBS_DROP, DB(id)) != 0 ||
        db_run(d, SQL_MESSAGES_REMOVE, DB(id)) != 0 ||
        db_run(d, SQL_TOMBSTONES_REMOVE, DB(id)) != 0 ||
        db_run(d, SQL_KEYWORDS_REMOVE, DB(id)) != 0 || db_run(d, SQL_MAILBOX_REMOVE, DB(id)) != 0)
        return TROUBLE;
    job_effect(j, EFFECT_GONE, id);
    return DONE;
}

static int has_children(struct db *d, int64_t account, const char *name)
{
    sqlite3_stmt *s = db_prepare(d, SQL_MAILBOX_CHILD, DB(account));
    if (s == NULL || sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC) != SQLITE_OK)
        return -1;
    int found = db_step(s);
    sqlite3_reset(s);
    return found;
}

/* RFC 3501, 6.3.4: with names below it, the name stays and cannot be selected. */
static int delete (struct db *d, struct job *j)
{
    struct row r;
    if (strcmp(j->name, "INBOX") == 0)
        return refuse(j, STORE_REFUSED, "INBOX cannot be deleted");
    int found = row_by_name(d, j->account, j->name, &r);
    if (found <= 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_NO_MAILBOX, "there is no such mailbox");
    int children = has_children(d, j->account, j->name);
    if (children < 0)
        return TROUBLE;
    if (children > 0 && r.noselect)
        return refuse(j, STORE_REFUSED, "there are mailboxes below this name");
    if (remove_mailbox(d, j, r.id) != DONE)
        return TROUBLE;
    return children > 0 ? add_mailbox(d, j, j->name, true) : DONE;
}

/* RFC 3501, 6.3.5: the messages of INBOX move, INBOX itself and what is below it stay. */
static int rename_inbox(struct db *d, struct job *j)
{
    int rc = create(d, j, j->to);
    if (rc != DONE)
        return rc;
    struct row from = {.id = 0}, to = {.id = 0};
    struct uid_list all = {.count = 0};
    if (row_by_name(d, j->account, "INBOX", &from) != 1 ||
        row_by_name(d, j->account, j->to, &to) != 1)
        return TROUBLE;
    sqlite3_stmt *s = db_prepare(d, SQL_MESSAGES, DB(from.id));
    int got;
    while ((got = db_step(s)) == 1)
        job_uid(&all, (uint32_t)sqlite3_column_int64(s, 0));
    rc = got < 0 ? TROUBLE : copy_all(d, j, &from, &to, all.uids, all.count, true);
    free(all.uids);
    row_clear(&from);
    row_clear(&to);
    return rc;
}

static int rename_one(struct db *d, struct job *j, int64_t id, const char *old)
{
    size_t skip = strlen(j->name);
    size_t size = strlen(j->to) + strlen(old + skip) + 1;
    struct effect *e = job_effect(j, EFFECT_RENAMED, id);
    e->name = malloc(size);
    if (e->name == NULL)
        abort();
    snprintf(e->name, size, "%s%s", j->to, old + skip);
    sqlite3_stmt *s = db_prepare(d, SQL_MAILBOX_RENAME, DB(id));
    if (s == NULL || sqlite3_bind_text(s, 2, e->name, -1, SQLITE_TRANSIENT) != SQLITE_OK)
        return TROUBLE;
    return db_finish(s);
}

static int rename_mailbox(struct db *d, struct job *j)
{
    struct row r;
    if (strcmp(j->name, "INBOX") == 0)
        return rename_inbox(d, j);
    const char *bad = bad_name(j->to);
    if (bad != NULL)
        return refuse(j, STORE_REFUSED, bad);
    size_t n = strlen(j->name);
    if (strncmp(j->to, j->name, n) == 0 && j->to[n] == STORE_SEPARATOR)
        return refuse(j, STORE_REFUSED, "a mailbox cannot move below itself");
    int found = row_by_name(d, j->account, j->name, &r);
    if (found <= 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_NO_MAILBOX, "there is no such mailbox");
    found = row_by_name(d, j->account, j->to, &r);
    if (found != 0)
        return found < 0 ? TROUBLE : refuse(j, STORE_EXISTS, "a mailbox of that name exists");
    if (add_parents(d, j, j->to) != 0)
        return TROUBLE;
    sqlite3_stmt *s = db_prepare(d, SQL_MAILBOX_TREE, DB(j->account));
    if (s == NULL || sqlite3_bind_text(s, 2, j->name, -1, SQLITE_STATIC) != SQLITE_OK)
        return TROUBLE;
    /* All names are read before the first is changed: the statement must not meet its own work. */
    struct {
        int64_t id;
        char *name;
    } *tree = NULL;
    size_t count = 0;
    int got;
    while ((got = db_step(s)) == 1) {
        tree = realloc(tree, (count + 1) * sizeof *tree);
        if (tree == NULL)
            abort();
        tree[count].id = sqlite3_column_int64(s, 0);
        tree[count++].name = db_text(s, 1);
    }
    int rc = got;
    for (size_t i = 0; i < count; i++) {
        if (rc == DONE)
            rc = rename_one(d, j, tree[i].id, tree[i].name);
        free(tree[i].name);
    }
    free(tree);
    return rc;
}

static int subscribe(struct db *d, struct job *j)
{
    sqlite3_stmt *s = db_prepare(d, j->on ? SQL_SUBSCRIBE : SQL_UNSUBSCRIBE, DB(j->account));
    if (s == NULL || sqlite3_bind_text(s, 2, j->name, -1, SQLITE_STATIC) != SQLITE_OK)
        return TROUBLE;
    return db_finish(s);
}

static int ids_of(struct db *d, enum sql which, int64_t **ids, size_t *count)
{
    sqlite3_stmt *s = db_prepare(d, which, DB_NONE);
    int got;
    *ids = NULL;
    *count = 0;
    while ((got = db_step(s)) == 1) {
        *ids = realloc(*ids, (*count + 1) * sizeof **ids);
        if (*ids == NULL)
            abort();
        (*ids)[(*count)++] = sqlite3_column_int64(s, 0);
    }
    return got;
}

static int reset(struct db *d, struct job *j)
{
    int64_t *ids;
    size_t count;
    int rc = ids_of(d, SQL_MAILBOX_IDS, &ids, &count);
    for (size_t i = 0; rc == DONE && i < count; i++)
        job_effect(j, EFFECT_GONE, ids[i]);
    free(ids);
    if (rc != DONE || db_empty(d) != 0)
        return TROUBLE;
    rc = ids_of(d, SQL_ACCOUNTS, &ids, &count);
    for (size_t i = 0; rc == DONE && i < count; i++) {
        j->account = ids[i];
        rc = add_mailbox(d, j, "INBOX", false);
    }
    free(ids);
    return rc;
}

static int set_validity(struct db *d, struct job *j)
{
    sqlite3_stmt *s = db_prepare(d, SQL_VALIDITY_GET, DB_NONE);
    if (db_step(s) != 1)
        return TROUBLE;
    int64_t last = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (db_run(d, SQL_MAILBOX_VALIDITY, DB(j->mailbox_id, j->value)) != 0 ||
        (j->value > last && db_run(d, SQL_VALIDITY_SET, DB(j->value)) != 0))
        return TROUBLE;
    j->uidvalidity = j->value;
    job_effect(j, EFFECT_VALIDITY, j->mailbox_id)->message.uid = j->value;
    return DONE;
}

static int add_account(struct db *d, struct job *j)
{
    sqlite3_stmt *s = db_prepare(d, SQL_ACCOUNT_ADD, DB_NONE);
    if (s == NULL || sqlite3_bind_text(s, 1, j->name, -1, SQLITE_STATIC) != SQLITE_OK ||
        db_finish(s) != 0)
        return TROUBLE;
    j->id = j->account = sqlite3_last_insert_rowid(d->sql);
    return add_mailbox(d, j, "INBOX", false);
}

int change_run(struct writer_state *w, struct job *j)
{
    struct row r = {.id = 0};
    int rc = TROUBLE;
    switch (j->kind) {
    case JOB_ACCOUNT:
        rc = add_account(w->db, j);
        break;
    case JOB_APPEND:
        rc = run_append(w, j, &r);
        break;
    case JOB_DELIVER:
        rc = deliver(w, j, &j->messages[0], j->accounts, j->account_count, &r);
        break;
    case JOB_FLAGS:
        rc = run_flags(w, j, &r);
        break;
    case JOB_EXPUNGE:
        rc = run_expunge(w, j, &r);
        break;
    case JOB_COPY:
        rc = run_copy(w, j, &r);
        break;
    case JOB_CREATE:
        rc = create(w->db, j, j->name);
        break;
    case JOB_DELETE:
        rc = delete (w->db, j);
        break;
    case JOB_RENAME:
        rc = rename_mailbox(w->db, j);
        break;
    case JOB_SUBSCRIBE:
        rc = subscribe(w->db, j);
        break;
    case JOB_RECENT:
        rc = db_run(w->db, SQL_MAILBOX_RECENT, DB(j->mailbox_id, j->value));
        break;
    case JOB_RESET:
        rc = reset(w->db, j);
        break;
    case JOB_UIDVALIDITY:
        rc = set_validity(w->db, j);
        break;
    case JOB_RIDE:
        rc = run_ride(w, j, &r);
        break;
    }
    row_clear(&r);
    return rc == TROUBLE ? -1 : 0;
}
