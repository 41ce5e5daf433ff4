// json.h — strict reading of JSON that may be hostile, and typed access with a sentence for every mistake.
//
// Values are jansson's json_t; include <jansson.h> to look inside. `where` names the place in messages,
// a file's path for the most part: "config.json: depth is 0, want 1 to 128".
// Thread-safety: safe on different values. Errors: E_FORMAT, E_IO (files), E_NOMEM.
#ifndef NN_JSON_H
#define NN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;

#define NN_JSON_MAX_DEPTH 32

// One value in UTF-8 and nothing after it; no key twice, at most NN_JSON_MAX_DEPTH levels and
// `max_values` values, both checked before anything is allocated. json_decref(*out).
vkc_status nn_json_read(const char *where, const char *text, size_t len, size_t max_values, struct json_t **out);
// The same with every number as a real one: whole numbers that take more than 64 bits are fine.
vkc_status nn_json_read_real(const char *where, const char *text, size_t len, size_t max_values, struct json_t **out);
vkc_status nn_json_load(const char *path, size_t max_size, struct json_t **out);    // must be an object
vkc_status nn_json_save(const char *path, const struct json_t *value);  // indented, atomic (files.h)

// Jansson's calls of the same names, whose results are easily left alone. That a container did not get its value, for
// want of memory or because the value could not be made, is remembered for this thread: what turns values into text
// asks nn_json_is_whole(), which forgets it, and fails rather than pass on a part. A container that is NULL takes
// nothing and nothing is remembered: its owner knows. The _new forms take `value` over.
void nn_json_set(struct json_t *object, const char *key, struct json_t *value);
void nn_json_set_new(struct json_t *object, const char *key, struct json_t *value);
void nn_json_append(struct json_t *array, struct json_t *value);
void nn_json_append_new(struct json_t *array, struct json_t *value);
void nn_json_update_new(struct json_t *object, struct json_t *other);
void nn_json_update_missing(struct json_t *object, struct json_t *other);
bool nn_json_is_whole(void);
// `value` itself, for places where NULL means that there is none: that it could not be made is remembered.
struct json_t *nn_json_made(struct json_t *value);
// A text that may be no UTF-8, as names of files are: null then. NULL: no memory.
struct json_t *nn_json_name(const char *text);
// json_dumps() with these flags, or NULL: no memory, or the value is not whole. free() it.
char *nn_json_print(const struct json_t *value, size_t flags);

// Members of an object. nn_json_has is false for null too. The others fail when the member is missing, of
// another type or out of range; *out is borrowed from `obj`.
bool       nn_json_has(const struct json_t *obj, const char *key);
vkc_status nn_json_get_u32(const char *where, const struct json_t *obj, const char *key, uint32_t min,
                           uint32_t max, uint32_t *out);
vkc_status nn_json_get_number(const char *where, const struct json_t *obj, const char *key, double min,
                              double max, double *out);
vkc_status nn_json_get_bool(const char *where, const struct json_t *obj, const char *key, bool *out);
vkc_status nn_json_get_string(const char *where, const struct json_t *obj, const char *key, size_t max_len,
                              const char **out);
vkc_status nn_json_get_object(const char *where, const struct json_t *obj, const char *key, struct json_t **out);
vkc_status nn_json_get_array(const char *where, const struct json_t *obj, const char *key, size_t min_len,
                             size_t max_len, struct json_t **out);

// `out` gets the n numbers of a list. E_FORMAT unless it has n.
vkc_status nn_json_get_numbers(const char *where, const struct json_t *obj, const char *key, uint32_t n, double min,
                               double max, double *out);
// Is a key in `known`, which ends with NULL?
bool       nn_json_is_known(const char *const *known, const char *key);
// E_FORMAT when the object has a key that is not in `known`, which ends with NULL, and not null: it may change what the
// rest means.
vkc_status nn_json_check_keys(const char *where, struct json_t *obj, const char *const *known);

bool       nn_is_utf8(const char *text);
// Is every byte of it fit for a terminal and for a message: no control characters?
bool       nn_is_printable(const char *text);

#ifdef __cplusplus
}
#endif
#endif
