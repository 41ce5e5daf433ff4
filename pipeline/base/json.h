// json.h — figures as JSON, as run.json, --json and pare report have them.
#ifndef PIPELINE_JSON_H
#define PIPELINE_JSON_H

#include "distill/sparsity/sparsity.h"
#include "nn/infer/eval.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

json_t *pipeline_number(double x);          // null when not finite
json_t *pipeline_numbers(const double *x, size_t n);
json_t *pipeline_integers(const uint32_t *x, size_t n);
// {top1, top5, loss, images, bad, images_per_s}, {keep, keep_layer} besides where tokens are dropped; null when
// images = 0.
json_t *pipeline_eval_json(const nn_eval_result *r);
// {images, depth, heads, measures: [{name, sparser}], keys: {all: {mean: [layer][head][measure], std}, patches},
// agreement: {all: [[rho]], patches}, device, driver}; NULL when out of memory.
json_t *pipeline_sparsity_json(const distill_sparsity *s, const vkc_device *dev);
// Lists as they are typed: "a,b" and "0.7,0.2", the shortest numbers that are read back as the same; NULL for n = 0.
json_t *pipeline_list_json(const char *const *text, size_t n);
json_t *pipeline_number_list_json(const double *x, size_t n);

#ifdef __cplusplus
}
#endif
#endif
