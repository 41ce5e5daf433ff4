// hard_concrete.c — hard-concrete gates (Louizos et al. 2018, Learning sparse neural networks through L0
// regularization): numbers from 0 to 1 that can be exactly either, with gradients. Starting values that drop a share p:
// log_alpha normal around log((1 - p) / p), sigma 0.01; a trainer keeps them within +- log 100.
//   in:  log_alpha, a tensor of any shape, packed if (R, C)
//        key (2) uint32, optional: with it gates are sampled, without it they are those of evaluation
//        x (R, C), optional: what is gated. log_alpha is then (R, C), of the same layout, or (C), for all rows
//   out: y = z, of the shape of log_alpha; with x: x z (R, C)
// Number e of the attribute's stream of the key belongs to element e = r C + c (of a shared log_alpha: to column c,
// unless attr.each); backward draws it again. The expected share of open gates: op hard_concrete_l0.
#include "nn/base/rng.h"
#include "nn/graph/rowwise.h"
#include "shaders/elementwise/hard_concrete.h"
#include "spv/shaders.h"

#include <math.h>

#define TILE_LEN 1024u              // elements that are worth a workgroup

enum { LOG_ALPHA, KEY, X };

static bool has_x(const nn_call *c)
{
    return c->in[X].rank != 0;
}

// The input that rows are counted by.
static int rows_input(const nn_call *c)
{
    return has_x(c) ? X : LOG_ALPHA;
}

static bool is_shared(const nn_call *c)
{
    return has_x(c) && c->in[LOG_ALPHA].rank == 1;
}

static uint32_t n_cols(const nn_call *c)
{
    return has_x(c) || c->in_rows[LOG_ALPHA] ? c->out[0].dim[1] : (uint32_t) nn_shape_len(&c->out[0]);
}

static struct hard_concrete_args make_args(const nn_call *c)
{
    const struct hard_concrete_attr *t = NN_ATTR(c, hard_concrete);
    const bool is_sampled = c->in[KEY].rank != 0;
    const float beta = t->beta > 0 ? t->beta : HARD_CONCRETE_BETA;
    const uint32_t cols = n_cols(c);
    return (struct hard_concrete_args) {
        .rows = c->in_rows[rows_input(c)] ? 0 : (uint32_t) (nn_shape_len(&c->out[0]) / cols), .cols = cols,
        .stream = t->stream, .beta_inv = is_sampled ? 1 / beta : 1, .is_sampled = is_sampled, .has_x = has_x(c),
        .is_shared = is_shared(c), .is_each = t->each, .blocks = nn_n_partials(c->out[0].dim[0], NN_ROWS_EACH),
    };
}

static vkc_status infer(nn_call *c)
{
    const struct hard_concrete_attr *t = NN_ATTR(c, hard_concrete);
    const nn_shape *la = &c->in[LOG_ALPHA], *x = &c->in[X];
    vkc_status st = VKC_OK;
    if (!t || !isfinite(t->beta) || t->beta < 0 || t->each > 1)
        return VKC_FAIL(VKC_E_ARG, "hard_concrete: a temperature above 0 must be given, or 0 for 2/3, and each as 0 "
                        "or 1");
    if (!nn_shape_len(la) || nn_shape_len(la) > UINT32_MAX || (c->in_rows[LOG_ALPHA] && la->rank != 2))
        return VKC_FAIL(VKC_E_ARG, "hard_concrete: log_alpha is empty, or packed and no matrix");
    if (c->in[KEY].rank) {
        VKC_TRY(nn_want_shape("hard_concrete", "key", &c->in[KEY], 1, 2, 0));
        if (c->in_rows[KEY])
            return VKC_FAIL(VKC_E_ARG, "hard_concrete: the key must not be packed");
    }
    if (has_x(c)) {
        VKC_TRY(nn_want_shape("hard_concrete", "x", x, 2, 0, 0));
        VKC_TRY(nn_want_shape("hard_concrete", "log_alpha", la, la->rank == 1 ? 1 : 2,
                              la->rank == 1 ? x->dim[1] : x->dim[0], la->rank == 1 ? 0 : x->dim[1]));
        if (la->rank == 2 && c->in_rows[LOG_ALPHA] != c->in_rows[X])
            return VKC_FAIL(VKC_E_ARG, "hard_concrete: log_alpha and x are packed by different layouts");
    }
    c->out[0] = has_x(c) ? *x : *la;
    c->out_rows[0] = c->in_rows[rows_input(c)];
    if (is_shared(c))
        c->scratch_bwd[0] = (size_t) make_args(c).blocks * x->dim[1] * sizeof(float);
done:
    return st;
}

// Launch over the live elements.
static vkc_status by_element(nn_run *r, const nn_call *c, const vkc_shader *shader, nn_kernel_use use)
{
    struct hard_concrete_args a = make_args(c);
    const uint64_t len = (uint64_t) a.rows * a.cols, tiles = (len + TILE_LEN - 1) / TILE_LEN;
    use.shader = shader, use.args = &a, use.args_size = sizeof a, use.wg = NN_ROW_WG;
    use.groups[0] = tiles < c->dev->max_groups[0] ? (uint32_t) tiles : c->dev->max_groups[0];
    if (!a.rows) {
        use.tile_rows = a.cols < TILE_LEN ? TILE_LEN / a.cols : 1;
        use.rows = (uint8_t) ROWS_IN(rows_input(c));
    }
    return nn_dispatch(r, &use);
}
#define BY_ELEMENT(r, c, name, ...) by_element((r), (c), &vkc_shader_hard_concrete_##name, \
    (nn_kernel_use) { .bind = { IN(LOG_ALPHA), IN(KEY), __VA_ARGS__, (uint8_t) ROWS_IN(rows_input(c)) } })

static vkc_status fwd(nn_run *r, const nn_call *c)
{
    return BY_ELEMENT(r, c, fwd, IN(X), OUT(0));
}

static vkc_status bwd(nn_run *r, const nn_call *c)
{
    struct hard_concrete_args a = make_args(c);
    vkc_status st = VKC_OK;
    if (has_x(c) && nn_is_wanted(r, DIN(X)))
        VKC_TRY(BY_ELEMENT(r, c, bwd_x, DOUT(0), DIN(X)));
    if (!nn_is_wanted(r, DIN(LOG_ALPHA)))
        return VKC_OK;
    if (!is_shared(c))
        return BY_ELEMENT(r, c, bwd_a, IN(X), DOUT(0), DIN(LOG_ALPHA));
    VKC_TRY(NN_DISPATCH(r, hard_concrete_bwd_shared, &a, .groups = { a.blocks, (a.cols - 1) / NN_ROW_WG + 1 },
        .wg = NN_ROW_WG, .bind = { IN(LOG_ALPHA), IN(KEY), IN(X), DOUT(0), SCRATCH(0), ROWS_IN(X) }));
    VKC_TRY(nn_add_parts(r, c, SCRATCH(0), DIN(LOG_ALPHA), a.cols, a.blocks));
done:
    return st;
}

// The definition, in double.
static void ref(const nn_call *c, const double *const *in, double *const *out)
{
    const struct hard_concrete_args a = make_args(c);
    const double gamma = (double) HARD_CONCRETE_GAMMA, zeta = (double) HARD_CONCRETE_ZETA;
    const double clip = (double) HARD_CONCRETE_CLIP;
    const size_t rows = a.rows ? a.rows : c->in_rows[rows_input(c)]->n;
    const uint64_t key = in[KEY] ? (uint32_t) in[KEY][0] | (uint64_t) in[KEY][1] << 32 : 0;
    for (size_t e = 0; e < rows * a.cols; e++) {
        double logit = in[LOG_ALPHA][a.is_shared ? e % a.cols : e];
        if (a.is_sampled) {
            const size_t counter = a.is_shared && !a.is_each ? e % a.cols : e;
            const double u = fmin(fmax((double) nn_rng_uniform(key, a.stream, (uint32_t) counter), clip), 1 - clip);
            logit = (log(u) - log(1 - u) + logit) * (double) a.beta_inv;
        }
        const double z = fmin(fmax((zeta - gamma) / (1 + exp(-logit)) + gamma, 0), 1);
        out[0][e] = in[X] ? in[X][e] * z : z;
    }
}

const nn_op nn_op_hard_concrete = {
    .name = "hard_concrete", .n_in = 3, .n_out = 1, .n_opt = 2,
    .keep = BIT(IN(LOG_ALPHA)) | BIT(IN(KEY)) | BIT(IN(X)),
    .grad = BIT(IN(LOG_ALPHA)) | BIT(IN(X)), .u32 = BIT(IN(KEY)),
    .infer = infer, .fwd = fwd, .bwd = bwd, .ref = ref,
};
