/* Reads what MTA-STS and TLS reporting publish. SPDX-License-Identifier: MIT */
#include "ports/dns/dns_policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_AGE_MOST = 31557600, FIELDS_MOST = 32 };

size_t policy_records(const struct dns_answer *a, const char *version, const char **first)
{
    size_t n = 0, len = strlen(version);
    *first = NULL;
    for (size_t i = 0; i < a->n; i++) {
        const char *text = (const char *)a->at[i].data;
        const char *after = text + len;
        if (strncmp(text, version, len) != 0)
            continue;
        after += strspn(after, " \t");
        if (*after != ';')
            continue;
        if (n++ == 0)
            *first = text;
    }
    return n;
}

/* The fields behind the version, one call each: 1 with name and value, 0 at the end, -1: no field.
 */
static int next_field(const char **at, char *name, char *value, size_t size)
{
    *at += strspn(*at, " \t;");
    size_t n = strcspn(*at, ";");
    const char *equal = memchr(*at, '=', n);
    if (n == 0)
        return 0;
    while (n > 0 && strchr(" \t", (*at)[n - 1]) != NULL)
        n--;
    size_t left = equal != NULL ? (size_t)(equal - *at) : 0;
    if (left == 0 || left > 32 || left + 1 >= n || n - left - 1 >= size)
        return -1;
    memcpy(name, *at, left);
    name[left] = '\0';
    memcpy(value, equal + 1, n - left - 1);
    value[n - left - 1] = '\0';
    *at += n;
    return 1;
}

static bool all_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* Finds the field of this name in a record. */
static int find_field(const char *text, const char *wanted, char *out, size_t size, struct err *err)
{
    const char *at = text + strcspn(text, ";");
    char name[64], value[1024];
    bool found = false;
    if (!all_printable(text))
        return err_set(err, "the record has bytes that are no printable ASCII");
    for (int i = 0; i < FIELDS_MOST; i++) {
        int rc = next_field(&at, name, value, sizeof value);
        if (rc < 0)
            return err_set(err, "\"%.60s\" is no name=value", at);
        if (rc == 0)
            break;
        if (!found && strcmp(name, wanted) == 0)
            (void)snprintf(out, size, "%s", value);
        found = found || strcmp(name, wanted) == 0;
    }
    return found ? 0 : err_set(err, "the record has no %s=", wanted);
}

int policy_sts_record(const char *text, struct err *err)
{
    char id[1024];
    if (find_field(text, "id", id, sizeof id, err) != 0)
        return -1;
    for (const char *c = id; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c))
            return err_set(err, "id=%.40s: letters and digits only are allowed", id);
    if (strlen(id) > 32)
        return err_set(err, "id=%.40s…: more than 32 characters", id);
    return 0;
}

int policy_report_record(const char *text, struct err *err)
{
    char rua[1024];
    if (find_field(text, "rua", rua, sizeof rua, err) != 0)
        return -1;
    char *save = NULL;
    for (char *one = strtok_r(rua, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        one += strspn(one, " \t");
        bool mail = strncasecmp(one, "mailto:", 7) == 0 && strchr(one, '@') != NULL;
        bool web = strncasecmp(one, "https://", 8) == 0 && one[8] != '\0';
        if (!mail && !web)
            return err_set(err, "rua=%.100s: mailto: or https: was expected", one);
    }
    return 0;
}

static bool good_name(const char *name)
{
    const char *label = name;
    if (strncmp(label, "*.", 2) == 0)
        label += 2;
    for (;;) {
        size_t n = strcspn(label, ".");
        if (n == 0 || n > 63 || label[0] == '-' || label[n - 1] == '-')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char)label[i]) && label[i] != '-')
                return false;
        if (label[n] == '\0')
            return true;
        label += n + 1;
    }
}

struct seen {
    bool version, mode, max_age;
};

static int one_line(struct policy *p, struct seen *seen, char *line, int number, struct err *err)
{
    char *value = strchr(line, ':');
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
        line[--n] = '\0';
    if (value == NULL || value == line)
        return err_set(err, "line %d has no colon: \"%.60s\"", number, line);
    *value++ = '\0';
    value += strspn(value, " \t");
    if (strcmp(line, "version") == 0 && !seen->version) {
        seen->version = true;
        if (strcmp(value, "STSv1") != 0)
            return err_set(err, "line %d: version STSv1 was expected, not \"%.40s\"", number,
                           value);
    } else if (strcmp(line, "mode") == 0 && !seen->mode) {
        static const char *const modes[] = {"none", "testing", "enforce"};
        for (int i = 0; i < 3; i++)
            if (strcmp(value, modes[i]) == 0) {
                p->mode = (enum policy_mode)i;
                seen->mode = true;
            }
        if (!seen->mode)
            return err_set(err,
                           "line %d: mode enforce, testing or none was expected, not \"%.40s\"",
                           number, value);
    } else if (strcmp(line, "max_age") == 0 && !seen->max_age) {
        char *end = NULL;
        seen->max_age = true;
        p->max_age = strtol(value, &end, 10);
        if (!isdigit((unsigned char)*value) || *end != '\0' || strlen(value) > 10 ||
            p->max_age > MAX_AGE_MOST)
            return err_set(err, "line %d: max_age of 0 to %d seconds was expected, not \"%.40s\"",
                           number, MAX_AGE_MOST, value);
    } else if (strcmp(line, "mx") == 0) {
        if (strlen(value) >= sizeof p->mx[0] || !good_name(value))
            return err_set(err, "line %d: \"%.60s\" is no name of an MX, nor *.name", number,
                           value);
        if (p->mx_n == POLICY_MX_MOST)
            return err_set(err, "line %d: more than %d mx", number, POLICY_MX_MOST);
        (void)snprintf(p->mx[p->mx_n++], sizeof p->mx[0], "%s", value);
    }
    return 0;
}

int policy_read(const char *text, size_t n, struct policy *p, struct err *err)
{
    struct seen seen = {0};
    int number = 0;
    memset(p, 0, sizeof *p);
    if (n > POLICY_BYTES_MOST)
        return err_set(err, "it is longer than 64 KiB");
    for (size_t at = 0; at < n;) {
        const char *lf = memchr(text + at, '\n', n - at);
        size_t len = lf != NULL ? (size_t)(lf - text) - at : n - at;
        char line[1024];
        number++;
        if (len >= sizeof line)
            return err_set(err, "line %d is longer than 1000 bytes", number);
        memcpy(line, text + at, len);
        line[len] = '\0';
        at += len + 1;
        if (line[strspn(line, " \t\r")] != '\0' && one_line(p, &seen, line, number, err) != 0)
            return -1;
    }
    if (!seen.version || !seen.mode || !seen.max_age)
        return err_set(err, "it has no %s",
                       !seen.version ? "version"
                       : !seen.mode  ? "mode"
                                     : "max_age");
    if (p->mx_n == 0 && p->mode != POLICY_NONE)
        return err_set(err, "it names no mx");
    return 0;
}

bool policy_covers(const struct policy *p, const char *mx)
{
    for (size_t i = 0; i < p->mx_n; i++) {
        const char *pattern = p->mx[i], *dot = strchr(mx, '.');
        if (strcasecmp(pattern, mx) == 0 ||
            (strncmp(pattern, "*.", 2) == 0 && dot != NULL && strcasecmp(pattern + 1, dot) == 0))
            return true;
    }
    return false;
}
