// mingru.c — the minimal gated recurrent unit over the tokens of each image, in one or two directions.
//   in:  x (R, dirs 2 C), C = heads D     start (cap_images, heads dirs D) or absent: h before the first token, no
//        gradient
//   out: h (R, heads dirs D)     last (cap_images, heads dirs D) when attr.carry: h after the last token
// Two forms of each kernel: four channels an invocation (quads), and one. A GPU that few channels would leave idle cuts
// each image into segments, see shaders/scan/recurrent/mingru.h.
#include "nn/graph/rowwise.h"
#include "shaders/scan/recurrent/mingru.h"
#include "spv/shaders.h"

#include <math.h>
#include <string.h>

static uint32_t channels_of(const nn_call *c)
{
    const struct mingru_attr *t = NN_ATTR(c, mingru);
    return t->heads * t->dirs * t->dim;
}

static nn_choice choose(const nn_call *c)
{
    const nn_rows *rows = c->in_rows[0];
    return nn_choose(c, &(nn_problem) { .op = &nn_op_mingru, .odd = NN_ATTR(c, mingru)->dim,
                                        .len = nn_shape_len(&c->in[0]), .tokens = rows->cap_tokens,
                                        .copies = (uint64_t) rows->cap_images * channels_of(c) });
}

static struct mingru_args make_args(const nn_call *c)
{
    const struct mingru_attr *t = NN_ATTR(c, mingru);
    return (struct mingru_args) {
        .heads = t->heads, .dirs = t->dirs, .dim = t->dim,
        .has_start = c->in[1].rank ? 1 : 0,
        .carry = t->carry,
        .segments = choose(c).parts,
    };
}

static vkc_status infer(nn_call *c)
{
    const struct mingru_attr *t = NN_ATTR(c, mingru);
    const nn_shape *x = &c->in[0];
    const nn_rows *rows = c->in_rows[0];
    if (!t || !t->heads || !t->dim || (t->dirs != 1 && t->dirs != 2))
        return VKC_FAIL(VKC_E_ARG, "mingru: heads or dim is 0, or dirs is not 1 or 2");
    if (x->rank != 2 || !rows)
        return VKC_FAIL(VKC_E_ARG, "mingru: x is not a packed (R, W)");
    if (x->dim[1] != 2 * (uint64_t) t->dirs * t->heads * t->dim)
        return VKC_FAIL(VKC_E_ARG, "mingru: x has %u columns, want gates and candidates of %u x %u heads of %u",
                        x->dim[1], t->dirs, t->heads, t->dim);
    const uint32_t state[] = { rows->cap_images, channels_of(c) };
    if (c->in[1].rank && !nn_shape_is(&c->in[1], 2, state))
        return VKC_FAIL(VKC_E_ARG, "mingru: start is not (%u, %u)", state[0], state[1]);
    c->out[0] = (nn_shape) { 2, { x->dim[0], state[1] } };
    c->out_rows[0] = c->in_rows[0];
    if (t->carry)
        c->out[1] = (nn_shape) { 2, { state[0], state[1] } };
    c->scratch_fwd[0] = (size_t) choose(c).parts * state[0] * state[1] * 2 * sizeof(float);     // maps
    c->scratch_bwd[0] = c->scratch_fwd[0];
    return VKC_OK;
}

// A walk over channels and segments in the form that fits.
static vkc_status walk(nn_run *r, const nn_call *c, const vkc_shader *quads, const vkc_shader *plain,
                       const uint8_t bind[7])
{
    const struct mingru_args a = make_args(c);
    const nn_choice o = choose(c);
    nn_kernel_use use = {
        .shader = o.form == NN_FORM_QUADS ? quads : plain, .args = &a, .args_size = sizeof a, .wg = o.wg,
        .spec = { o.ahead },
        .groups = { (channels_of(c) / o.own - 1) / o.wg + 1, a.segments, c->in_rows[0]->cap_images },
    };
    memcpy(use.bind, bind, 7);
    return nn_dispatch(r, &use);
}
#define WALK(r, c, name, ...) walk((r), (c), &vkc_shader_mingru_quads_##name, &vkc_shader_mingru_##name, \
    (const uint8_t[7]) { __VA_ARGS__ })

// The maps of the segments, into SCRATCH(0), for either walk.
static vkc_status find_maps(nn_run *r, const nn_call *c, uint32_t is_backward, uint8_t dh)
{
    const struct mingru_args a = make_args(c);
    if (a.segments == 1)
        return VKC_OK;
    return NN_DISPATCH(r, mingru_map, &a, .wg = 64, .spec = { choose(c).ahead, is_backward },
        .groups = { (channels_of(c) - 1) / 64 + 1, a.segments, c->in_rows[0]->cap_images },
        .bind = { ROWS_IN(0), IN(0), dh, SCRATCH(0) });
}

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    const uint8_t last = NN_ATTR(c, mingru)->carry ? OUT(1) : SCRATCH(0);      // then not written
    vkc_status st = find_maps(r, c, 0, IN(0));
    return st == VKC_OK ? WALK(r, c, fwd, ROWS_IN(0), IN(0), IN(1), SCRATCH(0), OUT(0), last) : st;
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    if (!nn_is_wanted(r, DIN(0)))
        return VKC_OK;
    vkc_status st = find_maps(r, c, 1, DOUT(0));
    return st == VKC_OK ? WALK(r, c, bwd, ROWS_IN(0), IN(0), IN(1), SCRATCH(0), OUT(0), DOUT(0), DIN(0)) : st;
}

// One channel over one image, see ref.
static void ref_channel(const nn_call *c, const double *const *in, double *const *out, uint32_t b, uint32_t n)
{
    const struct mingru_attr *t = NN_ATTR(c, mingru);
    const nn_rows *rows = c->in_rows[0];
    const size_t N = channels_of(c), C = (size_t) t->heads * t->dim;
    const uint32_t s = n / t->dim, dir = s % t->dirs;
    const size_t gate = dir * 2 * C + s / t->dirs * t->dim + n % t->dim;
    const size_t first = b < rows->n_images ? rows->offsets[b] : 0;
    const size_t count = b < rows->n_images ? rows->offsets[b + 1] - first : 0;
    double h = in[1] ? in[1][b * N + n] : 0;
    for (size_t i = 0; i < count; i++) {
        const size_t row = dir ? first + count - 1 - i : first + i;
        const double *x = in[0] + row * c->in[0].dim[1] + gate, z = 1 / (1 + exp(-x[0]));
        h = (1 - z) * h + z * x[C];
        out[0][row * N + n] = h;
    }
    if (out[1])
        out[1][b * N + n] = h;
}

// The definition, in double. Tests compare fwd with it and bwd with its finite differences.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    for (uint32_t b = 0; b < c->in_rows[0]->cap_images; b++)
        for (uint32_t n = 0; n < channels_of(c); n++)
            ref_channel(c, in, out, b, n);
}

static uint64_t macs(const nn_call *c)
{
    return 2 * (uint64_t) c->in[0].dim[0] * channels_of(c);
}

const nn_op nn_op_mingru = {
    .name = "mingru", .n_in = 2, .n_out = 2, .n_opt = 1,
    .keep = BIT(IN(0)) | BIT(IN(1)) | BIT(OUT(0)),
    .grad = BIT(IN(0)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref, .macs = macs,
};
