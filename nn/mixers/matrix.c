// matrix.c — the op of a mixer's graph that has a mixing matrix, see matrix.h.
#include "nn/mixers/matrix.h"

#include "nn/graph/graph_impl.h"
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/scan/gated/gated_scan.h"

static const nn_node *find(const nn_graph *g, uint32_t first, const nn_op *op)
{
    for (uint32_t i = first; i < g->n_nodes; i++)
        if (g->node[i].op == op)
            return &g->node[i];
    return NULL;
}

static nn_tensor *match_scan(nn_graph *g, const nn_node *scan, nn_tensor *qkv, nn_tensor *lse)
{
    enum { Q, K, V, DECAY, STEP };
    const struct gated_scan_attr *t = (const struct gated_scan_attr *) scan->attr;
    const struct matrix_match_attr a = {
        .heads = t->heads, .dirs = t->dirs, .dk = t->dk, .channels = t->channels,
        .q_col0 = t->q_col0, .q_head = t->q_head, .q_dir = t->q_dir,
        .k_col0 = t->k_col0, .k_head = t->k_head, .k_dir = t->k_dir,
        .g_col0 = t->g_col0, .g_head = t->g_head, .g_dir = t->g_dir,
        .step_col0 = t->step_col0, .step_head = t->step_head, .step_dir = t->step_dir, .scale = t->scale,
    };
    return NN_APPLY(g, matrix_match, &a, NULL, scan->in[Q], scan->in[K], qkv, lse, scan->in[DECAY], scan->in[STEP]);
}

static nn_tensor *match_features(nn_graph *g, const nn_node *linear, nn_tensor *qkv, nn_tensor *lse)
{
    const struct linear_attention_attr *t = (const struct linear_attention_attr *) linear->attr;
    const uint32_t F = nn_tensor_shape(linear->in[0])->dim[1] / t->heads;
    const struct matrix_match_attr a = { .heads = t->heads, .dirs = 1, .dk = F, .q_head = F, .k_head = F };
    return NN_APPLY(g, matrix_match, &a, NULL, linear->in[0], linear->in[1], qkv, lse, NULL, NULL);
}

nn_tensor *nn_mixer_match_matrix(nn_graph *g, uint32_t first, const nn_mixer_dims *d, nn_tensor *qkv, nn_tensor *lse)
{
    if (g->status != VKC_OK)
        return NULL;
    const nn_node *scan = find(g, first, &nn_op_gated_scan), *linear = find(g, first, &nn_op_linear_attention);
    if (scan)
        return match_scan(g, scan, qkv, lse);
    if (linear)
        return match_features(g, linear, qkv, lse);
    return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "mixer %s%s: its values are not multiplied by a matrix of one number a "
                                     "head that could be held against attention weights", d->mixer->name,
                                     find(g, first, &nn_op_window_attention) ? " with a window" : ""));
}

vkc_status nn_mixer_check_matrix(vkc_device *dev, const nn_mixer_dims *d)
{
    nn_mixer_param about[NN_MAX_MIXER_PARAMS];
    nn_tensor *p[NN_MAX_MIXER_PARAMS] = { NULL };
    nn_mixer_taps taps = { 0 };
    nn_rows *rows = NULL;
    nn_graph *g = NULL;
    vkc_status st;
    VKC_TRY(nn_rows_create(dev, 1, 5, 1, 2, 2, &rows));
    VKC_TRY(nn_graph_create(dev, &g));
    const uint32_t n = d->mixer->params(d, about);
    for (uint32_t i = 0; i < n; i++)
        p[i] = nn_graph_input(g, about[i].name, about[i].shape, NN_DTYPE_F32, NULL);
    nn_tensor *y = nn_graph_input(g, "y", (nn_shape) { 2, { 0, d->dim } }, NN_DTYPE_F32, rows);
    nn_tensor *qkv = nn_graph_input(g, "teacher_qkv", (nn_shape) { 2, { 0, 3 * d->dim } }, NN_DTYPE_F32, rows);
    nn_tensor *lse = nn_graph_input(g, "teacher_lse", (nn_shape) { 2, { 0, d->heads } }, NN_DTYPE_F32, rows);
    const uint32_t first = g->n_nodes;
    d->mixer->build(g, d, y, p, &taps);
    nn_mixer_match_matrix(g, first, d, qkv, lse);
    st = nn_graph_plan(g);
done:
    nn_graph_destroy(g);
    nn_rows_destroy(rows);
    return st;
}
