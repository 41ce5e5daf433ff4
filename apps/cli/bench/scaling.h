// scaling.h — pare bench scaling: one block of every mixer over token counts, and the fitted exponents.
#ifndef CLI_SCALING_H
#define CLI_SCALING_H

#include "apps/cli/core/app.h"

#define SCALING_MAX_MIXERS 24
#define SCALING_MAX_TOKENS 32

typedef struct scaling_args {       // options; 0 = the default in brackets
    const char *mixers, *tokens, *out;      // lists with commas [the whole table], [64 ... 8192]; run folder [none]
    uint32_t    dim, heads, batch;  // [192], [3], [1]
    uint32_t    repeat;             // [5]
    double      budget;             // seconds that a mixer may take at one token count [60]
    bool        compare_serial, force;
} scaling_args;

typedef struct scaling_cell {       // a mixer at a token count
    bool     is_there;
    double   fwd_ms, fwd_bwd_ms;    // the least of `repeats` replays
    double   serial_fwd_ms, serial_fwd_bwd_ms;      // of the token-serial form; NaN = not compared or none
    uint64_t bytes;                 // device memory of forward and backward
    uint32_t repeats;
    char     why[256];              // when it is not there
} scaling_cell;

typedef struct scaling {
    uint32_t n_mixers, n_tokens;
    char     name[SCALING_MAX_MIXERS][128];         // as asked for
    nn_layer_config layer[SCALING_MAX_MIXERS];
    uint32_t tokens[SCALING_MAX_TOKENS];            // ascending
    scaling_cell cell[SCALING_MAX_MIXERS][SCALING_MAX_TOKENS];
} scaling;

// The lists of the options, checked. E_ARG names what is wrong and what there is.
vkc_status scaling_init(scaling *s, const scaling_args *a);
// Fill the cells. A mixer that cannot be or would take too long at a size is left out, which is said.
vkc_status scaling_run(scaling *s, const scaling_args *a, vkc_device *dev, uint64_t seed);

// The exponent of growth of forward and backward: least squares in log-log from 512 tokens up; NaN with fewer
// than two sizes.
double     scaling_exponent(const scaling *s, uint32_t mixer);
// Tokens from which on a block of `mixer` is faster than one of attention, forward and backward: interpolated, or the
// smallest count when it always is, or infinite when not up to *last (the largest that both have). NaN = not known.
double     scaling_crossover(const scaling *s, uint32_t mixer, uint32_t *last);

#endif
