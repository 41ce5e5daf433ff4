// bench_retention.h — pare bench retention: time that token pruning saves in a block and in a whole model.
#ifndef CLI_BENCH_RETENTION_H
#define CLI_BENCH_RETENTION_H

#include "pipeline/run/run.h"
#include "apps/cli/bench/scaling.h"

#define RETENTION_MIXERS "attention,linear,ssd,gla,mingru"
#define RETENTION_TOKENS "257,1025"
#define RETENTION_BAR_ATTENTION 0.55    // of a block after a compaction to half, to the dense block
#define RETENTION_BAR_LINEAR    0.60    // the same where time grows with tokens as they are, not with their square
#define RETENTION_BAR_COMPACT   0.03    // of the compaction, to the dense block's time; 64 images of 1,025 tokens
#define RETENTION_ROWS (2 * SCALING_MAX_MIXERS * SCALING_MAX_TOKENS)

typedef struct retention_args {
    scaling_args lists;             // mixers, tokens, dim, heads, batch, repeat, budget, out, force
    const char *model, *data;       // a model folder and pictures for it; NULL = a built-in shape, noise
    bool        forward, no_model;  // no backward passes; blocks alone
} retention_args;

typedef struct retention_row {      // one mixer, token count and pass; what a norm around it all takes is taken off
    uint32_t mixer, tokens, kept;
    uint32_t block_batch;           // where blocks of the whole batch do not fit the device, those of a part of it are
                                    // timed, and dense_ms and after_ms are those times as often as it takes
    bool     backward, is_there;
    double   dense_ms;              // the block with all tokens
    double   compact_ms;            // compaction, and moving the rows that go on
    double   after_ms;              // the block after it
    uint32_t repeats;
    char     why[256];              // when it is not there
} retention_row;

typedef struct retention_model {    // a whole model, forward, with its tokens and without those it drops
    char     name[128];
    uint32_t tokens, depth, dim, repeats;
    uint32_t batch;                 // as asked for, or a part that fits the device
    bool     is_there;
    double   dense_ms, ms;          // a picture; least of the replays, wall time
    double   keep;                  // share of the patches, mean over blocks and pictures
    double   ideal;                 // multiply-adds with all tokens to those at the mean count of tokens in each block
    char     why[256];
} retention_model;

typedef struct retention_bench {
    scaling  lists;                 // names and token counts
    uint32_t n_rows, n_models;
    retention_row   row[RETENTION_ROWS];
    retention_model model[SCALING_MAX_MIXERS * SCALING_MAX_TOKENS];
} retention_bench;

// Dense blocks, compactions and blocks after them in turn, mixer by mixer; then models. What cannot be is left out,
// which is said. The lists are read first.
vkc_status retention_bench_run(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed);
vkc_status retention_bench_models(retention_bench *b, const retention_args *a, vkc_device *dev, uint64_t seed);

double     retention_bar(const retention_bench *b, const retention_row *r);     // of after_ms / dense_ms

void       retention_print(FILE *f, const retention_bench *b, const retention_args *a, const vkc_device *dev);
json_t    *retention_json(const retention_bench *b, const retention_args *a, const vkc_device *dev);
json_t    *retention_inputs(const retention_bench *b, const retention_args *a, uint64_t seed);     // for run.json
vkc_status retention_save(const retention_bench *b, const pipeline_run *r);       // retention.tsv, models.tsv

#endif
