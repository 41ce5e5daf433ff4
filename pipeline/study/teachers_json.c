// teachers_json.c — teachers side by side: the gap to their students against their keep ratios.
#include "pipeline/study/study_impl.h"

#include <math.h>
#include <string.h>

#include "distill/statistics/statistics.h"
#include "nn/base/json.h"
#include "pipeline/base/json.h"

pipeline_gap pipeline_teachers_gap(const pipeline_teachers_result *r, uint32_t i, const char *mixer)
{
    double gap[PIPELINE_MAX_VARIANTS], top1[PIPELINE_MAX_VARIANTS], error[PIPELINE_MAX_VARIANTS], spread;
    pipeline_gap out;
    uint32_t n = 0;
    for (uint32_t v = 0; v < r->variants.n; v++) {
        const distill_study_run *run = &r->teacher[i].result.run[v];
        if (strcmp(r->variants.variant[v].mixer, mixer) != 0)
            continue;
        gap[n] = run->drop;
        top1[n] = run->figures.top1;
        error[n++] = run->error;
    }
    distill_mean_std(top1, n, &out.top1, &spread);
    distill_mean_std(error, n, &out.error, &spread);
    distill_mean_std(gap, n, &out.mean, &out.std);
    return out;
}

vkc_status pipeline_teachers_correlate(const pipeline_teachers_result *r, const char *mixer, distill_correlation *out)
{
    double keep[PIPELINE_MAX_TEACHERS], gap[PIPELINE_MAX_TEACHERS];
    for (uint32_t i = 0; i < r->n; i++) {
        keep[i] = r->teacher[i].result.base.keep;
        gap[i] = round(pipeline_teachers_gap(r, i, mixer).mean * 1e12) / 1e12;  // means that differ by rounding share
    }                                                                           // a rank
    *out = (distill_correlation) { r->n, (double) NAN, (double) NAN };
    vkc_status st = distill_spearman(keep, gap, r->n, &out->rho);
    return st == VKC_OK ? distill_spearman_p(keep, gap, r->n, 0, 0, &out->p) : st;
}

static json_t *build_rows(const pipeline_teachers_result *r)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < r->n; i++) {
        const pipeline_teacher *t = &r->teacher[i];
        json_t *runs = json_array();
        for (uint32_t v = 0; v < r->variants.n; v++) {
            const distill_study_run *run = &t->result.run[v];
            const distill_variant *of = &r->variants.variant[v];
            nn_json_append_new(runs, json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:o}", "seed", (json_int_t) of->seed,
                                               "mixer", of->mixer, "student_top1", run->figures.top1,
                                               "student_keep", run->figures.keep, "gap", run->drop, "loss_rise",
                                               run->loss_rise, "error", pipeline_number(run->error)));
        }
        nn_json_append_new(rows, json_pack("{s:s, s:f, s:f, s:f, s:I, s:o}", "teacher", t->name, "keep",
                                           t->result.base.keep, "teacher_top1", t->result.base.top1, "teacher_loss",
                                           t->result.base.loss, "params", (json_int_t) t->params, "runs", runs));
    }
    return rows;
}

vkc_status pipeline__study_teachers_json(const study_work *w, const pipeline_teachers_result *r, json_t **out)
{
    json_t *list = json_array(), *o = pipeline__study_json(w);
    vkc_status st = VKC_OK;
    for (uint32_t m = 0; m < r->variants.n_mixers && st == VKC_OK; m++) {
        distill_correlation c;
        st = pipeline_teachers_correlate(r, r->variants.mixers[m], &c);
        if (st == VKC_OK)
            nn_json_append_new(list, json_pack("{s:s, s:i, s:o, s:o}", "mixer", r->variants.mixers[m], "n",
                                               (int) c.n, "rho", pipeline_number(c.rho), "p",
                                               pipeline_number(c.p)));
    }
    if (st == VKC_OK && !o)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (o) {
        nn_json_set_new(o, "rows", build_rows(r));
        nn_json_set(o, "correlation", list);
    }
    json_decref(list);
    *out = o;
    return st;
}
