// orders_impl.h — the parts of a study of orders: what is kept of a variant in the log, the results as JSON. Internal.
#ifndef PIPELINE_ORDERS_IMPL_H
#define PIPELINE_ORDERS_IMPL_H

#include "pipeline/study/orders.h"
#include "pipeline/study/study_impl.h"

// orders_json.c
// A variant's orders from its line of the log, NULL = there is none; false unless all of it is there.
bool       pipeline__orders_read(const json_t *line, const pipeline_orders_result *r, pipeline_order_run *out);
json_t    *pipeline__orders_line(const pipeline_orders_result *r, const pipeline_order_run *run);
// For run.json. *out may be set after a failure too; json_decref it.
vkc_status pipeline__orders_json(const study_work *w, const pipeline_orders_result *r, json_t **out);

#endif
