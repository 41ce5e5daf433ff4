// logits.h — the option --logits of eval: inputs and logits of a model, for comparison with other programs.
#ifndef CLI_LOGITS_H
#define CLI_LOGITS_H

#include "apps/cli/options/data_options.h"

// Write `pixels` (n, channels, height, width), normalised, and `logits` (n, classes) of the n pictures that an
// evaluation of this split judged, in its order, as F32 into a safetensors file; the model runs once more. Memory: one
// batch of pictures and all logits. Errors: also E_FORMAT when fewer pictures can be read than were judged.
vkc_status logits_save(const nn_model *m, const nn_dataset *data, nn_split split, const data_args *d, uint32_t n,
                       const char *path);

#endif
