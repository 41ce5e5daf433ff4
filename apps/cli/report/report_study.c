// report_study.c — the two studies: drop against sparsity of layers, gap against the teacher's keep ratio.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_ROWS 400u

static const char *const kinds[] = { "single", "sparsity", "contiguous" };
static const char *const kind_names[] = { "layers one by one", "groups of like sparsity", "layers side by side" };
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

// Mean of a figure over the runs (seeds) of a row with one mixer.
static double get_mean(const json_t *row, const char *mixer, const char *key)
{
    json_t *runs = report_list(row, "runs");
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const double x = report_number(json_array_get(runs, i), key);
        if (strcmp(report_text(json_array_get(runs, i), "mixer"), mixer) == 0 && isfinite(x)) {
            sum += x;
            n++;
        }
    }
    return n ? sum / (double) n : (double) NAN;
}

static void write_p(FILE *f, double p)
{
    fputs(p < 0.0005 ? "p\u00a0&lt;\u00a0" : "p\u00a0=\u00a0", f);
    html_number(f, HTML_SHARE, p < 0.0005 ? 0.001 : p);
}

static const json_t *find(const report_run *r, const char *mixer, const char *kind, const char *of)
{
    json_t *list = report_list(r->results, "correlation");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(report_text(one, "mixer"), mixer) == 0 && (!kind || strcmp(report_text(one, "kind"), kind) == 0) &&
            (!of || strcmp(report_text(one, "of"), of) == 0))
            return one;
    }
    return NULL;
}

// What a rank correlation says, when the claim is that it is negative (`sign` -1) or positive (1).
static void write_verdict(FILE *f, const json_t *c, int sign, const char *yes, const char *no)
{
    const double rho = report_number(c, "rho"), p = report_number(c, "p");
    fputs(": ρ\u00a0=\u00a0", f);
    html_number(f, HTML_TIMES, rho);
    fputs(", ", f);
    write_p(f, p);
    fputs(", n\u00a0=\u00a0", f);
    html_number(f, HTML_COUNT, report_number(c, "n"));
    if (!(p < 0.05))
        fputs("; no connection that this many points could show.", f);
    else
        html_print(f, "; %s.", rho * sign > 0 ? yes : no);
}

// In how many of the rankings of drops the claim holds.
static void write_tally(FILE *f, const report_run *r)
{
    json_t *list = report_list(r->results, "correlation");
    unsigned n = 0, holds = 0, fails = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        if (strcmp(report_text(c, "of"), "drop") != 0 || !isfinite(report_number(c, "rho")))
            continue;
        n++;
        if (report_number(c, "p") < 0.05 && report_number(c, "rho") < 0)
            holds++;
        else if (report_number(c, "p") < 0.05)
            fails++;
    }
    if (n)
        html_print(f, "<p>Of %u rank correlations, <strong>%u show that they do</strong> (p below 0.05), %u show the "
                   "opposite, and %u show nothing.</p>\n", n, holds, fails, n - holds - fails);
}

void report_groups_answer(report_page *p)
{
    const report_run *r = p->run;
    fputs("<p><strong>Do sparser layers cost less to replace?</strong> Groups of layers were replaced, and the drop in "
          "accuracy ranked against their sparsity.</p>\n", p->f);
    write_tally(p->f, r);
    fputs("</div>\n<div>\n", p->f);
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        html_print(p->f, "<p>Replaced by <strong>%s</strong>:</p>\n<ul>\n", report_study_mixer(r, k));
        for (int i = 0; i < N_KINDS; i++) {
            const json_t *c = find(r, report_study_mixer(r, k), kinds[i], "drop");
            if (!c || !isfinite(report_number(c, "rho")))
                continue;
            html_print(p->f, "<li>%s", kind_names[i]);
            write_verdict(p->f, c, -1, "sparser groups cost less, as claimed",
                          "sparser groups cost more, against the claim");
            fputs("</li>\n", p->f);
        }
        fputs("</ul>\n", p->f);
    }
    report_study_write(p->f, r, "groups", "groups of layers");
    report_device_write(p, "Trained and judged");
}

static vkc_status draw_groups(report_page *p, const char *mixer, const char *of)
{
    const report_run *r = p->run;
    json_t *groups = report_list(r->results, "groups");
    const bool is_drop = strcmp(of, "drop") == 0;
    const json_t *first = json_array_get(groups, 0);
    const bool is_turned = report_number(first, "value") * report_number(first, "sparsity") < 0;
    char title[240], axis[80];
    snprintf(title, sizeof title, "%s of groups of layers replaced by %.60s, mean over seeds, against their sparsity; "
             "further right is sparser.", is_drop ? "Drop in top-1" : "Rise of the loss", mixer);
    snprintf(axis, sizeof axis, "sparsity (%s%.40s)", is_turned ? "minus " : "", report_text(r->results, "measure"));
    plot *q = plot_create(&(plot_axes) { .title = title, .x = axis,
                                         .y = is_drop ? "drop, points" : "rise of the loss" });
    for (int k = 0; k < N_KINDS; k++) {
        plot_add_series(q, kinds[k], PLOT_MARKS, (uint32_t) k);
        for (size_t i = 0; i < json_array_size(groups) && i < MAX_ROWS; i++) {
            const json_t *g = json_array_get(groups, i);
            if (strcmp(report_text(g, "kind"), kinds[k]) == 0)
                plot_add(q, report_number(g, "sparsity"), (is_drop ? 100.0 : 1.0) * get_mean(g, mixer, of), NAN, NAN);
        }
    }
    return plot_write(q, &p->plots, p->f);
}

static void write_correlation(FILE *f, const report_run *r, const char *key, const char *with)
{
    char caption[120];
    json_t *list = report_list(r->results, key);
    const bool has_kind = *report_text(json_array_get(list, 0), "kind") != '\0';
    const char *head[] = { "<mixer", has_kind ? "<kind" : "n", has_kind ? "<of" : "ρ", has_kind ? "n" : "p",
                           has_kind ? "ρ" : NULL, "p", NULL };
    if (json_array_size(list) == 0)
        return;
    snprintf(caption, sizeof caption, "Spearman’s rank correlation %s, two-sided p", with);
    html_table_open(f, caption, head);
    for (size_t i = 0; i < json_array_size(list) && i < MAX_ROWS; i++) {
        const json_t *c = json_array_get(list, i);
        html_row_open(f);
        html_cell_title(f, report_text(c, "mixer"));
        if (has_kind) {
            html_cell_text(f, report_text(c, "kind"));
            const char *of = report_text(c, "of");
            html_cell_text(f, strcmp(of, "loss_rise") == 0 ? "rise of the loss" : of);
        }
        html_cell(f, HTML_COUNT, report_number(c, "n"));
        html_cell(f, HTML_SHARE, report_number(c, "rho"));
        html_cell(f, HTML_REAL, report_number(c, "p"));
        html_row_close(f);
    }
    html_table_close(f);
}

static void write_group_rows(FILE *f, const report_run *r)
{
    static const char *const head[] = { "<kind", "<layers", "sparsity", "<mixer", "seed", "top-1", "drop, points",
                                        "loss rise", "error", NULL };
    json_t *groups = report_list(r->results, "groups");
    size_t rows = 0;
    html_table_open(f, "Every group, mixer and seed", head);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *g = json_array_get(groups, i);
        json_t *runs = report_list(g, "runs");
        for (size_t k = 0; k < json_array_size(runs) && rows < 4 * MAX_ROWS; k++, rows++) {
            const json_t *one = json_array_get(runs, k);
            html_row_open(f);
            html_cell_title(f, report_text(g, "kind"));
            fputs("<td class=\"t\">", f);
            report_numbers_write(f, report_list(g, "layers"));
            fputs("</td>", f);
            html_cell(f, HTML_SHARE, report_number(g, "sparsity"));
            html_cell_text(f, report_text(one, "mixer"));
            html_cell(f, HTML_COUNT, report_number(one, "seed"));
            html_cell(f, HTML_PERCENT, report_number(one, "top1"));
            html_cell(f, HTML_POINTS, report_number(one, "drop"));
            html_cell(f, HTML_REAL, report_number(one, "loss_rise"));
            html_cell(f, HTML_REAL, report_number(one, "error"));
            html_row_close(f);
        }
    }
    html_table_close(f);
}

vkc_status report_groups(report_page *p)
{
    const report_run *r = p->run;
    vkc_status st = VKC_OK;
    if (json_array_size(report_list(r->results, "groups")) == 0)
        return VKC_OK;
    html_section_open(p->f, "groups", "Drop against sparsity");
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        html_print(p->f, "<h3>%s</h3>\n", report_study_mixer(r, k));
        VKC_TRY(draw_groups(p, report_study_mixer(r, k), "drop"));
        VKC_TRY(draw_groups(p, report_study_mixer(r, k), "loss_rise"));
    }
    write_correlation(p->f, r, "correlation", "with sparsity");
    write_correlation(p->f, r, "depth_correlation", "with the depth of the layers, as a control");
    write_group_rows(p->f, r);
    html_section_close(p->f);
done:
    return st;
}

void report_teachers_answer(report_page *p)
{
    const report_run *r = p->run;
    fputs("<p><strong>Does a sparser teacher narrow the gap to its student?</strong> Teachers with lower "
          "and lower keep ratios were distilled; the gap is the teacher’s accuracy less the student’s.</p>\n", p->f);
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        const json_t *c = find(r, report_study_mixer(r, k), NULL, NULL);
        if (!c || !isfinite(report_number(c, "rho")))
            continue;
        html_print(p->f, "<p>%s", report_study_mixer(r, k));
        write_verdict(p->f, c, 1, "the gap narrows as the teacher keeps less, as claimed",
                      "the gap widens as the teacher keeps less, against the claim");
        fputs("</p>\n", p->f);
    }
    fputs("</div>\n<div>\n", p->f);
    report_study_write(p->f, r, "rows", "teachers");
    report_device_write(p, "Trained and judged");
}

vkc_status report_teachers(report_page *p)
{
    static const char *const head[] = { "<teacher", "keep", "parameters", "teacher top-1", "<mixer", "seed",
                                        "student top-1", "gap, points", "error", NULL };
    const report_run *r = p->run;
    json_t *rows = report_list(r->results, "rows");
    vkc_status st = VKC_OK;
    if (json_array_size(rows) == 0)
        return VKC_OK;
    html_section_open(p->f, "teachers", "Gap against the teacher’s keep ratio");
    plot *q = plot_create(&(plot_axes) {
        .title = "Gap between teacher and student against the share of patches that the teacher keeps, mean over "
                 "seeds.",
        .x = "keep ratio of the teacher, percent", .y = "gap, points" });
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        plot_add_series(q, report_study_mixer(r, k), PLOT_LINE, (uint32_t) k);
        for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS; i++) {
            const json_t *row = json_array_get(rows, i);
            plot_add(q, 100.0 * report_number(row, "keep"), 100.0 * get_mean(row, report_study_mixer(r, k), "gap"), NAN,
                     NAN);
        }
    }
    VKC_TRY(plot_write(q, &p->plots, p->f));
    write_correlation(p->f, r, "correlation", "of gap and keep ratio");
    html_table_open(p->f, "Every teacher, mixer and seed", head);
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS; i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *runs = report_list(row, "runs");
        for (size_t k = 0; k < json_array_size(runs) && k < MAX_ROWS; k++) {
            const json_t *one = json_array_get(runs, k);
            html_row_open(p->f);
            html_cell_title(p->f, report_text(row, "teacher"));
            html_cell(p->f, HTML_PERCENT, report_number(row, "keep"));
            html_cell(p->f, HTML_COUNT, report_number(row, "params"));
            html_cell(p->f, HTML_PERCENT, report_number(row, "teacher_top1"));
            html_cell_text(p->f, report_text(one, "mixer"));
            html_cell(p->f, HTML_COUNT, report_number(one, "seed"));
            html_cell(p->f, HTML_PERCENT, report_number(one, "student_top1"));
            html_cell(p->f, HTML_POINTS, report_number(one, "gap"));
            html_cell(p->f, HTML_REAL, report_number(one, "error"));
            html_row_close(p->f);
        }
    }
    html_table_close(p->f);
    html_section_close(p->f);
done:
    return st;
}
