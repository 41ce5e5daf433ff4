// check.h — verifies a device: the forward calls of a graph against their definitions in double, while it runs.
//
// Each call is judged by itself: what it read is taken from the device, its op's `ref` is run on that, and what it
// wrote is compared. So the first call that differs is named whatever came before or follows: "layer 3, attention
// branch (op attention): differs by 0.02 from the reference (bar 0.0001) at row 5, column 7: 0.31 instead of 0.29 ...".
//
//   nn_check_create(dev, ..) -> graphs made from now on are checked; of each replay:
//   nn_check_before(g) -> submit -> nn_check_after(g, "in batch 3")
//   -> graphs destroyed -> nn_check_destroy
//
// A checked graph gives every tensor of its forward pass memory of its own, so that all can be read after a replay.
// Only live rows are compared; layouts made on the device are read back first.
//
// How a difference is measured: of a value, |device - reference| over the larger of the reference's magnitude and the
// tensor's scale, which is its root mean square (or, for a loss that is a small difference of large terms, a fixed
// floor); of a tensor, also the normalised mean square error. Both have bars (nn_check_bars). So that a correct device
// never fails:
//   * where a tensor is beyond its bar, the reference is run once more on inputs moved by 2^-22 of their size, which is
//     what rounding may do; a call that turns that into large differences is allowed 16 times as much;
//   * decisions are the device's own: flags, places and layouts go into the calls that follow as it made them. Those
//     that compare numbers that are already rounded (keep_top, compact, halt_tally) have no rounding of their own and
//     must be the same, ties included. Whether a token halts is an exception, since the score is worked out in the same
//     call: within 1e-5 of the threshold either way is right, and its row is compared with the way the device took. Of
//     attention_stats the two measures that count keys (below, mass90) may be off by two keys; of vocab_loss ids and
//     ranks may differ by logits that rounding does not tell apart;
//   * NaN and infinity must be where the reference has them, or where that is beyond single precision. A call that
//     reads any is compared where both are finite: NaN propagation is implementation-defined.
// Thread-safety: as the device; a check has threads of its own that use it one at a time until it returns.
#ifndef NN_CHECK_H
#define NN_CHECK_H

#include "nn/graph/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_check nn_check;

typedef struct nn_check_params {
    uint32_t every;                 // compare the first replay of a graph and every so many after it; 0 = each one, and
                                    // of a graph that trains every NN_CHECK_TRAINING
    uint32_t threads;               // that run the references; 0 = as many as cores
    bool     goes_on;               // a difference is kept (nn_check_first) and no failure
} nn_check_params;
#define NN_CHECK_TRAINING 100

typedef struct nn_check_bars { double error, nmse, floor; } nn_check_bars;
nn_check_bars nn_check_get_bars(const nn_op *op);

typedef struct nn_check_found {     // a call whose result is wrong
    const nn_op *op;
    char     scope[NN_MAX_SCOPE];   // where in the graph (nn_graph_scope)
    uint32_t output;                // which of its outputs; the first value that differs most:
    uint64_t row, column;
    double   error, bar;
    double   value, want;
    char     when[64];              // of the replay
    char     text[800];             // all of it in a sentence
} nn_check_found;

typedef struct nn_check_op {        // what was compared of an op
    uint64_t calls;
    double   worst, nmse;           // of right ones, without what is excused: largest error, largest normalised mean
                                    // square error of a tensor
    char     scope[NN_MAX_SCOPE];   // of the largest error
} nn_check_op;

// From now on until nn_check_destroy the graphs that are made on `dev` are checked. E_ARG: another check is on it.
vkc_status nn_check_create(vkc_device *dev, const nn_check_params *p, nn_check **out);
void       nn_check_destroy(nn_check *c);               // after the graphs that it checks; NULL is fine

// Before a replay is submitted: reads what the recording will change, the parameters that are trained. Blocking where
// this replay is to be compared; nothing for a graph that is not checked.
vkc_status nn_check_before(nn_graph *g);
// After it was: waits and compares. E_CHECK with the sentence of nn_check_found, E_NOMEM, device errors.
vkc_status nn_check_after(nn_graph *g, const char *when);

const nn_check_found *nn_check_first(const nn_check *c);    // NULL: nothing has differed
const nn_check_op    *nn_check_get_op(const nn_check *c, uint32_t op);     // by index of nn_ops
uint64_t nn_check_replays(const nn_check *c);           // compared
uint64_t nn_check_calls(const nn_check *c);
uint32_t nn_check_worst(const nn_check *c);             // op with the largest error for its bar; nn_n_ops = none
void     nn_check_restart(nn_check *c);                 // forget all figures and what was found

// "blocks.3.attn" -> "layer 3, attention branch". Returns `out`.
#define NN_MAX_PLACE 64
const char *nn_scope_text(const char *scope, char out[NN_MAX_PLACE]);

#ifdef __cplusplus
}
#endif
#endif
