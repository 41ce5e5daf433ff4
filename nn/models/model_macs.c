// model_macs.c — multiply-adds of a model, counted on the graph that would run, and parameters of its mixers.
#include "nn/models/model.h"

#include <math.h>

// Of one image: the mixer and projection of layer l, or with l = depth the whole forward pass.
static uint64_t graph_macs(const nn_model *m, uint32_t l)
{
    nn_batch b;
    nn_graph *g = NULL;
    uint64_t macs = 0;
    if (nn_model_batch_create(m->dev, &m->cfg, 1, &b) != VKC_OK)
        return 0;
    if (nn_graph_create(m->dev, &g) == VKC_OK) {
        bool whole = l == m->cfg.depth;
        nn_tensor *in[NN_MAX_INPUTS];
        if (whole) {
            nn_model_add_inputs(g, &m->cfg, &b, in);
            nn_model_forward(g, m, &b, in, false, NULL);
        } else {
            in[0] = nn_graph_input(g, "count", (nn_shape) { 2, { 0, m->cfg.dim } }, NN_DTYPE_F32, b.tokens);
            nn_model_attn(g, m, l, in[0], false, NULL, NULL);
        }
        macs = nn_graph_get_info(g).macs;
    }
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    return macs;
}

uint64_t nn_model_macs(const nn_model *m, uint32_t l)
{
    uint64_t mlp = (m->cfg.swiglu ? 3ull : 2ull) * nn_model_config_tokens(&m->cfg) * m->cfg.dim * m->cfg.hidden;
    return graph_macs(m, l) + (l < m->cfg.depth ? mlp : 0);
}

uint64_t nn_model_attn_macs(const nn_model *m, uint32_t l)
{
    return graph_macs(m, l);
}

uint64_t nn_model_attn_params(const nn_model *m, uint32_t l)
{
    const nn_block *k = &m->block[l];
    const nn_param *p = k->attn_params->p;
    uint64_t sum = nn_shape_len(&p[k->proj_w].shape) +
                   (k->proj_b == NN_NO_PARAM ? 0 : nn_shape_len(&p[k->proj_b].shape));
    for (uint32_t i = 0; i < k->n_mixer_p; i++)
        sum += nn_shape_len(&p[k->mixer_p[i]].shape);
    return sum;
}

uint64_t nn_model_block_macs(const nn_model *m, uint32_t l, uint32_t tokens)
{
    nn_rows *rows = NULL;
    nn_graph *g = NULL;
    uint64_t macs = 0;
    const uint32_t all = nn_model_config_prefix(&m->cfg), prefix = all < tokens ? all : tokens - 1;
    if (tokens == 0 || nn_rows_create(m->dev, 1, tokens, prefix, 1, tokens - prefix, &rows) != VKC_OK)
        return 0;
    if (nn_graph_create(m->dev, &g) == VKC_OK) {
        nn_tensor *x = nn_graph_input(g, "count", (nn_shape) { 2, { 0, m->cfg.dim } }, NN_DTYPE_F32, rows);
        nn_model_block_forward(g, m, l, x, false, NULL);
        macs = nn_graph_get_info(g).macs;
    }
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
    return macs;
}

// Between two numbers of tokens on a straight line: a mean is no whole number.
static double block_macs(const nn_model *m, uint32_t l, double tokens)
{
    const double below = floor(tokens), part = tokens - below;
    const double macs = (double) nn_model_block_macs(m, l, (uint32_t) below);
    return part > 0 ? macs + part * ((double) nn_model_block_macs(m, l, (uint32_t) below + 1) - macs) : macs;
}

double nn_model_kept_macs(const nn_model *m, const double *keep)
{
    const uint32_t all = nn_model_config_tokens(&m->cfg), prefix = nn_model_config_prefix(&m->cfg);
    double macs = (double) nn_model_macs(m, m->cfg.depth);
    for (uint32_t l = 0; l < m->cfg.depth; l++)
        if (keep[l] < 1)
            macs -= block_macs(m, l, all) - block_macs(m, l, prefix + keep[l] * (all - prefix));
    return macs;
}
