// retain_impl.h — state of a series of token-pruned models. Internal.
#ifndef PIPELINE_RETAIN_IMPL_H
#define PIPELINE_RETAIN_IMPL_H

#include "pipeline/retain/retain.h"

// retain_json.c
// Of the run of model i. `read`: checksums of what all the runs read; NULL gives NULL.
json_t *pipeline__retain_inputs(const pipeline_retain_params *p, const pipeline_retain_result *r, uint32_t i,
                                json_t *read);
json_t *pipeline__retained_json(const pipeline_retained *m, const pipeline_retain_result *r, const nn_model *model);
// Markdown on the heap. `recipe`: of its training, if there was one.
char   *pipeline__retained_card(const pipeline_retained *m, const pipeline_retain_result *r, const nn_recipe *recipe);

// times.c: images a second of teacher and model, into m and r.
vkc_status pipeline__retain_time(const pipeline_context *c, const pipeline_data *d, const nn_model *teacher,
                                 const nn_model *model, pipeline_retained *m, pipeline_retain_result *r);

#endif
