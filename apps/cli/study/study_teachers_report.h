// study_teachers_report.h — what pare study teachers found: a table and JSON.
#ifndef CLI_STUDY_TEACHERS_REPORT_H
#define CLI_STUDY_TEACHERS_REPORT_H

#include "apps/cli/retain/retain_setup.h"
#include "apps/cli/study/study_setup.h"

typedef struct sweep_teacher {
    char     name[RUN_PATH_MAX];    // its folder; of a series made here "keep-0.80"
    char     dir[RUN_PATH_MAX];     // where it is; of a series, where it will be
    uint32_t item;                  // of the series, UINT32_MAX = is there already
    uint64_t params;
    distill_group group;            // all that is replaced
    distill_study study;
    distill_study_result result;
} sweep_teacher;

typedef struct sweep {
    study_work *w;
    uint32_t    n;
    sweep_teacher *t;                  // (n)
    retain_args  retain;
    retain_setup setup;
} sweep;

// For run.json and --json. *out may be set after a failure too; json_decref it.
vkc_status sweep_result(const sweep *s, json_t **out);
vkc_status sweep_print(const sweep *s);

#endif
