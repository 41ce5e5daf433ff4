// graph.c — what a mixer of a program's own is built of: the library's ops by plain functions.
#include "pipeline/api/graph_impl.h"

#include <math.h>

#include <pare/mixer.h>

#include "shaders/attention/attention.h"
#include "shaders/conv/conv1d.h"
#include "shaders/conv/dwconv.h"
#include "shaders/elementwise/scale.h"
#include "shaders/linear/linear.h"
#include "shaders/linear_attention/feature_map.h"
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/norm/layernorm.h"
#include "shaders/scan/gated/decay.h"
#include "shaders/scan/gated/gaps.h"
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/scan/recurrent/mingru.h"

// A pare_tensor is an nn_tensor by another name.
static nn_tensor *in(pare_tensor *t)
{
    return (nn_tensor *) t;
}

static pare_tensor *out(nn_tensor *t)
{
    return (pare_tensor *) t;
}

static pare_tensor *fail(pare_graph *g)
{
    return out(nn_graph_fail(g->g, VKC_E_ARG));
}

static uint32_t columns(const nn_tensor *t)
{
    const nn_shape *s = t ? nn_tensor_shape(t) : NULL;
    return s && s->rank == 2 ? s->dim[1] : 0;
}

// Says why not, when a number of columns is not `parts` equal ones.
static bool splits(const char *what, uint32_t n, uint64_t parts)
{
    if (n && parts && n % parts == 0)
        return true;
    (void) VKC_FAIL(VKC_E_ARG, "%s: %u columns are not %llu equal parts", what, n, (unsigned long long) parts);
    return false;
}

uint32_t pare_tensor_columns(const pare_tensor *t)
{
    return columns((const nn_tensor *) t);
}

pare_tensor *pare_graph_linear(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, linear, &(struct linear_attr) { 0 }, NULL, in(x), in(weight), in(bias)));
}

pare_tensor *pare_graph_linear_grouped(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias,
                                       uint32_t groups)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, linear, &(struct linear_attr) { .groups = groups }, NULL, in(x), in(weight), in(bias)));
}

pare_tensor *pare_graph_layernorm(pare_graph *g, pare_tensor *x, pare_tensor *gamma, pare_tensor *beta, float eps)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, layernorm, &(struct layernorm_attr) { .eps = eps }, NULL, in(x), in(gamma), in(beta)));
}

pare_tensor *pare_graph_gelu(pare_graph *g, pare_tensor *x)
{
    if (!g)
        return NULL;
    return out(NN_APPLY0(g->g, gelu, NULL, in(x)));
}

pare_tensor *pare_graph_swiglu(pare_graph *g, pare_tensor *x)
{
    if (!g)
        return NULL;
    return out(NN_APPLY0(g->g, swiglu, NULL, in(x)));
}

pare_tensor *pare_graph_add(pare_graph *g, pare_tensor *a, pare_tensor *b)
{
    if (!g)
        return NULL;
    return out(NN_APPLY0(g->g, add, NULL, in(a), in(b)));
}

pare_tensor *pare_graph_scale(pare_graph *g, pare_tensor *x, pare_tensor *gamma, float factor)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, scale, &(struct scale_attr) { .factor = factor }, NULL, in(x), in(gamma)));
}

pare_tensor *pare_graph_attention(pare_graph *g, pare_tensor *qkv, uint32_t heads)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, attention, &(struct attention_attr) { .heads = heads }, NULL, in(qkv)));
}

pare_tensor *pare_graph_linear_attention(pare_graph *g, pare_tensor *qkv, uint32_t heads)
{
    if (!g)
        return NULL;
    if (qkv && !splits("linear attention", columns(in(qkv)), 3 * (uint64_t) heads))
        return fail(g);
    const uint32_t C = columns(in(qkv)) / 3, D = heads ? C / heads : 0;
    struct feature_map_attr f = { .heads = heads, .head_dim = D, .kind = FEATURE_MAP_ELU };
    nn_tensor *q = NN_APPLY(g->g, feature_map, &f, NULL, in(qkv), NULL);
    f.col0 = C;
    nn_tensor *k = NN_APPLY(g->g, feature_map, &f, NULL, in(qkv), NULL);
    struct linear_attention_attr a = { .heads = heads, .head_dim = D, .v_col0 = 2 * C };
    return out(NN_APPLY(g->g, linear_attention, &a, NULL, q, k, in(qkv)));
}

pare_tensor *pare_graph_grid_conv(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias)
{
    if (!g)
        return NULL;
    return out(NN_APPLY(g->g, dwconv, &(struct dwconv_attr) { 0 }, NULL, in(x), in(weight), in(bias)));
}

pare_tensor *pare_graph_token_conv(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias,
                                   uint32_t dirs, int silu)
{
    if (!g)
        return NULL;
    struct conv1d_attr a = { .dirs = dirs, .cols = columns(in(x)), .silu = silu != 0 };
    return out(NN_APPLY(g->g, conv1d, &a, NULL, in(x), in(weight), in(bias), NULL));
}

pare_tensor *pare_graph_log_sigmoid(pare_graph *g, pare_tensor *x, float scale)
{
    if (!g)
        return NULL;
    const uint32_t n = columns(in(x));
    struct decay_attr a = { .kind = DECAY_LOGSIGMOID, .heads = 1, .dirs = 1, .width = n, .head = n, .scale = scale };
    return out(NN_APPLY(g->g, decay, &a, NULL, in(x), NULL, NULL));
}

pare_tensor *pare_graph_gated_scan(pare_graph *g, pare_tensor *q, pare_tensor *k, pare_tensor *v,
                                   pare_tensor *log_decay, uint32_t heads, uint32_t dirs)
{
    if (!g)
        return NULL;
    const uint64_t streams = (uint64_t) heads * dirs;
    if (q && v && log_decay && (!splits("gated scan: q", columns(in(q)), heads) ||
                                !splits("gated scan: v", columns(in(v)), heads) ||
                                !splits("gated scan: log decay", columns(in(log_decay)), streams)))
        return fail(g);
    const uint32_t K = heads ? columns(in(q)) / heads : 0, V = heads ? columns(in(v)) / heads : 0;
    const uint32_t width = streams ? (uint32_t) (columns(in(log_decay)) / streams) : 0;
    if (q && v && log_decay && width != 1 && width != K) {
        (void) VKC_FAIL(VKC_E_ARG, "gated scan: %u log decays a stream, want 1 or %u", width, K);
        return fail(g);
    }
    nn_tensor *decay = in(log_decay);
    if (g->dims->gaps == NN_GAPS_COUNT)
        decay = NN_APPLY(g->g, gaps, (&(struct gaps_attr) { .width = width, .dirs = dirs }), NULL, decay);
    struct gated_scan_attr a = {
        .heads = heads, .dirs = dirs, .dk = K, .dv = V, .channels = width > 1 || K == 1,
        .q_head = K, .k_head = K, .v_head = V, .g_head = dirs * width, .g_dir = width,
        .scale = 1.0f / sqrtf((float) (K ? K : 1)),
    };
    return out(NN_APPLY(g->g, gated_scan, &a, NULL, in(q), in(k), in(v), decay, NULL, NULL));
}

pare_tensor *pare_graph_mingru(pare_graph *g, pare_tensor *x, uint32_t heads, uint32_t dirs)
{
    if (!g)
        return NULL;
    if (x && !splits("mingru", columns(in(x)), 2 * (uint64_t) heads * dirs))
        return fail(g);
    const uint64_t parts = 2 * (uint64_t) heads * dirs;
    struct mingru_attr a = { .heads = heads, .dirs = dirs, .dim = parts ? (uint32_t) (columns(in(x)) / parts) : 0 };
    return out(NN_APPLY(g->g, mingru, &a, NULL, in(x), NULL));
}
