/* Loaded before the C library, it makes every flush take FLUSH_MS milliseconds longer (5, where
 * nothing is said), as on a disk that has to move something. The same file slows mailproofd and
 * Postfix, so that neither is treated better. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/syscall.h>

static void wait_for_the_disk(void)
{
    const char *said = getenv("FLUSH_MS");
    long ms = said != NULL ? atol(said) : 5;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

int fsync(int fd)
{
    wait_for_the_disk();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_for_the_disk();
    return (int)syscall(SYS_fdatasync, fd);
}
