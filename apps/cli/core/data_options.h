// data_options.h — options of commands that read pictures, and what pipelines take of them.
#ifndef CLI_DATA_OPTIONS_H
#define CLI_DATA_OPTIONS_H

#include "apps/cli/core/app.h"
#include "pipeline/base/measure.h"

typedef struct data_args {
    const char *data, *split;
    uint32_t    batch, threads, limit;
    bool        check_finite, no_check_finite;
} data_args;

// Rows of an option table, for a `data_args` member called `d`.
#define DATA_ROW(type) \
    { "data", 'd', ARG_TEXT, offsetof(type, d.data), 0, 0, "D", "folder of class folders, or synth:ringed-digit" }
#define SPLIT_ROW(type) \
    { "split", 0, ARG_TEXT, offsetof(type, d.split), 0, 0, "S", "split to use: train, val or test" }
#define BATCH_ROW(type, usual) \
    { "batch", 'b', ARG_U32, offsetof(type, d.batch), 1, 65536, "N", "batch size [" usual "]" }
#define THREADS_ROW(type) \
    { "threads", 0, ARG_U32, offsetof(type, d.threads), 0, 1024, "N", "decoding threads [one per core]" }
#define LIMIT_ROW(type) \
    { "limit", 0, ARG_U32, offsetof(type, d.limit), 0, 1e9, "N", "evaluate on at most N images, 0 = all [0]" }
#define FINITE_ROWS(type, usual) \
    { "check-finite", 0, ARG_FLAG, offsetof(type, d.check_finite), 0, 0, NULL, \
      "name the first mixer with a NaN or infinity and exit with code 1 [" usual "]" }, \
    { "no-check-finite", 0, ARG_FLAG, offsetof(type, d.no_check_finite), 0, 0, NULL, \
      "do not check for NaN or infinity" }

// Open the data set of --data; E_ARG without one. Says so when it has no splits.
vkc_status    data_open(const data_args *d, nn_dataset **out);
// --no-check-finite wins over --check-finite.
pipeline_data data_of(const data_args *d, const nn_dataset *set);

#endif
