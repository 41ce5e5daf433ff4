// spirv.h — what a compute shader wants, read from its SPIR-V.
#ifndef VKC_SPIRV_H
#define VKC_SPIRV_H

#include "vk/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vkc__spirv_info {
    uint32_t n_bindings;            // highest buffer binding + 1
    uint8_t  access[VKC_MAX_BIND];  // vkc_access; 0 = no buffer at this binding
    uint32_t texels;                // bit i: binding i is a samplerBuffer, not a storage buffer
    uint32_t push_size;             // bytes of push constants
    uint32_t local_size[3];         // with the given specialisation
    uint32_t shared_bytes;          // with the given specialisation
    uint32_t spec_mask;             // bit i: the shader has constant_id i (ids below 32)
    uint32_t features;              // VKC_FEATURE_* its capabilities need
} vkc__spirv_info;

// Reads a module with the entry point "main". spec[i] (n_spec of them) replaces constant_id i
// where not 0. Errors: E_FORMAT for malformed words, E_UNSUPPORTED for shaders of another kind.
vkc_status vkc__spirv_get(const vkc_shader *shader, const uint32_t *spec, uint32_t n_spec, vkc__spirv_info *out);

#ifdef __cplusplus
}
#endif
#endif
