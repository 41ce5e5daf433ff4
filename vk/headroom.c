// headroom.c — limits of the process and of its control group, and what is taken of them.
#include "vk/headroom.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((uint64_t) 1 << 20)
#define MAX_THREADS 32u             // of a software driver

// The numbers after n words in a file of lines, in bytes; UINT64_MAX for one that is not there or is "max".
static void read_numbers(const char *path, uint32_t n, const char *const word[], uint64_t unit, uint64_t found[])
{
    char line[256];
    uint32_t missing = n;
    for (uint32_t i = 0; i < n; i++)
        found[i] = UINT64_MAX;
    FILE *f = fopen(path, "re");
    while (f && missing > 0 && fgets(line, sizeof line, f))
        for (uint32_t i = 0; i < n; i++) {
            unsigned long long x;
            const size_t len = strlen(word[i]);
            if (found[i] == UINT64_MAX && strncmp(line, word[i], len) == 0 && sscanf(line + len, "%llu", &x) == 1) {
                found[i] = x * unit;
                missing--;
            }
        }
    if (f)
        fclose(f);
}

static uint64_t read_number(const char *path, const char *word)
{
    uint64_t found;
    read_numbers(path, 1, &word, 1, &found);
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

bool vkc__headroom_has(uint32_t mib)
{
    const char *by;
    return get_limited(&by) >= mib * MIB;
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
        limit = read_number(path, "");
        if (limit == UINT64_MAX)
            break;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", line + 3);
        const uint64_t taken = read_number(path, "anon ");
        limit = taken == UINT64_MAX ? limit : limit > taken ? limit - taken : 0;
    }
    if (f)
        fclose(f);
    return limit;
}

uint64_t vkc__headroom_host(uint64_t taken)
{
    static const char *const words[] = { "MemTotal:", "MemAvailable:", "SwapFree:" };
    const char *by;
    uint64_t found[3];
    read_numbers("/proc/meminfo", 3, words, 1024, found);
    const uint64_t whole = found[0], available = found[1], swap = found[2];
    const uint64_t reserve = VKC__COMPILE_MIB * MIB, limited = get_limited(&by);
    uint64_t left = available == UINT64_MAX ? UINT64_MAX : available + (swap == UINT64_MAX ? 0 : swap);
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
