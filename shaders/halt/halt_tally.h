// halt_tally.h — one block's row in the halting statistics (L, TALLY_COLS); all other rows are 0, so that tables add
//   Over the tokens from place `kept` on, N = cap_tokens - kept of them in a full image, B live images:
//   ponder = sum over tokens running at entry of (1 + [done here] p) / (B N)
//   score  = sum over tokens running at entry of h / (B N)
//   alive  = tokens not dropped / (B N)
#ifndef SHADERS_HALT_TALLY_H
#define SHADERS_HALT_TALLY_H
#include "shaders/inc/shared.h"

#define TALLY_PONDER 0
#define TALLY_SCORE  1
#define TALLY_ALIVE  2
#define TALLY_COLS   4             // the last is 0

struct halt_tally_attr {
    U32 layers, layer;             // L and the row to fill
    U32 kept;                      // as in halt_attr: places whose tokens do not count
};

struct halt_tally_args {
    U32 has_prev;                  // 0 = all were running
    U32 layers, layer, kept;
    U32 patches;                   // N, at least 1
    U32 n_partials;
};
ARGS_SIZE(halt_tally_args, 24);
#endif
