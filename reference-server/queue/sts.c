/* Reads and remembers policies. SPDX-License-Identifier: MIT */
#include "queue/sts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

enum { POLICY_BYTES = 65536, PATTERNS = 32, NAME_BYTES = 256 };

struct policy {
    struct policy *next;
    char domain[NAME_BYTES];
    enum sts_mode mode;
    long long max_age;
    int64_t seen_s; /* when it was announced last; 0: never */
    char patterns[PATTERNS][NAME_BYTES];
    size_t count;
};

struct sts {
    struct policy *policies;
};

struct sts *sts_new(void)
{
    struct sts *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    return s;
}

static void forget(struct sts *s)
{
    while (s->policies != NULL) {
        struct policy *next = s->policies->next;
        free(s->policies);
        s->policies = next;
    }
}

void sts_free(struct sts *s)
{
    if (s != NULL)
        forget(s);
    free(s);
}

void sts_assign(struct sts *to, const struct sts *from)
{
    struct policy **end = &to->policies;
    forget(to);
    for (const struct policy *p = from->policies; p != NULL; p = p->next) {
        *end = malloc(sizeof **end);
        if (*end == NULL)
            abort();
        **end = *p;
        (*end)->next = NULL;
        end = &(*end)->next;
    }
}

static struct policy **find(const struct sts *s, const char *domain)
{
    struct policy **at = (struct policy **)&s->policies;
    while (*at != NULL && strcasecmp((*at)->domain, domain) != 0)
        at = &(*at)->next;
    return at;
}

/* One "key: value" line. */
static int take_line(struct policy *p, char *line, bool *version, struct err *err)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return err_set(err, "MTA-STS: \"%s\" is no line of a policy", line);
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    value[strcspn(value, " \t\r")] = '\0';
    if (strcmp(line, "version") == 0) {
        *version = strcmp(value, "STSv1") == 0;
    } else if (strcmp(line, "mode") == 0) {
        if (strcmp(value, "enforce") != 0 && strcmp(value, "testing") != 0 &&
            strcmp(value, "none") != 0)
            return err_set(err, "MTA-STS: there is no mode \"%s\"", value);
        p->mode = *value == 'e' ? STS_ENFORCE : *value == 't' ? STS_TESTING : STS_NONE;
    } else if (strcmp(line, "max_age") == 0) {
        p->max_age = strtoll(value, NULL, 10);
    } else if (strcmp(line, "mx") == 0) {
        if (p->count == PATTERNS || strlen(value) >= NAME_BYTES)
            return err_set(err, "MTA-STS: too many hosts, or too long a name");
        snprintf(p->patterns[p->count++], NAME_BYTES, "%s", value);
    } /* other keys are for others: RFC 8461, 3.2 */
    return 0;
}

int sts_set(struct sts *s, const char *domain, const char *policy, struct err *err)
{
    struct policy **at = find(s, domain);
    if (strlen(domain) >= NAME_BYTES || (policy != NULL && strlen(policy) >= POLICY_BYTES))
        return err_set(err, "MTA-STS: too long");
    struct policy *made = NULL;
    if (policy != NULL) {
        bool version = false;
        made = calloc(1, sizeof *made);
        char *text = strdup(policy), *rest = text, *line;
        if (made == NULL || text == NULL)
            abort();
        snprintf(made->domain, sizeof made->domain, "%s", domain);
        int rc = 0;
        while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
            if (line[strspn(line, " \t\r")] != '\0')
                rc = take_line(made, line, &version, err);
        if (rc == 0 && !version)
            rc = err_set(err, "MTA-STS: the policy of %s has no version STSv1", domain);
        free(text);
        if (rc != 0) {
            free(made);
            return -1;
        }
    }
    struct policy *old = *at, *next = old != NULL ? old->next : NULL;
    if (made != NULL)
        made->next = next;
    *at = made != NULL ? made : next;
    free(old);
    return 0;
}

int sts_read_folder(struct sts *s, const char *path, struct err *err)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    int rc = 0;
    if (d == NULL)
        return err_errno(err, path);
    while (rc == 0 && (e = readdir(d)) != NULL) {
        char name[4096], text[POLICY_BYTES];
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        FILE *f = fopen(name, "re");
        if (f == NULL) {
            rc = err_errno(err, name);
            break;
        }
        size_t n = fread(text, 1, sizeof text - 1, f);
        text[n] = '\0';
        if (ferror(f))
            rc = err_errno(err, name);
        else if (n == sizeof text - 1)
            rc = err_set(err, "%s: the policy is too long", name);
        else if (strlen(text) != n)
            rc = err_set(err, "%s: this is no text: there is a NUL in it", name);
        else
            rc = sts_set(s, e->d_name, text, err);
        fclose(f);
    }
    closedir(d);
    return rc;
}

bool sts_any(const struct sts *s)
{
    return s->policies != NULL;
}

/* The domain's policy; by a fault also one of a domain above it (RFC 8461, 3.4 has none of that).
 */
static struct policy *policy_of(const struct sts *s, const char *domain, bool *inherited)
{
    struct policy *p = *find(s, domain);
    *inherited = false;
    for (const char *dot = strchr(domain, '.'); p == NULL && dot != NULL;
         dot = strchr(dot + 1, '.'))
        if (fault(FAULT_QUEUE_STS_PARENT_BINDS)) {
            p = *find(s, dot + 1);
            *inherited = true;
        }
    return p;
}

enum sts_mode sts_mode(struct sts *s, const char *domain, bool announced, int64_t now_s)
{
    bool inherited;
    struct policy *p = policy_of(s, domain, &inherited);
    if (p == NULL)
        return STS_NONE;
    if (inherited || (announced && fault(FAULT_QUEUE_STS_TESTING_BINDS)))
        return STS_ENFORCE;
    if (announced)
        p->seen_s = now_s;
    return announced || (p->seen_s != 0 && now_s - p->seen_s <= p->max_age) ? p->mode : STS_NONE;
}

bool sts_allows(const struct sts *s, const char *domain, const char *host)
{
    bool inherited;
    const struct policy *p = policy_of(s, domain, &inherited);
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        const char *pattern = p->patterns[i];
        if (strcasecmp(pattern, host) == 0)
            return true;
        const char *dot = strchr(host, '.'); /* "*." stands for one label */
        if (pattern[0] == '*' && pattern[1] == '.' && dot != NULL &&
            strcasecmp(pattern + 1, dot) == 0)
            return true;
        size_t n = strlen(host), len = strlen(pattern);
        if (pattern[0] == '*' && n > len && strcasecmp(host + n - len + 1, pattern + 1) == 0 &&
            fault(FAULT_QUEUE_STS_WILDCARD_DEEP))
            return true;
    }
    return false;
}
