// provenance.h — where a result comes from: what was asked for, when, on which device, with which build.
#ifndef PIPELINE_PROVENANCE_H
#define PIPELINE_PROVENANCE_H

#include "pipeline/base/context.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

// {command, seed, device, driver, version, commit, date}, without a command where none is known; NULL = out of memory,
// or a text is not UTF-8.
json_t *pipeline_provenance(const pipeline_context *c, uint64_t seed);
void    pipeline_date(char out[32]);        // "2025-01-31T12:34:56Z"

#ifdef __cplusplus
}
#endif
#endif
