// inputs.h — what a run reads, told apart by content: so that it is not resumed with other pictures or weights.
#ifndef PIPELINE_INPUTS_H
#define PIPELINE_INPUTS_H

#include "nn/data/dataset.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_DATA_KEY "data_files"

// Add to the inputs of a run, whose reference is handed through; NULL when it is NULL, or after a failure in words.
// Of a data set: "data_files", a checksum of the names, classes and sizes of its files.
json_t *pipeline_inputs_with_data(json_t *inputs, const nn_dataset *set);
// Of a model folder, under `key`: the checksum of its weights and mixers. `dir` NULL: nothing is added.
json_t *pipeline_inputs_with_model(json_t *inputs, const char *key, const char *dir);

#ifdef __cplusplus
}
#endif
#endif
