// study.c — the walk over variants and groups, its log and its clock.
#include "distill/study/study.h"

#include "nn/base/json.h"
#include "vk/clock.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Seconds of a job of this kind, as far as one can tell; a score costs at least what the base cost.
static double get_mean(const distill_study_clock *c, uint32_t kind)
{
    if (kind == DISTILL_JOB_SCORE && !c->timed[kind])
        kind = DISTILL_JOB_BASE;
    return c->timed[kind] ? c->seconds[kind] / c->timed[kind] : -1;
}

bool distill_study_tell(void *clock, const nn_progress *p)
{
    const distill_study_clock *c = (const distill_study_clock *) clock;
    if (!c->progress)
        return true;
    nn_progress with = *p;
    char note[320];
    double left = p->left;
    for (uint32_t k = 0; k < DISTILL_N_JOBS; k++) {
        const uint32_t more = c->left[k] - (k == c->now && c->left[k] > 0);
        double mean = get_mean(c, k);
        if (mean < 0 && k == c->now && p->left >= 0)
            mean = p->seconds + p->left;        // the first of its kind is running
        left = left < 0 || (more && mean < 0 && k != DISTILL_JOB_SCORE) ? -1 : left + more * fmax(mean, 0);
    }
    snprintf(note, sizeof note, "%s%s%s", c->note, *p->note ? ": " : "", p->note);
    with.note = note;
    with.left = left;
    return c->progress(c->user, &with);
}

static void begin_job(const distill_study *s, uint32_t kind, const distill_variant *v, const distill_group *g)
{
    distill_study_clock *c = s->clock;
    if (!c)
        return;
    c->now = kind;
    int len = snprintf(c->note, sizeof c->note, "%.60s", s->teacher);
    if (v && len > 0 && (size_t) len < sizeof c->note)
        len += snprintf(c->note + len, sizeof c->note - (size_t) len, " %.40s seed %llu", v->mixer,
                        (unsigned long long) v->seed);
    for (uint32_t i = 0; g && i < g->n && len > 0 && (size_t) len < sizeof c->note; i++)
        len += snprintf(c->note + len, sizeof c->note - (size_t) len, "%s%u",
                        i ? "," : g->n > 1 ? " layers " : " layer ", g->layer[i]);
}

// seconds < 0: the answer was in the log.
static void end_job(const distill_study *s, uint32_t kind, double seconds)
{
    distill_study_clock *c = s->clock;
    if (!c)
        return;
    c->left[kind] -= c->left[kind] > 0;
    c->timed[kind] += seconds >= 0;
    c->seconds[kind] += seconds >= 0 ? seconds : 0;
}

static json_t *make_key(const distill_study *s, const char *what, const distill_variant *v, const distill_group *g)
{
    json_t *key = json_pack("{s:s, s:s}", "what", what, "teacher", s->teacher), *list = g ? json_array() : NULL;
    if (key && v)
        nn_json_update_new(key, json_pack("{s:s, s:I}", "mixer", v->mixer, "seed", (json_int_t) v->seed));
    for (uint32_t i = 0; g && i < g->n; i++)
        nn_json_append_new(list, json_integer((json_int_t) g->layer[i]));
    if (g && key)
        nn_json_set_new(key, "layers", list);
    return key;
}

static bool read_number(const json_t *line, const char *key, double *out)
{
    const json_t *v = json_object_get(line, key);
    *out = json_is_number(v) ? json_number_value(v) : NAN;
    return json_is_number(v);
}

static bool read_figures(const json_t *line, distill_figures *f)
{
    return line && read_number(line, "top1", &f->top1) && read_number(line, "loss", &f->loss) &&
           read_number(line, "keep", &f->keep);
}

static vkc_status write_figures(const distill_study *s, const distill_variant *v, const distill_group *g,
                                const distill_figures *f)
{
    if (!isfinite(f->top1) || !isfinite(f->loss) || !isfinite(f->keep))
        return VKC_FAIL(VKC_E_CHECK, "study: a score of %s is not a finite number",
                        s->clock ? s->clock->note : s->teacher);
    return distill_study_log_write(s->log, make_key(s, v ? "score" : "base", v, g),
                                   json_pack("{s:f, s:f, s:f}", "top1", f->top1, "loss", f->loss, "keep", f->keep));
}

static vkc_status get_base(const distill_study *s, distill_figures *out)
{
    double start = vkc_seconds();
    if (read_figures(distill_study_log_get(s->log, make_key(s, "base", NULL, NULL)), out)) {
        end_job(s, DISTILL_JOB_BASE, -1);
        return VKC_OK;
    }
    begin_job(s, DISTILL_JOB_BASE, NULL, NULL);
    vkc_status st = s->base(s->user, out);
    if (st == VKC_OK)
        st = write_figures(s, NULL, NULL, out);
    end_job(s, DISTILL_JOB_BASE, vkc_seconds() - start);
    return st;
}

static bool read_errors(const distill_study *s, const distill_variant *v, double *error)
{
    const json_t *line = distill_study_log_get(s->log, make_key(s, "transfer", v, NULL));
    const json_t *list = line ? json_object_get(line, "error") : NULL;
    if (!json_is_array(list) || json_array_size(list) != s->n_layers)
        return false;
    for (uint32_t l = 0; l < s->n_layers; l++) {
        const json_t *x = json_array_get(list, l);
        error[l] = json_is_number(x) ? json_number_value(x) : NAN;
    }
    return true;
}

// Was this begun by an earlier part of the study? From now on it is.
static vkc_status mark_begun(const distill_study *s, const distill_variant *v, const distill_group *g, bool *again)
{
    *again = distill_study_log_get(s->log, make_key(s, g ? "begin score" : "begin", v, g)) != NULL;
    return *again ? VKC_OK : distill_study_log_write(s->log, make_key(s, g ? "begin score" : "begin", v, g), NULL);
}

static vkc_status prepare(const distill_study *s, uint32_t variant, double *error)
{
    vkc_status st;
    const distill_variant *v = &s->variant[variant];
    const double start = vkc_seconds();
    bool again;
    json_t *list;
    begin_job(s, DISTILL_JOB_TRANSFER, v, NULL);
    VKC_TRY(mark_begun(s, v, NULL, &again));
    VKC_TRY(s->prepare(s->user, variant, again, error));
    list = json_array();
    for (uint32_t l = 0; l < s->n_layers; l++)
        nn_json_append_new(list, isfinite(error[l]) ? json_real(error[l]) : json_null());
    st = distill_study_log_write(s->log, make_key(s, "transfer", v, NULL), json_pack("{s:o}", "error", list));
done:
    end_job(s, DISTILL_JOB_TRANSFER, again ? -1 : vkc_seconds() - start);
    return st;
}

static vkc_status score(const distill_study *s, uint32_t variant, const distill_group *g, distill_figures *out)
{
    vkc_status st;
    bool again;
    const double start = vkc_seconds();
    begin_job(s, DISTILL_JOB_SCORE, &s->variant[variant], g);
    VKC_TRY(mark_begun(s, &s->variant[variant], g, &again));
    VKC_TRY(s->score(s->user, variant, g, again, out));
    st = write_figures(s, &s->variant[variant], g, out);
done:
    end_job(s, DISTILL_JOB_SCORE, vkc_seconds() - start);
    return st;
}

static vkc_status go_variant(const distill_study *s, uint32_t variant, const distill_figures *base,
                             distill_study_run *run)
{
    vkc_status st = VKC_OK;
    double error[NN_MAX_DEPTH];
    const distill_variant *v = &s->variant[variant];
    bool known = read_errors(s, v, error), ready = false;
    for (uint32_t i = 0; i < s->n_groups; i++) {
        const distill_group *g = &s->group[i];
        distill_study_run *r = &run[i];
        if (known && read_figures(distill_study_log_get(s->log, make_key(s, "score", v, g)), &r->figures)) {
            end_job(s, DISTILL_JOB_SCORE, -1);
        } else {
            if (!ready)
                VKC_TRY(prepare(s, variant, error));
            known = ready = true;
            VKC_TRY(score(s, variant, g, &r->figures));
        }
        r->drop = base->top1 - r->figures.top1;
        r->loss_rise = r->figures.loss - base->loss;
        r->error = 0;
        for (uint32_t k = 0; k < g->n; k++)
            r->error += error[g->layer[k]] / g->n;
    }
    if (!ready)
        end_job(s, DISTILL_JOB_TRANSFER, -1);
done:
    return st;
}

void distill_study_count(const distill_study *s, uint32_t jobs[DISTILL_N_JOBS])
{
    jobs[DISTILL_JOB_BASE] = 1;
    jobs[DISTILL_JOB_TRANSFER] = s->n_variants;
    jobs[DISTILL_JOB_SCORE] = s->n_variants * s->n_groups;
}

vkc_status distill_study_go(const distill_study *s, distill_study_result *out)
{
    vkc_status st;
    distill_study_result r = { .run = NULL };
    if (s->n_layers == 0 || s->n_layers > NN_MAX_DEPTH || !s->n_groups || !s->n_variants)
        return VKC_FAIL(VKC_E_ARG, "study: nothing to replace");
    r.run = (distill_study_run *) calloc((size_t) s->n_variants * s->n_groups, sizeof *r.run);
    if (!r.run)
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    VKC_TRY(get_base(s, &r.base));
    for (uint32_t v = 0; v < s->n_variants; v++)
        VKC_TRY(go_variant(s, v, &r.base, r.run + (size_t) v * s->n_groups));
    *out = r;
    r.run = NULL;
done:
    free(r.run);
    return st;
}

void distill_study_finish(distill_study_result *r)
{
    free(r->run);
    r->run = NULL;
}
