// retention.h — token pruning in a vision transformer: after a block the kept tokens are packed into a new, smaller
// layout on the device (op `compact`), on which all later blocks run. Nothing is read back.
//
// Halting (A-ViT; Yin et al. 2022, arXiv:2112.07658): channel 0 of the residual stream gates each token, and the
// classifier reads the mean field, the outputs of a token weighted by its halting probabilities. Topk: the patches with
// the highest class-token attention of block l are kept; needs a mixer with attention weights there, and no training.
// docs/retention.md has the equations. Thread-safety: as the graph.
#ifndef NN_RETENTION_H
#define NN_RETENTION_H

#include "nn/graph/graph.h"
#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_GATE 1e4             // of gate_scale, gate_centre and read_patches

// Tensors of a forward pass that training and measuring token pruning need; NULL where there is none.
//
// A graph that follows decides nothing: after block l its rows move as those of `follow` did, a model of the same depth
// and policy built before it in the same graph with the same batch, and makes no layouts. With halting its mean field
// weighs tokens as the followed model's does, and `soft` is what its own gate says meanwhile. No gradient flows into
// the followed model.
typedef struct nn_retention_taps {
    nn_tensor *gate;                // read: (GATE_LEN) of shaders/halt/halt.h, an input; NULL = made from the config
    const struct nn_retention_taps *follow;     // read: what another model left; NULL = this one decides for itself
    nn_tensor *before[NN_MAX_DEPTH];    // (R, HALT_COLS) state of the tokens that enter block l; NULL: all run. Not
                                        // when following, nor are halting, score and tally
    nn_tensor *halting[NN_MAX_DEPTH];   // (R, HALT_COLS) after block l
    nn_tensor *source[NN_MAX_DEPTH];    // (R') the rows kept after block l, in batch->kept[l]; NULL: all
    nn_tensor *soft[NN_MAX_DEPTH];  // following: (R, SOFT_COLS) of shaders/halt/halt_soft.h after block l, not the last
    nn_tensor *score[NN_MAX_DEPTH]; // topk: (R) class attention of block l, where a choice is made
    nn_tensor *tally;               // (depth, TALLY_COLS); halting only
} nn_retention_taps;

const char *nn_policy_name(nn_policy p);                        // "none", "halting", "topk"
vkc_status  nn_policy_get(const char *name, nn_policy *out);    // E_ARG with the names that there are

// Is a new layout made after block l?
bool nn_retention_is_made(const nn_model_config *cfg, uint32_t l);
// Share of an image's patches that enter block l, topk and none; NaN for halting, where pictures decide.
double nn_retention_share(const nn_model_config *cfg, uint32_t l);
// Patches of an image that go on after block l: all of them but for topk.
uint32_t    nn_retention_count(const nn_model_config *cfg, uint32_t l);
// A topk configuration whose mean share over the blocks is `keep`: a geometric decline after the blocks in `at`
// (n_at, ascending, below depth - 1; NULL = all but the last block). E_ARG when `keep` cannot be reached.
vkc_status nn_retention_topk(const nn_model_config *cfg, double keep, const uint32_t *at, uint32_t n_at,
                             nn_retention_config *out);
// E_ARG or E_FORMAT (`st`), in words that begin with `where`, when the settings cannot be.
vkc_status nn_retention_check(const nn_model_config *cfg, vkc_status st, const char *where);

// The settings as in pare.json, a new reference; NULL when every token is kept.
struct json_t *nn_retention_json(const nn_model_config *cfg);

// share[l] += the share of its patches with which each of n images entered block l; `words` as below.
void nn_retention_add_shares(const nn_model_config *cfg, const uint32_t *const *words, uint32_t n, double *share);

// Write a gate tensor of a planned or built graph: scale and centre, no weights of losses.
vkc_status nn_retention_write_gate(vkc_device *dev, const nn_tensor *gate, double scale, double centre);

// The blocks that tokens went through. `words` are a layout's (shaders/inc/rows_layout.h), one of each block's exit or
// NULL, as read back after a run; `blocks` (cap_tokens) of image b gets 1 .. depth for the tokens of a full image.
void nn_retention_depths(const nn_model_config *cfg, const uint32_t *const *words, uint32_t b, uint8_t *blocks);

#ifdef __cplusplus
}
#endif
#endif
