// base.h — what every call of the library shares: status codes, failures in words, growing structs, progress, devices.
//
// Threads: a device, and all that was made with it, serves one thread at a time; different devices may serve different
// threads at once. Nothing else is shared but the table of mixers (pare/mixer.h).
// The library never prints, never exits and never aborts.
#ifndef PARE_BASE_H
#define PARE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define PARE_API __attribute__((visibility("default")))
#else
#define PARE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// What a call says of how it went; the numbers are the exit codes of the program `pare`.
typedef enum pare_status {
    PARE_OK = 0,
    PARE_E_CHECK = 1,               // a check failed: numbers that are not finite, nothing that can be replaced
    PARE_E_ARG = 2,                 // an argument that cannot be
    PARE_E_NODEVICE = 3,            // no such device, or none with Vulkan 1.2
    PARE_E_MEMORY = 4,              // out of memory, of the host or of the device
    PARE_E_LOST = 5,                // the device is lost: close it and what was made with it
    PARE_E_FILE = 6,                // a file or folder that cannot be read or written, or is not as it should be
    PARE_E_UNSUPPORTED = 7,         // beyond what this device can do; the program has exit code 3 or 4
    PARE_E_STOPPED = 130            // a callback said to stop
} pare_status;

// The newest failure of this thread as a sentence without its full stop, "" when nothing failed yet. It stays until the
// next failure of the thread.
PARE_API const char *pare_last_error(void);

// Structs that a program fills or has filled begin with `size`, which its ..._default() sets. They grow at their end:
// what a program did not know of when it was compiled is then as by default. In options 0 and NULL are the default. A
// size smaller than that of version 0.1 is refused (PARE_E_ARG), as is a field set that this library does not know.

typedef struct pare_progress {      // made by the library; what it says lasts for the callback
    size_t      size;
    const char *what;               // "train", "evaluate" ...; "" = nothing to show, only the question whether to go on
    const char *unit;               // of `done` and `total`: "images", "steps"
    const char *note;               // "loss 1.234 lr 9.1e-04", or ""
    uint64_t    done, total;        // total 0 = not known
    double      seconds;            // since the call began, or was resumed
    double      left;               // seconds to its end, estimated; < 0 = not known yet
    double      rate;               // units a second, measured from the first call on; 0 = not known yet
} pare_progress;

typedef enum pare_notice {
    PARE_NOTE = 0,                  // good to know
    PARE_WARNING = 1,               // not as it should be; the call goes on
    PARE_STARTED = 2,               // checks are over, the run begins; the sentence says where it is kept
    PARE_KEPT = 3                   // the run was stopped; the sentence says where what is done is kept
} pare_notice;

// Called from the thread that made the call, a few times a second; with `what` "compiling kernels" and `unit` "kernels"
// while a driver compiles for more than a second. Return nonzero to go on; 0 stops the call, which
// writes its checkpoint, where it has one, and returns PARE_E_STOPPED.
typedef int (*pare_progress_fn)(void *user, const pare_progress *progress);
// A sentence without its full stop, for a person; it lasts for the callback.
typedef void (*pare_notice_fn)(void *user, pare_notice kind, const char *sentence);

typedef struct pare_callbacks {
    size_t           size;
    pare_progress_fn progress;      // NULL = never stopped
    pare_notice_fn   notice;        // NULL = none are given
    void            *user;          // of both
} pare_callbacks;

static inline pare_callbacks pare_callbacks_default(void)
{
    pare_callbacks c;
    memset(&c, 0, sizeof c);
    c.size = sizeof c;
    return c;
}

typedef struct pare_device pare_device;

typedef struct pare_device_options {
    size_t      size;
    const char *select;             // index, uuid or part of the name; NULL = the variable PARE_DEVICE, else the best
    const char *disable;            // optional features to leave alone, "fp16,subgroup"
    const char *cache_dir;          // of compiled kernels; "" = none on disk; NULL = $XDG_CACHE_HOME/pare or
                                    // ~/.cache/pare
    uint64_t    max_memory;         // bytes of device memory at most; 0 = what there is
    uint32_t    validate;           // not 0: with the Khronos validation layer, whose complaints are warnings
    pare_notice_fn notice;          // of the driver and the validation layer, from any thread; NULL = none are given
    void       *user;               // of `notice`
} pare_device_options;

static inline pare_device_options pare_device_options_default(void)
{
    pare_device_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    return o;
}

typedef struct pare_device_info {
    size_t   size;
    uint32_t index;                 // what pare_device_options.select may be
    uint32_t subgroup_size, max_invocations, shared_bytes;      // of a workgroup
    uint64_t max_storage_range;     // bytes that a kernel can reach through one binding
    uint64_t memory_bytes;          // of the largest heap on the device
    char     name[256], driver[256], driver_info[256];
    char     api[16], uuid[40], type[16];       // "1.3.230"; 8-4-4-4-12 hex; "discrete", "integrated", "software" ...
    char     features[256];         // optional ones that it has and are not disabled, "subgroup,fp16"
} pare_device_info;

static inline pare_device_info pare_device_info_default(void)
{
    pare_device_info i;
    memset(&i, 0, sizeof i);
    i.size = sizeof i;
    return i;
}

// The devices that there are, best first. `options` may be NULL; `disable` is read. Fills at most `cap` of `out`, each
// of which has its size set, all alike, and says in *n how many there are. Errors: PARE_E_NODEVICE, PARE_E_MEMORY.
PARE_API pare_status pare_devices(const pare_device_options *options, pare_device_info *out, size_t cap, size_t *n);

// Open a device. `options` may be NULL. Errors: PARE_E_NODEVICE in a sentence that lists what there is, PARE_E_ARG,
// PARE_E_MEMORY, PARE_E_UNSUPPORTED.
PARE_API pare_status pare_device_open(const pare_device_options *options, pare_device **out);
// After all that was made with it; NULL is fine. Waits for its work.
PARE_API void        pare_device_close(pare_device *device);
PARE_API pare_status pare_device_get_info(const pare_device *device, pare_device_info *out);

#ifdef __cplusplus
}
#endif
#endif
