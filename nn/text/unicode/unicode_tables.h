// unicode_tables.h — what scripts/make-unicode-tables writes: numbers of Unicode, sorted, to be searched in halves.
#ifndef NN_UNICODE_TABLES_H
#define NN_UNICODE_TABLES_H

#include <stddef.h>
#include <stdint.h>

extern const char *const nn_unicode_version;        // of the classes, "15.0.0"

// Runs of code points: first << 3 | nn_text_class, up to the next entry.
extern const uint32_t nn_unicode_classes[];
extern const size_t nn_unicode_classes_len;

// Runs of code points: first << 8 | combining class.
extern const uint32_t nn_unicode_combining[];
extern const size_t nn_unicode_combining_len;

// Canonical decompositions into two, three numbers each: the character and its parts. Numbers of those that are also
// composed, by their parts.
extern const uint32_t nn_unicode_pairs[];
extern const size_t nn_unicode_pairs_len;           // numbers, not triples
extern const uint16_t nn_unicode_composes[];
extern const size_t nn_unicode_composes_len;

// Canonical decompositions into one: runs of characters, two numbers each, the first and where its target stands.
extern const uint32_t nn_unicode_singles[];
extern const size_t nn_unicode_singles_len;
extern const uint32_t nn_unicode_targets[];
extern const size_t nn_unicode_targets_len;

#endif
