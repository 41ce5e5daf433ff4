// measure.h — figures of models: accuracy on a split, and time at several token counts.
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include "apps/cli/core/app.h"
#include "nn/infer/eval.h"

typedef struct data_args {          // options of commands that read pictures
    const char *data, *split;
    uint32_t    batch, threads, limit;
    bool        check_finite, no_check_finite;
} data_args;

// Rows of an option table, for a `data_args` member called `d`.
#define DATA_ROW(type) \
    { "data", 'd', ARG_TEXT, offsetof(type, d.data), 0, 0, "D", "folder of class folders, or synth:ringed-digit" }
#define SPLIT_ROW(type) \
    { "split", 0, ARG_TEXT, offsetof(type, d.split), 0, 0, "S", "train, val or test" }
#define BATCH_ROW(type, usual) \
    { "batch", 'b', ARG_U32, offsetof(type, d.batch), 1, 65536, "N", "pictures at once [" usual "]" }
#define THREADS_ROW(type) \
    { "threads", 0, ARG_U32, offsetof(type, d.threads), 0, 1024, "N", "that decode pictures [as many as cores]" }
#define LIMIT_ROW(type) \
    { "limit", 0, ARG_U32, offsetof(type, d.limit), 0, 0, "N", "judge at most so many pictures" }
#define FINITE_ROWS(type, usual) \
    { "check-finite", 0, ARG_FLAG, offsetof(type, d.check_finite), 0, 0, NULL, \
      "name the first mixer that reads or gives a NaN or infinity, exit code 1 [" usual "]" }, \
    { "no-check-finite", 0, ARG_FLAG, offsetof(type, d.no_check_finite), 0, 0, NULL, "do not look for them" }

// Whether to look; `usual` without either option, and --no-check-finite wins over --check-finite.
bool       measure_is_checked(const data_args *d, bool usual);

// Open the data set of --data; E_ARG without one. Says so when it has no splits.
vkc_status measure_open_data(const data_args *d, nn_dataset **out);

// Accuracy on a split; images = 0 when the data set has no pictures there.
vkc_status measure_split(const nn_model *v, const nn_dataset *data, nn_split split, const data_args *d,
                         nn_eval_result *out);
// Warn of the first broken pictures of a split, by name; `bad` is how many there are, 0 = do nothing.
void       measure_name_bad(const nn_dataset *data, nn_split split, uint32_t bad);
// {top1, top5, loss, images, bad, images_per_s}, {keep, keep_layer} besides where tokens are dropped; null when
// images = 0.
json_t    *measure_json(const nn_eval_result *r);
void       measure_print(FILE *f, const char *what, const nn_eval_result *r);

#define MEASURE_SIZES 3
#define MEASURE_MODELS 2

typedef struct measure_time {
    uint32_t image, tokens;         // 0 tokens: did not fit on the device
    double   ms[MEASURE_MODELS];    // a batch, median of several replays
    double   keep[MEASURE_MODELS];  // share of patches that a block gets, as in nn_eval_result, of these pictures
    uint32_t repeats;
} measure_time;

// 1, 2 and 3 times the image side (height) of the model, and after them `more`, unless it is 0 or one of these.
// Returns how many.
uint32_t   measure_sizes(const nn_model_config *c, uint32_t more, uint32_t image[MEASURE_SIZES + 1]);
// Time n models of these configs, all with random values, for pictures of each of these sizes, taking turns.
vkc_status measure_times(vkc_device *dev, const nn_model_config *const *cfg, uint32_t n, uint32_t batch, uint64_t seed,
                         const uint32_t *image, uint32_t n_sizes, measure_time *out);

#endif
