// sparsity.c — one pass over pictures; the rows' measures come from the device, their means are taken here.
#include "distill/sparsity.h"

#include "nn/loader.h"
#include "shaders/attention_stats.h"
#include "vk/clock.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(DISTILL_N_MEASURES == ATTENTION_STATS_N, "measures come in the order of attention_stats.h");

const char *distill_measure_name(distill_measure m)
{
    static const char *const names[DISTILL_N_MEASURES] = { "entropy", "mass90", "top10" };
    return names[m];
}

typedef struct pass {
    const nn_vit *v;
    nn_batch  batch;
    nn_graph *g;
    vkc_recording *rec;
    vkc_slice pixels, stats[NN_MAX_DEPTH];      // stats: empty for layers without attention
    const nn_rows *layout[NN_MAX_DEPTH];        // of the stats; a model may drop tokens on the way
    float    *host;
    uint64_t  rows[NN_MAX_DEPTH];   // seen so far
} pass;

static vkc_status build(pass *p, uint32_t cap)
{
    vkc_status st;
    const nn_model_config *c = &p->v->cfg;
    nn_vit_taps t = { 0 };
    nn_tensor *stats[NN_MAX_DEPTH] = { 0 };
    VKC_TRY(nn_batch_create(p->v->dev, c, cap, &p->batch));
    VKC_TRY(nn_graph_create(p->v->dev, &p->g));
    nn_tensor *pixels = nn_graph_input(p->g, "pixels", (nn_shape) { 2, { 0, c->channels * c->image * c->image } },
                                       NN_DTYPE_F32, p->batch.images);
    nn_vit_forward(p->g, p->v, &p->batch, pixels, false, &t);
    for (uint32_t l = 0; l < c->depth; l++) {
        if (!t.mixer[l].lse)
            continue;
        stats[l] = NN_APPLY(p->g, attention_stats, &(struct attention_stats_attr) { .heads = c->heads }, NULL,
                            t.mixer[l].qkv, t.mixer[l].lse);
        nn_graph_keep(p->g, stats[l]);
    }
    VKC_TRY(nn_graph_plan(p->g));
    p->pixels = nn_tensor_slice(pixels);
    for (uint32_t l = 0; l < c->depth; l++)
        if (stats[l]) {
            p->stats[l] = nn_tensor_slice(stats[l]);
            p->layout[l] = nn_tensor_rows(stats[l]);
        }
    VKC_TRY(vkc_recording_create(p->v->dev, &(vkc_recording_params) { .name = "sparsity" }, &p->rec));
    VKC_TRY(nn_graph_record(p->g, p->rec));
    VKC_TRY(vkc_recording_finish(p->rec));
    size_t floats = (size_t) nn_rows_cap(p->batch.tokens) * c->heads * ATTENTION_STATS_N;
    size_t images = (size_t) cap * c->channels * c->image * c->image;
    p->host = (float *) malloc((floats > images ? floats : images) * sizeof *p->host);
    if (!p->host)
        st = VKC_FAIL(VKC_E_NOMEM, "sparsity: out of host memory");
done:
    return st;
}

static vkc_status run_batch(pass *p, uint32_t n, distill_sparsity *out)
{
    const nn_model_config *c = &p->v->cfg;
    vkc_slice in = p->pixels;
    in.size = (size_t) n * c->channels * c->image * c->image * sizeof(float);
    vkc_status st = nn_batch_write(p->v->dev, &p->batch, n);
    if (st == VKC_OK)
        st = vkc_write(p->v->dev, in, p->host);
    if (st == VKC_OK)
        st = vkc_submit(p->rec, NULL);
    const uint32_t per_row = c->heads * ATTENTION_STATS_N;
    for (uint32_t l = 0; l < c->depth && st == VKC_OK; l++) {
        uint32_t rows = 0;
        vkc_slice live = p->stats[l];
        if (!live.buf)
            continue;
        vkc_slice count = p->layout[l]->words;
        count.size = sizeof rows;
        st = vkc_read(p->v->dev, count, &rows);
        live.size = (size_t) rows * per_row * sizeof(float);
        if (st == VKC_OK && rows)
            st = vkc_read(p->v->dev, live, p->host);
        p->rows[l] += rows;
        for (size_t r = 0; r < rows && st == VKC_OK; r++)
            for (uint32_t k = 0; k < per_row; k++)
                out->head[l * per_row + k] += (double) p->host[r * per_row + k];
    }
    out->images += n;
    return st;
}

vkc_status distill_sparsity_measure(const nn_vit *v, const distill_sparsity_params *params, distill_sparsity *out)
{
    vkc_status st;
    pass p = { .v = v };
    nn_loader *l = NULL;
    uint32_t *labels = NULL;
    const uint32_t batch = params->batch ? params->batch : 64, per_layer = v->cfg.heads * DISTILL_N_MEASURES;
    const double start = vkc_seconds();
    *out = (distill_sparsity) { .depth = v->cfg.depth, .heads = v->cfg.heads };
    out->head = (double *) calloc((size_t) out->depth * per_layer, sizeof *out->head);
    labels = (uint32_t *) malloc(batch * sizeof *labels);
    if (!out->head || !labels) {
        st = VKC_FAIL(VKC_E_NOMEM, "sparsity: out of host memory");
        goto done;
    }
    nn_loader_params lp = nn_loader_params_of(&v->cfg, params->data, params->split, batch);
    lp.max_images = params->images ? params->images : 128;
    VKC_TRY(nn_loader_create(&lp, &l));
    VKC_TRY(build(&p, batch));
    for (uint32_t k = 0; k < nn_loader_batches(l); k++) {
        uint32_t n;
        VKC_TRY(nn_loader_get(l, p.host, labels, &n));
        if (n)
            VKC_TRY(run_batch(&p, n, out));
        if (!nn_progress_report(params->progress, params->user, "sparsity", "images", "", start, 0, out->images,
                                nn_loader_images(l))) {
            st = VKC_FAIL(VKC_E_STOPPED, "sparsity: stopped after %u images", out->images);
            goto done;
        }
    }
    if (!out->images) {
        st = VKC_FAIL(VKC_E_FORMAT, "no usable image in %s", nn_dataset_spec(params->data));
        goto done;
    }
    for (uint32_t i = 0; i < out->depth * per_layer; i++)
        out->head[i] = p.stats[i / per_layer].buf ? out->head[i] / (double) p.rows[i / per_layer] : (double) NAN;
done:
    if (st != VKC_OK)
        distill_sparsity_finish(out);
    vkc_recording_destroy(p.rec);
    nn_graph_destroy(p.g);
    nn_batch_finish(&p.batch);
    nn_loader_destroy(l);
    free(p.host);
    free(labels);
    return st;
}

double distill_sparsity_layer(const distill_sparsity *s, uint32_t layer, distill_measure m)
{
    double sum = 0;
    for (uint32_t h = 0; h < s->heads; h++)
        sum += s->head[(layer * s->heads + h) * DISTILL_N_MEASURES + (uint32_t) m];
    return sum / s->heads;
}

void distill_sparsity_finish(distill_sparsity *s)
{
    free(s->head);
    *s = (distill_sparsity) { 0 };
}
