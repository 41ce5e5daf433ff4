// report_values.c — values of a distillation or a study that several sections of a page need.
#include "apps/cli/report/report_values.h"

#include <string.h>

#include "nn/base/limits.h"

const char *report_mixer_name(const report_run *r, char out[160])
{
    const char *mixer = report_text(json_array_get(report_list(r->results, "path"), 0), "mixer");
    const char *options = report_text(r->inputs, "options");
    if (!*mixer)
        mixer = report_text(r->inputs, "mixer");
    snprintf(out, 160, "%.100s%s%.50s", mixer, *options && !strchr(mixer, ':') ? ":" : "",
             strchr(mixer, ':') ? "" : options);
    return out;
}

size_t report_depth(const report_run *r)
{
    const double depth = report_number(r->sparsity, "depth");
    if (depth >= 1 && depth <= NN_MAX_DEPTH)
        return (size_t) depth;
    size_t n = json_array_size(report_list(r->results, "layers"));
    n = n ? n : json_array_size(report_list(r->results, "transfer_error"));
    return n <= NN_MAX_DEPTH ? n : NN_MAX_DEPTH;
}

bool report_is_replaced(const report_run *r, double layer)
{
    json_t *list = report_list(r->results, "replaced");
    for (size_t i = 0; i < json_array_size(list) && i < NN_MAX_DEPTH; i++)
        if (report_entry(list, i) == layer)
            return true;
    return false;
}

size_t report_study_n_mixers(const report_run *r)
{
    const size_t n = json_array_size(report_list(r->results, "mixers"));
    return n < REPORT_STUDY_MIXERS ? n : REPORT_STUDY_MIXERS;
}

const char *report_study_mixer(const report_run *r, size_t k)
{
    const char *text = json_string_value(json_array_get(report_list(r->results, "mixers"), k));
    return text ? text : "";
}
