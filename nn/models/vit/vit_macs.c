// vit_macs.c — multiply-adds of a model, counted on the graph that would run.
#include "nn/models/vit/vit.h"

// Of one image: the mixer and projection of layer l, or with l = depth the whole forward pass.
static uint64_t graph_macs(const nn_vit *v, uint32_t l)
{
    nn_batch b;
    nn_graph *g = NULL;
    uint64_t macs = 0;
    if (nn_batch_create(v->dev, &v->cfg, 1, &b) != VKC_OK)
        return 0;
    if (nn_graph_create(v->dev, &g) == VKC_OK) {
        bool whole = l == v->cfg.depth;
        uint32_t len = whole ? nn_model_config_pixels(&v->cfg) : v->cfg.dim;
        nn_tensor *x = nn_graph_input(g, "count", (nn_shape) { 2, { 0, len } }, NN_DTYPE_F32,
                                      whole ? b.images : b.tokens);
        if (whole)
            nn_vit_forward(g, v, &b, x, false, NULL);
        else
            nn_vit_attn(g, v, l, x, false, NULL, NULL);
        macs = nn_graph_get_info(g).macs;
    }
    nn_graph_destroy(g);
    nn_batch_finish(&b);
    return macs;
}

uint64_t nn_vit_macs(const nn_vit *v, uint32_t l)
{
    uint64_t mlp = (v->cfg.swiglu ? 3ull : 2ull) * nn_model_config_tokens(&v->cfg) * v->cfg.dim * v->cfg.hidden;
    return graph_macs(v, l) + (l < v->cfg.depth ? mlp : 0);
}

uint64_t nn_vit_block_macs(const nn_vit *v, uint32_t l, uint32_t tokens)
{
    nn_rows *rows = NULL;
    nn_graph *g = NULL;
    uint64_t macs = 0;
    if (tokens == 0 || nn_rows_create(v->dev, 1, tokens, 1, 1, tokens - 1, &rows) != VKC_OK)
        return 0;
    if (nn_graph_create(v->dev, &g) == VKC_OK) {
        nn_tensor *x = nn_graph_input(g, "count", (nn_shape) { 2, { 0, v->cfg.dim } }, NN_DTYPE_F32, rows);
        nn_vit_block_forward(g, v, l, x, false, NULL);
        macs = nn_graph_get_info(g).macs;
    }
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
    return macs;
}
