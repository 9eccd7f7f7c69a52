/* Lets fsync and fdatasync fail with EIO, as a disk does that cannot write any more: for files whose path contains what
 * SIYU_TEST_EIO_ON says, after so many calls as SIYU_TEST_EIO_AFTER says. Loaded before the C library (LD_PRELOAD). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static int fails(int fd) {
    const char *on = getenv("SIYU_TEST_EIO_ON");
    const char *after = getenv("SIYU_TEST_EIO_AFTER");
    char link[64], path[4096];
    if (!on || !after)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, on) && atomic_fetch_add(&calls, 1) >= atol(after);
}

static int synced(const char *name, int fd) {
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
