/* Fuzzes what mailproofd is told in files: the first byte chooses between a configuration and a
 * list of accounts. Whatever stands there, it is taken or refused in words; and what is taken can
 * be shown. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>

#include "config/config.h"
#include "control/rule.h"
#include "fault.h"
#include "target.h"

enum { MOST_INPUT = 20000 };

/* Lines that make it read other files could name a device that never ends. */
static bool reads_files(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"config", "users", "script"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (memmem(data, size, names[i], strlen(names[i])) != NULL)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    struct err err = {""};
    char name[64];
    char program[] = "mailproofd", as_config[] = "--config", as_users[] = "--users";
    if (size == 0 || size > MOST_INPUT || (data[0] % 2 == 0 && reads_files(data, size)))
        return 0;
    int fd = memfd_create("input", MFD_CLOEXEC);
    FILE *shown = fopen("/dev/null", "w");
    if (fd < 0 || shown == NULL || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    char *argv[] = {program, data[0] % 2 == 0 ? as_config : as_users, name, NULL};
    switch (config_read(3, argv, &c, shown, &err)) {
    case CONFIG_RUN:
        config_show(&c, shown);
        config_free(&c);
        break;
    case CONFIG_SHOWN:
        break;
    case CONFIG_BAD:
        if (err.text[0] == '\0')
            abort();
        break;
    }
    (void)rule_remove(0);
    fclose(shown);
    close(fd);
    return 0;
}
