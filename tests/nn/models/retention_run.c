// retention_run.c — a model with token pruning on the device and in double; see retention_run.h.
#include "tests/nn/models/retention_run.h"

#include "shaders/loss/cross_entropy.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_loss.h"
#include "tests/nn/models/golden_model.h"

#define PONDER 0.05f                // weights of the losses of halting, of the size of the cross-entropy
#define PRIOR 0.1f

static vkc_status make_losses(retention_run *t, uint32_t cap)
{
    const nn_retention_config *r = &t->v->cfg.retention;
    const struct cross_entropy_attr ce = { .smoothing = 0.1f };
    const struct halt_loss_attr prior = { .target = HALT_TARGET_NORMALISED, .mean = 1.5f, .std = 1 };
    t->labels = nn_graph_input(t->g, "labels", (nn_shape) { 1, { cap } }, NN_DTYPE_U32, t->batch.samples);
    t->loss = NN_APPLY(t->g, cross_entropy, &ce, NULL, t->logits, t->labels);
    nn_graph_add_loss(t->g, t->loss, 1);
    if (r->policy != NN_POLICY_HALTING)
        return VKC_OK;
    t->halt_loss = NN_APPLY(t->g, halt_loss, &prior, NULL, t->taps.retention.tally, t->taps.retention.gate);
    nn_graph_add_loss(t->g, t->halt_loss, 1);
    const float gate[GATE_LEN] = { (float) r->gate_scale, (float) r->gate_centre, PONDER, PRIOR };
    return vkc_write(t->v->dev, nn_tensor_slice(t->taps.retention.gate), gate);
}

static void keep_all(retention_run *t)
{
    nn_graph_keep(t->g, t->logits);
    nn_graph_keep(t->g, t->taps.retention.tally);
    for (uint32_t l = 0; l < t->v->cfg.depth; l++) {
        nn_graph_keep(t->g, t->taps.block[l]);
        nn_graph_keep(t->g, t->taps.retention.halting[l]);
        nn_graph_keep(t->g, t->taps.retention.score[l]);
    }
}

// Values of parameters and gate, from the device.
static vkc_status read_values(retention_run *t)
{
    const nn_params *ps = t->v->params;
    vkc_status st = VKC_OK;
    t->param = (double **) calloc(ps->n, sizeof *t->param);
    if (!t->param)
        return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
    for (uint32_t i = 0; i < ps->n; i++) {
        const size_t n = nn_shape_len(&ps->p[i].shape);
        const nn_tensor *x = nn_graph_param(t->g, t->v->params, i, t->labels != NULL);
        float *value = (float *) malloc(n * sizeof *value);
        t->param[i] = (double *) malloc(n * sizeof **t->param);
        if (!value || !t->param[i])
            return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
        st = nn_params_read(ps, i, value);
        for (size_t k = 0; k < n; k++)
            nn_reference_values(t->ref, x)[k] = t->param[i][k] = (double) value[k];
        free(value);
        if (st != VKC_OK)
            return st;
    }
    float *gate = t->taps.retention.gate ? retention_run_read(t, t->taps.retention.gate) : NULL;
    for (uint32_t k = 0; k < GATE_LEN && gate; k++)
        nn_reference_values(t->ref, t->taps.retention.gate)[k] = (double) gate[k];
    free(gate);
    return st;
}

vkc_status retention_run_init(retention_run *t, vkc_device *dev, const nn_model_config *cfg, uint32_t cap,
                              uint64_t seed, bool train)
{
    vkc_status st;
    const uint32_t len = nn_model_config_pixels(cfg);
    *t = (retention_run) { 0 };
    VKC_TRY(nn_model_create(dev, cfg, train, &t->v));
    golden_fill(t->v->params, seed, 0.3f);
    VKC_TRY(nn_model_batch_create(dev, cfg, cap, &t->batch));
    VKC_TRY(nn_graph_create(dev, &t->g));
    t->pixels = nn_graph_input(t->g, "pixels", (nn_shape) { 2, { 0, len } }, NN_DTYPE_F32, t->batch.samples);
    t->logits = nn_model_forward(t->g, t->v, &t->batch, &t->pixels, train, &t->taps);
    if (train && t->logits)
        VKC_TRY(make_losses(t, cap));
    keep_all(t);
    VKC_TRY(nn_graph_plan(t->g));
    VKC_TRY(nn_reference_create(t->g, &t->ref));
    t->host = (float *) malloc((size_t) cap * len * sizeof *t->host);
    if (!t->host)
        return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
    VKC_TRY(read_values(t));
    VKC_TRY(vkc_recording_create(dev, &(vkc_recording_params) { .name = "retention" }, &t->rec));
    VKC_TRY(nn_graph_record(t->g, t->rec));
    st = vkc_recording_finish(t->rec);
done:
    return st;
}

void retention_run_finish(retention_run *t)
{
    for (uint32_t i = 0; t->param && i < t->v->params->n; i++)
        free(t->param[i]);
    free(t->param);
    free(t->host);
    nn_reference_destroy(t->ref);
    vkc_recording_destroy(t->rec);
    nn_graph_destroy(t->g);
    nn_batch_finish(&t->batch);
    nn_model_destroy(t->v);
}

vkc_status retention_run_execute(retention_run *t, uint32_t n, uint32_t step)
{
    vkc_status st;
    vkc_device *dev = t->v->dev;
    const nn_model_config *c = &t->v->cfg;
    const size_t len = (size_t) n * nn_model_config_pixels(c);
    uint32_t labels[64];
    t->n = n;
    golden_batch(c, 5, step, n, t->host, labels);
    VKC_TRY(nn_batch_write(dev, &t->batch, n));
    vkc_slice in = nn_tensor_slice(t->pixels);
    in.size = len * sizeof *t->host;
    VKC_TRY(vkc_write(dev, in, t->host));
    for (size_t k = 0; k < len; k++)
        nn_reference_values(t->ref, t->pixels)[k] = (double) t->host[k];
    if (t->labels) {
        in = nn_tensor_slice(t->labels);
        in.size = n * sizeof *labels;
        VKC_TRY(vkc_write(dev, in, labels));
        for (uint32_t b = 0; b < n; b++)
            nn_reference_values(t->ref, t->labels)[b] = labels[b];
        for (uint32_t b = 0; b < t->v->params->n_blocks; b++)
            VKC_TRY(vkc_fill(dev, vkc_slice_of(t->v->params->grad[b]), 0));
    }
    VKC_TRY(vkc_submit(t->rec, NULL));
    VKC_TRY(vkc_wait(dev, 0));
    nn_reference_touch_all(t->ref);
    nn_reference_run(t->ref);
done:
    return st;
}

float *retention_run_read(const retention_run *t, const nn_tensor *x)
{
    float *host = (float *) malloc(nn_tensor_slice(x).size);
    if (host && vkc_read(t->v->dev, nn_tensor_slice(x), host) == VKC_OK)
        return host;
    free(host);
    return NULL;
}

uint32_t *retention_run_words(const retention_run *t, uint32_t l)
{
    const nn_rows *rows = t->batch.kept[l];
    uint32_t *host = rows ? (uint32_t *) malloc(rows->words.size) : NULL;
    if (host && vkc_read(t->v->dev, rows->words, host) == VKC_OK)
        return host;
    free(host);
    return NULL;
}

const nn_rows *retention_run_entry(const retention_run *t, uint32_t l)
{
    while (l > 0 && !t->batch.kept[l - 1])
        l--;
    return l > 0 ? t->batch.kept[l - 1] : t->batch.tokens;
}
