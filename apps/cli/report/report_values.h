// report_values.h — values of a distillation or a study that several sections of a page need.
#ifndef CLI_REPORT_VALUES_H
#define CLI_REPORT_VALUES_H

#include "apps/cli/report/report_run.h"

// A mixer's name out of inputs where results have none; "" = not known.
const char *report_mixer_name(const report_run *r, char out[160]);
size_t report_depth(const report_run *r);       // of the teacher; 0 = not known
bool   report_is_replaced(const report_run *r, double layer);

// Of a study: how many mixers are shown, and the name of one; "" = not known.
#define REPORT_STUDY_MIXERS 8u      // at most
size_t      report_study_n_mixers(const report_run *r);
const char *report_study_mixer(const report_run *r, size_t k);

#endif
