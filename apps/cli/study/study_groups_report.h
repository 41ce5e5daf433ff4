// study_groups_report.h — what pare study groups found: tables and JSON.
#ifndef CLI_STUDY_GROUPS_REPORT_H
#define CLI_STUDY_GROUPS_REPORT_H

#include "apps/cli/study/study_setup.h"
#include "distill/sparsity/sparsity.h"

typedef struct group_work {
    study_work *w;
    const char *dir;
    nn_model     *teacher;
    bool        fixed[NN_MAX_DEPTH];
    distill_measure  measure;
    distill_keys     keys;
    distill_sparsity sparsity;
    distill_group   *group;
    uint32_t         n_groups;      // by sparsity, and as many contiguous
    distill_study    study;
    distill_study_result result;
} group_work;

// For run.json and --json. *out may be set after a failure too; json_decref it.
vkc_status group_result(const group_work *g, json_t **out);
vkc_status group_print(const group_work *g);

#endif
