// study_teachers_report.c — teachers side by side: the gap to their students against how many tokens they keep.
#include "apps/cli/study/study_teachers_report.h"

#include "distill/statistics/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Mean gap of a teacher to its students with this mixer, and the spread.
static void get_gap(const sweep *s, uint32_t i, const char *mixer, double *mean, double *std, double *top1,
                    double *error)
{
    double gap[STUDY_MAX_VARIANTS], spread;
    double top[STUDY_MAX_VARIANTS], err[STUDY_MAX_VARIANTS];
    uint32_t n = 0;
    for (uint32_t v = 0; v < s->w->n_variants; v++) {
        if (strcmp(s->w->variant[v].mixer, mixer) != 0)
            continue;
        gap[n] = s->t[i].result.run[v].drop;
        top[n] = s->t[i].result.run[v].figures.top1;
        err[n++] = s->t[i].result.run[v].error;
    }
    distill_mean_std(top, n, top1, &spread);
    distill_mean_std(err, n, error, &spread);
    distill_mean_std(gap, n, mean, std);
}

static vkc_status correlate(const sweep *s, const char *mixer, distill_correlation *out)
{
    double keep[STUDY_MAX_TEACHERS], gap[STUDY_MAX_TEACHERS], std, top1, error;
    for (uint32_t i = 0; i < s->n; i++) {
        keep[i] = s->t[i].result.base.keep;
        get_gap(s, i, mixer, &gap[i], &std, &top1, &error);
        gap[i] = round(gap[i] * 1e12) / 1e12;           // means that differ by rounding share a rank
    }
    *out = (distill_correlation) { s->n, (double) NAN, (double) NAN };
    vkc_status st = distill_spearman(keep, gap, s->n, &out->rho);
    return st == VKC_OK ? distill_spearman_p(keep, gap, s->n, 0, 0, &out->p) : st;
}

static json_t *build_rows(const sweep *s)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < s->n; i++) {
        const sweep_teacher *t = &s->t[i];
        json_t *runs = json_array();
        for (uint32_t v = 0; v < s->w->n_variants; v++) {
            const distill_study_run *r = &t->result.run[v];
            json_array_append_new(runs, json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:o}", "seed",
                                                  (json_int_t) s->w->variant[v].seed, "mixer", s->w->variant[v].mixer,
                                                  "student_top1", r->figures.top1, "student_keep", r->figures.keep,
                                                  "gap", r->drop, "loss_rise", r->loss_rise, "error",
                                                  app_number(r->error)));
        }
        json_array_append_new(rows, json_pack("{s:s, s:f, s:f, s:f, s:I, s:o}", "teacher", t->name, "keep",
                                              t->result.base.keep, "teacher_top1", t->result.base.top1, "teacher_loss",
                                              t->result.base.loss, "params", (json_int_t) t->params, "runs", runs));
    }
    return rows;
}

vkc_status sweep_result(const sweep *s, json_t **out)
{
    json_t *list = json_array(), *o = study_json(s->w);
    vkc_status st = VKC_OK;
    for (uint32_t m = 0; m < s->w->n_mixers && st == VKC_OK; m++) {
        distill_correlation c;
        st = correlate(s, s->w->mixers[m], &c);
        if (st == VKC_OK)
            json_array_append_new(list, json_pack("{s:s, s:i, s:o, s:o}", "mixer", s->w->mixers[m], "n", (int) c.n,
                                                  "rho", app_number(c.rho), "p", app_number(c.p)));
    }
    if (st == VKC_OK && !o)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (o) {
        json_object_set_new(o, "rows", build_rows(s));
        json_object_set(o, "correlation", list);
    }
    json_decref(list);
    *out = o;
    return st;
}

vkc_status sweep_print(const sweep *s)
{
    for (uint32_t m = 0; m < s->w->n_mixers; m++) {
        const char *mixer = s->w->mixers[m];
        distill_correlation c;
        printf("%s in place of all attention; top-1 on %s\n%-26s %8s  %9s  %9s  %17s  error\n", mixer,
               nn_split_name(s->w->split), "teacher", "kept", "teacher", "student", "gap, points");
        for (uint32_t i = 0; i < s->n; i++) {
            const sweep_teacher *t = &s->t[i];
            double mean, std, top1, error;
            get_gap(s, i, mixer, &mean, &std, &top1, &error);
            printf("%-26.60s %6.1f %%  %7.2f %%  %7.2f %%  %8.2f +- %5.2f  %.4f\n", t->name,
                   100.0 * t->result.base.keep, 100.0 * t->result.base.top1, 100.0 * top1, 100.0 * mean, 100.0 * std,
                   error);
        }
        vkc_status st = correlate(s, mixer, &c);
        if (st != VKC_OK)
            return st;
        printf("\nSpearman's correlation of gap and share kept, %u teachers: ", c.n);
        if (isfinite(c.rho))
            printf("%+.3f (p %.4f); above 0: the fewer tokens the teacher keeps, the narrower the gap\n\n", c.rho, c.p);
        else
            puts("-\n");
    }
    printf("run      %s\n", s->w->run.dir);
    return app_flush();
}
