// sparsity.c — sparsity of a teacher: measured, kept in the study's log and read back from it.
#include "pipeline/study/study_impl.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/json.h"

#define PICTURES 1000u              // as many as there are, up to this

static size_t get_len(const nn_model *m)
{
    return (size_t) DISTILL_N_KEYS * m->cfg.depth * m->cfg.heads * DISTILL_N_MEASURES;
}

// NULL where the list is not of n numbers; a layer without attention has null.
static double *read_list(const json_t *line, const char *key, size_t n)
{
    const json_t *list = json_object_get(line, key);
    double *x = json_array_size(list) == n ? (double *) malloc(n * sizeof *x) : NULL;
    for (size_t i = 0; x && i < n; i++) {
        const json_t *v = json_array_get(list, i);
        x[i] = json_is_number(v) ? json_number_value(v) : (double) NAN;
    }
    return x;
}

static bool read_back(const json_t *line, const nn_model *m, distill_sparsity *out)
{
    const json_t *images = json_object_get(line, "images");
    *out = (distill_sparsity) { .depth = m->cfg.depth, .heads = m->cfg.heads,
                                .images = (uint32_t) json_integer_value(images) };
    out->mean = read_list(line, "mean", get_len(m));
    out->std = read_list(line, "std", get_len(m));
    if (out->mean && out->std && json_is_integer(images))
        return true;
    distill_sparsity_finish(out);
    return false;
}

vkc_status pipeline__study_sparsity_get(study_work *w, const nn_model *teacher, const char *name, distill_sparsity *out)
{
    const nn_split split = nn_dataset_len(w->p->data.set, NN_SPLIT_VAL) ? NN_SPLIT_VAL : w->p->split;
    const uint32_t there = nn_dataset_len(w->p->data.set, split), wanted = w->p->images ? w->p->images : PICTURES;
    const json_t *line = distill_study_log_get(w->log, json_pack("{s:s, s:s}", "what", "sparsity", "teacher", name));
    if (line && read_back(line, teacher, out))
        return VKC_OK;
    vkc_status st = distill_sparsity_measure(teacher, &(distill_sparsity_params) {
        .data = w->p->data.set, .split = split, .images = wanted < there ? wanted : there, .batch = w->p->data.batch,
        .progress = w->c->progress, .user = w->c->user }, out);
    if (st != VKC_OK)
        return st;
    return distill_study_log_write(w->log, json_pack("{s:s, s:s}", "what", "sparsity", "teacher", name),
                                   json_pack("{s:i, s:o, s:o}", "images", (int) out->images, "mean",
                                             pipeline_numbers(out->mean, get_len(teacher)), "std",
                                             pipeline_numbers(out->std, get_len(teacher))));
}
