// levels.h — which commands may run together: hazards over address ranges.
#ifndef VKC_LEVELS_H
#define VKC_LEVELS_H

#include "vk/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

// A range of an address space in which no two buffers overlap.
typedef struct vkc__access {
    uint64_t begin, end;
    uint32_t command;               // which command, rising
    uint32_t mode;                  // vkc_access
} vkc__access;

// level[c] = 1 + the highest level of an earlier command with an overlapping range of which at
// least one is written, or 0. acc[] is sorted by command. Errors: E_NOMEM.
vkc_status vkc__levels_get(const vkc__access *acc, size_t n_acc, uint32_t n_commands, uint32_t *level,
                           uint32_t *n_levels);

#ifdef __cplusplus
}
#endif
#endif
