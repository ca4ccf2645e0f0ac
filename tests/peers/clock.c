/* A time of day that a test can set while processes run: LETTERLOCK_TEST_CLOCK names a file with the offset, eight
   bytes of whole seconds. The clock that is never set (CLOCK_MONOTONIC) is left alone. libfaketime would do it too, but
   its clock_nanosleep answers EINVAL to Python's time.sleep when it leaves that clock alone. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t nothing;
static volatile int64_t *offset = &nothing;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("LETTERLOCK_TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *seen = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (seen != MAP_FAILED)
        offset = seen;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *offset;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec seen;
    (void)zone;
    int status = clock_gettime(CLOCK_REALTIME, &seen);
    now->tv_sec = seen.tv_sec;
    now->tv_usec = seen.tv_nsec / 1000;
    return status;
}

time_t time(time_t *now)
{
    struct timespec seen;
    clock_gettime(CLOCK_REALTIME_COARSE, &seen);
    if (now)
        *now = seen.tv_sec;
    return seen.tv_sec;
}

/* Its deadline is by the time of day that the caller saw, and the kernel's is another. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static int (*real)(sem_t *, const struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec moved = *until;
    moved.tv_sec -= *offset;
    return real(semaphore, &moved);
}
