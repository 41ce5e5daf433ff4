// compile.h — threads that make the pipelines of kernels, and the wait for them.
#ifndef VKC_COMPILE_H
#define VKC_COMPILE_H

#include "vk/internal.h"

#ifdef __cplusplus
extern "C" {
#endif

// Make the pipeline of a kernel whose layouts are there, in a thread of the device; at once where none can be started.
void       vkc__compile(vkc_device *dev, vkc_kernel *k);
// Kernels that wait for a thread are given up, those being made are waited for.
void       vkc__compile_finish(vkc_device *dev);
// Until all n are made; tells the device's vkc_compile_fn. The failure of the first that failed, with its name;
// E_STOPPED when told to stop.
vkc_status vkc__compile_wait(vkc_device *dev, vkc_kernel *const *kernels, uint32_t n);

// How far a wait for kernels is, for those who are told; begins zeroed but for dev and total.
typedef struct vkc__telling {
    vkc_device *dev;
    uint32_t    done, total;
    double      start, last;        // vkc_seconds(); 0 = not begun
} vkc__telling;
// Nobody is told in the first second, then ten times a second. E_STOPPED when told to stop.
vkc_status vkc__tell(vkc__telling *t);
#define VKC__TELL_MS 100            // how long to wait before asking again

#ifdef __cplusplus
}
#endif
#endif
