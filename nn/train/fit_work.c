// fit_work.c — the parts of a training run, made and freed.
#include "nn/train/fit_work.h"

#include "nn/data/loader_feed.h"

#include <string.h>

static void add_input(nn_fit_work *w, nn_tensor *t)
{
    if (t && w->n_inputs < NN_MAX_FIELDS)       // no more than the feed's fields, of which there are not more
        w->input[w->n_inputs++] = t;
}

static nn_rows *rows_of(const nn_fit_work *w, nn_field_rows rows)
{
    return rows == NN_PER_BATCH ? NULL : rows == NN_PER_TOKEN ? w->batch.tokens : w->batch.samples;
}

static vkc_status init(nn_fit_work *w, vkc_device *dev, const nn_model_config *c, const nn_feed *feed)
{
    vkc_status st;
    nn_model_input own[NN_MAX_INPUTS];
    const uint32_t n = nn_model_inputs(c, own);
    for (uint32_t i = 0; i < n; i++)
        if (!nn_feed_find(feed, own[i].name))
            return VKC_FAIL(VKC_E_ARG, "the data has no %s, which the model reads", own[i].name);
    w->feed = *feed;
    VKC_TRY(nn_model_batch_create(dev, c, feed->cap, &w->batch));
    VKC_TRY(nn_graph_create(dev, &w->graph));
    w->n_inputs = w->n_model_inputs = nn_model_add_inputs(w->graph, c, &w->batch, w->input);
    for (uint32_t i = 0; i < feed->n_fields; i++) {
        const nn_feed_field *f = &feed->field[i];
        bool is_own = false;
        for (uint32_t k = 0; k < n; k++)
            is_own = is_own || strcmp(own[k].name, f->name) == 0;
        if (!is_own)
            add_input(w, nn_graph_input(w->graph, f->name, f->shape, f->dtype, rows_of(w, f->rows)));
    }
done:
    return st;
}

vkc_status nn_fit_work_init(nn_fit_work *w, vkc_device *dev, const nn_model_config *c, const nn_feed *feed)
{
    *w = (nn_fit_work) { .loader = NULL };
    return init(w, dev, c, feed);
}

vkc_status nn_fit_work_init_pictures(nn_fit_work *w, vkc_device *dev, const nn_model_config *c,
                                     const nn_loader_params *loader)
{
    *w = (nn_fit_work) { .loader = NULL };
    const vkc_status st = nn_loader_create(loader, &w->loader);
    if (st != VKC_OK)
        return st;
    const nn_feed feed = nn_loader_feed(w->loader, loader);
    return init(w, dev, c, &feed);
}

vkc_status nn_fit_work_add_recipe(nn_fit_work *w, const nn_recipe *r, uint64_t seed, const nn_model_config *c,
                                  nn_recipe_inputs *out)
{
    vkc_status st = nn_recipe_check(r);
    if (st != VKC_OK)
        return st;
    nn_recipe_build(w->graph, r, seed, c, w->batch.samples, out);
    st = nn_recipe_feed_create(out, &w->feed, &w->recipe);
    if (st != VKC_OK)
        return st;
    w->feed = nn_recipe_feed_get(w->recipe);
    add_input(w, out->labels_b);
    add_input(w, out->lambda);
    add_input(w, out->drop.key);
    return VKC_OK;
}

nn_tensor *nn_fit_work_input(const nn_fit_work *w, const char *name)
{
    for (uint32_t i = 0; i < w->n_inputs; i++)
        if (strcmp(nn_input_name(w->input[i]), name) == 0)
            return w->input[i];
    return NULL;
}

void nn_fit_work_finish(nn_fit_work *w)
{
    nn_stepper_destroy(w->stepper);
    nn_graph_destroy(w->graph);
    nn_batch_finish(&w->batch);
    nn_recipe_feed_destroy(w->recipe);
    nn_loader_destroy(w->loader);
    *w = (nn_fit_work) { .loader = NULL };
}
