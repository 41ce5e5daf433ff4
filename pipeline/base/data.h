// data.h — a data set handed to a run: what there is to say of it, its classes as a model has them, its split.
//
// Thread-safety: as the context.
#ifndef PIPELINE_DATA_H
#define PIPELINE_DATA_H

#include "pipeline/base/measure.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

// Say what was left out of the data set, which classes are empty, and that it was split; nothing of one without such.
void       pipeline_data_tell(const pipeline_context *c, const nn_dataset *set);
// Warn of pictures that were found broken and left out, when a run is over; nothing when there are none.
void       pipeline_data_tell_bad(const pipeline_context *c, const nn_dataset *set);
// All of that as JSON: {"train", "val", "test" or "images", "left_out"?, "bad"?, "empty"?, "split"?}; NULL = out of
// memory.
json_t    *pipeline_data_json(const nn_dataset *set);
// Add what decides a result to a run's inputs: how classes are matched and pictures resized, unless as usual, and how a
// plain folder was split. `inputs` may be NULL.
void       pipeline_data_add_inputs(json_t *inputs, const pipeline_data *d);

// Tell of the data set, and put a view of it with the classes of a model into d->set: *view, which the caller destroys
// after all that uses d->set. `name` is the model in messages. Says so when classes go by another order than that of
// the folders, or when the model has more. Errors: E_FORMAT (they do not fit), E_ARG (the model was trained on another
// split of the same files), E_NOMEM.
vkc_status pipeline_data_match(const pipeline_context *c, pipeline_data *d, const nn_model_config *m, const char *name,
                               nn_dataset **view);
// E_FORMAT with a sentence when two models name a class differently: their outputs are not of the same classes.
vkc_status pipeline_check_labels(const nn_model_config *a, const char *name_a, const nn_model_config *b,
                                 const char *name_b);

// E_CHECK with a sentence for a model whose top-1 on val (at most 1,000 pictures of it; on test, where there is no val)
// is not better than chance: not above 1 / classes with 95 % confidence, on 100 pictures at least; with fewer nothing
// is said. Nothing is done with d->any_teacher.
// `known`: what it does on all that the split has of d, where that was measured before; NULL = it is measured here.
vkc_status pipeline_check_teacher(const pipeline_context *c, const nn_model *m, const pipeline_data *d,
                                  const char *name, const nn_eval_result *known);
// Would so many right answers of n be luck, with one class in `classes` right by chance?
bool       pipeline_is_chance(uint32_t right, uint32_t n, uint32_t classes);

// What a model's provenance says of the split that it was trained on. False: nothing.
typedef struct pipeline_split { uint64_t seed, contents; } pipeline_split;
bool       pipeline_split_of(const nn_model_config *m, pipeline_split *out);
// The split to judge a model by when none was asked for: `usual`; of a plain folder all of it, unless the model was
// trained on a part. Says which.
nn_split   pipeline_choose_split(const pipeline_context *c, const nn_dataset *set, const nn_model_config *m,
                                 nn_split usual);

#ifdef __cplusplus
}
#endif
#endif
