// report_path.c — the search of a distillation: the greedy path, baselines beside it, what was refused.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_STEPS 128u
#define MAX_BASES 10u

static double get_base(const report_run *r)
{
    const double base = report_number(r->results, "val_top1");
    if (isfinite(base))
        return base;
    for (size_t i = 0; i < json_array_size(r->trials); i++) {       // unfinished: the trial that replaces nothing
        json_t *line = json_array_get(r->trials, i), *choice = report_list(line, "choice");
        bool is_base = choice || json_array_size(report_list(line, "replaced")) == 0;
        for (size_t l = 0; l < json_array_size(choice); l++)
            is_base = is_base && report_entry(choice, l) == 0;
        if (is_base)
            return report_number(line, choice ? "metric" : "score");
    }
    return NAN;
}

static bool is_scheduled(const report_run *r)
{
    return json_is_object(json_object_get(r->results, "schedule"));
}

static bool has(json_t *path, const char *key)
{
    for (size_t i = 0; i < json_array_size(path); i++)
        if (isfinite(report_number(json_array_get(path, i), key)))
            return true;
    return false;
}

static void add_trials(plot *q, const report_run *r)
{
    plot_add_series(q, "every trial", PLOT_FAINT, 0);
    for (size_t i = 0; i < json_array_size(r->trials); i++) {
        json_t *line = json_array_get(r->trials, i), *choice = report_list(line, "choice");
        size_t n = json_array_size(report_list(line, "replaced"));
        for (size_t l = 0; l < json_array_size(choice); l++)
            n += report_entry(choice, l) > 0;
        const double metric = report_number(line, "metric");
        plot_add(q, (double) n, 100.0 * (isfinite(metric) ? metric : report_number(line, "score")), NAN, NAN);
    }
}

static void add_level(plot *q, const char *name, double y, double end)
{
    plot_add_series(q, name, PLOT_LEVEL, 0);
    plot_add(q, 0, y, NAN, NAN);
    plot_add(q, end, y, NAN, NAN);
}

static vkc_status draw(report_page *p, double base)
{
    const report_run *r = p->run;
    json_t *path = report_list(r->results, "path"), *bases = report_list(r->results, "baselines");
    json_t *test = report_list(r->results, "path_test"), *refused = json_object_get(r->results, "refused");
    const size_t n = json_array_size(path);
    const double drop = report_number(r->results, "max_drop");
    size_t end = n + json_is_object(refused);
    char title[160];
    snprintf(title, sizeof title, "Top-1 on the validation split against the number of layers replaced.%s",
             has(path, "low") ? " Bars: interval of the difference to the teacher, paired bootstrap." : "");
    plot *q = plot_create(&(plot_axes) {
        .title = title,
        .x = "layers replaced", .y = "top-1, percent", .whole_x = true });
    add_trials(q, r);
    plot_add_series(q, !n ? "" : is_scheduled(r) ? "schedule" : "greedy", PLOT_INTERVAL, 0);
    if (n)
        plot_add(q, 0, 100.0 * base, NAN, NAN);
    for (size_t i = 0; i < n && i < MAX_STEPS; i++) {
        const json_t *step = json_array_get(path, i);
        const double low = report_number(step, "low"), high = report_number(step, "high");
        const bool has_interval = low != 0 || high != 0;
        plot_add(q, (double) i + 1, 100.0 * report_number(step, "top1"), has_interval ? 100.0 * (base + low) : NAN,
                 has_interval ? 100.0 * (base + high) : NAN);
    }
    for (size_t b = 0; b < json_array_size(bases) && b < MAX_BASES; b++) {
        const json_t *one = json_array_get(bases, b);
        json_t *steps = report_list(one, "path");
        plot_add_series(q, report_text(one, "name"), PLOT_DASHED, (uint32_t) b + 1);
        for (size_t i = 0; i < json_array_size(steps) && i < MAX_STEPS; i++)
            plot_add(q, (double) i + 1, 100.0 * report_number(json_array_get(steps, i), "top1"), NAN, NAN);
        end = json_array_size(steps) > end ? json_array_size(steps) : end;
    }
    if (test) {
        plot_add_series(q, "greedy, test split", PLOT_LINE, 6);
        const size_t first = json_array_size(test) > n;             // with the teacher before the first step
        for (size_t i = 0; i < json_array_size(test) && i < MAX_STEPS; i++)
            plot_add(q, (double) (i + 1 - first), 100.0 * report_entry(test, i), NAN, NAN);
    }
    if (json_is_object(refused)) {
        plot_add_series(q, "refused", PLOT_MARKS, 8);
        plot_add(q, (double) n + 1, 100.0 * report_number(refused, "top1"), NAN, NAN);
    }
    if (isfinite(base) && isfinite(drop) && drop < 0.5)
        add_level(q, "least allowed", 100.0 * (base - drop), (double) (end ? end : 1));
    return plot_write(q, &p->plots, p->f);
}

static void write_step(FILE *f, const json_t *step, const char *number, const char *mixer, double base,
                       const char *const *more, double test)
{
    html_row_open(f);
    html_cell_title(f, number);
    html_cell(f, HTML_COUNT, report_number(step, "layer"));
    html_cell_text(f, *report_text(step, "mixer") ? report_text(step, "mixer") : mixer);
    html_cell(f, HTML_PERCENT, report_number(step, "top1"));
    html_cell(f, HTML_POINTS, report_number(step, "top1") - base);
    if (more[0]) {
        fputs("<td>", f);
        html_number(f, HTML_POINTS, report_number(step, "low"));
        if (isfinite(report_number(step, "high"))) {
            fputs(" … ", f);
            html_number(f, HTML_POINTS, report_number(step, "high"));
        }
        fputs("</td>", f);
    }
    if (more[1])
        html_cell(f, HTML_REAL, report_number(step, "kl"));
    if (more[2])
        html_cell(f, HTML_REAL, report_number(step, "cost"));
    if (more[3])
        html_cell(f, HTML_PERCENT, test);
    html_row_close(f);
}

static void write_steps(FILE *f, const report_run *r, double base)
{
    json_t *path = report_list(r->results, "path"), *test = report_list(r->results, "path_test");
    json_t *refused = json_object_get(r->results, "refused");
    const char *more[] = { has(path, "low") ? "interval" : NULL, has(path, "kl") ? "KL" : NULL,
                           has(path, "cost") ? "cost" : NULL, test ? "test top-1" : NULL };
    char mixer[160];
    const char *head[12] = { "<step", "layer", "<mixer", "val top-1", "points" };
    const size_t first = json_array_size(test) > json_array_size(path);
    int c = 5;
    for (int k = 0; k < 4; k++)
        if (more[k])
            head[c++] = more[k];
    html_table_open(f, is_scheduled(r) ? "The schedule; accuracy after the step that a layer was replaced in, points "
                                         "against the teacher"
                                       : "The greedy path; points and interval are against the teacher", head);
    for (size_t i = 0; i < json_array_size(path) && i < MAX_STEPS; i++) {
        char number[16];
        snprintf(number, sizeof number, "%zu", i + 1);
        write_step(f, json_array_get(path, i), number, "", base, more, report_entry(test, i + first));
    }
    if (json_is_object(refused))
        write_step(f, refused, "refused", report_mixer_name(r, mixer), base, more, NAN);
    html_table_close(f);
}

static void write_bases(FILE *f, const report_run *r)
{
    json_t *bases = report_list(r->results, "baselines"), *path = report_list(r->results, "path");
    const char *head[MAX_BASES + 3] = { "replaced", "greedy" };
    size_t n = 0, rows = json_array_size(path);
    for (; n < json_array_size(bases) && n < MAX_BASES; n++) {
        const json_t *one = json_array_get(bases, n);
        head[n + 2] = report_text(one, "name");
        size_t steps = json_array_size(report_list(one, "path"));
        rows = steps > rows ? steps : rows;
    }
    if (n == 0) {
        fputs("<p class=\"note\">No baselines in this run; <code>pare distill</code> with <code>--baselines</code> "
              "scores other orders of replacement at equal counts.</p>\n", f);
        return;
    }
    html_table_open(f, "Val top-1 at equal numbers of replaced layers; in brackets the layer that came last", head);
    for (size_t i = 0; i < rows && i < MAX_STEPS; i++) {
        html_row_open(f);
        html_cell(f, HTML_COUNT, (double) i + 1);
        for (size_t b = 0; b <= n; b++) {
            const json_t *step = json_array_get(b ? report_list(json_array_get(bases, b - 1), "path") : path, i);
            fputs("<td>", f);
            html_number(f, HTML_PERCENT, report_number(step, "top1"));
            if (isfinite(report_number(step, "layer"))) {
                fputs(" (", f);
                html_number(f, HTML_COUNT, report_number(step, "layer"));
                fputs(")", f);
            }
            fputs("</td>", f);
        }
        html_row_close(f);
    }
    html_table_close(f);
}

// What was done at each step, behind a full stop.
static void write_rule(FILE *f, const report_run *r)
{
    const json_t *schedule = json_object_get(r->results, "schedule");
    const char *objective = report_text(r->results, "objective"), *name = report_text(schedule, "name");
    if (is_scheduled(r)) {
        html_print(f, " No search was made: layers were replaced and trained %s", strcmp(name, "all") == 0
                   ? "all at once" : "step by step");
        if (strcmp(name, "all") != 0)
            html_print(f, ", by the schedule %s, %s layers first", name, report_text(schedule, "order"));
    } else {
        fputs(" At each step the search tries every layer that is left and keeps the best", f);
        if (*objective && strcmp(objective, "accuracy") != 0)
            html_print(f, ", here by %s saved for each point lost", objective);
    }
    fputs(".", f);
}

vkc_status report_path(report_page *p)
{
    const report_run *r = p->run;
    const double base = get_base(r), trials = report_number(r->results, "trials");
    const double best = report_number(r->results, "best");
    const size_t n = json_array_size(report_list(r->results, "path"));
    if (!json_is_object(r->results) && json_array_size(r->trials) == 0)
        return VKC_OK;
    html_section_open(p->f, "path", "Layer after layer");
    fputs("<p>The teacher has ", p->f);
    html_number(p->f, HTML_PERCENT, base);
    fputs(" on the validation split", p->f);
    if (isfinite(report_number(r->results, "max_drop"))) {
        fputs(", of which at most ", p->f);
        html_number(p->f, HTML_TIMES, 100.0 * report_number(r->results, "max_drop"));
        fputs(" points may go", p->f);
    }
    fputs(".", p->f);
    write_rule(p->f, r);
    if (isfinite(trials) && !is_scheduled(r)) {
        fputs(" It made ", p->f);
        html_number(p->f, HTML_COUNT, trials);
        fputs(" trials.", p->f);
    }
    if (best == 0 && n > 0)
        fputs(" No step made it better than the teacher.", p->f);
    else if (isfinite(best) && best < (double) n)
        html_print(p->f, " The best on the way came after step %d.", (int) fmax(0, best));
    fputs("</p>\n", p->f);
    vkc_status st = draw(p, base);
    if (json_is_object(r->results)) {
        write_steps(p->f, r, base);
        if (!is_scheduled(r))
            write_bases(p->f, r);
    }
    html_section_close(p->f);
    return st;
}
