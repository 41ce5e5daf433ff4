// infer.c — a model's forward pass with a runner, and what is read back of its layers.
#include "nn/infer/infer.h"

#include "nn/graph/finite.h"
#include "nn/graph/runner.h"
#include "shaders/attention/class_attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is read back of every layer when asked for: outputs of the runner. KEPT are words of layouts, behind tensors.
enum { SCORES, BLOCKS, EMBEDDED, N_TENSORS, KEPT = N_TENSORS };     // EMBEDDED: of layer 0 alone
#define LOGITS (N_TENSORS * NN_MAX_DEPTH)
#define N_OUTPUTS (LOGITS + 1)

struct nn_infer {
    const nn_model *v;
    nn_infer_params p;
    uint32_t input_len;             // floats an image
    nn_batch batch;
    nn_graph *g;
    nn_tensor *gate;                // of halting, else NULL
    nn_tensor *output[N_OUTPUTS];   // of layer l from what * NN_MAX_DEPTH on; NULL = not asked for, or there is none
    uint32_t kept[NN_MAX_DEPTH];    // which outputs the layouts are; 0 = none
    nn_runner *run;
    float    *input;                // host memory of it
    uint64_t n_runs;
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
        inf->output[EMBEDDED * NN_MAX_DEPTH] = taps->tokens;
    for (uint32_t l = 0; l < c->depth; l++) {
        const nn_mixer_taps *m = &taps->mixer[l];
        if (inf->p.scores && m->qkv && m->lse)
            inf->output[SCORES * NN_MAX_DEPTH + l] = NN_APPLY(inf->g, class_attention, &attr, NULL, m->qkv, m->lse);
        if (inf->p.blocks)
            inf->output[BLOCKS * NN_MAX_DEPTH + l] = taps->block[l];
    }
    return VKC_OK;
}

// Layouts are no tensors, and read back as they lie in memory.
static vkc_status record_kept(void *user, nn_runner *r, vkc_recording *rec)
{
    nn_infer *inf = (nn_infer *) user;
    uint32_t n = N_OUTPUTS;
    vkc_status st = VKC_OK;
    (void) rec;
    for (uint32_t l = 0; l < inf->v->cfg.depth && inf->p.kept && st == VKC_OK; l++)
        if (inf->batch.kept[l]) {
            inf->kept[l] = n++;
            st = nn_runner_add_output(r, inf->batch.kept[l]->words);
        }
    return st;
}

static const void *get_extra(const nn_infer *inf, uint32_t what, uint32_t l)
{
    if (what == KEPT)
        return inf->kept[l] ? nn_runner_output(inf->run, inf->kept[l]) : NULL;
    return nn_runner_output(inf->run, what * NN_MAX_DEPTH + l);
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
    nn_tensor *logits = forward(inf, &input, &taps);
    inf->gate = taps.retention.gate;
    if (inf->p.check_finite) {
        nn_model_watch(inf->g, v, &taps);
        nn_finite_watch(inf->g, logits, "the classifier's output");
    }
    VKC_TRY(add_extra(inf, &taps));
    inf->output[LOGITS] = logits;
    VKC_TRY(nn_runner_create(&(nn_runner_params) {
        .graph = inf->g, .name = "infer", .inputs = &input, .n_inputs = 1, .outputs = inf->output,
        .n_outputs = N_OUTPUTS, .after = record_kept, .user = inf,
    }, &inf->run));
    inf->input = (float *) nn_runner_input(inf->run, 0, nn_input_name(input));
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
    *out = inf;
    return VKC_OK;
}

vkc_status nn_infer_create(const nn_model *v, uint32_t cap_images, nn_infer **out)
{
    return nn_infer_create_with(v, &(nn_infer_params) { .cap_images = cap_images }, out);
}

void nn_infer_destroy(nn_infer *inf)
{
    if (!inf)
        return;
    nn_runner_destroy(inf->run);
    nn_graph_destroy(inf->g);
    nn_batch_finish(&inf->batch);
    free(inf);
}

vkc_status nn_infer_run(nn_infer *inf, const float *input, uint32_t n, float *logits)
{
    if (n == 0 || n > inf->p.cap_images)
        return VKC_FAIL(VKC_E_ARG, "infer: %u images, want 1 to %u", n, inf->p.cap_images);
    vkc_status st = nn_batch_write(inf->v->dev, &inf->batch, n);
    if (st != VKC_OK)
        return st;
    memcpy(inf->input, input, (size_t) n * inf->input_len * sizeof *input);
    char when[40];
    snprintf(when, sizeof when, "in batch %llu", (unsigned long long) ++inf->n_runs);
    st = nn_runner_run(inf->run, when);
    if (st == VKC_OK)
        memcpy(logits, nn_runner_output(inf->run, LOGITS), (size_t) n * inf->v->cfg.classes * sizeof *logits);
    return st;
}

vkc_status nn_infer_repeat(nn_infer *inf, double *seconds)
{
    return nn_runner_repeat(inf->run, seconds);
}

uint64_t nn_infer_bytes(const nn_infer *inf)
{
    return inf->bytes;
}
