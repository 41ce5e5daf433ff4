// levels.c — hazard analysis.
//
// The ends of all ranges cut the address space into segments; each remembers the next level that
// a reader and a writer of it may have. A command looks at the segments it touches, then marks
// them.
#include "vk/levels.h"

#include <stdlib.h>

typedef struct segment {
    uint32_t after_write, after_any;    // first level free of its writers; of its readers and writers
} segment;

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

static size_t find(const uint64_t *cut, size_t n, uint64_t at)
{
    size_t lo = 0, hi = n;
    while (lo + 1 < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cut[mid] <= at)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

vkc_status vkc__levels_get(const vkc__access *acc, size_t n_acc, uint32_t n_commands, uint32_t *level,
                           uint32_t *n_levels)
{
    vkc_status st = VKC_OK;
    size_t n = 0;
    uint64_t *cut = calloc(2 * n_acc + 1, sizeof *cut);
    segment *seg = calloc(2 * n_acc + 1, sizeof *seg);
    uint32_t top = 0;
    if (!cut || !seg) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory while ordering %u commands", n_commands);
        goto done;
    }
    for (size_t i = 0; i < n_acc; i++) {
        cut[2 * i] = acc[i].begin;
        cut[2 * i + 1] = acc[i].end;
    }
    qsort(cut, 2 * n_acc, sizeof *cut, compare);
    for (size_t i = 0; i < 2 * n_acc; i++)
        if (n == 0 || cut[i] != cut[n - 1])
            cut[n++] = cut[i];

    size_t first = 0;
    for (uint32_t c = 0; c < n_commands; c++) {
        size_t last = first;
        uint32_t mine = 0;
        for (; last < n_acc && acc[last].command == c; last++)
            for (size_t s = find(cut, n, acc[last].begin); cut[s] < acc[last].end; s++) {
                uint32_t free_at = acc[last].mode & VKC_ACCESS_WRITE ? seg[s].after_any : seg[s].after_write;
                mine = free_at > mine ? free_at : mine;
            }
        for (; first < last; first++)
            for (size_t s = find(cut, n, acc[first].begin); cut[s] < acc[first].end; s++) {
                if (seg[s].after_any <= mine)   // an earlier reader may be on a later level
                    seg[s].after_any = mine + 1;
                if (acc[first].mode & VKC_ACCESS_WRITE)
                    seg[s].after_write = mine + 1;
            }
        level[c] = mine;
        top = mine + 1 > top ? mine + 1 : top;
    }
    *n_levels = top;
done:
    free(cut);
    free(seg);
    return st;
}
