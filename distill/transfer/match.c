// match.c — the first stage of a transfer: learned features or mixing matrices to the teacher's attention weights, all
// layers at once.
#include "distill/transfer/layerwise.h"

#include "nn/base/names.h"
#include "nn/graph/runner.h"
#include "nn/mixers/matrix.h"
#include "nn/models/picture_loader.h"
#include "shaders/attention/attention_match.h"

#include <math.h>
#include <stdlib.h>

#define MEASURED_IMAGES 128

typedef struct match {
    distill_match_loss loss;
    bool     trained;               // build losses, not only figures
    const bool *only;               // (depth) layers to match; NULL = all
    uint32_t layer[NN_MAX_DEPTH], n;        // those that are matched, from the first graph on
} match;

static const char *const loss_names[] = { [DISTILL_MATCH_KL] = "kl", [DISTILL_MATCH_MATRIX] = "matrix" };

const char *distill_match_loss_name(distill_match_loss m)
{
    return loss_names[m];
}

vkc_status distill_match_loss_get(const char *name, distill_match_loss *out)
{
    uint32_t i;
    const vkc_status st = nn_name_get("match loss", name, loss_names, DISTILL_N_MATCH_LOSSES, &i);
    if (st == VKC_OK)
        *out = (distill_match_loss) i;
    return st;
}

// The mixer of a student's layer. Trained are, for features, the parameters that have no value in the teacher to start
// from, for a matrix all; and of these the graph keeps those that the loss reaches.
static void build_mixer(nn_graph *g, const nn_model *student, uint32_t l, nn_tensor *y, const match *m,
                        nn_mixer_taps *taps)
{
    const nn_block *k = &student->block[l];
    nn_mixer_dims d = nn_model_mixer_dims(student, l);
    nn_mixer_param about[NN_MAX_MIXER_PARAMS];
    nn_tensor *p[NN_MAX_MIXER_PARAMS] = { 0 };
    k->mixer->params(&d, about);
    for (uint32_t i = 0; i < k->n_mixer_p; i++)
        p[i] = nn_graph_param(g, k->attn_params, k->mixer_p[i],
                              m->trained && (m->loss == DISTILL_MATCH_MATRIX || !about[i].from));
    *taps = (nn_mixer_taps) { 0 };
    nn_graph_scope(g, "blocks.%u.match", l);
    k->mixer->build(g, &d, y, p, taps);
}

// The loss of a student's layer, NULL when there is nothing to match; entropy: that of the teacher's weights, for KL.
static nn_tensor *build_loss(nn_graph *g, const nn_model *student, uint32_t l, const nn_model_taps *t, const match *m,
                             nn_tensor **entropy)
{
    const struct attention_match_attr attr = { .heads = student->cfg.heads, .grid_w = t->mixer[l].grid_w };
    const nn_mixer_dims d = nn_model_mixer_dims(student, l);
    const uint32_t first = nn_graph_get_info(g).n_calls;
    nn_mixer_taps taps;
    build_mixer(g, student, l, t->normed[l], m, &taps);
    if (m->loss == DISTILL_MATCH_MATRIX && t->mixer[l].table)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "match: the teacher's attention has relative positions, which a "
                                         "mixing matrix has not"));
    if (m->loss == DISTILL_MATCH_MATRIX)
        return nn_mixer_match_matrix(g, first, &d, t->mixer[l].qkv, t->mixer[l].lse);
    if (!taps.phi_q || !taps.phi_k)
        return NULL;
    nn_tensor *loss = NN_APPLY(g, attention_match, &attr, NULL, taps.phi_q, taps.phi_k, t->mixer[l].qkv,
                               t->mixer[l].lse, t->mixer[l].table);
    *entropy = nn_output(loss, 1);
    return loss;
}

// Losses first, then, for KL, the entropies of the teacher's weights: watch[i], watch[n + i].
static uint32_t build(void *user, nn_graph *g, const nn_model *teacher, const nn_model *student, const nn_batch *b,
                      const nn_model_taps *t, nn_tensor **watch)
{
    match *m = (match *) user;
    nn_tensor *entropy[NN_MAX_DEPTH] = { NULL };
    (void) b;
    m->n = 0;
    for (uint32_t l = 0; l < teacher->cfg.depth; l++) {
        if (!t->mixer[l].lse || (m->only && !m->only[l]) ||
            (m->loss == DISTILL_MATCH_MATRIX && !distill_layer_differs(teacher, student, l)))
            continue;
        watch[m->n] = build_loss(g, student, l, t, m, &entropy[m->n]);
        if (!watch[m->n])
            continue;
        if (m->trained)
            nn_graph_add_loss(g, watch[m->n], 1.0f);
        m->layer[m->n++] = l;
    }
    for (uint32_t i = 0; i < m->n && m->loss == DISTILL_MATCH_KL; i++)
        watch[m->n + i] = entropy[i];
    return m->loss == DISTILL_MATCH_KL ? 2 * m->n : m->n;
}

// A graph of the figures, and one batch of pictures through it.
typedef struct figures {
    nn_batch  batch;
    nn_graph *g;
    nn_runner *run;
    float    *pixels;               // host memory of the input
} figures;

static vkc_status figures_init(figures *f, match *m, const nn_model *teacher, const nn_model *student, uint32_t cap)
{
    vkc_status st;
    nn_model_taps t = { 0 };
    nn_tensor *in[NN_MAX_INPUTS] = { NULL }, *watch[2 * NN_MAX_DEPTH];
    VKC_TRY(nn_model_batch_create(teacher->dev, &teacher->cfg, cap, &f->batch));
    VKC_TRY(nn_graph_create(teacher->dev, &f->g));
    const uint32_t n_in = nn_model_add_inputs(f->g, &teacher->cfg, &f->batch, in);
    nn_model_forward(f->g, teacher, &f->batch, in, false, &t);
    m->trained = false;
    const uint32_t n = build(m, f->g, teacher, student, &f->batch, &t, watch);
    VKC_TRY(nn_runner_create(&(nn_runner_params) {
        .graph = f->g, .name = "match", .inputs = in, .n_inputs = n_in, .outputs = watch, .n_outputs = n,
    }, &f->run));
    f->pixels = (float *) nn_runner_input(f->run, 0, nn_input_name(in[0]));
done:
    return st;
}

static void figures_finish(figures *f)
{
    nn_runner_destroy(f->run);
    nn_graph_destroy(f->g);
    nn_batch_finish(&f->batch);
}

// sum[layer] += n times the divergence or the distance of a batch of n pictures.
static vkc_status figures_add(figures *f, const match *m, vkc_device *dev, uint32_t n, double *sum)
{
    vkc_status st = nn_batch_write(dev, &f->batch, n);
    if (st == VKC_OK)
        st = nn_runner_run(f->run, "while features are measured");
    for (uint32_t i = 0; i < m->n && st == VKC_OK; i++) {
        const float *loss = (const float *) nn_runner_output(f->run, i);
        const double least = m->loss == DISTILL_MATCH_KL
            ? (double) *(const float *) nn_runner_output(f->run, m->n + i) : 0;
        sum[m->layer[i]] += n * ((double) *loss - least);
    }
    return st;
}

// KL divergence or distance of each layer on the first pictures of val, or of train where there is no val. Fills in m's
// layers.
static vkc_status measure(match *m, const nn_model *teacher, const nn_model *student, const distill_transfer_params *p,
                          double out[NN_MAX_DEPTH])
{
    vkc_status st;
    figures f = { 0 };
    nn_loader *l = NULL;
    nn_pace pace = nn_pace_start();
    const uint32_t batch = p->batch ? p->batch : 64;
    const nn_split split = nn_dataset_len(p->data, NN_SPLIT_VAL) ? NN_SPLIT_VAL : NN_SPLIT_TRAIN;
    uint32_t seen = 0;
    nn_loader_params lp = nn_loader_params_of(&teacher->cfg, p->data, split, batch);
    lp.max_images = MEASURED_IMAGES;
    lp.threads = p->threads;
    VKC_TRY(figures_init(&f, m, teacher, student, batch));
    VKC_TRY(nn_loader_create(&lp, &l));
    for (uint32_t i = 0; i < m->n; i++)
        out[m->layer[i]] = 0;
    for (uint32_t k = 0; k < nn_loader_batches(l) && m->n; k++) {
        uint32_t n;
        VKC_TRY(nn_loader_get(l, f.pixels, NULL, &n));
        if (n)
            VKC_TRY(figures_add(&f, m, teacher->dev, n, out));
        seen += n;
        if (!nn_progress_report(p->progress, p->user, "match", "images",
                                m->loss == DISTILL_MATCH_KL ? "divergence" : "distance", &pace, seen,
                                nn_loader_images(l))) {
            st = VKC_FAIL(VKC_E_STOPPED, "match: stopped while measuring");
            goto done;
        }
    }
    for (uint32_t i = 0; i < m->n; i++)
        out[m->layer[i]] /= seen ? seen : 1;
done:
    figures_finish(&f);
    nn_loader_destroy(l);
    return st;
}

vkc_status distill_match(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                         distill_match_result *out)
{
    vkc_status st = VKC_OK;
    match m = { .loss = p->match_loss, .only = p->only };
    nn_fit_result r;
    *out = (distill_match_result) { .kind = p->match_loss };
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        out->loss[l] = out->before[l] = out->after[l] = (double) NAN;
    if (!p->match_epochs)
        return VKC_OK;
    VKC_TRY(measure(&m, teacher, student, p, out->before));
    out->n_layers = m.n;
    if (m.n == 0)
        return VKC_OK;
    m.trained = true;
    st = distill_fit_layers(teacher, student, p, &(distill_pass) {
        .what = "match", .epochs = p->match_epochs, .lr = p->match_lr > 0 ? p->match_lr : 1e-2, .build = build,
        .user = &m,
    }, &r);
    out->steps = r.steps;
    out->seconds = r.seconds;
    for (uint32_t i = 0; i < m.n; i++)
        out->loss[m.layer[i]] = r.watch[i];
    if (st == VKC_OK)
        st = measure(&m, teacher, student, p, out->after);
done:
    return st;
}
