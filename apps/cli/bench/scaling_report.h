// scaling_report.h — results of pare bench scaling: printed, as JSON, and as files of a run folder.
#ifndef CLI_SCALING_REPORT_H
#define CLI_SCALING_REPORT_H

#include "pipeline/run/run.h"
#include "apps/cli/bench/scaling.h"

void       scaling_print(FILE *f, const scaling *s, const scaling_args *a, const vkc_device *dev);
json_t    *scaling_json(const scaling *s, const scaling_args *a, const vkc_device *dev);
json_t    *scaling_inputs(const scaling *s, const scaling_args *a, uint64_t seed);     // for run.json
// scaling.tsv, scaling.gp and, where gnuplot is installed, scaling.svg. Errors: E_IO, E_NOMEM.
vkc_status scaling_save(const scaling *s, const scaling_args *a, const vkc_device *dev, const pipeline_run *r);

#endif
