// search_log.h — trials of a search on file: one JSON line each, read back by the next search.
#ifndef DISTILL_SEARCH_LOG_H
#define DISTILL_SEARCH_LOG_H

#include <stddef.h>

#include "distill/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct search_trial {
    uint8_t choice[DISTILL_MAX_LAYERS];     // zero beyond the layers
    distill_score score;
} search_trial;

typedef struct search_log {
    const char *path;               // NULL = nothing is written
    uint32_t n_layers, n_choices;
    search_trial *known;            // read and added
    size_t n, cap;
    int    fd;                      // -1 = none
} search_log;

// Reads what is there and opens it for more; `path` may be NULL. Errors: E_IO, E_FORMAT (too large), E_NOMEM.
vkc_status search_log_init(search_log *log, const char *path, uint32_t n_layers, uint32_t n_choices);
void       search_log_finish(search_log *log);      // zeroed is not fine, after init (failed too) is
const search_trial *search_log_get(const search_log *log, const uint8_t *choice);   // NULL = not tried
vkc_status search_log_write(search_log *log, const search_trial *t);

#ifdef __cplusplus
}
#endif
#endif
