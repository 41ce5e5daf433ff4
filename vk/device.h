// device.h — find Vulkan devices, choose one, know what it can do.
//
// One index space: the order of vkc_devices_list() is what --device, PARE_DEVICE and every
// message use. Discrete devices come first, then integrated, virtual, software; within a type,
// the loader's order.
#ifndef VKC_DEVICE_H
#define VKC_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vkc_device vkc_device;

typedef enum {
    VKC_TYPE_DISCRETE, VKC_TYPE_INTEGRATED, VKC_TYPE_VIRTUAL, VKC_TYPE_OTHER, VKC_TYPE_SOFTWARE,
} vkc_device_type;

// Optional features: bit, name (for --json and for switching off), what it is.
// None is needed: the floor is Vulkan 1.2 core with fp32 arithmetic.
#define VKC_FEATURE_MAP(X)                                                    \
    X(SUBGROUP_ARITHMETIC, "subgroup",     "subgroup arithmetic and shuffles")\
    X(SUBGROUP_SIZE,       "subgroup_size","required subgroup size")          \
    X(FP16,                "fp16",         "16-bit float storage and maths")  \
    X(TIMESTAMPS,          "timestamps",   "device timestamps")               \
    X(MEMORY_BUDGET,       "memory_budget","free memory reported")            \
    X(COOPMAT,             "coopmat",      "KHR cooperative matrices")        \
    X(DEVICE_FAULT,        "device_fault", "reason after a device loss")

typedef enum {
#define X(id, name, text) VKC_FEATURE_INDEX_##id,
    VKC_FEATURE_MAP(X)
#undef X
    VKC_FEATURE_COUNT
} vkc_feature_index;

enum {
#define X(id, name, text) VKC_FEATURE_##id = 1u << VKC_FEATURE_INDEX_##id,
    VKC_FEATURE_MAP(X)
#undef X
};

typedef struct vkc_device_info {
    uint32_t index;                 // place in the list
    char     name[256];             // VkPhysicalDeviceProperties.deviceName
    char     driver[256];           // driverName
    char     driver_info[256];      // driverInfo, the version a person would quote
    char     api[16];               // "1.3.230"
    char     uuid[37];              // 8-4-4-4-12 lower-case hex
    vkc_device_type type;
    uint32_t vendor_id, device_id;
    uint32_t subgroup_size;         // default subgroup size, 1..128
    uint32_t shared_bytes;          // maxComputeSharedMemorySize
    uint32_t max_invocations;       // in one workgroup
    uint32_t max_groups[3];         // maxComputeWorkGroupCount
    uint32_t max_bindings;          // storage buffers one kernel may use
    uint32_t offset_align;          // of a storage slice, bytes, a power of two
    uint64_t max_storage_range;     // bytes one binding may cover
    uint64_t max_buffer;            // bytes one buffer may have
    const char *max_buffer_limit;   // which of Vulkan's limits that is, "maxMemoryAllocationSize"; static
    uint32_t max_texels;            // vec4 that one samplerBuffer binding may cover
    uint64_t memory_bytes;          // the largest device-local heap
    uint32_t features;              // VKC_FEATURE_*, what is off by name already removed
    double   timestamp_ns;          // nanoseconds a tick; 0 = no timestamps
} vkc_device_info;

typedef enum { VKC_LOG_ERROR, VKC_LOG_WARN, VKC_LOG_INFO, VKC_LOG_DEBUG } vkc_log_level;
typedef void (*vkc_log_fn)(void *user, vkc_log_level level, const char *msg);

typedef struct vkc_device_params {
    const char *select;             // index, uuid or part of a name; NULL = PARE_DEVICE, else best
    const char *disable;            // feature names to switch off, "fp16,subgroup"; also PARE_DISABLE
    const char *cache_dir;          // pipeline cache folder, made where missing; "" = no cache on disk; NULL =
                                    // $XDG_CACHE_HOME/pare or ~/.cache/pare, or none when the home is not there
    bool        validate;           // Khronos validation with synchronization checks; also PARE_VALIDATE=1.
                                    // PARE_VALIDATE=gpu: GPU-assisted instead: accesses out of bounds, slowly
    double      budget_ms;          // longest submission wanted; 0 = by device type
    uint64_t    max_memory;         // refuse to allocate beyond this many bytes; 0 = no own limit
    vkc_log_fn  log;                // messages, validation included; NULL = silent
    void       *log_user;
    bool      (*stopped)(void);     // asked before a kernel is compiled; true: the call gives E_STOPPED. NULL = never
} vkc_device_params;

// List every usable device into a new array. `disable` as in vkc_device_params, may be NULL.
// Ownership: free *out with free(). Thread-safety: safe. Errors: E_NODEVICE (no loader, no driver
// with Vulkan 1.2), E_NOMEM.
vkc_status vkc_devices_list(const char *disable, vkc_device_info **out, uint32_t *n);

// Open a device. An ambiguous or unknown `select` fails with E_NODEVICE and a sentence that lists
// what there is. Errors: E_NODEVICE, E_NOMEM, E_UNSUPPORTED, E_ARG (unknown feature in `disable`).
// Thread-safety: a device and all it owns are used by one thread at a time; `log` is called from any thread, one at a
// time for messages of the driver, since kernels are compiled by threads.
vkc_status vkc_device_create(const vkc_device_params *params, vkc_device **out);
void       vkc_device_destroy(vkc_device *dev);         // waits for its work; NULL is fine

const vkc_device_info *vkc_device_get_info(const vkc_device *dev);
bool     vkc_device_has(const vkc_device *dev, uint32_t feature);
bool     vkc_device_is_lost(const vkc_device *dev);     // sticky: every later call gives E_LOST
uint32_t vkc_device_validation_count(const vkc_device *dev); // warnings and errors seen so far
// What the layer above keeps with the device, NULL at first. `finish` frees it when the device goes; NULL: not freed.
void     vkc_device_set_user(vkc_device *dev, void *user, void (*finish)(void *user));
void    *vkc_device_get_user(const vkc_device *dev);
// Told while somebody waits for kernels: in vkc_recording_finish(), and in the first vkc_submit() of kernels that have
// not run, for there are drivers that compile at the first dispatch. `done` of `total` kernels are ready; it took
// `seconds` so far, at least one, so that short waits are silent. Called from the waiting thread ten times a second at
// most. False: give up as soon as the kernel at hand is compiled, with E_STOPPED; a replay is then left unfinished.
typedef bool (*vkc_compile_fn)(void *user, uint32_t done, uint32_t total, double seconds);
// `fn` NULL: nobody is told. Who was told before comes back in *before and *before_user, which may be NULL.
void     vkc_device_on_compile(vkc_device *dev, vkc_compile_fn fn, void *user, vkc_compile_fn *before,
                               void **before_user);
const char *vkc_device_type_name(vkc_device_type type); // "discrete", "software" ...

#ifdef __cplusplus
}
#endif
#endif
