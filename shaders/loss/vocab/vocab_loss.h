// vocab_loss.h — mean cross-entropy of logits = x table^T against labels, a chunk of the vocabulary at a time:
//   logits of a chunk (R, ld) -> running maximum and sum of exponentials of each row -> ... -> lse and loss
//   backward: the chunk again, as slopes dloss / count (exp(logit - lse) - [label]) -> dx += slopes table,
//             dtable += slopes^T x
//   x (R, C)   table (V, C)   labels (R)
#ifndef SHADERS_VOCAB_LOSS_H
#define SHADERS_VOCAB_LOSS_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"
#include "shaders/linear/linear.h"       // SPEC_TILE_*

#define SPEC_VOCAB_LOSS_TOP 4      // vocab_loss_*rows: 1 = the first of the largest logits is found
#define VOCAB_LOSS_NONE 0xffffffffu     // the label of a row that is not counted, and its rank

struct vocab_loss_attr {
    U32 top;                       // 1 = output 3: the id of each row's largest logit
    U32 rank;                      // 1 = output 4: how many logits are above that of the label
    U32 chunk;                     // columns of the vocabulary at a time; 0 = by memory
};
ARGS_SIZE(vocab_loss_attr, 12);

struct vocab_loss_args {
    U32 rows;                      // R; 0 = packed: the layout knows
    U32 cols;                      // C
    U32 vocab;                     // V
    U32 first;                     // of the chunk, which is row `first` of the table and those after it
    U32 n;                         // columns of the chunk
    U32 ld;                        // columns of its memory, a multiple of 4
    U32 row0;                      // vocab_loss_*_dtable: first row and last + 1 of those that are summed
    U32 row1;
};
ARGS_SIZE(vocab_loss_args, 32);

// vocab_loss_finish and _mean.
struct vocab_loss_mean_args {
    U32 rows;                      // 0 = packed
    U32 vocab;
    U32 n_partials;
    U32 top;                       // 1 = write the ids
};
ARGS_SIZE(vocab_loss_mean_args, 16);
#endif
