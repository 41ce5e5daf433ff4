// distill_print.c — the result of a distillation as tables.
#include "apps/cli/print/print.h"

#include <inttypes.h>
#include <math.h>

static void print_match(FILE *f, const pipeline_distill_result *r, const distill_match_result *m)
{
    if (!m->n_layers)
        return;
    fprintf(f, "%s matched to the attention weights, %llu steps; %s before and after:\n ",
            m->kind == DISTILL_MATCH_KL ? "features" : "mixing matrices", (unsigned long long) m->steps,
            m->kind == DISTILL_MATCH_KL ? "KL divergence" : "Frobenius distance");
    for (uint32_t l = 0; l < r->depth; l++)
        if (isfinite(m->after[l]))              // else nothing to match there
            fprintf(f, "  layer %u %.4f %.4f", l, m->before[l], m->after[l]);
    fputs("\n\n", f);
}

void print_transfer(FILE *f, const pipeline_distill_result *r, uint32_t mixer)
{
    const pipeline_choice *m = &r->mixer[mixer];
    print_match(f, r, &m->transfer.match);
    if (m->transfer.steps == 0) {
        fprintf(f, "no transfer to %s: it starts from what it takes from the attention\n\n", m->text);
        return;
    }
    fprintf(f, "transfer to %s, %llu steps; error of the attention output, relative:\n ", m->text,
            (unsigned long long) m->transfer.steps);
    for (uint32_t l = 0; l < r->depth; l++)
        if (isfinite(m->transfer.error[l]))
            fprintf(f, "  layer %u %.4f", l, m->transfer.error[l]);
    fputs("\n\n", f);
}

void print_block_times(FILE *f, const pipeline_distill_result *r, uint32_t batch)
{
    for (uint32_t k = 0; k <= r->n_mixers; k++)
        fprintf(f, "%s%s %.3f ms", k ? ", " : "one block, a batch: ", k ? r->mixer[k - 1].text : "the teacher's",
                r->block_ms[k]);
    fprintf(f, "; images of %u x %u, batch of %u\n\n", r->image, r->image, batch);
}

static const char *get_unit(const pipeline_distill_result *r)
{
    return r->objective == PIPELINE_LATENCY ? "ms" : "parameters";
}

static void print_step(FILE *f, const pipeline_distill_result *r, const distill_step *s)
{
    const double base = r->search.base.metric;
    fprintf(f, "%6.2f %%  %+.2f [%+.2f, %+.2f]", 100.0 * s->score.metric, 100.0 * (s->score.metric - base),
            100.0 * s->score.low, 100.0 * s->score.high);
    if (r->objective != PIPELINE_ACCURACY)
        fprintf(f, "  %.*f %s", r->objective == PIPELINE_LATENCY ? 2 : 0, s->cost, get_unit(r));
    if (r->n_mixers > 1)
        fprintf(f, "  %s", r->mixer[s->choice - 1].text);
}

void print_path(FILE *f, const pipeline_distill_result *r)
{
    const distill_search_result *s = &r->search;
    fprintf(f, "replacement, top-1 on val; at most %.2f points may go", 100.0 * r->max_drop);
    if (r->min_share > 0.0)
        fprintf(f, " (%g %% of the teacher's stay)", 100.0 * r->min_share);
    fprintf(f, "%s; in brackets the interval of %.0f %%\n", r->guarded ? ", by the lower end of the interval" : "",
            100.0 * r->confidence);
    fprintf(f, "  teacher          %6.2f %%", 100.0 * s->base.metric);
    if (r->objective != PIPELINE_ACCURACY)
        fprintf(f, "                       %.*f %s in all layers", r->objective == PIPELINE_LATENCY ? 2 : 0,
                s->base_cost, get_unit(r));
    fputc('\n', f);
    for (uint32_t i = 0; i < s->n_steps; i++) {
        fprintf(f, "  %u. layer %-2u      ", i + 1, s->step[i].layer);
        print_step(f, r, &s->step[i]);
        fprintf(f, "%s\n", i + 1 == s->n_best ? "  best" : "");
    }
    if (s->refused.layer != UINT32_MAX) {
        fprintf(f, "  stop: layer %-2u   ", s->refused.layer);
        print_step(f, r, &s->refused);
        fputs(" would be too much\n", f);
    }
    fprintf(f, "  %u of %u layers replaced after %u trials\n\n", s->n_steps, r->depth, s->n_trials);
}

void print_baselines(FILE *f, const pipeline_distill_result *r)
{
    fputs("top-1 on val by the number of layers replaced, in other orders\n  layers   greedy", f);
    for (uint32_t k = 0; k < r->n_baselines; k++)
        fprintf(f, "  %8s", r->baseline[k].name);
    fprintf(f, "%s\n", r->has_path_test ? "   greedy on test" : "");
    for (uint32_t i = 0; i < r->search.n_steps; i++) {
        fprintf(f, "  %6u   %6.2f", i + 1, 100.0 * r->search.step[i].score.metric);
        for (uint32_t k = 0; k < r->n_baselines; k++) {
            if (i < r->baseline[k].path->n_steps)
                fprintf(f, "  %8.2f", 100.0 * r->baseline[k].path->step[i].score.metric);
            else
                fprintf(f, "  %8s", "-");
        }
        if (r->has_path_test)
            fprintf(f, "   %14.2f", 100.0 * r->path_test[i]);
        fputc('\n', f);
    }
    fputc('\n', f);
}

// Does the student beat its teacher where it was asked to?
static void print_latency(FILE *f, const pipeline_distill_result *r)
{
    const pipeline_model_time *t = pipeline_distill_time(r);
    char word[32];
    if (r->objective != PIPELINE_LATENCY)
        return;
    if (!t) {
        fprintf(f, "Whether the student beats its teacher on images of %u x %u was not timed.\n", r->image, r->image);
        return;
    }
    fprintf(f, "At %u tokens the student %s its teacher end to end: %s.\n", t->tokens,
            t->ms[1] < t->ms[0] ? "beats" : "does not beat", pipeline_distill_verdict(t, word));
}

void print_student(FILE *f, const pipeline_distill_result *r)
{
    char word[32], what[32];
    fprintf(f, "                   teacher     student\n");
    fprintf(f, "top-1 on %-5s  %8.2f %%  %8.2f %%  %+.2f points\n", nn_split_name(r->split), 100.0 * r->teacher.top1,
            100.0 * r->student.top1, 100.0 * (r->student.top1 - r->teacher.top1));
    fprintf(f, "loss            %8.4f    %8.4f\n", r->teacher.loss, r->student.loss);
    if (r->teacher_at.images) {
        snprintf(what, sizeof what, "at %u x %u", r->image, r->image);
        fprintf(f, "%-14s  %8.2f %%  %8.2f %%  %+.2f points\n", what, 100.0 * r->teacher_at.top1,
                100.0 * r->student_at.top1, 100.0 * (r->student_at.top1 - r->teacher_at.top1));
    }
    fprintf(f, "parameters    %10" PRIu64 "  %10" PRIu64 "\n", r->teacher_params, r->student_params);
    for (uint32_t i = 0; i < r->n_times; i++)
        if (r->time[i].tokens)
            fprintf(f, "%5u tokens   %8.2f ms %8.2f ms  %s, batch of %u\n", r->time[i].tokens, r->time[i].ms[0],
                    r->time[i].ms[1], pipeline_distill_verdict(&r->time[i], word), r->timing_batch);
    print_latency(f, r);
}
