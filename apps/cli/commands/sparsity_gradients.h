// sparsity_gradients.h — the maps of pare sparsity by gradients, of any mixer, beside a teacher's attention.
#ifndef CLI_SPARSITY_GRADIENTS_H
#define CLI_SPARSITY_GRADIENTS_H

#include "apps/cli/commands/sparsity_maps.h"
#include "apps/cli/print/gradients_print.h"

// E_ARG when the teacher's maps cannot stand beside the model's: another grid, depth, or layers without attention.
vkc_status sparsity_gradients_check(const map_args *a, const nn_model_config *c, const nn_model_config *teacher);
// Draw what is asked for and say where it is. `teacher` NULL = none.
vkc_status sparsity_gradients_save(const map_args *a, const data_args *d, const nn_model *model,
                                   const nn_model *teacher, const nn_dataset *data, nn_split split,
                                   gradient_figures *out);

#endif
