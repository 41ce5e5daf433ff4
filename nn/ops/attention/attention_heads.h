// attention_heads.h — heads of queries that share heads of keys and values: what the ops that take qkv
// (R, (H + 2 KV) D) have alike.
#ifndef NN_ATTENTION_HEADS_H
#define NN_ATTENTION_HEADS_H

#include "vk/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// KV by the attributes of an op: kv_heads, or heads where that is 0.
uint32_t   nn_kv_heads(uint32_t heads, uint32_t kv_heads);
// E_ARG unless KV divides `heads`, not 0, and qkv has columns for whole heads.
vkc_status nn_kv_check(const char *op, uint32_t columns, uint32_t heads, uint32_t kv_heads);

#ifdef __cplusplus
}
#endif
#endif
