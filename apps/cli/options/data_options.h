// data_options.h — options of commands that read pictures, and what pipelines take of them.
#ifndef CLI_DATA_OPTIONS_H
#define CLI_DATA_OPTIONS_H

#include "apps/cli/core/app.h"
#include "pipeline/base/measure.h"

typedef struct data_args {
    const char *data, *split, *labels;
    uint64_t    split_seed;
    uint32_t    batch, threads, limit, pillow;
    bool        check_finite, no_check_finite, any_teacher;
} data_args;

#define PILLOW_ROW(type, member) \
    { "pillow", 0, ARG_U32, offsetof(type, member), 12, 13, "N", "resize images as this version of Pillow does [13]" }
// Rows of an option table, for a `data_args` member called `d`.
#define DATA_ROW(type) \
    { "data", 'd', ARG_TEXT, offsetof(type, d.data), 0, 0, "D", "folder of class folders, or synth:ringed-digit" }, \
    PILLOW_ROW(type, d.pillow), \
    { "split-seed", 0, ARG_U64, offsetof(type, d.split_seed), 0, 0, "N", \
      "seed that splits a folder without train/, val/ and test/ [0]" }
#define SPLIT_ROW(type, usual) \
    { "split", 0, ARG_TEXT, offsetof(type, d.split), 0, 0, "S", "split to use: train, val, test or all [" usual "]" }
#define LABELS_ROW(type) \
    { "labels", 0, ARG_TEXT, offsetof(type, d.labels), 0, 0, "HOW", \
      "class folders by name or by index (place in bytewise order) [by name if the model has names]" }
#define ANY_TEACHER_ROW(type) \
    { "any-teacher", 0, ARG_FLAG, offsetof(type, d.any_teacher), 0, 0, NULL, \
      "go on with a teacher that is no better than chance" }
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

// Open the data set of --data; E_ARG without one. A plain folder of classes is split.
vkc_status    data_open(const data_args *d, nn_dataset **out);
// The same to judge the model in a folder, and the split to judge it by: that of --split, or pipeline_choose_split. A
// plain folder is split as it was to train the model, and not at all when all of it is wanted. *cfg: the model's, for
// model_load_as, to be finished after a failure too; zero where it cannot be read, of which loading the model says why.
vkc_status    data_open_for(const data_args *d, const char *model, nn_split usual, nn_dataset **out, nn_split *split,
                            nn_model_config *cfg);
// --no-check-finite wins over --check-finite.
pipeline_data data_of(const data_args *d, const nn_dataset *set);

#endif
