// headroom.c — limits of the process and of its control group, and what is taken of them.
#include "vk/headroom.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((uint64_t) 1 << 20)
#define MAX_THREADS 32u             // of a software driver

// A number after a word in a file of lines, in bytes; UINT64_MAX when it is not there or is "max".
static uint64_t read_number(const char *path, const char *word, uint64_t unit)
{
    char line[256];
    uint64_t found = UINT64_MAX;
    FILE *f = fopen(path, "re");
    while (f && found == UINT64_MAX && fgets(line, sizeof line, f)) {
        unsigned long long x;
        const size_t len = strlen(word);
        if (strncmp(line, word, len) == 0 && sscanf(line + len, "%llu", &x) == 1)
            found = x * unit;
    }
    if (f)
        fclose(f);
    return found;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t left_of(rlim_t limit, uint64_t taken)
{
    return limit == RLIM_INFINITY ? UINT64_MAX : (uint64_t) limit > taken ? (uint64_t) limit - taken : 0;
}

// What ulimit -v and ulimit -d leave; *by: which of them leaves less. UINT64_MAX without limits.
static uint64_t get_limited(const char **by)
{
    struct rlimit space = { RLIM_INFINITY, RLIM_INFINITY }, data = { RLIM_INFINITY, RLIM_INFINITY };
    unsigned long long pages = 0, in_data = 0;
    const uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);
    *by = "ulimit -v";
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_DATA, &data);
    if (space.rlim_cur == RLIM_INFINITY && data.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%llu %*u %*u %*u %*u %llu", &pages, &in_data) != 2)
        pages = in_data = 0;        // not Linux: as if nothing were taken yet
    if (f)
        fclose(f);
    const uint64_t v = left_of(space.rlim_cur, pages * page), d = left_of(data.rlim_cur, in_data * page);
    if (d < v)
        *by = "ulimit -d";
    return least(v, d);
}

vkc_status vkc__headroom_check(const char *what, uint32_t mib, uint64_t more)
{
    const char *by;
    const uint64_t left = get_limited(&by), need = mib * MIB + more;
    if (left >= need)
        return VKC_OK;
    return VKC_FAIL(VKC_E_NOMEM, "out of host memory while %s: this process may take %llu MiB more (%s), and about "
                    "%llu are needed", what, (unsigned long long) (left / MIB), by,
                    (unsigned long long) ((need + MIB - 1) / MIB));
}

// Of control groups, version 2: the limit of this process's own, less what is taken but the cache of files.
static uint64_t get_group(void)
{
    char line[512], path[700], *end;
    uint64_t limit = UINT64_MAX;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && limit == UINT64_MAX && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::", 3) != 0)
            continue;
        end = strchr(line, '\n');
        if (end)
            *end = '\0';
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
        limit = read_number(path, "", 1);
        if (limit == UINT64_MAX)
            break;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", line + 3);
        const uint64_t taken = read_number(path, "anon ", 1);
        limit = taken == UINT64_MAX ? limit : limit > taken ? limit - taken : 0;
    }
    if (f)
        fclose(f);
    return limit;
}

uint64_t vkc__headroom_host(uint64_t taken)
{
    const char *by;
    const uint64_t reserve = VKC__COMPILE_MIB * MIB;
    const uint64_t available = read_number("/proc/meminfo", "MemAvailable:", 1024);
    const uint64_t swap = read_number("/proc/meminfo", "SwapFree:", 1024);
    const uint64_t limited = get_limited(&by);
    uint64_t left = available == UINT64_MAX ? UINT64_MAX : available + (swap == UINT64_MAX ? 0 : swap);
    const uint64_t whole = read_number("/proc/meminfo", "MemTotal:", 1024);
    left = least(left, whole == UINT64_MAX ? whole : whole > taken ? whole - taken : 0);
    left = least(left, get_group());
    return least(left, limited == UINT64_MAX ? limited : limited > reserve ? limited - reserve : 0);
}

uint32_t vkc__headroom_threads(void)
{
    struct rlimit stack = { RLIM_INFINITY, RLIM_INFINITY };
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    getrlimit(RLIMIT_STACK, &stack);
    const uint64_t one = stack.rlim_cur == RLIM_INFINITY ? 8 * MIB : (uint64_t) stack.rlim_cur;
    const uint64_t threads = n < 1 ? 1 : n < (long) MAX_THREADS ? (uint64_t) n : MAX_THREADS;
    return (uint32_t) least(threads * one / MIB, UINT32_MAX);
}
