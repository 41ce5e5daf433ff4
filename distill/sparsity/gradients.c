// gradients.c — what mixers read, captured once, and their backward passes, a query a copy of the picture.
#include "distill/sparsity/gradients.h"

#include "distill/sparsity/attention_taps.h"
#include "shaders/inc/rows_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ROWS 4096u            // tokens of a replay, about: enough to fill a device
#define MAX_COPIES 64u

struct distill_gradients {
    const nn_model *model;
    uint32_t  depth, dim, tokens, copies;
    uint32_t  cap;                  // pictures
    float    *y[NN_MAX_DEPTH];      // (R, dim)
    uint32_t *layout[NN_MAX_DEPTH]; // words as in shaders/inc/rows_layout.h, without slots
    uint32_t  open;                 // the layer that what follows is of; NN_MAX_DEPTH = none
    nn_rows  *rows;                 // copies of one picture
    nn_graph *graph;
    nn_runner *run;
    uint32_t *lengths, *places;     // (copies), (copies * tokens)
};

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "gradient maps: out of host memory");
}

static vkc_status read_layers(distill_gradients *g, distill_attention_taps *t)
{
    vkc_status st = VKC_OK;
    const size_t room = distill_attention_taps_len(t);
    float *all = (float *) malloc(room * sizeof *all);
    if (!all)
        return fail_memory();
    for (uint32_t l = 0; l < g->depth; l++) {
        uint32_t rows;
        VKC_TRY(distill_attention_taps_read(t, l, all, &rows));
        const size_t len = (size_t) rows * g->dim;
        g->y[l] = (float *) malloc((len ? len : 1) * sizeof *all);
        g->layout[l] = (uint32_t *) malloc(distill_attention_taps_words(t) * sizeof *g->layout[l]);
        if (!g->y[l] || !g->layout[l]) {
            st = fail_memory();
            goto done;
        }
        memcpy(g->y[l], all, len * sizeof *all);
        VKC_TRY(distill_attention_taps_read_layout(t, l, g->layout[l]));
    }
done:
    free(all);
    return st;
}

vkc_status distill_gradients_create(const nn_model *model, const float *pixels, uint32_t n, distill_gradients **out)
{
    vkc_status st;
    const nn_model_config *c = &model->cfg;
    const uint32_t tokens = nn_model_config_tokens(c), fit = BATCH_ROWS / tokens;
    distill_attention_taps t = { 0 };
    distill_gradients *g = (distill_gradients *) calloc(1, sizeof *g);
    if (!g)
        return fail_memory();
    *g = (distill_gradients) { .model = model, .depth = c->depth, .dim = c->dim, .tokens = tokens, .cap = n,
                               .copies = fit < 1 ? 1 : fit < MAX_COPIES ? fit : MAX_COPIES, .open = NN_MAX_DEPTH };
    g->lengths = (uint32_t *) malloc(g->copies * sizeof *g->lengths);
    g->places = (uint32_t *) malloc((size_t) g->copies * tokens * sizeof *g->places);
    if (!g->lengths || !g->places) {
        st = fail_memory();
        goto done;
    }
    VKC_TRY(distill_attention_taps_init(model, n, DISTILL_TAP_NORMED, &t));
    VKC_TRY(distill_attention_taps_run(&t, pixels, n));
    VKC_TRY(read_layers(g, &t));
    *out = g;
    g = NULL;
done:
    distill_attention_taps_finish(&t);
    distill_gradients_destroy(g);
    return st;
}

static void close_layer(distill_gradients *g)
{
    nn_runner_destroy(g->run);
    nn_graph_destroy(g->graph);
    nn_rows_destroy(g->rows);
    g->run = NULL;
    g->graph = NULL;
    g->rows = NULL;
    g->open = NN_MAX_DEPTH;
}

void distill_gradients_destroy(distill_gradients *g)
{
    if (!g)
        return;
    close_layer(g);
    for (uint32_t l = 0; l < g->depth; l++) {
        free(g->y[l]);
        free(g->layout[l]);
    }
    free(g->lengths);
    free(g->places);
    free(g);
}

static uint32_t first_row(const distill_gradients *g, uint32_t layer, uint32_t i)
{
    return g->layout[layer][ROWS_HEADER + i];
}

uint32_t distill_gradients_len(const distill_gradients *g, uint32_t layer, uint32_t i)
{
    return first_row(g, layer, i + 1) - first_row(g, layer, i);
}

const uint32_t *distill_gradients_places(const distill_gradients *g, uint32_t layer, uint32_t i)
{
    return g->layout[layer] + ROWS_HEADER + g->cap + 1 + first_row(g, layer, i);
}

static vkc_status read_gradient(void *user, nn_runner *r, vkc_recording *rec)
{
    (void) rec;
    return nn_runner_add_output(r, nn_graph_gradient((const nn_tensor *) user));
}

static vkc_status open_layer(distill_gradients *g, uint32_t layer)
{
    vkc_status st;
    const nn_model_config *c = &g->model->cfg;
    nn_batch like = { 0 };
    if (g->open == layer)
        return VKC_OK;
    close_layer(g);
    VKC_TRY(nn_model_batch_create(g->model->dev, c, 1, &like));
    VKC_TRY(nn_rows_create(g->model->dev, g->copies, g->tokens, like.tokens->prefix, like.tokens->grid_h,
                           like.tokens->grid_w, &g->rows));
    VKC_TRY(nn_graph_create(g->model->dev, &g->graph));
    const nn_shape shape = { 2, { 0, g->dim } };
    nn_tensor *heads = NULL;
    nn_tensor *y = nn_graph_input(g->graph, "y", shape, NN_DTYPE_F32, g->rows);
    nn_tensor *seed = nn_graph_input(g->graph, "seed", shape, NN_DTYPE_F32, g->rows);
    nn_graph_want_gradient(g->graph, y);
    nn_model_attn(g->graph, g->model, layer, y, false, &heads, NULL);
    nn_graph_add_seed(g->graph, heads, seed);
    VKC_TRY(nn_runner_create(&(nn_runner_params) { .graph = g->graph, .name = "gradient maps",
                                                   .inputs = (nn_tensor *[]) { y, seed }, .n_inputs = 2,
                                                   .after = read_gradient, .user = y }, &g->run));
    g->open = layer;
done:
    nn_batch_finish(&like);
    if (st != VKC_OK)
        close_layer(g);
    return st;
}

// Queries first .. first + n - 1, a copy of the picture each; n <= copies.
static vkc_status run_queries(distill_gradients *g, uint32_t layer, uint32_t i, uint32_t head, uint32_t first,
                              uint32_t n, double *score)
{
    const uint32_t len = distill_gradients_len(g, layer, i), C = g->dim, H = g->model->cfg.heads;
    const uint32_t c0 = head == DISTILL_GRADIENTS_ALL ? 0 : head * (C / H);
    const uint32_t width = head == DISTILL_GRADIENTS_ALL ? C : C / H;
    const uint32_t *place = distill_gradients_places(g, layer, i);
    const size_t picture = (size_t) len * C;
    float *y = (float *) nn_runner_input(g->run, 0, "y"), *seed = (float *) nn_runner_input(g->run, 0, "seed");
    memset(seed, 0, nn_runner_input_size(g->run, "seed"));
    for (uint32_t b = 0; b < n; b++) {
        g->lengths[b] = len;
        memcpy(g->places + (size_t) b * len, place, len * sizeof *place);
        memcpy(y + b * picture, g->y[layer] + (size_t) first_row(g, layer, i) * C, picture * sizeof *y);
        for (uint32_t c = c0; c < c0 + width; c++)
            seed[b * picture + (size_t) (first + b) * C + c] = 1.0f;
    }
    vkc_status st = nn_rows_write(g->model->dev, g->rows, n, g->lengths, g->places);
    if (st == VKC_OK)
        st = nn_runner_run(g->run, "while gradient maps are made");
    const float *dy = st == VKC_OK ? (const float *) nn_runner_output(g->run, 0) : NULL;
    for (size_t k = 0; dy && k < (size_t) n * len; k++) {
        score[k] = 0;
        for (uint32_t c = 0; c < C; c++)
            score[k] += fabs((double) dy[k * C + c]);
    }
    return st;
}

vkc_status distill_gradients_read(distill_gradients *g, uint32_t layer, uint32_t i, uint32_t head, uint32_t first,
                                  uint32_t n, double *score)
{
    const uint32_t len = distill_gradients_len(g, layer, i);
    if (first > len || n > len - first || (head != DISTILL_GRADIENTS_ALL && head >= g->model->cfg.heads))
        return VKC_FAIL(VKC_E_ARG, "gradient maps: layer %u has no queries %u .. %u of head %u", layer, first,
                        first + n, head);
    vkc_status st = open_layer(g, layer);
    for (uint32_t done = 0; done < n && st == VKC_OK; done += g->copies) {
        const uint32_t some = n - done < g->copies ? n - done : g->copies;
        st = run_queries(g, layer, i, head, first + done, some, score + (size_t) done * len);
    }
    return st;
}
