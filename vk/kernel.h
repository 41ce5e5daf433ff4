// kernel.h — a compute shader ready to dispatch.
#ifndef VKC_KERNEL_H
#define VKC_KERNEL_H

#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vkc_kernel vkc_kernel;
typedef struct vkc_shader { const char *name; const uint32_t *words; size_t n_words; } vkc_shader;

#define VKC_MAX_SPEC 12
#define VKC_MAX_BIND 16

typedef struct vkc_kernel_params {
    const vkc_shader *shader;       // embedded SPIR-V, &vkc_shader_layernorm_fwd; borrowed for ever
    uint32_t wg;                    // local_size_x; 0 = the shader's own default
    uint32_t spec[VKC_MAX_SPEC];    // spec[i] is constant_id 1 + i; 0 = keep the shader's default
    size_t   args_size;             // sizeof the op's args struct, a multiple of 4, <= 128; 0 = none
} vkc_kernel_params;

// Get a kernel, or the one already there for equal params. What is known of it is known at once; it is compiled by
// threads of the device, as many as there are cores. Compiling can take seconds: get all kernels while building a
// graph. vkc_recording_finish() waits for those of its recording, and is where a driver that cannot compile one is
// heard of, by the kernel's name. Asked for again, such a kernel is compiled anew.
//
// Bindings and their read/write access come from reflecting the SPIR-V (`readonly`,
// `writeonly`), so there is nothing to declare twice. A `samplerBuffer` reads a slice as vec4: software
// drivers gather those far faster than elements of a storage buffer. Fails with E_ARG when args_size
// differs from the shader's push-constant block, or `wg` or the shared memory exceeds the
// device's limit.
//
// Ownership: `dev` owns the kernel and frees it in vkc_device_destroy().
// Errors: E_ARG, E_NOMEM, E_DEVMEM, E_UNSUPPORTED, E_LOST.
vkc_status vkc_kernel_get(vkc_device *dev, const vkc_kernel_params *params,
                          const vkc_kernel **out);

typedef enum { VKC_ACCESS_READ = 1, VKC_ACCESS_WRITE = 2, VKC_ACCESS_BOTH = 3 } vkc_access;
uint32_t    vkc_kernel_bindings(const vkc_kernel *k);               // number of storage buffers
vkc_access  vkc_kernel_access(const vkc_kernel *k, uint32_t binding);
uint32_t    vkc_kernel_wg(const vkc_kernel *k);                     // local_size_x actually used
const char *vkc_kernel_name(const vkc_kernel *k);                   // for logs and profiles

#ifdef __cplusplus
}
#endif
#endif
