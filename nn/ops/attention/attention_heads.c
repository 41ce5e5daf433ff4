// attention_heads.c — whether heads of queries, keys and values fit each other and qkv.
#include "nn/ops/attention/attention_heads.h"

#include "vk/status.h"

uint32_t nn_kv_heads(uint32_t heads, uint32_t kv_heads)
{
    return kv_heads ? kv_heads : heads;
}

vkc_status nn_kv_check(const char *op, uint32_t columns, uint32_t heads, uint32_t kv_heads)
{
    const uint32_t KV = nn_kv_heads(heads, kv_heads);
    if (heads % KV)
        return VKC_FAIL(VKC_E_ARG, "%s: %u heads, want a multiple of the %u heads of keys and values", op, heads, KV);
    if (columns && columns % (heads + 2 * (uint64_t) KV) == 0)
        return VKC_OK;
    if (KV == heads)
        return VKC_FAIL(VKC_E_ARG, "%s: qkv has %u columns, want 3 times a multiple of %u heads", op, columns, heads);
    return VKC_FAIL(VKC_E_ARG, "%s: qkv has %u columns, want a multiple of %llu, %u heads of queries and twice %u of "
                    "keys and values", op, columns, heads + 2 * (unsigned long long) KV, heads, KV);
}
