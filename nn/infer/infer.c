// infer.c — one recording a batch size: upload, forward, read back.
#include "nn/infer/infer.h"

#include "nn/graph/check.h"
#include "nn/graph/finite.h"
#include "shaders/attention/class_attention.h"
#include "vk/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is read back of every layer when asked for, into one buffer.
enum { KEPT, SCORES, BLOCKS, EMBEDDED, N_EXTRA };        // EMBEDDED: of layer 0 alone
typedef struct layer_copy {
    nn_tensor *t;                   // NULL: a layout's words
    vkc_slice src;                  // size 0 = nothing
    size_t    offset;
} layer_copy;

struct nn_infer {
    const nn_model *v;
    nn_infer_params p;
    uint32_t input_len;             // floats an image
    nn_batch batch;
    nn_graph *g;
    nn_tensor *logits, *gate;       // gate: of halting, else NULL
    vkc_buffer *upload, *readback, *counters, *extra;
    layer_copy copy[N_EXTRA][NN_MAX_DEPTH];     // in `extra`
    uint64_t n_runs;
    vkc_recording *rec;
    uint64_t bytes;
};

// Tensors of a dense model to be read back: class attention where there are attention weights, and the stream.
static vkc_status add_extra(nn_infer *inf, const nn_model_taps *taps)
{
    const nn_model_config *c = &inf->v->cfg;
    const struct class_attention_attr attr = { .heads = c->heads };
    if ((inf->p.scores || inf->p.blocks) && c->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "infer: figures of all tokens are asked of a model that drops tokens");
    if (inf->p.blocks && !inf->p.stream)
        inf->copy[EMBEDDED][0].t = taps->tokens;
    for (uint32_t l = 0; l < c->depth; l++) {
        const nn_mixer_taps *m = &taps->mixer[l];
        if (inf->p.scores && m->qkv && m->lse)
            inf->copy[SCORES][l].t = NN_APPLY(inf->g, class_attention, &attr, NULL, m->qkv, m->lse);
        if (inf->p.blocks)
            inf->copy[BLOCKS][l].t = taps->block[l];
        for (int i = 0; i < N_EXTRA; i++)
            nn_graph_keep(inf->g, inf->copy[i][l].t);
    }
    return VKC_OK;
}

// Copies of what was asked for, into one buffer.
static vkc_status record_extra(nn_infer *inf)
{
    vkc_device *dev = inf->v->dev;
    layer_copy *all = inf->copy[0], *end = all + N_EXTRA * NN_MAX_DEPTH;
    vkc_status st = VKC_OK;
    size_t size = 0;
    for (uint32_t l = 0; l < inf->v->cfg.depth; l++)
        if (inf->p.kept && inf->batch.kept[l])
            inf->copy[KEPT][l].src = inf->batch.kept[l]->words;
    for (layer_copy *c = all; c < end; c++) {
        if (c->t)
            c->src = nn_tensor_slice(c->t);
        c->offset = size;
        size += vkc_align(dev, c->src.size);
    }
    if (size == 0)
        return VKC_OK;
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_READBACK, size, "layers, host", &inf->extra));
    for (const layer_copy *c = all; c < end; c++)
        if (c->src.size)
            VKC_TRY(vkc_record_copy(inf->rec, (vkc_slice) { inf->extra, c->offset, c->src.size }, c->src));
done:
    return st;
}

static const void *get_extra(const nn_infer *inf, int what, uint32_t l)
{
    const layer_copy *c = &inf->copy[what][l];
    return c->src.size ? (const char *) vkc_buffer_map(inf->extra) + c->offset : NULL;
}

const uint32_t *nn_infer_kept(const nn_infer *inf, uint32_t l)
{
    return (const uint32_t *) get_extra(inf, KEPT, l);
}

void nn_infer_add_shares(const nn_infer *inf, uint32_t n, double *share)
{
    const nn_model_config *c = &inf->v->cfg;
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    for (uint32_t l = 0; l < c->depth; l++)
        words[l] = nn_infer_kept(inf, l);
    nn_retention_add_shares(c, words, n, share);
}

vkc_status nn_infer_write_gate(nn_infer *inf, double scale, double centre)
{
    if (!inf->gate)
        return VKC_FAIL(VKC_E_ARG, "infer: a model that does not halt has no gate");
    return nn_retention_write_gate(inf->v->dev, inf->gate, scale, centre);
}

const float *nn_infer_scores(const nn_infer *inf, uint32_t l)
{
    return (const float *) get_extra(inf, SCORES, l);
}

const float *nn_infer_block(const nn_infer *inf, uint32_t l)
{
    return (const float *) get_extra(inf, BLOCKS, l);
}

const float *nn_infer_embedded(const nn_infer *inf)
{
    return (const float *) get_extra(inf, EMBEDDED, 0);
}

// The graph from its input to the logits.
static nn_tensor *forward(nn_infer *inf, nn_tensor **input, nn_model_taps *taps)
{
    const nn_model *v = inf->v;
    if (!inf->p.stream) {
        nn_tensor *in[NN_MAX_INPUTS] = { NULL };
        nn_model_add_inputs(inf->g, &v->cfg, &inf->batch, in);
        *input = in[0];
        inf->input_len = nn_model_config_pixels(&v->cfg);
        return nn_model_forward(inf->g, v, &inf->batch, in, false, taps);
    }
    if (v->cfg.retention.policy != NN_POLICY_NONE)
        return nn_graph_fail(inf->g, VKC_FAIL(VKC_E_ARG, "infer: a model that drops tokens cannot start at a block"));
    inf->input_len = nn_model_config_tokens(&v->cfg) * v->cfg.dim;
    *input = nn_graph_input(inf->g, "stream", (nn_shape) { 2, { 0, v->cfg.dim } }, NN_DTYPE_F32, inf->batch.tokens);
    return nn_model_forward_from(inf->g, v, &inf->batch, inf->p.first, *input, false, taps);
}

static vkc_status build(nn_infer *inf)
{
    const nn_model *v = inf->v;
    vkc_device *dev = v->dev;
    vkc_status st;
    uint64_t before = vkc_memory_get_info(dev).in_use;
    VKC_TRY(nn_model_batch_create(dev, &v->cfg, inf->p.cap_images, &inf->batch));
    VKC_TRY(nn_graph_create(dev, &inf->g));
    nn_tensor *input = NULL;
    nn_model_taps taps = { 0 };
    inf->logits = forward(inf, &input, &taps);
    inf->gate = taps.retention.gate;
    if (inf->p.check_finite) {
        nn_model_watch(inf->g, v, &taps);
        nn_finite_watch(inf->g, inf->logits, "the classifier's output");
    }
    VKC_TRY(add_extra(inf, &taps));
    nn_graph_keep(inf->g, inf->logits);
    VKC_TRY(nn_graph_plan(inf->g));
    vkc_slice in = nn_tensor_slice(input), out = nn_tensor_slice(inf->logits);
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_UPLOAD, in.size, "input, host", &inf->upload));
    VKC_TRY(vkc_buffer_create(dev, VKC_MEM_READBACK, out.size, "logits, host", &inf->readback));
    VKC_TRY(vkc_recording_create(dev, &(vkc_recording_params) { .name = "infer" }, &inf->rec));
    VKC_TRY(vkc_record_copy(inf->rec, in, (vkc_slice) { inf->upload, 0, in.size }));
    VKC_TRY(nn_graph_record(inf->g, inf->rec));
    VKC_TRY(vkc_record_copy(inf->rec, (vkc_slice) { inf->readback, 0, out.size }, out));
    VKC_TRY(record_extra(inf));
    size_t counters = nn_finite_size(inf->g);
    if (counters) {
        VKC_TRY(vkc_buffer_create(dev, VKC_MEM_READBACK, counters, "counters, host", &inf->counters));
        VKC_TRY(nn_finite_record(inf->g, inf->rec, (vkc_slice) { inf->counters, 0, counters }));
    }
    VKC_TRY(vkc_recording_finish(inf->rec));
    inf->bytes = vkc_memory_get_info(dev).in_use - before;
done:
    return st;
}

vkc_status nn_infer_create_with(const nn_model *v, const nn_infer_params *p, nn_infer **out)
{
    nn_infer *inf = (nn_infer *) calloc(1, sizeof *inf);
    if (!inf)
        return VKC_FAIL(VKC_E_NOMEM, "infer: out of host memory");
    inf->v = v;
    inf->p = *p;
    vkc_status st = build(inf);
    if (st != VKC_OK) {
        nn_infer_destroy(inf);
        return st;
    }
    memset(vkc_buffer_map(inf->upload), 0, vkc_buffer_size(inf->upload));
    *out = inf;
    return VKC_OK;
}

vkc_status nn_infer_create(const nn_model *v, uint32_t cap_images, nn_infer **out)
{
    return nn_infer_create_with(v, &(nn_infer_params) { .cap_images = cap_images }, out);
}

// Of the run that is over.
static vkc_status check(const nn_infer *inf)
{
    char when[40];
    snprintf(when, sizeof when, "in batch %llu", (unsigned long long) inf->n_runs);
    vkc_status st = nn_check_after(inf->g, when);
    return st == VKC_OK && inf->counters ? nn_finite_check(inf->g, vkc_buffer_map(inf->counters), when) : st;
}

void nn_infer_destroy(nn_infer *inf)
{
    if (!inf)
        return;
    vkc_recording_destroy(inf->rec);
    nn_graph_destroy(inf->g);
    nn_batch_finish(&inf->batch);
    vkc_buffer_destroy(inf->upload);
    vkc_buffer_destroy(inf->readback);
    vkc_buffer_destroy(inf->counters);
    vkc_buffer_destroy(inf->extra);
    free(inf);
}

vkc_status nn_infer_run(nn_infer *inf, const float *input, uint32_t n, float *logits)
{
    if (n == 0 || n > inf->p.cap_images)
        return VKC_FAIL(VKC_E_ARG, "infer: %u images, want 1 to %u", n, inf->p.cap_images);
    vkc_status st = nn_batch_write(inf->v->dev, &inf->batch, n);
    if (st != VKC_OK)
        return st;
    memcpy(vkc_buffer_map(inf->upload), input, (size_t) n * inf->input_len * sizeof *input);
    uint64_t ticket;
    st = nn_check_before(inf->g);
    if (st == VKC_OK)
        st = vkc_submit(inf->rec, &ticket);
    if (st == VKC_OK)
        st = vkc_wait(inf->v->dev, ticket);
    inf->n_runs++;
    if (st == VKC_OK)
        st = check(inf);
    if (st == VKC_OK)
        memcpy(logits, vkc_buffer_map(inf->readback), (size_t) n * inf->v->cfg.classes * sizeof *logits);
    return st;
}

vkc_status nn_infer_repeat(nn_infer *inf, double *seconds)
{
    double t0 = vkc_seconds();
    uint64_t ticket;
    vkc_status st = vkc_submit(inf->rec, &ticket);
    if (st == VKC_OK)
        st = vkc_wait(inf->v->dev, ticket);
    *seconds = vkc_seconds() - t0;
    return st;
}

uint64_t nn_infer_bytes(const nn_infer *inf)
{
    return inf->bytes;
}
