// memory.h — buffers, asked for by intent, and slices of them.
//
// Thread-safety: as the device. Sizes and offsets are bytes.
#ifndef VKC_MEMORY_H
#define VKC_MEMORY_H

#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VKC_BLOCK (256u << 20)      // bytes of memory that many slices share; what is larger has a buffer of its own

typedef enum {
    VKC_MEM_DEVICE,                 // fast for kernels; host reaches it through vkc_write/vkc_read
    VKC_MEM_UPLOAD,                 // host writes through vkc_buffer_map, device copies from it
    VKC_MEM_READBACK,               // device copies into it, host reads (cached where possible)
} vkc_mem;

typedef struct vkc_buffer vkc_buffer;
typedef struct vkc_slice { vkc_buffer *buf; size_t offset, size; } vkc_slice;   // a borrowed view

// Usable as storage, indirect arguments, copy source and target. `size` is rounded up to 16; the
// contents are undefined. `name` (copied) shows in messages and debuggers.
// Errors: E_ARG (0 or more than vkc_max_buffer), E_DEVMEM with needed and available in the sentence, E_LOST.
vkc_status vkc_buffer_create(vkc_device *dev, vkc_mem intent, size_t size, const char *name,
                             vkc_buffer **out);
// The caller makes sure that no submitted work still uses it (vkc_wait). NULL is fine.
void   vkc_buffer_destroy(vkc_buffer *buf);
void  *vkc_buffer_map(vkc_buffer *buf);                 // host address, coherent; NULL for DEVICE
size_t vkc_buffer_size(const vkc_buffer *buf);
vkc_slice vkc_slice_of(vkc_buffer *buf);                // all of it
size_t vkc_align(const vkc_device *dev, size_t size);   // up to the alignment slices need

// What this device takes: a slice that a kernel binds (maxStorageBufferRange), one buffer (maxMemoryAllocationSize and
// maxBufferSize), and a block of slices for kernels, VKC_BLOCK or what it binds. Multiples of 16.
size_t vkc_max_bind(const vkc_device *dev);
size_t vkc_max_buffer(const vkc_device *dev);
size_t vkc_block_size(const vkc_device *dev);
// Refuse what is larger. E_UNSUPPORTED, "parameter w needs 300 MiB; NAME binds at most 128 MiB at once
// (maxStorageBufferRange)", with the device's name and the limit's.
vkc_status vkc_check_bind(const vkc_device *dev, const char *what, size_t size);
vkc_status vkc_check_buffer(const vkc_device *dev, const char *what, size_t size);

// Refuse what is more than there is free, of the device or, for a software driver, of the host. E_DEVMEM with both
// numbers: "WHAT 3.2 GiB of device memory, and NAME has 2.0 GiB free". A guess, as others take memory too.
vkc_status vkc_check_memory(vkc_device *dev, const char *what, uint64_t size);

// Blocking copies of whole slices, any intent; wait for all earlier work first.
vkc_status vkc_write(vkc_device *dev, vkc_slice dst, const void *src);
vkc_status vkc_read(vkc_device *dev, vkc_slice src, void *dst);
vkc_status vkc_fill(vkc_device *dev, vkc_slice dst, uint32_t word);

typedef struct vkc_memory_info { uint64_t in_use, peak, available; } vkc_memory_info;
vkc_memory_info vkc_memory_get_info(vkc_device *dev);   // of device intent; available = best guess

#ifdef __cplusplus
}
#endif
#endif
