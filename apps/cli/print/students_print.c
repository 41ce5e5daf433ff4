// students_print.c — both students of a search, and what other orders of replacement give at as many layers.
#include "apps/cli/print/print.h"

#include <math.h>

static void print_pick(FILE *f, const pipeline_distill_result *r, pipeline_pick k, const char *what)
{
    const pipeline_picked *m = &r->picked[k];
    fprintf(f, "  %-24s %3u of %-3u  %7.2f %%  %7.2f %%%s\n", what, m->n, r->depth, 100.0 * m->val_top1,
            100.0 * m->eval.top1, m->n == 0 ? "  (the teacher)" : "");
}

static void print_top1(FILE *f, double val, double test)
{
    if (isfinite(test))
        fprintf(f, "  %7.2f %7.2f", 100.0 * val, 100.0 * test);
    else
        fprintf(f, "  %7s %7s", "-", "-");
}

static void print_trials(FILE *f, uint32_t n)
{
    if (n)
        fprintf(f, "  %6u\n", n);
    else
        fprintf(f, "  %6s\n", "none");
}

// A column for each student that is not the teacher; one where both are one.
static uint32_t get_columns(const pipeline_distill_result *r, pipeline_pick out[PIPELINE_N_PICKS])
{
    uint32_t n = 0;
    if (!r->is_one && r->picked[PIPELINE_BEST].n)
        out[n++] = PIPELINE_BEST;
    out[n++] = PIPELINE_MOST;
    return n;
}

static void print_orders(FILE *f, const pipeline_distill_result *r)
{
    pipeline_pick column[PIPELINE_N_PICKS];
    const uint32_t n = get_columns(r, column);
    fprintf(f, "orders of replacement, top-1 in %%, and trials to find each; of a search of all layers at most %u\n"
            "  %-9s", pipeline_distill_most_trials(r), "replaced");
    for (uint32_t i = 0; i < n; i++)
        fprintf(f, "  %15u", r->picked[column[i]].n);
    fprintf(f, "\n  %-9s", "order");
    for (uint32_t i = 0; i < n; i++)
        fprintf(f, "  %7s %7s", "val", nn_split_name(r->split));
    fprintf(f, "  %6s\n  %-9s", "trials", "greedy");
    for (uint32_t i = 0; i < n; i++)
        print_top1(f, r->picked[column[i]].val_top1, r->picked[column[i]].eval.top1);
    print_trials(f, r->search.n_trials - 1);        // but for the teacher's
    for (uint32_t k = 0; k < r->n_baselines; k++) {
        const pipeline_baseline *b = &r->baseline[k];
        fprintf(f, "  %-9s", b->name);
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t steps = r->picked[column[i]].n;
            print_top1(f, steps <= b->path->n_steps ? b->path->step[steps - 1].score.metric : (double) NAN,
                       b->top1[column[i]]);
        }
        print_trials(f, b->n_trials);
    }
    fputc('\n', f);
}

void print_students(FILE *f, const pipeline_distill_result *r)
{
    fprintf(f, "\nof the search%s       replaced   top-1 val  %9s\n", r->n_tunes ? ", untuned" : "         ",
            nn_split_name(r->split));
    if (r->is_one) {
        print_pick(f, r, PIPELINE_MOST, "most replaced and best");
        fputs("  one model is both, so one is written\n", f);
    } else {
        print_pick(f, r, PIPELINE_MOST, "most replaced");
        print_pick(f, r, PIPELINE_BEST, "best on the way");
    }
    fputc('\n', f);
    if (r->n_baselines)
        print_orders(f, r);
}

void print_impact(FILE *f, const pipeline_distill_result *r)
{
    if (!r->impact)
        return;
    fprintf(f, "impact scores by linear probes, fitted to %u images of train, accuracy on %u of val in %%\n"
               "  layer     full   linear    cross   impact\n", r->impact->n_train, r->impact->n_test);
    for (uint32_t l = 0; l < r->depth; l++)
        for (uint32_t k = 0; k < r->n_mixers; k++) {
            const distill_impact_score *s = &r->impact->layer[l][k];
            if (isnan(s->full))
                continue;
            fprintf(f, "  %5u  %7.2f  %7.2f  %7.2f  %+7.3f", l, 100.0 * s->full, 100.0 * s->linear, 100.0 * s->cross,
                    s->impact);
            fprintf(f, "%s%s\n", r->n_mixers > 1 ? "  " : "", r->n_mixers > 1 ? r->mixer[k].text : "");
        }
    fputc('\n', f);
}
