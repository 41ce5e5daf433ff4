// attention_taps.c — a forward pass recorded with what is looked at in its attention layers.
#include "distill/sparsity/attention_taps.h"

#include "nn/graph/check.h"
#include "shaders/attention/attention_stats.h"

vkc_status distill_attention_taps_init(const nn_model *v, uint32_t cap_images, distill_tap what,
                                       distill_attention_taps *out)
{
    vkc_status st;
    distill_attention_taps *p = out;
    const nn_model_config *c = &v->cfg;
    nn_model_taps t = { 0 };
    nn_tensor *tap[NN_MAX_DEPTH] = { 0 };
    *p = (distill_attention_taps) { .v = v };
    p->cols = what == DISTILL_TAP_STATS ? c->heads * ATTENTION_STATS_N : 3 * c->dim;
    VKC_TRY(nn_model_batch_create(v->dev, c, cap_images, &p->batch));
    VKC_TRY(nn_graph_create(v->dev, &p->g));
    nn_tensor *pixels = nn_graph_input(p->g, "pixels", (nn_shape) { 2, { 0, nn_model_config_pixels(c) } },
                                       NN_DTYPE_F32, p->batch.samples);
    nn_model_forward(p->g, v, &p->batch, &pixels, false, &t);
    for (uint32_t l = 0; l < c->depth; l++) {
        if (!t.mixer[l].lse)
            continue;
        tap[l] = t.mixer[l].qkv;
        if (what == DISTILL_TAP_STATS)
            tap[l] = NN_APPLY(p->g, attention_stats, &(struct attention_stats_attr) { .heads = c->heads }, NULL,
                              t.mixer[l].qkv);
        nn_graph_keep(p->g, tap[l]);
    }
    VKC_TRY(nn_graph_plan(p->g));
    p->pixels = nn_tensor_slice(pixels);
    for (uint32_t l = 0; l < c->depth; l++)
        if (tap[l]) {
            p->tap[l] = nn_tensor_slice(tap[l]);
            p->layout[l] = nn_tensor_rows(tap[l]);
        }
    VKC_TRY(vkc_recording_create(v->dev, &(vkc_recording_params) { .name = "attention taps" }, &p->rec));
    VKC_TRY(nn_graph_record(p->g, p->rec));
    VKC_TRY(vkc_recording_finish(p->rec));
done:
    return st;
}

void distill_attention_taps_finish(distill_attention_taps *t)
{
    vkc_recording_destroy(t->rec);
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
    const nn_model_config *c = &t->v->cfg;
    vkc_slice in = t->pixels;
    in.size = (size_t) n * nn_model_config_pixels(c) * sizeof(float);
    vkc_status st = nn_batch_write(t->v->dev, &t->batch, n);
    if (st == VKC_OK)
        st = vkc_write(t->v->dev, in, pixels);
    if (st == VKC_OK)
        st = nn_check_before(t->g);
    if (st == VKC_OK)
        st = vkc_submit(t->rec, NULL);
    return st == VKC_OK ? nn_check_after(t->g, "while attention is measured") : st;
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
