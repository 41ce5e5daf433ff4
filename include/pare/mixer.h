// mixer.h — mixers of a program's own: what a block may have for attention besides what the library brings.
//
// A mixer maps y (R, C) to heads (R, C): R rows, one a token of all samples of a batch, packed; C channels, those of
// head h from h C / H on. Around it the block has its norm, its output projection and its MLP. Once registered, a
// mixer is used by its name as any other: in an architecture, in pare_distill, in a model folder.
#ifndef PARE_MIXER_H
#define PARE_MIXER_H

#include "pare/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARE_MAX_RANK 4
#define PARE_MAX_MIXER_PARAMS 16
#define PARE_MAX_ROW_COPIES 6

typedef struct pare_mixer_dims {    // made by the library
    size_t   size;
    uint32_t dim, heads;            // C and H
} pare_mixer_dims;

// How a parameter starts.
typedef enum pare_init {
    PARE_INIT_ZERO = 0,
    PARE_INIT_ONE = 1,
    PARE_INIT_NORMAL = 2,           // sigma 0.02, cut at two sigma
    PARE_INIT_UNIFORM = 3,          // +- 1 / sqrt(fan_in), fan_in = the last dimension
    PARE_INIT_CONV = 4,             // the same with fan_in = the product of all dimensions but the first
    PARE_INIT_IDENTITY = 5          // (H, D, n D): for each head n identities beside each other, over n
} pare_init;

typedef struct pare_row_copy { uint32_t to, from, n; } pare_row_copy;

typedef struct pare_mixer_param {
    size_t      size;
    const char *name;               // "in_proj.weight"; in files "blocks.3.attn.in_proj.weight". Stays: a literal
    uint32_t    rank, dim[PARE_MAX_RANK];
    pare_init   init;
    uint32_t    decay;              // not 0: weight decay pulls it
    // A student's starts from a parameter of the attention that it replaces: "qkv.weight" (3 C, C), whose rows are q,
    // then k, then v, or "qkv.bias" (3 C). NULL = as `init` says.
    const char *from;
    pare_row_copy copy[PARE_MAX_ROW_COPIES];    // the rows (first dimension) that it takes, n = 0 ends; none = all
} pare_mixer_param;

static inline pare_mixer_param pare_mixer_param_default(void)
{
    pare_mixer_param p;
    memset(&p, 0, sizeof p);
    p.size = sizeof p;
    return p;
}

typedef struct pare_params pare_params;         // a list, during the callback that adds to it
typedef struct pare_graph pare_graph;           // during the callback that builds into it
typedef struct pare_tensor pare_tensor;         // of a graph; lives as long

// Adds a parameter; the order is that of `params` in build. 0 after a failure, which the library reports: more than
// PARE_MAX_MIXER_PARAMS, no name, or a shape without elements.
PARE_API int pare_params_add(pare_params *list, const pare_mixer_param *param);

typedef struct pare_mixer_desc {
    size_t      size;
    const char *name;               // a-z, 0-9 and _, at most 23; copied
    const char *about;              // one line, without control characters; copied, at most 127 bytes
    void       *user;               // of the callbacks, which are asked again and again and must answer alike
    // Add the parameters of a mixer of these dimensions.
    void      (*params)(void *user, const pare_mixer_dims *dims, pare_params *list);
    // 0 when these dimensions cannot be, with a sentence why in `reason`; NULL = all can.
    int       (*check)(void *user, const pare_mixer_dims *dims, char *reason, size_t reason_size);
    // y (R, C) -> heads (R, C), with the calls below; NULL after a failure of theirs.
    pare_tensor *(*build)(void *user, pare_graph *graph, const pare_mixer_dims *dims, pare_tensor *y,
                          pare_tensor *const *params);
} pare_mixer_desc;

static inline pare_mixer_desc pare_mixer_desc_default(void)
{
    pare_mixer_desc d;
    memset(&d, 0, sizeof d);
    d.size = sizeof d;
    return d;
}

// Add a mixer, for good. Before any other thread uses the library, and before models that have it are loaded or made.
// Callbacks are called by whichever thread makes models. Errors: PARE_E_ARG (name taken or not of that form, no params
// or build, no more room).
PARE_API pare_status pare_mixer_register(const pare_mixer_desc *desc);
// Name of mixer i, those of the library first; NULL beyond the last.
PARE_API const char *pare_mixer_name(uint32_t i);

// What build can call. Each has a forward and a backward pass on the device. Shapes are checked; after a failure all
// return NULL and take NULL, a NULL graph too, and the call that makes the model returns the failure. (R, n) are
// packed tokens; weights are plain.

PARE_API uint32_t     pare_tensor_columns(const pare_tensor *t);        // n of (R, n); 0 for NULL
// x (R, K), weight (N, K), bias (N) or NULL -> (R, N): x weight^T + bias.
PARE_API pare_tensor *pare_graph_linear(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias);
// The same in `groups` groups of columns: x (R, G K), weight (G, N, K), bias (G N) or NULL -> (R, G N).
PARE_API pare_tensor *pare_graph_linear_grouped(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias,
                                                uint32_t groups);
// x (R, N), gamma and beta (N), each or NULL -> (R, N): rows to mean 0 and variance 1, times gamma, plus beta. eps
// such as 1e-6.
PARE_API pare_tensor *pare_graph_layernorm(pare_graph *g, pare_tensor *x, pare_tensor *gamma, pare_tensor *beta,
                                           float eps);
PARE_API pare_tensor *pare_graph_gelu(pare_graph *g, pare_tensor *x);   // (R, N) -> (R, N), the erf form
// x (R, 2 N) -> (R, N): silu(first half of the columns) * second half.
PARE_API pare_tensor *pare_graph_swiglu(pare_graph *g, pare_tensor *x);
PARE_API pare_tensor *pare_graph_add(pare_graph *g, pare_tensor *a, pare_tensor *b);    // of one shape
// x (R, N), gamma (N) or NULL -> (R, N): factor * gamma * x.
PARE_API pare_tensor *pare_graph_scale(pare_graph *g, pare_tensor *x, pare_tensor *gamma, float factor);
// qkv (R, 3 C) -> (R, C): softmax attention over the tokens of each sample, heads of at most 128 channels.
PARE_API pare_tensor *pare_graph_attention(pare_graph *g, pare_tensor *qkv, uint32_t heads);
// qkv (R, 3 C) -> (R, C): linear attention with the features elu(x) + 1, heads of at most 128 channels.
PARE_API pare_tensor *pare_graph_linear_attention(pare_graph *g, pare_tensor *qkv, uint32_t heads);
// x (R, C), weight (C, k, k), bias (C) or NULL -> (R, C): each channel convolved on the grid of patches, k odd, at most
// 7, beyond the border zeros. Tokens off the grid (the class token) get 0.
PARE_API pare_tensor *pare_graph_grid_conv(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias);
// x (R, C), weight (dirs C, k), bias (dirs C) or NULL -> (R, dirs C): each channel convolved along the tokens of a
// sample, the token and the k - 1 before it, k 1 to 8; dirs = 2: and again from the last token to the first. silu not
// 0: x sigmoid(x) after it.
PARE_API pare_tensor *pare_graph_token_conv(pare_graph *g, pare_tensor *x, pare_tensor *weight, pare_tensor *bias,
                                            uint32_t dirs, int silu);
// log(sigmoid(x)), times `scale`: (R, N) -> (R, N). Log decays for the scan, near 0 for a small scale.
PARE_API pare_tensor *pare_graph_log_sigmoid(pare_graph *g, pare_tensor *x, float scale);
// The linear recurrence of gated linear attention and of Mamba-2. Stream s = h * dirs + dir runs over the tokens of a
// sample, dir 0 from the first to the last, dir 1 from the last to the first:
//   S_t = exp(g_t) S_t-1 + k_t v_t^T      o_t = S_t^T q_t / sqrt(K)
// q, k (R, H K), v (R, H V), shared by the directions, log_decay g <= 0: (R, H dirs), or (R, H dirs K) of a decay a
// channel -> (R, H dirs V). K and V at most 256.
PARE_API pare_tensor *pare_graph_gated_scan(pare_graph *g, pare_tensor *q, pare_tensor *k, pare_tensor *v,
                                            pare_tensor *log_decay, uint32_t heads, uint32_t dirs);
// x (R, dirs 2 C) -> (R, H dirs D), C = H D: h_t = (1 - z) h_t-1 + z c, z = sigmoid(the first C columns of a
// direction), c the C behind them; streams in order as above.
PARE_API pare_tensor *pare_graph_mingru(pare_graph *g, pare_tensor *x, uint32_t heads, uint32_t dirs);

#ifdef __cplusplus
}
#endif
#endif
