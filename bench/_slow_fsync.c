/* A disk that takes a millisecond longer: preloaded, it waits after every fsync and fdatasync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int waited(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(file);
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, 0);
    return result;
}

int fsync(int file) { return waited("fsync", file); }
int fdatasync(int file) { return waited("fdatasync", file); }
