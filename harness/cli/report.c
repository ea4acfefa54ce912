/* mailproof report: reports of a run made earlier, here or elsewhere, or of the shards of one.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/formats.h"

int cli_report(int argc, char **argv)
{
    struct words files = {0}, formats = {0}, merge = {0};
    const char *out = NULL;
    bool list = false;
    struct err err;
    char *home = NULL;
    int code = EXIT_AS_EXPECTED;
    const struct flag flags[] = {
        {"--format", 0, FLAG_WORDS, &formats, "KIND[:PATH]",
         "a report (repeat); PATH - is standard output; default html, junit, json"},
        {"--merge", 0, FLAG_WORDS, &merge, "RUN.jsonl",
         "one more shard of the same run (repeat; further arguments are the same)"},
        {"--out", 0, FLAG_TEXT, &out, "DIR",
         "where reports without a path go (default: beside the first file)"},
        {"--formats", 0, FLAG_SWITCH, &list, NULL, "list the formats"},
        {0},
    };
    int parsed = flags_parse(flags, argc, argv, &files, &err);
    if (parsed > 0) {
        flags_help(
            flags, "mailproof report RUN.jsonl... [--format KIND[:PATH]]...",
            "Renders what a run recorded. Several files are the shards of one run and are merged.",
            stdout);
        goto out;
    }
    for (size_t i = 0; i < merge.n && parsed == 0; i++) {
        files.at = realloc(files.at, (files.n + 1) * sizeof *files.at);
        if (files.at == NULL)
            abort();
        files.at[files.n++] = merge.at[i];
    }
    if (parsed == 0 && !list && files.n == 0)
        parsed = err_set(&err, "names no run.jsonl");
    if (parsed == 0 && (home = cli_home(&err)) == NULL) {
        code = EXIT_INTERNAL;
    } else if (parsed < 0 || formats_check(home, &formats, &err) != 0) {
        code = EXIT_USAGE;
    } else if (list) {
        code = formats_list(home, &err) == 0 ? EXIT_AS_EXPECTED : EXIT_INTERNAL;
    } else if (formats_write(home, files.at, files.n, out, formats.n == 0, &formats, &err) != 0) {
        code = EXIT_INTERNAL;
    }
    if (code != EXIT_AS_EXPECTED)
        fprintf(stderr, "mailproof report: %s\n", err.text);
out:
    free(home);
    free(files.at);
    free(formats.at);
    free(merge.at);
    return code;
}
