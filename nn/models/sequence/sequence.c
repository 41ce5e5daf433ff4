// sequence.c — the parameters of a classifier of token sequences, its graph around the blocks, and its row in the table
// of kinds.
#include "nn/models/sequence/sequence.h"

#include "nn/models/sequence/sequence_impl.h"
#include "shaders/tokens/pool.h"

static const nn_sequence *own_of(const nn_model *m)
{
    return (const nn_sequence *) m->own;
}

static void add_front(nn_param_adder *a)
{
    nn_sequence *s = (nn_sequence *) a->m->own;
    const nn_model_config *c = &a->m->cfg;
    s->table = nn_param_add(a, "embed.weight", nn_mat(c->vocab, c->dim), (nn_shape) { 0 }, false, NN_INIT_NORMAL);
    s->positions = nn_param_add(a, "pos_embed", nn_mat(c->context, c->dim), (nn_shape) { 0 }, false, NN_INIT_NORMAL);
}

static void add_back(nn_param_adder *a)
{
    nn_sequence *s = (nn_sequence *) a->m->own;
    const nn_model_config *c = &a->m->cfg;
    const nn_shape same = { 0 };
    s->norm_w = nn_param_add(a, "norm.weight", nn_vec(c->dim), same, false, NN_INIT_ONE);
    s->norm_b = nn_param_add(a, "norm.bias", nn_vec(c->dim), same, false, NN_INIT_ZERO);
    s->head_w = nn_param_add(a, "head.weight", nn_mat(c->classes, c->dim), same, true, NN_INIT_NORMAL);
    s->head_b = nn_param_add(a, "head.bias", nn_vec(c->classes), same, false, NN_INIT_ZERO);
}

static uint32_t inputs(const nn_model_config *c, nn_model_input out[NN_MAX_INPUTS])
{
    (void) c;
    out[0] = (nn_model_input) { "ids", { 1, { 0 } }, NN_DTYPE_U32, true };
    return 1;
}

static uint32_t tokens(const nn_model_config *c)
{
    return c->context;
}

static void grid(const nn_model_config *c, uint32_t *prefix, uint32_t *height, uint32_t *width)
{
    (void) c;
    *prefix = *height = *width = 0;
}

static nn_tensor *embed(nn_graph *g, const nn_model *m, const nn_batch *b, nn_tensor *const *in, bool trained)
{
    const nn_sequence *s = own_of(m);
    (void) b;
    nn_graph_scope(g, "embed");
    return NN_APPLY0(g, embed, NULL, in[0], nn_graph_param(g, m->params, s->table, trained),
                     nn_graph_param(g, m->params, s->positions, trained));
}

static nn_tensor *read_out(nn_graph *g, const nn_model *m, nn__retention *kept, nn_tensor *x, bool trained)
{
    const nn_sequence *s = own_of(m);
    x = NN_APPLY(g, pool, &(struct pool_attr) { 0 }, kept->batch->samples, x);
    x = nn__norm(g, m, x, s->norm_w, s->norm_b, trained);
    return nn__linear(g, m, x, s->head_w, s->head_b, trained);
}

const nn_model_kind nn_model_kind_sequence = {
    .name = "sequence", .about = "a classifier of token sequences: embeddings, blocks, the mean token",
    .own_size = sizeof(nn_sequence), .check = nn__sequence_check, .read_config = nn__sequence_read_config,
    .build_config = nn__sequence_build_config, .tokens = tokens, .grid = grid, .inputs = inputs, .add_front = add_front,
    .add_back = add_back, .embed = embed, .read_out = read_out, .load = nn__model_load_as_named,
    .save_weights = nn__model_save_as_named,
};
