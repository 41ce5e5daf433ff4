// search_impl.h — what search.c, search_log.c and order.c share: comparing scores, and trials on file, one JSON line
// each, which the next search reads back.
#ifndef DISTILL_SEARCH_IMPL_H
#define DISTILL_SEARCH_IMPL_H

#include <stddef.h>

#include "distill/search/search.h"
#include "nn/base/lines.h"

// By metric, then by the lower tie.
static inline bool distill__is_higher(const distill_score *a, const distill_score *b)
{
    return a->metric > b->metric || (a->metric == b->metric && a->tie < b->tie);
}

typedef struct distill__trial {
    uint8_t choice[DISTILL_MAX_LAYERS];     // zero beyond the layers
    distill_score score;
} distill__trial;

typedef struct distill__log {
    nn_lines *file;                 // NULL = nothing is written
    uint32_t n_layers, n_choices;
    distill__trial *known;          // read and added
    size_t n, cap;
} distill__log;

// Read what is there and open it for more; `path` may be NULL. Errors: E_IO, E_FORMAT (too large), E_NOMEM.
vkc_status distill__log_init(distill__log *log, const char *path, uint32_t n_layers, uint32_t n_choices);
void       distill__log_finish(distill__log *log);      // after init, also when it failed
const distill__trial *distill__log_get(const distill__log *log, const uint8_t *choice);   // NULL = not tried
vkc_status distill__log_write(distill__log *log, const distill__trial *t);

#endif
