// internal.h — what the files of vk/ share: the device's insides and small helpers.
#ifndef VKC_INTERNAL_H
#define VKC_INTERNAL_H

#include "vk/compat.h"
#include "vk/device.h"
#include "vk/kernel.h"
#include "vk/memory.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VKC__STAGING_SIZE (4u << 20)
#define VKC__BUFFER_BITS 35         // no buffer has more than 2^35 bytes: recordings give each as many addresses
#define VKC__MAX_BUFFER ((uint64_t) 1 << VKC__BUFFER_BITS)

typedef struct vkc__log {
    vkc_log_fn fn;
    void      *user;
    uint32_t   n_validation;        // validation warnings and errors so far: vkc__log_count
} vkc__log;

typedef struct vkc__instance {
    VkInstance vk;
    VkDebugUtilsMessengerEXT messenger;
    bool       has_debug_utils;
} vkc__instance;

typedef struct vkc__candidate {     // a usable physical device
    VkPhysicalDevice vk;
    uint32_t queue_family, timestamp_bits;
    vkc_device_info info;
} vkc__candidate;

typedef struct vkc__block {         // one VkDeviceMemory
    struct vkc__block *next;
    VkDeviceMemory memory;
    vkc_buffer    *buffers;         // in it, by rising offset
    size_t         size;
    uint32_t       type;
    bool           shared;          // by many small buffers
    unsigned char *map;             // NULL when the host can't see it
} vkc__block;

struct vkc_buffer {
    vkc_device    *dev;
    vkc_buffer    *next;            // in its block
    vkc__block    *block;
    VkBuffer       vk;
    uint64_t       serial;          // never used twice in a device
    size_t         size;            // rounded up to 16
    size_t         offset, taken;   // where in the block
    vkc_mem        intent;
    unsigned char *map;             // host address, or NULL
    bool           cached;          // host reads of `map` are fast
};

struct vkc_kernel {
    vkc_kernel       *next;
    vkc_kernel_params params;
    VkPipeline        pipeline;
    VkPipelineLayout  layout;
    VkDescriptorSetLayout set_layout;
    uint32_t          n_bindings, wg;
    uint8_t           access[VKC_MAX_BIND]; // vkc_access; 0 = the shader has no such binding
    uint32_t          texels;               // bit i: binding i is a samplerBuffer
    uint32_t          values[1 + VKC_MAX_SPEC], spec_mask;  // of constant i, where bit i says that the shader has it
    bool              has_run;              // once: drivers that compile at the first dispatch have done so
    uint64_t          listed;               // the last list it was put on, by its serial
    // The compiler's, behind its lock until it was waited for.
    vkc_kernel       *queued;               // the next one that waits for a thread
    bool              is_made;
    VkResult          result;               // once it is made
};

#define VKC__COMPILE_THREADS 64     // at most

typedef struct vkc__compiler {
    pthread_mutex_t lock;
    pthread_cond_t  asked, made;
    vkc_kernel     *first;          // that waits for a thread
    uint32_t        n_idle, n_threads, most;
    bool            is_there, is_ending;
    pthread_t       thread[VKC__COMPILE_THREADS];
    VkResult      (*make)(vkc_device *dev, vkc_kernel *k);  // vkc__pipeline_make, or what a test has in its place
} vkc__compiler;

struct vkc_device {
    vkc_device_info info;
    vkc__log        log;
    vkc__instance   instance;
    VkPhysicalDevice physical;
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    VkDevice        vk;
    VkQueue         queue;
    uint32_t        queue_family, timestamp_bits;
    PFN_vkSetDebugUtilsObjectNameEXT set_name;
    vkc__fault_fn   get_fault;
    bool            lost;
    void           *user;           // of the layer above
    void          (*finish_user)(void *user);
    double          budget_ms;
    bool          (*stopped)(void);     // may be NULL

    VkSemaphore     timeline;       // counts submissions
    uint64_t        submitted;      // value the newest submission signals
    VkCommandPool   pool;           // for blocking transfers
    VkCommandBuffer transfer;
    vkc_buffer     *upload, *readback;

    vkc__block     *blocks;
    uint64_t        next_serial, in_use, peak, max_memory;

    vkc_kernel     *kernels;        // newest first
    vkc__compiler   compiler;
    vkc_compile_fn  on_compile;     // may be NULL
    void           *on_compile_user;
    double          tell_after, tell_every;     // seconds
    uint64_t        next_list;      // serial
    VkPipelineCache cache;
    char           *cache_path;     // NULL = nothing on disk
    size_t          cache_there;    // bytes of it that are a folder which is not to be made
    uint64_t        cache_sum;      // checksum of what was loaded; 0 = nothing
    bool            cache_dirty;    // something was compiled that the file may lack
};

// instance.c
vkc_status vkc__check_memory(VkResult res, const char *what);      // E_NOMEM or E_DEVMEM, else VKC_OK: other errors too
vkc_status vkc__instance_init(vkc__instance *inst, bool validate, vkc__log *log);
void       vkc__instance_finish(vkc__instance *inst);
void       vkc__log_write(const vkc__log *log, vkc_log_level level, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
uint32_t   vkc__log_count(const vkc__log *log);     // of validation messages

// select.c
vkc_status vkc__candidates_get(const vkc__instance *inst, uint32_t disabled, vkc__candidate **out, uint32_t *n);
// `select` NULL or "" = PARE_DEVICE, else the first. infos[i].index is i.
vkc_status vkc__match(const char *select, const vkc_device_info *infos, uint32_t n, uint32_t *index);
vkc_status vkc__disabled_get(const char *disable, uint32_t *mask);     // adds PARE_DISABLE

// features.c
vkc_status vkc__features_get(VkPhysicalDevice dev, uint32_t timestamp_bits, uint32_t *features);
vkc_status vkc__extension_find(VkPhysicalDevice dev, const char *name, bool *found);
vkc_status vkc__device_open(vkc_device *dev);   // vkCreateDevice with dev->info.features enabled

// device_state.c: a VkResult as a status; remembers a lost device.
vkc_status vkc__check(vkc_device *dev, VkResult res, const char *what);
vkc_status vkc__check_alive(const vkc_device *dev);
void       vkc__lose(vkc_device *dev);          // from now on every call gives E_LOST
void       vkc__name(vkc_device *dev, VkObjectType type, uint64_t handle, const char *name);

// memory.c
vkc_status vkc__slice_check(vkc_device *dev, vkc_slice s, const char *what);
void       vkc__memory_finish(vkc_device *dev);

// kernel.c
void       vkc__kernels_finish(vkc_device *dev);

// compile.c, whose other functions are in compile.h
VkResult   vkc__pipeline_make(vkc_device *dev, vkc_kernel *k);
vkc_status vkc__compile_init(vkc_device *dev);

// submit.c: the one queue and its timeline.
vkc_status vkc__submit_init(vkc_device *dev);
void       vkc__submit_finish(vkc_device *dev);
vkc_status vkc__submit(vkc_device *dev, VkCommandBuffer cmd);
vkc_status vkc__wait_for(vkc_device *dev, uint32_t ms, bool *is_done);     // for all that was submitted, so long
vkc_status vkc__transfer_begin(vkc_device *dev);            // then record into dev->transfer
vkc_status vkc__transfer_end(vkc_device *dev);              // submits it and waits
void       vkc__barrier(VkCommandBuffer cmd);               // between kernels and transfers
void       vkc__barrier_host(VkCommandBuffer cmd);          // before the host reads

#ifdef __cplusplus
}
#endif
#endif
