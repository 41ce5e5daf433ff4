// study_sparsity.h — how sparse a teacher's attention is, measured once a study.
#ifndef CLI_STUDY_SPARSITY_H
#define CLI_STUDY_SPARSITY_H

#include "apps/cli/study/study_setup.h"
#include "distill/sparsity/sparsity.h"

// On val, or where that is empty on the split of the study; from the study's log if it is there, else it goes there.
vkc_status study_sparsity_get(study_work *w, const nn_model *teacher, const char *name, distill_sparsity *out);

#endif
