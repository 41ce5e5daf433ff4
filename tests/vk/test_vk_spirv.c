// test_vk_spirv.c — reflection of every embedded shader; truncated and garbled words are refused.
#include "tests/vk/vk_test.h"
#include "vk/compile/spirv.h"
#include "spv/shaders.h"

#include <string.h>

enum { N_SPEC = 1 + VKC_MAX_SPEC };

static vkc_status reflect(const vkc_shader *s, const uint32_t *words, size_t n, vkc__spirv_info *info)
{
    return vkc__spirv_get(&(vkc_shader) { s->name, words, n }, NULL, 0, info);
}

// The words in a block of exactly that size, so that a sanitizer sees a read past the end.
static uint32_t *copy_of(const uint32_t *words, size_t n)
{
    uint32_t *copy = malloc(n * 4 + (n == 0));
    assert_non_null(copy);
    memcpy(copy, words, n * 4);
    return copy;
}

static void every_shader(void **state)
{
    (void) state;
    uint32_t n = 0, n_floor = 0;
    for (const vkc_shader *const *s = vkc_shader_all; *s; s++, n++) {
        vkc__spirv_info info;
        uint32_t spec[N_SPEC] = { 32 };
        assert_ok(vkc__spirv_get(*s, spec, N_SPEC, &info));
        assert_in_range(info.n_bindings, 1, VKC_MAX_BIND);
        assert_in_range(info.push_size, 0, 128);
        assert_int_equal(info.push_size % 4, 0);
        assert_int_equal(info.local_size[0], 32);           // every kernel: constant 0
        assert_int_equal(info.local_size[1] * info.local_size[2], 1);
        assert_true(info.spec_mask & 1);
        n_floor += info.features == 0;
        assert_in_range(info.shared_bytes, 0, 16384);
        bool writes = false;
        for (uint32_t i = 0; i < info.n_bindings; i++)
            writes |= (info.access[i] & VKC_ACCESS_WRITE) != 0;
        assert_true(writes);
    }
    assert_true(n_floor > 20 && n_floor <= n);              // kernels of a higher rung are few
    assert_true(n - n_floor < n_floor);
}

static void access_and_sizes(void **state)
{
    (void) state;
    vkc__spirv_info info;
    const vkc_shader *s = &vkc_shader_rows_plan;
    assert_ok(reflect(s, s->words, s->n_words, &info));
    assert_int_equal(info.n_bindings, 3);
    assert_int_equal(info.access[0], VKC_ACCESS_READ);
    assert_int_equal(info.access[1], VKC_ACCESS_READ);
    assert_int_equal(info.access[2], VKC_ACCESS_WRITE);
    assert_int_equal(info.push_size, 8);
    assert_int_equal(info.local_size[0], 64);
    assert_int_equal(info.shared_bytes, 0);

    s = &vkc_shader_attention_tiled_bwd_kv;                 // a buffer with neither word is both
    assert_ok(reflect(s, s->words, s->n_words, &info));
    assert_int_equal(info.n_bindings, 7);
    assert_int_equal(info.access[1], VKC_ACCESS_READ);
    assert_int_equal(info.access[5], VKC_ACCESS_BOTH);
}

// A prefix is refused, unless it ends where a function that nothing here calls would follow.
static void truncated(void **state)
{
    (void) state;
    for (const vkc_shader *const *p = vkc_shader_all; *p; p++) {
        const vkc_shader *s = *p;
        for (size_t n = 0; n < s->n_words; n += n < 600 ? 1 : 7) {
            uint32_t *words = copy_of(s->words, n);
            vkc__spirv_info info;
            if (reflect(s, words, n, &info) == VKC_OK)
                assert_int_equal(words[n - 1], 1u << 16 | 56);
            free(words);
        }
    }
}

static void refuse_changed(const vkc_shader *s, size_t at, uint32_t word)
{
    vkc__spirv_info info = { .n_bindings = 77 };
    uint32_t *words = copy_of(s->words, s->n_words);
    words[at] = word;
    assert_status(reflect(s, words, s->n_words, &info), VKC_E_FORMAT);
    assert_non_null(strstr(vkc_last_error(), s->name));
    assert_int_equal(info.n_bindings, 77);      // written on success only
    free(words);
}

// Where the first instruction of this kind starts.
static size_t find(const vkc_shader *s, uint32_t op)
{
    for (size_t at = 5; at < s->n_words; at += s->words[at] >> 16)
        if ((s->words[at] & 0xffff) == op)
            return at;
    fail_msg("no such instruction");
    return 0;
}

static void garbled(void **state)
{
    (void) state;
    enum { OP_ENTRY = 15, OP_TYPE_STRUCT = 30, OP_CONSTANT = 43, OP_FUNCTION = 54, OP_VARIABLE = 59, STORAGE = 12 };
    const vkc_shader *s = &vkc_shader_rows_plan;
    refuse_changed(s, 0, 0x03022307);                       // the other byte order
    refuse_changed(s, 0, 0);
    refuse_changed(s, 3, 0);                                // no ids
    refuse_changed(s, 3, UINT32_MAX);                       // too many
    refuse_changed(s, 3, 2);                                // fewer than are there
    refuse_changed(s, 5, 17);                               // an instruction without words
    refuse_changed(s, 5, 0xffff0011);                       // one that runs past the end
    refuse_changed(s, find(s, OP_CONSTANT) + 2, 0);         // an id that may not be
    size_t var = find(s, OP_VARIABLE);
    while (s->words[var + 3] != STORAGE)
        var += s->words[var] >> 16;
    refuse_changed(s, var + 1, 1 << 19);                    // a buffer of no type
    refuse_changed(s, var + 2, s->words[find(s, OP_TYPE_STRUCT) + 1]);  // defined twice
    refuse_changed(s, find(s, OP_ENTRY) + 2, s->words[var + 2]);        // enters what is no function
    refuse_changed(s, find(s, OP_FUNCTION), 5u << 16 | 1);              // a body without a head
}

// Whatever the words say, reflection ends, stays inside, and says yes or no.
static void random_words(void **state)
{
    (void) state;
    uint32_t seed = 7, refused = 0, n = 0;
    for (const vkc_shader *const *p = vkc_shader_all; *p; p++)
        for (int round = 0; round < 150; round++, n++) {
            uint32_t *words = copy_of((*p)->words, (*p)->n_words);
            for (int i = 0; i < 1 + round % 4; i++) {
                seed = seed * 1664525u + 1013904223u;
                // Mostly the part with types and decorations, which reflection reads.
                size_t at = (seed >> 8) % (round % 3 ? 400 : (*p)->n_words);
                seed = seed * 1664525u + 1013904223u;
                words[at < (*p)->n_words ? at : 0] = round % 2 ? seed : words[at] ^ (1u << (seed >> 27));
            }
            vkc__spirv_info info;
            refused += reflect(*p, words, (*p)->n_words, &info) != VKC_OK;
            free(words);
        }
    assert_true(refused > n / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shader),
        cmocka_unit_test(access_and_sizes),
        cmocka_unit_test(truncated),
        cmocka_unit_test(garbled),
        cmocka_unit_test(random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
