// embed.c — token embeddings: a row of a table for each id, positions added.
//   in:  ids (R) uint32, packed   table (V, C)   positions (T, C), optional, T at least as many
//        as the tokens of a sample
//   out: y (R, C), packed as ids: y[r] = table[ids[r]] + positions[place of r]; zeros for the table's row where an id
//        is none of it
// The gradient of the table is summed without atomics, in the order of the rows. Scratch 0 links the rows of each id:
// an invocation a row compares its id with all others, so that part grows with the square of the rows.
#include "nn/graph/rowwise.h"
#include "shaders/tokens/embed.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("embed", "ids", &c->in[0], 1, 0, 0));
    VKC_TRY(nn_want_shape("embed", "table", &c->in[1], 2, 0, 0));
    if (!c->in_rows[0])
        return VKC_FAIL(VKC_E_ARG, "embed: ids must be packed");
    if (c->in[2].rank)
        VKC_TRY(nn_want_shape("embed", "positions", &c->in[2], 2, 0, c->in[1].dim[1]));
    if (c->in[2].rank && c->in[2].dim[0] < c->in_rows[0]->cap_tokens)
        return VKC_FAIL(VKC_E_ARG, "embed: %u positions for samples of %u tokens", c->in[2].dim[0],
                        c->in_rows[0]->cap_tokens);
    c->out[0] = (nn_shape) { 2, { c->in[0].dim[0], c->in[1].dim[1] } };
    c->out_rows[0] = c->in_rows[0];
    c->scratch_bwd[0] = 2 * sizeof(uint32_t) * (size_t) c->in[0].dim[0];
done:
    return st;
}

static struct embed_args make_args(const nn_call *c)
{
    return (struct embed_args) {
        .cols = c->in[1].dim[1], .vocab = c->in[1].dim[0], .has_positions = c->in[2].rank != 0,
    };
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const struct embed_args a = make_args(c);
    const uint32_t lanes = nn_row_lanes(c, a.cols);
    return NN_DISPATCH(r, embed_fwd, &a, NN_BY_ROWS(c, NN_ROW_WG / lanes), NN_ROW_SPEC(c, lanes, a.cols),
        .bind = { IN(0), IN(1), IN(2), OUT(0), ROWS_IN(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    const struct embed_args a = make_args(c);
    const uint32_t lanes = nn_row_lanes(c, a.cols);
    vkc_status st = VKC_OK;
    if (nn_is_wanted(r, DIN(1))) {
        // embed_link goes over all rows, and a list of one id may have them all; 2: the loops around that
        if (c->in[0].dim[0] > NN_MAX_ROUNDS - 2)
            return VKC_FAIL(VKC_E_ARG, "embed: %u tokens in a batch; want at most %u to train the table: smaller "
                            "batches would do", c->in[0].dim[0], NN_MAX_ROUNDS - 2);
        VKC_TRY(NN_DISPATCH(r, embed_link, &a, NN_BY_ROWS(c, NN_ROW_WG), .bind = { IN(0), SCRATCH(0), ROWS_IN(0) }));
        VKC_TRY(NN_DISPATCH(r, embed_bwd_table, &a, .tile_rows = NN_ROW_WG / lanes, .rows = ROWS_IN(0), .wg = NN_ROW_WG,
            .groups = { 0, (a.cols - 1) / lanes + 1 }, NN_ROW_SPEC(c, lanes, a.cols),
            .bind = { IN(0), SCRATCH(0), DOUT(0), DIN(1), ROWS_IN(0) }));
    }
    if (a.has_positions && nn_is_wanted(r, DIN(2)))
        VKC_TRY(NN_DISPATCH(r, embed_bwd_positions, &a, .wg = NN_ROW_WG,
            .groups = { c->in_rows[0]->cap_tokens, (a.cols - 1) / NN_ROW_WG + 1 },
            .bind = { DOUT(0), DIN(2), ROWS_IN(0) }));
done:
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const nn_rows *rows = c->in_rows[0];
    const size_t C = c->in[1].dim[1];
    for (uint32_t r = 0; r < rows->n; r++)
        for (size_t j = 0; j < C; j++)
            out[0][r * C + j] = (in[0][r] < c->in[1].dim[0] ? in[1][(size_t) in[0][r] * C + j] : 0) +
                                (in[2] ? in[2][rows->pos[r] * C + j] : 0);
}

const nn_op nn_op_embed = {
    .name = "embed", .n_in = 3, .n_out = 1, .n_opt = 1,
    .keep = BIT(IN(0)),
    .grad = BIT(IN(1)) | BIT(IN(2)), .skip = BIT(IN(1)) | BIT(IN(2)),
    .u32 = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
