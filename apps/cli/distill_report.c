// distill_report.c — what a distillation found: tables, JSON, and Markdown for the model card.
#include "apps/cli/distill_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool distill_report_has(const distill_report *r, uint32_t layer)
{
    for (uint32_t i = 0; i < r->search.n_steps; i++)
        if (r->search.step[i].layer == layer)
            return true;
    return false;
}

static void print_match(FILE *f, const distill_report *r)
{
    const distill_match_result *m = &r->transfer.match;
    if (!m->n_layers)
        return;
    fprintf(f, "features matched to the attention weights, %llu steps; KL divergence before and after:\n ",
            (unsigned long long) m->steps);
    for (uint32_t l = 0; l < r->depth; l++)
        if (m->after[l] == m->after[l])         // NaN: nothing to match there
            fprintf(f, "  layer %u %.4f %.4f", l, m->before[l], m->after[l]);
    fputs("\n\n", f);
}

void distill_report_print_transfer(FILE *f, const distill_report *r)
{
    print_match(f, r);
    fprintf(f, "transfer to %s, %llu steps; error of the attention output, relative:\n ", r->mixer,
            (unsigned long long) r->transfer.steps);
    for (uint32_t l = 0; l < r->depth; l++)
        fprintf(f, "  layer %u %.4f", l, r->transfer.error[l]);
    fputs("\n\n", f);
}

void distill_report_print_path(FILE *f, const distill_report *r)
{
    const distill_search_result *s = &r->search;
    fprintf(f, "replacement, top-1 on val; at most %.2f points may go:\n", 100.0 * r->max_drop);
    fprintf(f, "  teacher          %6.2f %%\n", 100.0 * s->base);
    for (uint32_t i = 0; i < s->n_steps; i++)
        fprintf(f, "  %u. layer %-2u      %6.2f %%  %+.2f\n", i + 1, s->step[i].layer, 100.0 * s->step[i].score,
                100.0 * (s->step[i].score - s->base));
    if (s->refused.layer != UINT32_MAX)
        fprintf(f, "  stop: layer %-2u   %6.2f %%  %+.2f would be too much\n", s->refused.layer,
                100.0 * s->refused.score, 100.0 * (s->refused.score - s->base));
    fprintf(f, "  %u of %u layers replaced after %u trials\n\n", s->n_steps, r->depth, s->n_trials);
}

static const char *verdict(double teacher_ms, double student_ms, char out[32])
{
    if (student_ms > teacher_ms)
        snprintf(out, 32, "%.2f x slower", student_ms / teacher_ms);
    else
        snprintf(out, 32, "%.2f x faster", teacher_ms / student_ms);
    return out;
}

void distill_report_print_result(FILE *f, const distill_report *r)
{
    char word[32];
    fprintf(f, "                   teacher     student\n");
    fprintf(f, "top-1 on %-5s  %8.2f %%  %8.2f %%  %+.2f points\n", nn_split_name(r->split), 100.0 * r->teacher.top1,
            100.0 * r->student.top1, 100.0 * (r->student.top1 - r->teacher.top1));
    fprintf(f, "loss            %8.4f    %8.4f\n", r->teacher.loss, r->student.loss);
    fprintf(f, "parameters    %10" PRIu64 "  %10" PRIu64 "\n", r->teacher_params, r->student_params);
    for (uint32_t i = 0; i < MEASURE_SIZES && r->timing_batch; i++)
        if (r->time[i].tokens)
            fprintf(f, "%5u tokens   %8.2f ms %8.2f ms  %s, batch of %u\n", r->time[i].tokens, r->time[i].ms[0],
                    r->time[i].ms[1], verdict(r->time[i].ms[0], r->time[i].ms[1], word), r->timing_batch);
}

static json_t *build_path(const distill_report *r)
{
    json_t *path = json_array();
    for (uint32_t i = 0; i < r->search.n_steps; i++)
        json_array_append_new(path, json_pack("{s:i, s:s, s:f}", "layer", (int) r->search.step[i].layer, "mixer",
                                              r->mixer, "top1", r->search.step[i].score));
    return path;
}

static json_t *build_timing(const distill_report *r)
{
    json_t *timing = json_array();
    for (uint32_t i = 0; i < MEASURE_SIZES && r->timing_batch; i++)
        if (r->time[i].tokens)
            json_array_append_new(timing, json_pack("{s:i, s:f, s:f, s:i, s:i}", "tokens", (int) r->time[i].tokens,
                                                    "teacher_ms", r->time[i].ms[0], "student_ms", r->time[i].ms[1],
                                                    "batch", (int) r->timing_batch, "repeats",
                                                    (int) r->time[i].repeats));
    return timing;
}

static json_t *build_match(const distill_report *r)
{
    const distill_match_result *m = &r->transfer.match;
    json_t *loss = json_array(), *before = json_array(), *after = json_array();
    for (uint32_t l = 0; l < r->depth; l++) {
        json_array_append_new(loss, app_number(m->loss[l]));
        json_array_append_new(before, app_number(m->before[l]));
        json_array_append_new(after, app_number(m->after[l]));
    }
    return json_pack("{s:I, s:f, s:o, s:o, s:o}", "steps", (json_int_t) m->steps, "seconds", m->seconds, "loss", loss,
                     "kl_before", before, "kl_after", after);
}

json_t *distill_report_json(const distill_report *r, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    const distill_search_result *s = &r->search;
    json_t *replaced = json_array(), *mse = json_array(), *refused = json_null();
    for (uint32_t l = 0; l < r->depth; l++) {
        json_array_append_new(mse, app_number(r->transfer.error[l]));
        if (distill_report_has(r, l))
            json_array_append_new(replaced, json_integer((json_int_t) l));
    }
    if (s->refused.layer != UINT32_MAX)
        refused = json_pack("{s:i, s:f}", "layer", (int) s->refused.layer, "top1", s->refused.score);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:f, s:f, s:o, s:i, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, "
                     "s:s, s:s}", "teacher_top1", app_number(r->teacher.top1), "student_top1", app_number(r->student.top1),
                     "replaced", replaced, "path", build_path(r), "timing", build_timing(r), "split",
                     nn_split_name(r->split), "max_drop", r->max_drop, "val_top1", s->base, "refused", refused,
                     "trials", (int) s->n_trials, "transfer_error", mse, "transfer_steps",
                     (json_int_t) r->transfer.steps, "teacher_params", (json_int_t) r->teacher_params,
                     "student_params", (json_int_t) r->student_params, "teacher", measure_json(&r->teacher), "student",
                     measure_json(&r->student), "match", r->transfer.match.n_layers ? build_match(r) : json_null(),
                     "sparsity", sparsity_json(&r->sparsity), "device", i->name, "driver",
                     i->driver);
}

static void print_markdown(FILE *f, const distill_report *r)
{
    const distill_search_result *s = &r->search;
    fprintf(f, "## Against its teacher\n\n|  | teacher | student |\n|---|---|---|\n");
    fprintf(f, "| top-1 on %s | %.2f %% | %.2f %% |\n| parameters | %" PRIu64 " | %" PRIu64 " |\n",
            nn_split_name(r->split), 100.0 * r->teacher.top1, 100.0 * r->student.top1, r->teacher_params,
            r->student_params);
    for (uint32_t i = 0; i < MEASURE_SIZES && r->timing_batch; i++) {
        char word[32];
        if (r->time[i].tokens)
            fprintf(f, "| %u tokens, batch of %u | %.2f ms | %.2f ms, %s |\n", r->time[i].tokens, r->timing_batch,
                    r->time[i].ms[0], r->time[i].ms[1], verdict(r->time[i].ms[0], r->time[i].ms[1], word));
    }
    fprintf(f, "\nReplaced one by one by `%s`, top-1 on val %.2f %% before", r->mixer, 100.0 * s->base);
    for (uint32_t i = 0; i < s->n_steps; i++)
        fprintf(f, "; layer %u: %.2f %%", s->step[i].layer, 100.0 * s->step[i].score);
    if (s->refused.layer != UINT32_MAX)
        fprintf(f, "; refused: layer %u: %.2f %%", s->refused.layer, 100.0 * s->refused.score);
    fputs(".\n", f);
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
