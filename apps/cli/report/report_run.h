// report_run.h — what `pare report` reads of a run folder, and looking up values that may be missing or odd.
#ifndef CLI_REPORT_RUN_H
#define CLI_REPORT_RUN_H

#include "apps/cli/core/app.h"

typedef enum {
    REPORT_DISTILL, REPORT_GROUPS, REPORT_TEACHERS, REPORT_ORDERS, REPORT_TRAIN, REPORT_RETAIN, REPORT_TUNE,
    REPORT_PRUNE, REPORT_SCALING, REPORT_RETENTION, REPORT_OTHER,
} report_kind;

typedef struct report_run {
    char        dir[4096];
    json_t     *info;               // run.json
    json_t     *log, *trials, *study;   // lists of the lines of log.jsonl, search.jsonl and study.jsonl
    json_t     *sparsity;           // as `pare sparsity --json` writes it today, or NULL
    json_t     *provenance, *inputs, *results;  // borrowed from info; NULL = not there
    report_kind kind;
    bool        is_finished;
} report_run;

// Errors: E_IO, E_FORMAT: not a run folder, or a file in it is not what it should be. A last line of a log without its
// end is left out.
vkc_status report_run_load(const char *dir, report_run *out);
void       report_run_finish(report_run *r);    // zeroed is fine

// Values that may be missing or of another type; NULL objects are fine.
double        report_number(const json_t *o, const char *key);                  // NaN = none
const char   *report_text(const json_t *o, const char *key);                    // "" = none
json_t       *report_list(const json_t *o, const char *key);                    // NULL = none
double        report_entry(const json_t *list, size_t i);                       // NaN = none

// A kind as one types it: "study groups".
const char *report_kind_name(report_kind kind);
// Does the name of a device or its driver belong to one that runs on the CPU?
bool report_is_software(const char *device, const char *driver);
const char *report_device(const report_run *r);
const char *report_driver(const report_run *r);

#endif
