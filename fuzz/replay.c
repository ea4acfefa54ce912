/* Runs one fuzz target over files, without any fuzzer: `make replay` does so with all seeds and
 * findings. If the target ends the process, the file that it was given is named.
 * SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

#define INPUT_LIMIT_BYTES ((size_t)16 * 1024 * 1024)

static const char *current = "";

/* Not by stdio: the process may be in any state. What the sanitizers print comes besides. */
static void name_input(int number)
{
    static const char words[] = ": this input broke the target\n";
    if (write(STDERR_FILENO, current, strlen(current)) < 0 ||
        write(STDERR_FILENO, words, sizeof words - 1) < 0)
        _exit(1);
    signal(number, SIG_DFL);
    raise(number);
}

static int run(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return -1;
    }
    uint8_t *data = malloc(INPUT_LIMIT_BYTES);
    if (data == NULL)
        abort();
    size_t n = fread(data, 1, INPUT_LIMIT_BYTES, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        return -1;
    }
    /* A block of exactly that size lets the sanitizers see a read past the end. */
    uint8_t *exact = realloc(data, n > 0 ? n : 1);
    if (exact == NULL)
        abort();
    current = path;
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    int rc = 0;
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        signal(fatal[i], name_input);
    for (int i = 1; i < argc; i++)
        if (run(argv[i]) != 0)
            rc = 1;
    printf("%s: %d inputs replayed\n", argv[0], argc - 1);
    return rc;
}
