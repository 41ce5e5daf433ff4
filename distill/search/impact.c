// impact.c — pooled states of attention and of what replaces it in one pass, and probes of them.
#include "distill/search/impact.h"

#include "distill/search/order.h"
#include "distill/statistics/probe.h"
#include "distill/transfer/transfer.h"
#include "nn/data/loader.h"
#include "nn/graph/runner.h"
#include "nn/models/picture_loader.h"
#include "shaders/tokens/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BATCH 64u
#define DEFAULT_IMAGES 1000u
enum { OF_TRAIN, OF_TEST, N_PARTS };

typedef struct states {             // of one module
    uint32_t   layer, choice;       // 0 = the teacher's attention, k = that of student k
    nn_tensor *pooled;              // (images, dim)
    float     *x[N_PARTS];          // (n, dim)
} states;

typedef struct work {
    const distill_impact_params *p;
    uint32_t  batch, dim;
    nn_batch  layouts;
    nn_graph *g;
    nn_runner *run;
    float    *pixels;
    states   *module;               // (n): by layer, the teacher's first
    uint32_t  n;
    uint32_t *label[N_PARTS], images[N_PARTS];
} work;

static void finish(work *w)
{
    nn_runner_destroy(w->run);
    nn_graph_destroy(w->g);
    nn_batch_finish(&w->layouts);
    for (uint32_t i = 0; i < w->n; i++)
        for (int part = 0; part < N_PARTS; part++)
            free(w->module[i].x[part]);
    free(w->module);
    for (int part = 0; part < N_PARTS; part++)
        free(w->label[part]);
}

// The teacher with every mixer beside its attention, pooled.
static vkc_status build(work *w)
{
    const distill_impact_params *p = w->p;
    const nn_model_config *c = &p->teacher->cfg;
    const struct pool_attr attr = { .token = !c->no_class };
    nn_model_taps t = { 0 };
    nn_tensor *in[NN_MAX_INPUTS] = { NULL }, **outputs = NULL;
    vkc_status st;
    w->dim = attr.token ? 2 * c->dim : c->dim;
    w->module = (states *) calloc((size_t) c->depth * (1 + p->n_students), sizeof *w->module);
    if (!w->module)
        return VKC_FAIL(VKC_E_NOMEM, "impact: out of host memory");
    VKC_TRY(nn_model_batch_create(p->teacher->dev, c, w->batch, &w->layouts));
    VKC_TRY(nn_graph_create(p->teacher->dev, &w->g));
    const uint32_t n_in = nn_model_add_inputs(w->g, c, &w->layouts, in);
    nn_model_forward(w->g, p->teacher, &w->layouts, in, false, &t);
    for (uint32_t l = 0; l < c->depth; l++) {
        const uint32_t first = w->n;
        for (uint32_t k = 1; k <= p->n_students && !(p->fixed && p->fixed[l]); k++) {
            if (!distill_layer_differs(p->teacher, p->student[k - 1], l))
                continue;
            if (w->n == first)
                w->module[w->n++] = (states) { .layer = l, .pooled = NN_APPLY(w->g, pool, &attr, w->layouts.samples,
                                                                              t.attn[l]) };
            nn_tensor *heads, *o = nn_model_attn(w->g, p->student[k - 1], l, t.normed[l], false, &heads, NULL);
            w->module[w->n++] = (states) { .layer = l, .choice = k,
                                           .pooled = NN_APPLY(w->g, pool, &attr, w->layouts.samples, o) };
        }
    }
    outputs = (nn_tensor **) malloc((w->n + 1) * sizeof *outputs);
    if (!outputs)
        return VKC_FAIL(VKC_E_NOMEM, "impact: out of host memory");
    for (uint32_t i = 0; i < w->n; i++)
        outputs[i] = w->module[i].pooled;
    st = nn_runner_create(&(nn_runner_params) { .graph = w->g, .name = "states", .inputs = in, .n_inputs = n_in,
                                                .outputs = outputs, .n_outputs = w->n }, &w->run);
    if (st == VKC_OK)
        w->pixels = (float *) nn_runner_input(w->run, 0, nn_input_name(in[0]));
done:
    free(outputs);
    return st;
}

static vkc_status make_room(work *w, int part, uint32_t n)
{
    bool ok = (w->label[part] = (uint32_t *) malloc(n * sizeof *w->label[part])) != NULL;
    for (uint32_t i = 0; i < w->n && ok; i++) {
        w->module[i].x[part] = (float *) malloc((size_t) n * w->dim * sizeof(float));
        ok = w->module[i].x[part] != NULL;
    }
    return ok ? VKC_OK : VKC_FAIL(VKC_E_NOMEM, "impact: out of host memory");
}

// The states of a split's pictures.
static vkc_status read_part(work *w, int part, nn_split split)
{
    const distill_impact_params *p = w->p;
    nn_loader *loader = NULL;
    nn_pace pace = nn_pace_start();
    vkc_status st;
    nn_loader_params lp = nn_loader_params_of(&p->teacher->cfg, p->data, split, w->batch);
    lp.max_images = p->images ? p->images : DEFAULT_IMAGES;
    lp.threads = p->threads;
    VKC_TRY(nn_loader_create(&lp, &loader));
    VKC_TRY(make_room(w, part, nn_loader_images(loader)));
    for (uint32_t k = 0; k < nn_loader_batches(loader); k++) {
        uint32_t n, *at = &w->images[part];
        VKC_TRY(nn_loader_get(loader, w->pixels, w->label[part] + *at, &n));
        if (n) {
            VKC_TRY(nn_batch_write(p->teacher->dev, &w->layouts, n));
            VKC_TRY(nn_runner_run(w->run, "while states are probed"));
        }
        for (uint32_t i = 0; i < w->n && n; i++)
            memcpy(w->module[i].x[part] + (size_t) *at * w->dim, nn_runner_output(w->run, i),
                   (size_t) n * w->dim * sizeof(float));
        *at += n;
        if (!nn_progress_report(p->progress, p->user, "probe", "images", nn_split_name(split), &pace, *at,
                                nn_loader_images(loader))) {
            st = VKC_FAIL(VKC_E_STOPPED, "probe: stopped after %u of %u images", *at, nn_loader_images(loader));
            goto done;
        }
    }
    if (w->images[part] == 0)
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in the %s split of %s", nn_split_name(split),
                      nn_dataset_spec(p->data));
done:
    nn_loader_destroy(loader);
    return st;
}

static vkc_status fit(const work *w, const states *s, distill_probe **out)
{
    return distill_probe_create(s->x[OF_TRAIN], w->label[OF_TRAIN], w->images[OF_TRAIN], w->dim,
                                w->p->teacher->cfg.classes, DISTILL_PROBE_RIDGE, out);
}

static vkc_status test(const work *w, const distill_probe *probe, const states *s, double *out)
{
    return distill_probe_test(probe, s->x[OF_TEST], w->label[OF_TEST], w->images[OF_TEST], out);
}

static vkc_status probe_all(const work *w, distill_impact *out)
{
    const distill_impact_params *p = w->p;
    distill_probe *full = NULL, *own = NULL;
    nn_pace pace = nn_pace_start();
    double of_full = 0.0;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < w->n; i++) {
        const states *s = &w->module[i];
        if (!s->choice) {
            distill_probe_destroy(full);
            full = NULL;
            VKC_TRY(fit(w, s, &full));
            VKC_TRY(test(w, full, s, &of_full));
        } else {
            distill_impact_score *to = &out->layer[s->layer][s->choice - 1];
            to->full = of_full;
            VKC_TRY(fit(w, s, &own));
            VKC_TRY(test(w, own, s, &to->linear));
            VKC_TRY(test(w, full, s, &to->cross));
            to->impact = of_full > 0.0 ? 1.0 - (to->linear + to->cross) / (2.0 * of_full) : (double) NAN;
            distill_probe_destroy(own);
            own = NULL;
        }
        if (!nn_progress_report(p->progress, p->user, "probe", "probes", "", &pace, i + 1, w->n)) {
            st = VKC_FAIL(VKC_E_STOPPED, "probe: stopped after %u of %u probes", i + 1, w->n);
            goto done;
        }
    }
done:
    distill_probe_destroy(full);
    distill_probe_destroy(own);
    return st;
}

vkc_status distill_impact_measure(const distill_impact_params *p, distill_impact *out)
{
    work w = { .p = p, .batch = p->batch ? p->batch : DEFAULT_BATCH };
    const distill_impact_score none = { NAN, NAN, NAN, NAN };
    vkc_status st = nn_model_config_check_pictures(&p->teacher->cfg);
    if (st == VKC_OK && p->split == NN_SPLIT_TRAIN)
        st = VKC_FAIL(VKC_E_ARG, "impact: a probe is tested on other pictures than those of train");
    if (st == VKC_OK && nn_dataset_classes(p->data) != p->teacher->cfg.classes)
        st = VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(p->data),
                      nn_dataset_classes(p->data), p->teacher->cfg.classes);
    if (st != VKC_OK)
        return st;
    for (uint32_t l = 0; l < DISTILL_MAX_LAYERS; l++)
        for (uint32_t k = 0; k < DISTILL_MAX_CHOICES; k++)
            out->layer[l][k] = none;
    VKC_TRY(build(&w));
    VKC_TRY(read_part(&w, OF_TRAIN, NN_SPLIT_TRAIN));
    VKC_TRY(read_part(&w, OF_TEST, p->split));
    VKC_TRY(probe_all(&w, out));
    out->n_train = w.images[OF_TRAIN];
    out->n_test = w.images[OF_TEST];
done:
    finish(&w);
    return st;
}

uint32_t distill_order_impact(const distill_search_result *r, const distill_impact *scores, distill_step *order)
{
    double value[DISTILL_MAX_LAYERS] = { 0 };
    const uint32_t n = distill_order_one_shot(r, order);        // for the mixer of each layer
    for (uint32_t i = 0; i < n; i++)
        value[order[i].layer] = -scores->layer[order[i].layer][order[i].choice - 1].impact;
    return distill_order_by(r, value, order);
}
