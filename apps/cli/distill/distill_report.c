// distill_report.c — what a distillation found, as tables. As JSON: distill_report_json.c.
#include "apps/cli/distill/distill_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const objective_names[N_OBJECTIVES] = { "accuracy", "latency", "params" };

const char *report_objective_name(report_objective o)
{
    return objective_names[o];
}

vkc_status report_objective_get(const char *name, report_objective *out)
{
    for (int i = 0; i < N_OBJECTIVES; i++) {
        if (strcmp(objective_names[i], name) == 0) {
            *out = (report_objective) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_ARG, "--objective %.40s: want accuracy, latency or params", name);
}

void report_layer_text(const nn_layer_config *layer, char out[REPORT_TEXT])
{
    snprintf(out, REPORT_TEXT, "%s%s%s", layer->mixer, *layer->options ? ":" : "", layer->options);
}

const measure_time *report_time(const distill_report *r)
{
    for (uint32_t i = 0; i < r->n_times; i++)
        if (r->time[i].image == r->image && r->time[i].tokens)
            return &r->time[i];
    return NULL;
}

void distill_report_finish(distill_report *r)
{
    distill_sparsity_finish(&r->sparsity);
    for (uint32_t i = 0; i < r->n_walks; i++)
        free(r->walk[i].path);
    r->n_walks = 0;
}

static void print_match(FILE *f, const distill_report *r, const distill_match_result *m)
{
    if (!m->n_layers)
        return;
    fprintf(f, "features matched to the attention weights, %llu steps; KL divergence before and after:\n ",
            (unsigned long long) m->steps);
    for (uint32_t l = 0; l < r->depth; l++)
        if (isfinite(m->after[l]))              // else nothing to match there
            fprintf(f, "  layer %u %.4f %.4f", l, m->before[l], m->after[l]);
    fputs("\n\n", f);
}

void distill_report_print_transfer(FILE *f, const distill_report *r, uint32_t mixer)
{
    const report_mixer *m = &r->mixer[mixer];
    print_match(f, r, &m->transfer.match);
    fprintf(f, "transfer to %s, %llu steps; error of the attention output, relative:\n ", m->text,
            (unsigned long long) m->transfer.steps);
    for (uint32_t l = 0; l < r->depth; l++)
        if (isfinite(m->transfer.error[l]))
            fprintf(f, "  layer %u %.4f", l, m->transfer.error[l]);
    fputs("\n\n", f);
}

static const char *get_unit(const distill_report *r)
{
    return r->objective == OBJECTIVE_LATENCY ? "ms" : "parameters";
}

static void print_step(FILE *f, const distill_report *r, const distill_step *s)
{
    const double base = r->search.base.metric;
    fprintf(f, "%6.2f %%  %+.2f [%+.2f, %+.2f]", 100.0 * s->score.metric, 100.0 * (s->score.metric - base),
            100.0 * s->score.low, 100.0 * s->score.high);
    if (r->objective != OBJECTIVE_ACCURACY)
        fprintf(f, "  %.*f %s", r->objective == OBJECTIVE_LATENCY ? 2 : 0, s->cost, get_unit(r));
    if (r->n_mixers > 1)
        fprintf(f, "  %s", r->mixer[s->choice - 1].text);
}

void distill_report_print_path(FILE *f, const distill_report *r)
{
    const distill_search_result *s = &r->search;
    fprintf(f, "replacement, top-1 on val; at most %.2f points may go%s; in brackets the interval of %.0f %%\n",
            100.0 * r->max_drop, r->guarded ? ", by the lower end of the interval" : "", 100.0 * r->confidence);
    fprintf(f, "  teacher          %6.2f %%", 100.0 * s->base.metric);
    if (r->objective != OBJECTIVE_ACCURACY)
        fprintf(f, "                       %.*f %s in all layers", r->objective == OBJECTIVE_LATENCY ? 2 : 0,
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

void distill_report_print_walks(FILE *f, const distill_report *r)
{
    fputs("top-1 on val by the number of layers replaced, in other orders\n  layers   greedy", f);
    for (uint32_t k = 0; k < r->n_walks; k++)
        fprintf(f, "  %8s", r->walk[k].name);
    fprintf(f, "%s\n", r->has_path_test ? "   greedy on test" : "");
    for (uint32_t i = 0; i < r->search.n_steps; i++) {
        fprintf(f, "  %6u   %6.2f", i + 1, 100.0 * r->search.step[i].score.metric);
        for (uint32_t k = 0; k < r->n_walks; k++) {
            if (i < r->walk[k].path->n_steps)
                fprintf(f, "  %8.2f", 100.0 * r->walk[k].path->step[i].score.metric);
            else
                fprintf(f, "  %8s", "-");
        }
        if (r->has_path_test)
            fprintf(f, "   %14.2f", 100.0 * r->path_test[i]);
        fputc('\n', f);
    }
    fputc('\n', f);
}

static const char *verdict(const measure_time *t, char out[32])
{
    if (t->ms[1] > t->ms[0])
        snprintf(out, 32, "%.2f x slower", t->ms[1] / t->ms[0]);
    else
        snprintf(out, 32, "%.2f x faster", t->ms[0] / t->ms[1]);
    return out;
}

// Does the student beat its teacher where it was asked to?
static void print_latency(FILE *f, const distill_report *r)
{
    const measure_time *t = report_time(r);
    char word[32];
    if (r->objective != OBJECTIVE_LATENCY)
        return;
    if (!t) {
        fprintf(f, "Whether the student beats its teacher on pictures of %u x %u was not timed.\n", r->image, r->image);
        return;
    }
    fprintf(f, "At %u tokens the student %s its teacher end to end: %s.\n", t->tokens,
            t->ms[1] < t->ms[0] ? "beats" : "does not beat", verdict(t, word));
}

void distill_report_print_result(FILE *f, const distill_report *r)
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
                    r->time[i].ms[1], verdict(&r->time[i], word), r->timing_batch);
    print_latency(f, r);
}

static void print_markdown(FILE *f, const distill_report *r)
{
    const distill_search_result *s = &r->search;
    const char *split = nn_split_name(r->split);
    fprintf(f, "## Against its teacher\n\n|  | teacher | student |\n|---|---|---|\n");
    fprintf(f, "| top-1 on %s | %.2f %% | %.2f %% |\n", split, 100.0 * r->teacher.top1, 100.0 * r->student.top1);
    if (r->teacher_at.images)
        fprintf(f, "| top-1 on %s, pictures of %u x %u, positions resampled | %.2f %% | %.2f %% |\n", split, r->image,
                r->image, 100.0 * r->teacher_at.top1, 100.0 * r->student_at.top1);
    fprintf(f, "| parameters | %" PRIu64 " | %" PRIu64 " |\n", r->teacher_params, r->student_params);
    for (uint32_t i = 0; i < r->n_times; i++) {
        char word[32];
        if (r->time[i].tokens)
            fprintf(f, "| %u tokens, batch of %u | %.2f ms | %.2f ms, %s |\n", r->time[i].tokens, r->timing_batch,
                    r->time[i].ms[0], r->time[i].ms[1], verdict(&r->time[i], word));
    }
    fprintf(f, "\nReplaced one by one for %s, top-1 on val %.2f %% before", report_objective_name(r->objective),
            100.0 * s->base.metric);
    for (uint32_t i = 0; i < r->n_chosen; i++)
        fprintf(f, "; layer %u by `%s`: %.2f %%", s->step[i].layer, r->mixer[s->step[i].choice - 1].text,
                100.0 * s->step[i].score.metric);
    if (r->n_chosen < s->n_steps)
        fprintf(f, "; the best of %u steps", s->n_steps);
    if (s->refused.layer != UINT32_MAX)
        fprintf(f, "; refused: layer %u: %.2f %%", s->refused.layer, 100.0 * s->refused.score.metric);
    fputs(".", f);
    for (uint32_t i = 0; i < r->n_tunes; i++)
        fprintf(f, " Then tuned on its own stream: %s, %llu steps.", r->tune[i].options.train,
                (unsigned long long) r->tune[i].result.steps);
    fputc('\n', f);
}

char *distill_report_markdown(const distill_report *r)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    print_markdown(f, r);
    bool failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
