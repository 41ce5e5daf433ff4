// rope_text.c — frequencies of rotary positions of texts, and their table in a graph.
// Source: transformers, modeling_rope_utils.py: its rope types default, linear, dynamic and llama3.
#include "nn/mixers/rope_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shaders/attention/rope/rope.h"

static const double two_pi = 6.283185307179586476925;

vkc_status nn_rope_text_check(const nn_rope_text *r, uint32_t rotary)
{
    if (!rotary || rotary % 2)
        return VKC_FAIL(VKC_E_ARG, "rope: %u channels of a head are to be turned, want an even number of them", rotary);
    if (r->type > NN_ROPE_TEXT_LLAMA3)
        return VKC_FAIL(VKC_E_ARG, "rope: no type %d", (int) r->type);
    if (!(r->base > 0) || !isfinite(r->base))
        return VKC_FAIL(VKC_E_ARG, "rope: the base is %g, want a number above 0", r->base);
    if (r->type != NN_ROPE_TEXT_DEFAULT && (!(r->factor >= 1) || !isfinite(r->factor)))
        return VKC_FAIL(VKC_E_ARG, "rope: the factor is %g, want at least 1", r->factor);
    if (r->type >= NN_ROPE_TEXT_DYNAMIC && !r->trained)
        return VKC_FAIL(VKC_E_ARG, "rope: the tokens that the model was trained on are missing");
    if (r->type == NN_ROPE_TEXT_DYNAMIC && rotary == 2)
        return VKC_FAIL(VKC_E_ARG, "rope: dynamic scaling of 2 channels, want 4 or more");
    if (r->type == NN_ROPE_TEXT_LLAMA3 && (!(r->low > 0) || !(r->high > r->low) || !isfinite(r->high)))
        return VKC_FAIL(VKC_E_ARG, "rope: low_freq_factor is %g and high_freq_factor %g, want the second above the "
                        "first, and that above 0", r->low, r->high);
    return VKC_OK;
}

// What is left of a frequency that turns `turns` times over the tokens that the model was trained on.
static double get_llama3_share(const nn_rope_text *r, double turns)
{
    if (turns < r->low)
        return 1 / r->factor;
    if (turns > r->high)
        return 1;
    const double ramp = (turns - r->low) / (r->high - r->low);
    return (1 - ramp) / r->factor + ramp;
}

void nn_rope_text_frequencies(const nn_rope_text *r, uint32_t rotary, uint32_t tokens, double *frequency)
{
    double base = r->base;
    if (r->type == NN_ROPE_TEXT_DYNAMIC && tokens > r->trained)
        base *= pow(r->factor * tokens / r->trained - (r->factor - 1), rotary / (rotary - 2.0));
    for (uint32_t j = 0; j < rotary / 2; j++) {
        double f = pow(base, -2.0 * j / rotary);
        if (r->type == NN_ROPE_TEXT_LINEAR)
            f /= r->factor;
        if (r->type == NN_ROPE_TEXT_LLAMA3)
            f *= get_llama3_share(r, r->trained * f / two_pi);
        frequency[j] = f;
    }
}

vkc_status nn_rope_text_fill(const nn_rope_text *r, uint32_t rotary, uint32_t tokens, float *table)
{
    const uint32_t half = rotary / 2;
    double *frequency = (double *) malloc((half + 1) * sizeof *frequency);
    if (!frequency)
        return VKC_FAIL(VKC_E_NOMEM, "rope: out of host memory");
    nn_rope_text_frequencies(r, rotary, tokens, frequency);
    for (size_t p = 0; p < tokens; p++)
        for (uint32_t j = 0; j < half; j++) {
            table[p * rotary + j] = (float) cos((double) p * frequency[j]);
            table[p * rotary + half + j] = (float) sin((double) p * frequency[j]);
        }
    free(frequency);
    return VKC_OK;
}

static nn_tensor *get_table(nn_graph *g, const nn_rope_text *r, uint32_t rotary, uint32_t tokens)
{
    char name[192];
    snprintf(name, sizeof name, "rope of texts %d %.17g %.17g %.17g %.17g %u, %u x %u", (int) r->type, r->base,
             r->factor, r->low, r->high, r->trained, tokens, rotary);
    nn_tensor *t = nn_graph_find_constant(g, name);
    if (t)
        return t;
    float *table = (float *) malloc(((size_t) tokens * rotary + 1) * sizeof *table);
    if (!table)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "rope: out of host memory"));
    const vkc_status st = nn_rope_text_fill(r, rotary, tokens, table);
    if (st == VKC_OK)
        t = nn_graph_constant(g, name, (nn_shape) { 2, { tokens, rotary } }, table);
    free(table);
    return st == VKC_OK ? t : nn_graph_fail(g, st);
}

nn_tensor *nn_rope_text_apply(nn_graph *g, const nn_rope_text *r, uint32_t heads, uint32_t kv_heads, uint32_t rotary,
                              bool interleaved, nn_tensor *qkv)
{
    if (!qkv)
        return NULL;
    const nn_rows *rows = nn_tensor_rows(qkv);
    const uint64_t all = heads + 2 * (uint64_t) (kv_heads ? kv_heads : heads);
    if (!rows || !heads)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "rope: q, k and v are not packed, or without heads"));
    if (!rotary)
        rotary = (uint32_t) (nn_tensor_shape(qkv)->dim[1] / all);
    const vkc_status st = nn_rope_text_check(r, rotary);
    if (st != VKC_OK)
        return nn_graph_fail(g, st);
    const struct rope_attr attr = { .heads = heads, .interleaved = interleaved, .kv_heads = kv_heads,
                                    .rotary = rotary };
    return NN_APPLY(g, rope, &attr, NULL, qkv, get_table(g, r, rotary, rows->cap_tokens));
}
