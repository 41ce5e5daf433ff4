// replay.h — a recording's insides, shared by recording.c and replay.c.
#ifndef VKC_REPLAY_H
#define VKC_REPLAY_H

#include "vk/compile/compile.h"
#include "vk/levels.h"
#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { VKC__DISPATCH, VKC__FILL, VKC__COPY } vkc__command_kind;

typedef struct vkc__command {
    vkc__command_kind kind;
    const vkc_kernel *kernel;
    size_t    first_bind, first_arg;    // in the recording's binds[] and args[]
    uint32_t  groups[3];
    vkc_slice indirect, dst, src;
    uint32_t  word;
    VkDescriptorSet set;
} vkc__command;

struct vkc_recording {
    vkc_device   *dev;
    char         *name;
    bool          profile;
    bool          finished;         // takes no more commands
    bool          ready;            // its command buffers are whole
    vkc__command *commands;         // in program order
    vkc_slice    *binds;
    VkBufferView *views;            // of binds[i] where its kernel has a samplerBuffer
    uint32_t     *args;
    vkc__access  *accesses;
    size_t        n_commands, cap_commands, n_binds, cap_binds, n_args, cap_args, n_accesses, cap_accesses;
    uint32_t      n_dispatches, n_levels;

    vkc_kernel  **kernels;          // each that a dispatch uses, once
    uint32_t      n_kernels;

    uint32_t     *level;            // of each command
    uint32_t     *order;            // commands by level
    double       *cost_ms;          // of order[i], by the newest measurement
    VkDescriptorPool sets;

    uint32_t     *cut;              // submission s runs order[cut[s]] to order[cut[s + 1]]
    uint32_t      n_cuts;           // submissions a replay
    VkCommandPool pool;
    VkCommandBuffer *buffers;       // one a submission
    VkQueryPool   queries;          // a pair for each command (profile) or submission
    double       *host_ms;          // of each submission, by the host, without queries
    bool          has_queries;
    uint64_t      n_replays;
    uint64_t      ticket;           // of the newest replay
};

vkc_status vkc__replay_init(vkc_recording *rec);    // after order[] is known: first cuts, buffers
void       vkc__replay_finish(vkc_recording *rec);

#ifdef __cplusplus
}
#endif
#endif
