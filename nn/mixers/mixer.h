// mixer.h — what a token mixer is: one row in mixers.def, one C file in nn/mixers/.
//
// A mixer stands between the first layer norm of a block and the output projection (attn.proj), which
// belongs to the block and is the same for all mixers. It maps y (R, C) to heads (R, C): for attention,
// the concatenated head outputs. The command line, the search, the checkpoint and the report all iterate
// over the table; no other code compares names: the properties of a mixer are in its row.
#ifndef NN_MIXER_H
#define NN_MIXER_H

#include "nn/graph/graph.h"
#include "nn/graph/init.h"
#include "nn/mixers/layer_config.h"
#include "nn/mixers/relative.h"
#include "nn/mixers/rope.h"
#include "nn/mixers/rope_text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_MIXER_PARAMS 16

#define NN_MAX_OPTIONS 4

// The options of a layer, parsed: entry i is option i of its mixer's table.
typedef struct nn_mixer_options {
    uint32_t value[NN_MAX_OPTIONS];     // which of the option's `values` it is
    uint32_t number[NN_MAX_OPTIONS];    // the number that it is; 0 for a word ("auto")
} nn_mixer_options;

typedef enum { NN_QK_NORM_NONE, NN_QK_NORM_HEAD, NN_QK_NORM_WHOLE } nn_qk_norm;     // of queries and keys

// Attention of a causal language model. All zero: attention of any other.
typedef struct nn_text_attention {
    uint32_t   kv_heads, head_dim;  // heads of keys and values, which divide those of queries; channels of each; 0 = no
                                    // such attention
    nn_qk_norm qk_norm;             // RMS norms of queries and keys, head by head or over all heads
    double     eps;                 // of these
    bool       has_bias;            // of queries, keys and values
    double     clip;                // these are cut to -clip .. clip before all else; 0 = not
    nn_rope_text rope;              // what queries and keys are turned by; base 0 = by nothing
} nn_text_attention;

typedef struct nn_mixer_dims {
    uint32_t dim, heads;            // C and H; a head has dim / heads channels
    const struct nn_mixer *mixer;
    const nn_mixer_options *options;
    nn_gaps gaps;                   // what decays make of dropped tokens
    nn_rope rope;                   // what attention turns queries and keys by; other mixers do without
    bool    no_key_bias;            // attention: the keys' part of its bias counts as zeros
    nn_relative relative;           // attention: what is added to its scores; other mixers do without
    nn_text_attention text;         // of a causal language model
} nn_mixer_dims;

// Columns of what a mixer gives: all heads side by side. dim, unless heads of a text's attention are of another width.
uint32_t nn_mixer_width(const nn_mixer_dims *d);

#define NN_MAX_CARRY 4
#define NN_MAX_ROW_COPIES 6

// Rows of a parameter (its first dimension) that a warm start takes from rows of another: n of them, and where `more`
// is not 0, as many times the next n, each `to_step` rows further on here and `from_step` there.
typedef struct nn_row_copy { uint32_t to, from, n, more, to_step, from_step; } nn_row_copy;

typedef struct nn_mixer_param {
    const char *name;               // after "blocks.<i>.attn."
    nn_shape    shape;
    bool        decay;
    nn_init     init;               // from scratch
    const char *from;               // warm start: the attention parameter whose value it takes; NULL = init
    nn_row_copy copy[NN_MAX_ROW_COPIES];    // the rows it takes, n == 0 ends; none = all. Other rows keep init
} nn_mixer_param;

// Tensors inside a mixer, for captures and losses; NULL where a mixer has none.
// phi_q, phi_k (R, H F): features that the mixer learns and whose products stand for attention weights,
// phi_q_i . phi_k_j up to a factor a row; a transfer matches them to the teacher's weights first
// (distill/transfer/transfer.h).
// `start` is read: the states to start from (a mixer's `carries` says the shapes), NULL = zeros. When `carry` is
// set, build leaves the states after the last token in `last`.
typedef struct nn_mixer_taps {
    nn_tensor *qkv, *lse;
    nn_tensor *table;               // with lse: of relative positions, which the weights depend on too; NULL = none
    uint32_t   grid_w;              // with a table: patches a row of its grid
    nn_tensor *phi_q, *phi_k;
    nn_tensor *unit_x, *unit_h;     // weights whose rows and columns are hidden units (shaders/loss/hoyer_square.h)
    bool       carry;
    nn_tensor *start[NN_MAX_CARRY], *last[NN_MAX_CARRY];
} nn_mixer_taps;

#define NN_ANY_NUMBER "1 to 65536"

typedef struct nn_mixer_option {
    const char *key, *about;
    const char *values[8];          // those allowed, the default first, ends with NULL; NN_ANY_NUMBER: whole numbers
} nn_mixer_option;

// Hidden units that can be cut out of the streams (nn/mixers/streams.h) of a mixer (distill/prune/prune.h). Weights are
// host copies of its parameters, in the order of `params`.
typedef struct nn_mixer_units {
    const char *key;                // the option that says how many a stream has
    uint32_t (*count)(const nn_mixer_dims *d);          // units a stream
    // norm[s * units + r]: what shaders/loss/hoyer_square.h calls the norm of unit r of stream s.
    void (*norms)(const nn_mixer_dims *d, const float *const *p, double *norm);
    // The parameters of a mixer of dims `to`, whose stream s has the units kept[s * n + 0 .. n) of that of `from`.
    void (*cut)(const nn_mixer_dims *from, const nn_mixer_dims *to, const uint32_t *kept, const float *const *p,
                float *const *out);
} nn_mixer_units;

typedef struct nn_mixer {
    const char *name, *about;       // `about` is one line for --help
    const nn_mixer_option *options; // NN_MAX_OPTIONS at most, ends with key == NULL; NULL = none
    bool has_weights;               // softmax attention: build leaves qkv and lse, from which its weights can be made
    bool is_replaceable;            // distillation may put another mixer in its place
    // Fill `out`, return how many. The order is that of `p` in build.
    uint32_t (*params)(const nn_mixer_dims *d, nn_mixer_param out[NN_MAX_MIXER_PARAMS]);
    // States that run from token to token, with option direction=forward: fill the shapes for `images` images,
    // return how many. NULL = the mixer has none (or, with direction=both, cannot be stepped).
    uint32_t (*carries)(const nn_mixer_dims *d, uint32_t images, nn_shape out[NN_MAX_CARRY]);
    // E_ARG with the values that work, when these dimensions or options cannot be; NULL = all can.
    vkc_status (*check)(const nn_mixer_dims *d, const vkc_device_info *dev);
    nn_tensor *(*build)(nn_graph *g, const nn_mixer_dims *d, nn_tensor *y, nn_tensor *const *p,
                        nn_mixer_taps *taps);
    const nn_mixer_units *units;    // NULL = it has none that can be cut out
} nn_mixer;

#define NN_MIXER(name) extern const nn_mixer nn_mixer_##name;
#include "nn/mixers/mixers.def"
#undef NN_MIXER
#define NN_MAX_MIXERS 64
extern const nn_mixer *nn_mixers[NN_MAX_MIXERS];    // those of the table, then those that were registered
extern uint32_t nn_n_mixers;

// Add a row for good, which stays the caller's. Not safe while another thread uses the table: before all else.
// E_ARG when its name is there or there is no room.
vkc_status nn_mixer_register(const nn_mixer *m);

// What a layer has when nothing is said, and a plain transformer everywhere: the first row of the table.
const nn_mixer *nn_mixer_default(void);
// The mixer that a layer names, NULL when there is none of that name; and what its row says, false for none.
const nn_mixer *nn_mixer_of(const nn_layer_config *layer);
bool nn_mixer_has_weights(const nn_layer_config *layer);
bool nn_mixer_is_replaceable(const nn_layer_config *layer);

// Check a layer's mixer name and options, and write every option out with its value, defaults included, but for those
// that are "none".
// Errors: E_ARG with the names or values that there are. `out` and `options` may be NULL.
vkc_status nn_mixer_check(nn_layer_config *layer, const nn_mixer **out, nn_mixer_options *options);
// Parse "linear" or "linear:features=elu1" and check it; several options have a comma or, where commas mean
// something else, a plus between them: "ssd:state=128+chunk=32".
vkc_status nn_mixer_parse(const char *text, nn_layer_config *layer, const nn_mixer **out);
// Value i of an option as it may be written, a small one where any number will do; NULL behind the last.
const char *nn_mixer_option_value(const nn_mixer_option *o, uint32_t i);
// E_ARG, with the heads that would do, when a head has more than `most` channels.
vkc_status nn_mixer_check_width(const nn_mixer_dims *d, uint32_t most);
// Fill out[0] and out[1] with the projection to q, k, v, warm from attention's; returns 2.
uint32_t nn_mixer_qkv(const nn_mixer_dims *d, nn_mixer_param *out);

#ifdef __cplusplus
}
#endif
#endif
