// first_rows.c — the first row of every image, or a later one.
//   in:  x (R, C), packed
//   out: y (B, C), packed by `to`, which has one token an image: y[b] = x[offsets[b] + index]; 0 where there is none
#include "nn/graph/rowwise.h"
#include "shaders/tokens/first_rows.h"
#include "spv/shaders.h"

static vkc_status infer(nn_call *c)
{
    vkc_status st;
    VKC_TRY(nn_want_shape("first_rows", "x", &c->in[0], 2, 0, 0));
    if (c->in_rows[0] == NULL || c->to == NULL)
        return VKC_FAIL(VKC_E_ARG, "first_rows: x must be packed, and a layout of images given");
    if (c->to->cap_images != c->in_rows[0]->cap_images)
        return VKC_FAIL(VKC_E_ARG, "first_rows: x is made for %u images, the layout for %u",
                        c->in_rows[0]->cap_images, c->to->cap_images);
    c->out[0] = (nn_shape) { 2, { nn_rows_cap(c->to), c->in[0].dim[1] } };
    c->out_rows[0] = c->to;
done:
    return st;
}

// 0 without attributes.
static uint32_t get_index(const nn_call *c)
{
    return c->attr ? NN_ATTR(c, first_rows)->index : 0;
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    struct first_rows_args a = { .cols = c->in[0].dim[1], .index = get_index(c) };
    uint32_t lanes = nn_row_lanes(c, a.cols);
    return NN_DISPATCH(r, first_rows_fwd, &a, .tile_rows = NN_ROW_WG / lanes, .rows = ROWS_OUT(0),
        .wg = NN_ROW_WG, .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { IN(0), OUT(0), ROWS_IN(0), ROWS_OUT(0) });
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct first_rows_args a = { .cols = c->in[0].dim[1], .index = get_index(c) };
    uint32_t lanes = nn_row_lanes(c, a.cols);
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    return NN_DISPATCH(r, first_rows_bwd, &a, .tile_rows = NN_ROW_WG / lanes, .rows = ROWS_OUT(0),
        .wg = NN_ROW_WG, .spec = { [SPEC_LANES - 1] = lanes, [SPEC_COLS - 1] = a.cols },
        .bind = { DOUT(0), DIN(0), ROWS_IN(0), ROWS_OUT(0) });
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const size_t C = c->in[0].dim[1];
    for (uint32_t b = 0; b < c->out_rows[0]->n; b++) {
        const uint32_t row = c->in_rows[0]->offsets[b] + get_index(c);
        for (size_t j = 0; j < C; j++)
            out[0][b * C + j] = row < c->in_rows[0]->offsets[b + 1] ? in[0][row * C + j] : 0;
    }
}

const nn_op nn_op_first_rows = {
    .name = "first_rows", .n_in = 1, .n_out = 1,
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
