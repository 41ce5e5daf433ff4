// schedule_options.h — options of pare distill that name the layers to replace, and how they are replaced without a
// search.
#ifndef CLI_SCHEDULE_OPTIONS_H
#define CLI_SCHEDULE_OPTIONS_H

#include "pipeline/distill/distill.h"

typedef struct schedule_options { const char *layers, *schedule, *order; } schedule_options;

// Rows of an option table, for a schedule_options member `m`.
#define SCHEDULE_ROWS(type, m) \
    { "layers", 0, ARG_TEXT, offsetof(type, m.layers), 0, 0, "L", \
      "layers to search or, with --schedule, to replace, such as 0,3,5-7 [all with attention]" }, \
    { "schedule", 0, ARG_TEXT, offsetof(type, m.schedule), 0, 0, "S", \
      "replace them without a search: all (at once) or sequential:K (K at a time, trained in between)" }, \
    { "schedule-order", 0, ARG_TEXT, offsetof(type, m.order), 0, 0, "O", \
      "which layers --schedule sequential:K begins with: shallow, deep or sparse [shallow]" }

// Into the parameters; `list` (NN_MAX_DEPTH) is what their layers are in. E_ARG in words.
vkc_status schedule_read(const schedule_options *o, uint32_t *list, pipeline_distill_params *out);

#endif
