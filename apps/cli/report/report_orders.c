// report_orders.c — a study of orders: when each layer is replaced, mixer by mixer, and how far orders agree.
#include "apps/cli/report/report_page.h"
#include "pipeline/study/orders.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ROWS 400u

// The ranks of an order of a mixer; NULL = none.
static const json_t *find_ranks(const report_run *r, const char *mixer, const char *order)
{
    json_t *list = report_list(r->results, "ranks");
    for (size_t i = 0; i < json_array_size(list) && i < MAX_ROWS; i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(report_text(one, "mixer"), mixer) == 0 && strcmp(report_text(one, "order"), order) == 0)
            return one;
    }
    return NULL;
}

static void write_tau(FILE *f, const json_t *g)
{
    fputs("τ\u00a0=\u00a0", f);
    html_number(f, HTML_TIMES, report_number(g, "tau"));
    fputs(" (p\u00a0=\u00a0", f);
    html_number(f, HTML_SHARE, report_number(g, "tau_p"));
    fputs(")", f);
}

void report_orders_answer(report_page *p)
{
    const report_run *r = p->run;
    json_t *between = report_list(r->results, "between_mixers");
    bool has_pair = false;
    fputs("<p><strong>Are layers replaced in the same order, whatever replaces them?</strong> With each mixer a greedy "
          "search replaced all layers one by one; Kendall’s τ of two orders is 1 where they are the same, 0 where they "
          "have nothing to do with each other.</p>\n<ul>\n", p->f);
    for (size_t i = 0; i < json_array_size(between) && i < MAX_ROWS; i++) {
        const json_t *g = json_array_get(between, i);
        if (strcmp(report_text(g, "order"), "greedy") != 0 || !isfinite(report_number(g, "tau")))
            continue;
        has_pair = true;
        html_print(p->f, "<li>%s and %s: ", report_text(g, "a"), report_text(g, "b"));
        write_tau(p->f, g);
        fputs("</li>\n", p->f);
    }
    if (!has_pair)
        fputs("<li>there is one mixer, or no two orders that differ within: nothing to compare</li>\n", p->f);
    fputs("</ul>\n</div>\n<div>\n", p->f);
    report_study_write(p->f, r, "layers", "layers");
    report_device_write(p, "Trained and judged");
}

// When each layer is replaced, a series a mixer; bars are the spread over seeds.
static vkc_status draw_ranks(report_page *p)
{
    const report_run *r = p->run;
    plot *q = plot_create(&(plot_axes) {
        .title = "When each layer is replaced by the greedy search, 1 is first; mean over seeds, bars: standard "
                 "deviation.",
        .x = "layer", .y = "rank", .whole_x = true });
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        const json_t *ranks = find_ranks(r, report_study_mixer(r, k), "greedy");
        const json_t *mean = report_list(ranks, "mean"), *std = report_list(ranks, "std");
        plot_add_series(q, report_study_mixer(r, k), PLOT_INTERVAL, (uint32_t) k);
        for (size_t l = 0; l < json_array_size(mean) && l < MAX_ROWS; l++) {
            const double x = report_entry(mean, l), off = report_entry(std, l);
            plot_add(q, (double) l, x, off > 0 ? x - off : NAN, off > 0 ? x + off : NAN);
        }
    }
    return plot_write(q, &p->plots, p->f);
}

// Accuracy along the greedy order, a series a run.
static vkc_status draw_paths(report_page *p)
{
    const report_run *r = p->run;
    json_t *runs = report_list(r->results, "runs");
    plot *q = plot_create(&(plot_axes) {
        .title = "Top-1 along the greedy order of each mixer and seed.", .x = "layers replaced", .y = "top-1, percent",
        .whole_x = true });
    for (size_t k = 0; k < report_study_n_mixers(r); k++) {
        bool is_named = false;
        for (size_t i = 0; i < json_array_size(runs) && i < MAX_ROWS; i++) {
            const json_t *run = json_array_get(runs, i);
            json_t *top1 = report_list(run, "top1");
            if (strcmp(report_text(run, "mixer"), report_study_mixer(r, k)) != 0)
                continue;
            plot_add_series(q, is_named ? "" : report_study_mixer(r, k), PLOT_LINE, (uint32_t) k);
            is_named = true;
            plot_add(q, 0, 100.0 * report_number(r->results, "teacher_top1"), NAN, NAN);
            for (size_t l = 0; l < json_array_size(top1) && l < MAX_ROWS; l++)
                plot_add(q, (double) l + 1, 100.0 * report_entry(top1, l), NAN, NAN);
        }
    }
    return plot_write(q, &p->plots, p->f);
}

static void write_agreement(FILE *f, const char *caption, json_t *list, const char *const *head, bool is_pair)
{
    if (json_array_size(list) == 0)
        return;
    html_table_open(f, caption, head);
    for (size_t i = 0; i < json_array_size(list) && i < MAX_ROWS; i++) {
        const json_t *g = json_array_get(list, i);
        html_row_open(f);
        html_cell_title(f, report_text(g, is_pair ? "a" : "mixer"));
        if (is_pair)
            html_cell_text(f, strcmp(report_text(g, "a"), report_text(g, "b")) == 0 ? "itself, other seeds"
                                                                                   : report_text(g, "b"));
        html_cell_text(f, report_text(g, "order"));
        html_cell(f, HTML_SHARE, report_number(g, "tau"));
        html_cell(f, HTML_REAL, report_number(g, "tau_p"));
        html_cell(f, HTML_SHARE, report_number(g, "rho"));
        html_cell(f, HTML_REAL, report_number(g, "rho_p"));
        if (is_pair)
            html_cell(f, HTML_SHARE, report_number(g, "runs_tau"));
        html_row_close(f);
    }
    html_table_close(f);
}

static void write_runs(FILE *f, const report_run *r)
{
    static const char *const head[] = { "<mixer", "seed", "<order", "<layers, the first to go first", NULL };
    json_t *runs = report_list(r->results, "runs");
    html_table_open(f, "Every order, mixer and seed", head);
    for (size_t i = 0; i < json_array_size(runs) && i < MAX_ROWS; i++)
        for (int o = 0; o < PIPELINE_N_ORDERS; o++) {
            const char *name = pipeline_order_name((pipeline_order) o);
            const json_t *run = json_array_get(runs, i);
            json_t *layers = report_list(json_object_get(run, "orders"), name);
            if (json_array_size(layers) == 0)
                continue;
            html_row_open(f);
            html_cell_title(f, report_text(run, "mixer"));
            html_cell(f, HTML_COUNT, report_number(run, "seed"));
            html_cell_text(f, name);
            fputs("<td class=\"t\">", f);
            for (size_t l = 0; l < json_array_size(layers) && l < MAX_ROWS; l++) {
                fputs(l ? ", " : "", f);
                html_number(f, HTML_COUNT, report_entry(layers, l));
            }
            fputs("</td>", f);
            html_row_close(f);
        }
    html_table_close(f);
}

vkc_status report_orders(report_page *p)
{
    static const char *const pairs[] = { "<mixer", "<and", "<order", "τ", "p", "ρ", "p", "τ of runs", NULL };
    static const char *const cheap[] = { "<mixer", "<order", "τ", "p", "ρ", "p", NULL };
    const report_run *r = p->run;
    vkc_status st;
    if (json_array_size(report_list(r->results, "runs")) == 0)
        return VKC_OK;
    html_section_open(p->f, "orders", "Order of replacement");
    VKC_TRY(draw_ranks(p));
    VKC_TRY(draw_paths(p));
    write_agreement(p->f, "Kendall’s τ and Spearman’s ρ of mean ranks between mixers, two-sided p; and the mean τ of "
                    "single runs", report_list(r->results, "between_mixers"), pairs, true);
    write_agreement(p->f, "Orders that are cheaper to find against the greedy one",
                    report_list(r->results, "with_greedy"), cheap, false);
    write_runs(p->f, r);
    html_section_close(p->f);
done:
    return st;
}
