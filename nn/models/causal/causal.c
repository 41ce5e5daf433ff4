// causal.c — the parameters of a causal language model outside its blocks, its graph around them, and its row in the
// table of kinds.
#include "nn/models/causal/causal_impl.h"

static nn_causal *own_of(const nn_model *m)
{
    return (nn_causal *) m->own;
}

static void add_front(nn_param_adder *a)
{
    nn_causal *own = own_of(a->m);
    const nn_model_config *c = &a->m->cfg;
    const nn_shape same = { 0 };
    *own = (nn_causal) { .positions = NN_NO_PARAM, .head = NN_NO_PARAM };
    own->table = nn_param_add(a, "embed.weight", nn_mat(c->vocab, c->dim), same, false, NN_INIT_NORMAL);
    if (c->text.positions)
        own->positions = nn_param_add(a, "pos_embed", nn_mat(c->context, c->dim), same, false, NN_INIT_NORMAL);
}

static void add_back(nn_param_adder *a)
{
    nn_causal *own = own_of(a->m);
    const nn_model_config *c = &a->m->cfg;
    nn__norm_add(a, "norm", &own->norm_w, &own->norm_b);
    if (!c->text.tied)
        own->head = nn_param_add(a, "head.weight", nn_mat(c->vocab, c->dim), (nn_shape) { 0 }, true, NN_INIT_NORMAL);
}

static uint32_t inputs(const nn_model_config *c, nn_model_input out[NN_MAX_INPUTS])
{
    (void) c;
    out[0] = (nn_model_input) { "ids", { 1, { 0 } }, NN_DTYPE_U32, true };
    return 1;
}

static uint32_t tokens(const nn_model_config *c)
{
    return c->text.tokens ? c->text.tokens : c->context < NN_CAUSAL_TOKENS ? c->context : NN_CAUSAL_TOKENS;
}

static void grid(const nn_model_config *c, uint32_t *prefix, uint32_t *height, uint32_t *width)
{
    (void) c;
    *prefix = *height = *width = 0;
}

static nn_tensor *embed(nn_graph *g, const nn_model *m, const nn_batch *b, nn_tensor *const *in, bool trained)
{
    const nn_causal *own = own_of(m);
    (void) b;
    nn_graph_scope(g, "embed");
    return NN_APPLY0(g, embed, NULL, in[0], nn_graph_param(g, m->params, own->table, trained),
                     nn__param(g, m->params, own->positions, trained));
}

nn_tensor *nn_causal_norm(nn_graph *g, const nn_model *m, nn_tensor *x, bool trained)
{
    return nn__norm(g, m, x, own_of(m)->norm_w, own_of(m)->norm_b, trained);
}

nn_tensor *nn_causal_table(nn_graph *g, const nn_model *m, bool trained)
{
    const nn_causal *own = own_of(m);
    return nn_graph_param(g, m->params, own->head == NN_NO_PARAM ? own->table : own->head, trained);
}

static nn_tensor *read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained)
{
    const nn_causal *own = own_of(m);
    (void) kept;
    x = nn_causal_norm(g, m, x, trained);
    return nn__linear(g, m, x, own->head == NN_NO_PARAM ? own->table : own->head, NN_NO_PARAM, trained);
}

const nn_model_kind nn_model_kind_causal = {
    .name = "causal", .about = "a causal language model: embeddings, blocks, a score for each token of the vocabulary",
    .own_size = sizeof(nn_causal), .check = nn__causal_check, .read_config = nn__causal_read_config,
    .build_config = nn__causal_build_config, .tokens = tokens, .grid = grid, .inputs = inputs, .add_front = add_front,
    .add_back = add_back, .embed = embed, .read_out = read_out, .load = nn__causal_load,
    .save_weights = nn__causal_save_weights,
};
