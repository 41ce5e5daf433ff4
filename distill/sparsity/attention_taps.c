// attention_taps.c — a forward pass recorded with captures of its attention layers.
#include "distill/sparsity/attention_taps.h"

#include "shaders/attention/attention_stats.h"

#include <string.h>

vkc_status distill_attention_taps_init(const nn_model *m, uint32_t cap_images, distill_tap what,
                                       distill_attention_taps *out)
{
    vkc_status st;
    distill_attention_taps *p = out;
    const nn_model_config *c = &m->cfg;
    nn_model_taps t = { 0 };
    nn_tensor *in[NN_MAX_INPUTS] = { NULL }, *tap[NN_MAX_DEPTH] = { 0 };
    const struct attention_stats_attr stats = { .heads = c->heads, .no_class = c->no_class };
    *p = (distill_attention_taps) { .v = m };
    p->cols = what == DISTILL_TAP_STATS ? c->heads * ATTENTION_STATS_N : what == DISTILL_TAP_QKV ? 3 * c->dim : c->dim;
    VKC_TRY(nn_model_batch_create(m->dev, c, cap_images, &p->batch));
    VKC_TRY(nn_graph_create(m->dev, &p->g));
    const uint32_t n_in = nn_model_add_inputs(p->g, c, &p->batch, in);
    nn_model_forward(p->g, m, &p->batch, in, false, &t);
    for (uint32_t l = 0; l < c->depth; l++) {
        if (what == DISTILL_TAP_NORMED)
            tap[l] = t.normed[l];
        else if (t.mixer[l].lse)
            tap[l] = t.mixer[l].qkv;
        if (tap[l] && what == DISTILL_TAP_STATS)
            tap[l] = NN_APPLY(p->g, attention_stats, &stats, NULL, t.mixer[l].qkv);
        nn_graph_keep(p->g, tap[l]);
    }
    // Taps stay on the device, where a few of them are asked for, and of these the live rows.
    VKC_TRY(nn_runner_create(&(nn_runner_params) { .graph = p->g, .name = "attention taps", .inputs = in,
                                                   .n_inputs = n_in }, &p->run));
    p->pixels = (float *) nn_runner_input(p->run, 0, nn_input_name(in[0]));
    for (uint32_t l = 0; l < c->depth; l++)
        if (tap[l]) {
            p->tap[l] = nn_tensor_slice(tap[l]);
            p->layout[l] = nn_tensor_rows(tap[l]);
        }
done:
    return st;
}

void distill_attention_taps_finish(distill_attention_taps *t)
{
    nn_runner_destroy(t->run);
    nn_graph_destroy(t->g);
    nn_batch_finish(&t->batch);
    *t = (distill_attention_taps) { 0 };
}

bool distill_attention_taps_has(const distill_attention_taps *t, uint32_t l)
{
    return t->tap[l].buf != NULL;
}

size_t distill_attention_taps_len(const distill_attention_taps *t)
{
    return (size_t) nn_rows_cap(t->batch.tokens) * t->cols;
}

vkc_status distill_attention_taps_run(distill_attention_taps *t, const float *pixels, uint32_t n)
{
    const vkc_status st = nn_batch_write(t->v->dev, &t->batch, n);
    if (st != VKC_OK)
        return st;
    memcpy(t->pixels, pixels, (size_t) n * nn_model_config_pixels(&t->v->cfg) * sizeof *pixels);
    return nn_runner_run(t->run, "while attention is measured");
}

vkc_status distill_attention_taps_read(distill_attention_taps *t, uint32_t l, float *out, uint32_t *rows)
{
    vkc_slice count = t->layout[l]->words, live = t->tap[l];
    count.size = sizeof *rows;
    *rows = 0;
    vkc_status st = vkc_read(t->v->dev, count, rows);
    live.size = (size_t) *rows * t->cols * sizeof(float);
    return st == VKC_OK && *rows ? vkc_read(t->v->dev, live, out) : st;
}

uint32_t distill_attention_taps_words(const distill_attention_taps *t)
{
    return ROWS_HEADER + t->batch.tokens->cap_images + 1 + nn_rows_cap(t->batch.tokens);
}

vkc_status distill_attention_taps_read_layout(distill_attention_taps *t, uint32_t l, uint32_t *words)
{
    vkc_slice from = t->layout[l]->words;
    from.size = distill_attention_taps_words(t) * sizeof *words;
    return vkc_read(t->v->dev, from, words);
}
