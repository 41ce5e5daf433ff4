// parts.h — a plain folder of classes in three parts, by what its files hold. Internal to data sets.
#ifndef NN_PARTS_H
#define NN_PARTS_H

#include "nn/base/progress.h"
#include "nn/data/listing.h"

#ifdef __cplusplus
extern "C" {
#endif

// part[i] = 0, 1 or 2 for train, val and test: of each class about 70, 15 and 15 % of its different contents, at least
// one in val and test from three on. A function of the seed and of the contents with their classes alone: files that
// are alike are in the same part, whatever they are called; one that stands in two classes counts with the first.
// *contents is a checksum of all that there is. Reads every file once. Errors: E_NOMEM, E_STOPPED.
vkc_status nn_parts_make(const nn_listing *list, uint32_t classes, uint64_t seed, nn_progress_fn progress, void *user,
                         uint8_t *part, uint64_t *contents);

#ifdef __cplusplus
}
#endif
#endif
