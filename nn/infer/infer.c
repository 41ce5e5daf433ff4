// infer.c — a model's forward pass with a runner, and what is read back of it.
#include "nn/infer/infer.h"

#include "nn/graph/finite.h"
#include "nn/graph/runner.h"
#include "shaders/attention/class_attention.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CAPTURED (NN_MAX_CAPTURES * NN_MAX_DEPTH)
#define MAX_CAPTURE_NAME 48

// Outputs of the runner: the logits, class attention by layer, what is captured; behind them the layouts.
enum { LOGITS, SCORES, CAPTURED = SCORES + NN_MAX_DEPTH };

typedef struct captured {
    char     name[MAX_CAPTURE_NAME];
    nn_tensor *t;
} captured;

struct nn_infer {
    const nn_model *model;
    nn_infer_params p;
    nn_batch batch;
    nn_graph *g;
    nn_tensor *input[NN_MAX_INPUTS];
    uint32_t n_inputs;
    nn_tensor *gate;                // of halting, else NULL
    captured *captured;
    uint32_t n_captured;
    uint32_t kept[NN_MAX_DEPTH];    // which outputs the layouts are; 0 = none
    nn_runner *run;
    uint32_t *lengths;              // NULL without has_lengths
    uint64_t n_runs;
    uint64_t bytes;
};

// The graph from its inputs to the logits.
static nn_tensor *forward(nn_infer *inf, nn_model_taps *taps)
{
    const nn_model *m = inf->model;
    if (!inf->p.stream) {
        inf->n_inputs = nn_model_add_inputs(inf->g, &m->cfg, &inf->batch, inf->input);
        return nn_model_forward(inf->g, m, &inf->batch, inf->input, false, taps);
    }
    if (m->cfg.retention.policy != NN_POLICY_NONE)
        return nn_graph_fail(inf->g, VKC_FAIL(VKC_E_ARG, "infer: a model that drops tokens cannot start at a block"));
    inf->n_inputs = 1;
    inf->input[0] = nn_graph_input(inf->g, "stream", (nn_shape) { 2, { 0, m->cfg.dim } }, NN_DTYPE_F32,
                                   inf->batch.tokens);
    return nn_model_forward_from(inf->g, m, &inf->batch, inf->p.first, inf->input[0], false, taps);
}

// ---- what is looked at inside

static void capture(nn_infer *inf, const nn_model_taps *taps, const char *name)
{
    nn_tensor *t = nn_model_taps_find(inf->model, taps, name);
    captured *c = &inf->captured[inf->n_captured];
    if (!t)
        return;
    c->t = t;
    snprintf(c->name, sizeof c->name, "%s", name);
    inf->n_captured++;
}

// A name, or a pattern: one star is the number of a block.
static vkc_status capture_all(nn_infer *inf, const nn_model_taps *taps, const char *pattern)
{
    const uint32_t before = inf->n_captured;
    const char *star = strchr(pattern, '*');
    char name[MAX_CAPTURE_NAME];
    if (!star)
        capture(inf, taps, pattern);
    for (uint32_t l = 0; l < inf->model->cfg.depth && star; l++) {
        snprintf(name, sizeof name, "%.*s%u%s", (int) (star - pattern), pattern, l, star + 1);
        capture(inf, taps, name);
    }
    return inf->n_captured > before ? VKC_OK : VKC_FAIL(VKC_E_ARG, "infer: the model has no tensor called %s", pattern);
}

// Tensors of a dense model to be read back: class attention where there are attention weights, and those with a name.
static vkc_status add_outputs(nn_infer *inf, const nn_model_taps *taps, nn_tensor **out)
{
    const nn_model_config *c = &inf->model->cfg;
    vkc_status st = VKC_OK;
    if ((inf->p.scores || inf->p.capture[0]) && c->retention.policy != NN_POLICY_NONE)
        return VKC_FAIL(VKC_E_ARG, "infer: figures of all tokens are asked of a model that drops tokens");
    for (uint32_t l = 0; l < c->depth && inf->p.scores; l++) {
        const nn_mixer_taps *m = &taps->mixer[l];
        const struct class_attention_attr attr = { .heads = c->heads, .received = c->no_class, .grid_w = m->grid_w };
        if (m->qkv && m->lse)
            out[SCORES + l] = NN_APPLY(inf->g, class_attention, &attr, NULL, m->qkv, m->lse, m->table);
    }
    for (uint32_t i = 0; i < NN_MAX_CAPTURES && inf->p.capture[i] && out[LOGITS] && st == VKC_OK; i++)
        st = capture_all(inf, taps, inf->p.capture[i]);
    for (uint32_t i = 0; i < inf->n_captured; i++)
        out[CAPTURED + i] = inf->captured[i].t;
    return st;
}

// Layouts are no tensors, and read back as they lie in memory.
static vkc_status record_kept(void *user, nn_runner *r, vkc_recording *rec)
{
    nn_infer *inf = (nn_infer *) user;
    uint32_t n = CAPTURED + inf->n_captured;
    vkc_status st = VKC_OK;
    (void) rec;
    for (uint32_t l = 0; l < inf->model->cfg.depth && inf->p.kept && st == VKC_OK; l++)
        if (inf->batch.kept[l]) {
            inf->kept[l] = n++;
            st = nn_runner_add_output(r, inf->batch.kept[l]->words);
        }
    return st;
}

const uint32_t *nn_infer_kept(const nn_infer *inf, uint32_t l)
{
    return inf->kept[l] ? (const uint32_t *) nn_runner_output(inf->run, inf->kept[l]) : NULL;
}

void nn_infer_add_shares(const nn_infer *inf, uint32_t n, double *share)
{
    const nn_model_config *c = &inf->model->cfg;
    const uint32_t *words[NN_MAX_DEPTH] = { 0 };
    for (uint32_t l = 0; l < c->depth; l++)
        words[l] = nn_infer_kept(inf, l);
    nn_retention_add_shares(c, words, n, share);
}

vkc_status nn_infer_write_gate(nn_infer *inf, double scale, double centre)
{
    if (!inf->gate)
        return VKC_FAIL(VKC_E_ARG, "infer: a model that does not halt has no gate");
    return nn_retention_write_gate(inf->model->dev, inf->gate, scale, centre);
}

const float *nn_infer_logits(const nn_infer *inf)
{
    return (const float *) nn_runner_output(inf->run, LOGITS);
}

const float *nn_infer_scores(const nn_infer *inf, uint32_t l)
{
    return (const float *) nn_runner_output(inf->run, SCORES + l);
}

const float *nn_infer_captured(const nn_infer *inf, const char *format, ...)
{
    char name[MAX_CAPTURE_NAME];
    va_list list;
    va_start(list, format);
    vsnprintf(name, sizeof name, format, list);
    va_end(list);
    for (uint32_t i = 0; i < inf->n_captured; i++)
        if (strcmp(inf->captured[i].name, name) == 0)
            return (const float *) nn_runner_output(inf->run, CAPTURED + i);
    return NULL;
}

// ---- made and freed

static vkc_status build(nn_infer *inf)
{
    const nn_model *m = inf->model;
    vkc_device *dev = m->dev;
    vkc_status st;
    uint64_t before = vkc_memory_get_info(dev).in_use;
    nn_tensor **out = (nn_tensor **) calloc(CAPTURED + MAX_CAPTURED, sizeof(nn_tensor *));
    inf->captured = (captured *) calloc(MAX_CAPTURED, sizeof *inf->captured);
    inf->lengths = inf->p.has_lengths ? (uint32_t *) calloc(inf->p.cap_images + 1, sizeof *inf->lengths) : NULL;
    if (!out || !inf->captured || (inf->p.has_lengths && !inf->lengths)) {
        st = VKC_FAIL(VKC_E_NOMEM, "infer: out of host memory");
        goto done;
    }
    VKC_TRY(nn_model_batch_create(dev, &m->cfg, inf->p.cap_images, &inf->batch));
    if (inf->p.has_lengths && inf->batch.patches) {
        st = VKC_FAIL(VKC_E_ARG, "infer: pictures are all of one length");
        goto done;
    }
    VKC_TRY(nn_graph_create(dev, &inf->g));
    nn_model_taps taps = { .only_logits = !inf->p.capture[0] };
    out[LOGITS] = forward(inf, &taps);
    inf->gate = taps.retention.gate;
    if (inf->p.check_finite) {
        nn_model_watch(inf->g, m, &taps);
        nn_finite_watch(inf->g, out[LOGITS], "the classifier's output");
    }
    VKC_TRY(add_outputs(inf, &taps, out));
    VKC_TRY(nn_runner_create(&(nn_runner_params) {
        .graph = inf->g, .name = "infer", .inputs = inf->input, .n_inputs = inf->n_inputs, .outputs = out,
        .n_outputs = CAPTURED + inf->n_captured, .after = record_kept, .user = inf,
    }, &inf->run));
    inf->bytes = vkc_memory_get_info(dev).in_use - before;
done:
    free(out);
    return st;
}

vkc_status nn_infer_create_with(const nn_model *m, const nn_infer_params *p, nn_infer **out)
{
    nn_infer *inf = (nn_infer *) calloc(1, sizeof *inf);
    if (!inf)
        return VKC_FAIL(VKC_E_NOMEM, "infer: out of host memory");
    inf->model = m;
    inf->p = *p;
    vkc_status st = build(inf);
    if (st != VKC_OK) {
        nn_infer_destroy(inf);
        return st;
    }
    *out = inf;
    return VKC_OK;
}

vkc_status nn_infer_create(const nn_model *m, uint32_t cap_images, nn_infer **out)
{
    return nn_infer_create_with(m, &(nn_infer_params) { .cap_images = cap_images }, out);
}

void nn_infer_destroy(nn_infer *inf)
{
    if (!inf)
        return;
    nn_runner_destroy(inf->run);
    nn_graph_destroy(inf->g);
    nn_batch_finish(&inf->batch);
    free(inf->captured);
    free(inf->lengths);
    free(inf);
}

// ---- runs

void *nn_infer_input(nn_infer *inf, const char *name)
{
    return nn_runner_input(inf->run, 0, name);
}

uint32_t *nn_infer_lengths(nn_infer *inf)
{
    return inf->lengths;
}

vkc_status nn_infer_want(nn_infer *inf, nn_feed_batch *out)
{
    *out = (nn_feed_batch) { .lengths = inf->lengths };
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < inf->n_inputs && st == VKC_OK; i++) {
        const char *name = nn_input_name(inf->input[i]);
        st = nn_feed_want(out, name, nn_infer_input(inf, name), nn_runner_input_size(inf->run, name));
    }
    return st;
}

static vkc_status check_count(const nn_infer *inf, uint32_t n)
{
    return n > 0 && n <= inf->p.cap_images
        ? VKC_OK : VKC_FAIL(VKC_E_ARG, "infer: %u images, want 1 to %u", n, inf->p.cap_images);
}

vkc_status nn_infer_run_filled(nn_infer *inf, uint32_t n)
{
    char when[40];
    vkc_status st = check_count(inf, n);
    if (st == VKC_OK)
        st = nn_batch_write_lengths(inf->model->dev, &inf->batch, n, inf->lengths);
    if (st != VKC_OK)
        return st;
    snprintf(when, sizeof when, "in batch %llu", (unsigned long long) ++inf->n_runs);
    return nn_runner_run(inf->run, when);
}

vkc_status nn_infer_run(nn_infer *inf, const float *input, uint32_t n, float *logits)
{
    const nn_tensor *in = inf->input[0];
    vkc_status st = check_count(inf, n);
    if (st != VKC_OK)
        return st;
    if (inf->n_inputs != 1 || nn_tensor_dtype(in) != NN_DTYPE_F32 || inf->lengths)
        return VKC_FAIL(VKC_E_ARG, "infer: the model does not read one input of floats, all samples of one length");
    const size_t sample = nn_tensor_slice(in).size / inf->p.cap_images;
    memcpy(nn_infer_input(inf, nn_input_name(in)), input, n * sample);
    st = nn_infer_run_filled(inf, n);
    if (st == VKC_OK)
        memcpy(logits, nn_infer_logits(inf), (size_t) n * inf->model->cfg.classes * sizeof *logits);
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
