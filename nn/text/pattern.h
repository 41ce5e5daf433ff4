// pattern.h — the regular expressions by which tokenizers split text into words, each known by its spelling.
//
// There is no engine for regular expressions here: an expression that is not in the table is refused by who reads it.
// Thread-safety: safe.
#ifndef NN_PATTERN_H
#define NN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_pattern nn_pattern;

extern const nn_pattern nn_pattern_gpt2;                    // what ByteLevel splits by

const nn_pattern *nn_pattern_find(const char *regex);       // or NULL
// How many bytes of `text` the expression takes, at least one: each of them takes any character somehow. `text` is
// UTF-8 and not empty.
size_t nn_pattern_match(const nn_pattern *p, const char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
