// recording.h — a list of dispatches, ordered by hazards, recorded once and replayed.
//
// While a recording is open, calls append commands in program order. vkc_recording_finish() works
// out which commands depend on which (overlapping ranges, at least one writing), puts independent
// ones on the same level, and one barrier between levels. Submitting replays it; what changes from
// replay to replay lives in buffers. Replays run one after the other, in the order submitted, each
// seeing all writes of the ones before, and writes of the host before the submit.
//
// No submission is longer than the device's budget_ms where a cut is possible: the first replay is
// cut finely and timed, later ones are cut by what was measured, and anew where one takes far longer.
// A device without timestamps is timed by waiting in the first and every 16th vkc_submit().
#ifndef VKC_RECORDING_H
#define VKC_RECORDING_H

#include "vk/kernel.h"
#include "vk/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vkc_recording vkc_recording;

typedef struct vkc_dispatch {
    const vkc_kernel *kernel;
    vkc_slice   bind[VKC_MAX_BIND]; // one a binding of the kernel; offsets aligned to offset_align
    const void *args;               // args_size bytes of the kernel, copied
    uint32_t    groups[3];          // 0 counts as 1; ignored when indirect.buf is set
    vkc_slice   indirect;           // three uint32 group counts, read on the device
} vkc_dispatch;

typedef struct vkc_recording_params {
    const char *name;               // copied
    bool        profile;            // serialise, with a timestamp around every dispatch
} vkc_recording_params;

vkc_status vkc_recording_create(vkc_device *dev, const vkc_recording_params *params,
                                vkc_recording **out);
void       vkc_recording_destroy(vkc_recording *rec);   // waits for its replays; NULL is fine

// Errors: E_ARG (a slice outside its buffer, misaligned, larger than maxStorageBufferRange, or a group
// count above the device's), E_NOMEM.
vkc_status vkc_record_dispatch(vkc_recording *rec, const vkc_dispatch *d);
vkc_status vkc_record_fill(vkc_recording *rec, vkc_slice dst, uint32_t word);  // 4-byte multiples
vkc_status vkc_record_copy(vkc_recording *rec, vkc_slice dst, vkc_slice src);  // equal sizes
// No more commands after this. Waits until the kernels are compiled. Errors: E_NOMEM, E_DEVMEM, E_UNSUPPORTED (a kernel
// that the driver cannot compile), E_STOPPED (vkc_device_on_compile).
vkc_status vkc_recording_finish(vkc_recording *rec);

// Start a replay and return at once; *ticket (may be NULL) is what vkc_wait() takes.
// Where someone is told how far kernels are compiled (vkc_device_on_compile) a replay with kernels that have never run
// is waited for. Errors: E_LOST, E_NOMEM, E_DEVMEM, E_ARG (not finished), E_STOPPED.
vkc_status vkc_submit(vkc_recording *rec, uint64_t *ticket);
vkc_status vkc_wait(vkc_device *dev, uint64_t ticket);  // 0 = everything submitted so far
bool       vkc_is_done(vkc_device *dev, uint64_t ticket);

typedef struct vkc_recording_info {
    uint32_t n_dispatches, n_levels, n_submissions;     // submissions a replay, as cut now
    bool     is_profiled;
} vkc_recording_info;
vkc_recording_info vkc_recording_get_info(const vkc_recording *rec);

// Profile: device time of dispatch i in the newest finished replay, in recording order.
// Needs params.profile and the timestamps feature; else E_UNSUPPORTED.
vkc_status vkc_recording_get_time(vkc_recording *rec, uint32_t i, const char **kernel, double *ms);
// Device time of the newest replay, from the start of each of its submissions to that one's end: fills, copies and
// barriers are in it, the waiting between submissions is not. E_UNSUPPORTED without the timestamps feature.
vkc_status vkc_recording_get_total(vkc_recording *rec, double *ms);
// Do both dispatch the same kernels in the same order, with equal arguments, group counts and sizes of memory?
bool vkc_recording_is_like(const vkc_recording *a, const vkc_recording *b);

#ifdef __cplusplus
}
#endif
#endif
