// left_out.h — what a listing of class folders passed over, counted by reason. Thread-safety: safe on different ones.
#ifndef NN_LEFT_OUT_H
#define NN_LEFT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_KINDS 8

typedef struct nn_left_out {        // zeroed is nothing
    struct { char end[8]; uint64_t n; } kind[NN_MAX_KINDS];     // files in class folders that are no picture: ".tif"
    uint32_t n_kinds;
    uint64_t other;                 // likewise: further kinds, names without an end, what is no file
    uint64_t unreadable;            // pictures that may not be read, lead nowhere, or whose path is too long
    uint64_t folders;               // that could not be opened or are too deep, with whatever is in them
    uint64_t loose;                 // pictures beside the class folders, which are of no class
    uint64_t beside;                // folders beside train/, val/ and test/
} nn_left_out;

void     nn_left_out_add_kind(nn_left_out *l, const char *name);    // of a file that is no picture
uint64_t nn_left_out_files(const nn_left_out *l);                   // all that were seen: what is in folders was not
bool     nn_left_out_any(const nn_left_out *l);
// "36 files left out: 24 .bmp, 12 .webp", or "" when there are none; cut off at `size`.
void     nn_left_out_text(const nn_left_out *l, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
