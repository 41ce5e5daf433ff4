// study_log.h — answers of a long study on file, one JSON object a line, so that none is asked for twice.
//
// Values are jansson's json_t. Thread-safety: not safe.
#ifndef DISTILL_STUDY_LOG_H
#define DISTILL_STUDY_LOG_H

#include <stdbool.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;
typedef struct distill_study_log distill_study_log;

// Read what is there and open it for more. A line that is cut off or no object is left out. Errors: E_IO, E_FORMAT (too
// large), E_NOMEM.
vkc_status distill_study_log_create(const char *path, distill_study_log **out);
void       distill_study_log_destroy(distill_study_log *log);           // NULL is fine

// The newest line with all members of `key`, borrowed, or NULL; also when log or key is NULL. Drops the reference to
// key.
const struct json_t *distill_study_log_get(const distill_study_log *log, struct json_t *key);
// Add a line: `key` with all members of `value`. Drops both references; NULL as a key is E_NOMEM, as a value nothing.
vkc_status distill_study_log_write(distill_study_log *log, struct json_t *key, struct json_t *value);

#ifdef __cplusplus
}
#endif
#endif
