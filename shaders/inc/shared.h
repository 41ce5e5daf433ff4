// shared.h — the only dialect bridge. Headers in shaders/ are read by C and by GLSL.
#ifndef SHADERS_SHARED_H
#define SHADERS_SHARED_H

#if defined(__STDC_VERSION__) || defined(__cplusplus)   // ---- C11, C++
#include <stdint.h>
#define U32 uint32_t
#define I32 int32_t
#define F32 float
#define SHARED_FN static inline
#define STRUCT struct             // a field that is a struct: STRUCT name field
#ifdef __cplusplus
#define _Static_assert static_assert
#endif
#define ARGS_SIZE(T, bytes) \
    _Static_assert(sizeof(struct T) == (bytes) && (bytes) <= 128, #T " must fit 128 bytes of push constants")
#else                              // ---- GLSL
#define U32 uint
#define I32 int
#define F32 float
#define SHARED_FN
#define STRUCT
#define ARGS_SIZE(T, bytes)
#define PUSH_ARGS(T) layout(push_constant, std430) uniform PushArgs { T a; }
#endif

#define SPEC_WG 0                  // every kernel: local_size_x
#endif
