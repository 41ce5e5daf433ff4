// report_layers.c — each layer of a distillation: transfer, tuning, and its cost when replaced alone.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_MIXERS 16u

// Accuracy of a trial, how many layers it replaces, and the first of them.
static double get_trial(const json_t *line, size_t *n, size_t *layer)
{
    json_t *choice = report_list(line, "choice"), *replaced = report_list(line, "replaced");
    *n = json_array_size(replaced);
    *layer = *n ? (size_t) fmax(0, fmin(1e6, report_entry(replaced, 0))) : 0;
    for (size_t l = 0; l < json_array_size(choice); l++)
        if (report_entry(choice, l) > 0 && (*n)++ == 0)
            *layer = l;
    const double metric = report_number(line, "metric");
    return isfinite(metric) ? metric : report_number(line, "score");
}

// The mixer of a layer in a trial of it alone: its number, 1 up, and its name.
static size_t get_choice(const report_run *r, const json_t *line, size_t layer, char out[160])
{
    json_t *choice = report_list(line, "choice");
    const double k = choice ? report_entry(choice, layer) : 1.0;
    const size_t number = k >= 1 && k <= MAX_MIXERS ? (size_t) k : 1;
    const char *name = json_string_value(json_array_get(report_list(r->results, "mixers"), number - 1));
    if (name)
        snprintf(out, 160, "%.150s", name);
    else if (!choice)
        report_mixer_name(r, out);
    else
        snprintf(out, 160, "mixer %zu", number);
    return number;
}

// A trial that replaces `layer` alone, by mixer `number`, or by any with 0.
static bool is_single(const report_run *r, size_t i, size_t number, size_t *layer, double *metric, char mixer[160])
{
    size_t n;
    *metric = get_trial(json_array_get(r->trials, i), &n, layer);
    return n == 1 && (get_choice(r, json_array_get(r->trials, i), *layer, mixer) == number || number == 0);
}

static vkc_status draw_singles(report_page *p, double base)
{
    const report_run *r = p->run;
    char title[240], mixer[160], number[16];
    size_t layer;
    double metric;
    snprintf(title, sizeof title, "What replacing one layer alone costs on the validation split, against its %.40s. "
             "Each mark is a layer, with its number.", report_measure_name(r, 0));
    plot *q = plot_create(&(plot_axes) { .title = title, .x = report_measure_name(r, 0), .y = "drop, points" });
    for (size_t k = 1; k <= MAX_MIXERS; k++) {
        bool is_open = false;
        for (size_t i = 0; i < json_array_size(r->trials); i++) {
            if (!is_single(r, i, k, &layer, &metric, mixer) || !isfinite(report_sparsity_get(r, layer, 0)))
                continue;
            if (!is_open)
                plot_add_series(q, mixer, PLOT_MARKS, (uint32_t) k - 1);
            is_open = true;
            snprintf(number, sizeof number, "%zu", layer);
            plot_add(q, report_sparsity_get(r, layer, 0), 100.0 * (base - metric), NAN, NAN);
            plot_add_label(q, number);
        }
    }
    return plot_write(q, &p->plots, p->f);
}

static vkc_status write_singles(report_page *p)
{
    static const char *const head[] = { "layer", "<mixer", "sparsity", "top-1", "drop, points", NULL };
    const report_run *r = p->run;
    char mixer[160];
    size_t n, layer, found = 0;
    double base = NAN, metric;
    for (size_t i = 0; i < json_array_size(r->trials); i++) {
        metric = get_trial(json_array_get(r->trials, i), &n, &layer);
        base = n == 0 ? metric : base;
        found += n == 1;
    }
    if (found == 0 || !isfinite(base))
        return VKC_OK;
    fputs("<h3>Each layer alone</h3>\n", p->f);
    vkc_status st = draw_singles(p, base);
    html_table_open(p->f, "One layer replaced, the rest the teacher’s", head);
    for (size_t i = 0; i < json_array_size(r->trials); i++) {
        if (!is_single(r, i, 0, &layer, &metric, mixer))
            continue;
        html_row_open(p->f);
        html_cell(p->f, HTML_COUNT, (double) layer);
        html_cell_text(p->f, mixer);
        html_cell(p->f, HTML_SHARE, report_sparsity_get(r, layer, 0));
        html_cell(p->f, HTML_PERCENT, metric);
        html_cell(p->f, HTML_POINTS, base - metric);
        html_row_close(p->f);
    }
    html_table_close(p->f);
    fputs("<p class=\"note\">Whether sparser layers cost less cannot be told from so few of them; <code>pare study "
          "groups M</code> trains groups of layers anew and gives a rank correlation with its p value, and "
          "<code>pare study teachers M M2 …</code> the gap against the teacher’s keep ratio.</p>\n", p->f);
    return st;
}

static void write_transfer(FILE *f, const report_run *r, size_t depth)
{
    json_t *transfer = report_list(r->results, "transfer"), *layers = report_list(r->results, "layers");
    const char *head[MAX_MIXERS + 4] = { "layer", "<mixer in the end" };
    json_t *error[MAX_MIXERS];
    size_t n = 0;
    for (; n < json_array_size(transfer) && n < MAX_MIXERS; n++) {
        head[n + 2] = report_text(json_array_get(transfer, n), "mixer");
        error[n] = report_list(json_array_get(transfer, n), "error");
    }
    if (n == 0 && (error[0] = report_list(r->results, "transfer_error")) != NULL)
        head[2 + n++] = "error";
    if (depth == 0 || (n == 0 && !layers))
        return;
    html_table_open(f, "What each layer became, and the relative error of a mixer’s output after the transfer", head);
    for (size_t l = 0; l < depth; l++) {
        char mixer[160];
        snprintf(mixer, sizeof mixer, "%s", nn_mixer_default()->name);
        json_t *path = report_list(r->results, "path");
        for (size_t i = 0; i < json_array_size(path) && i < NN_MAX_DEPTH; i++)
            if (report_number(json_array_get(path, i), "layer") == (double) l && report_is_replaced(r, (double) l))
                snprintf(mixer, sizeof mixer, "%.150s", report_text(json_array_get(path, i), "mixer"));
        html_row_open(f);
        html_cell(f, HTML_COUNT, (double) l);
        html_cell_text(f, layers ? json_string_value(json_array_get(layers, l)) : mixer);
        for (size_t k = 0; k < n; k++)
            html_cell(f, HTML_REAL, report_entry(error[k], l));
        html_row_close(f);
    }
    html_table_close(f);
}

// Stages of tuning: {what, train, steps, seconds, loss, ce, kl, halting, distance}.
void report_tunes_write(report_page *p)
{
    FILE *f = p->f;
    static const char *const head[] = { "<stage", "<what was trained", "steps", "seconds", "loss", "cross-entropy",
                                        "KL", "mean distance", NULL };
    json_t *list = report_list(p->run->results, "tune");
    if (json_array_size(list) == 0)
        return;
    html_table_open(f, "Tuning; means over the last epoch", head);
    for (size_t i = 0; i < json_array_size(list) && i <= NN_MAX_DEPTH; i++) {      // a step each of a schedule
        const json_t *one = json_array_get(list, i);
        json_t *distance = report_list(one, "distance");
        double sum = 0, n = 0;
        for (size_t l = 0; l < json_array_size(distance); l++) {
            const double x = report_entry(distance, l);
            sum += isfinite(x) ? x : 0;
            n += isfinite(x);
        }
        html_row_open(f);
        html_cell_title(f, report_text(one, "what"));
        html_cell_text(f, report_text(one, "train"));
        html_cell(f, HTML_COUNT, report_number(one, "steps"));
        html_cell(f, HTML_SECONDS, report_number(one, "seconds"));
        html_cell(f, HTML_REAL, report_number(one, "loss"));
        html_cell(f, HTML_REAL, report_number(one, "ce"));
        html_cell(f, HTML_REAL, report_number(one, "kl"));
        html_cell(f, HTML_REAL, sum / n);
        html_row_close(f);
    }
    html_table_close(f);
}

vkc_status report_layers(report_page *p)
{
    const report_run *r = p->run;
    if (!r->results && json_array_size(r->trials) == 0)
        return VKC_OK;
    html_section_open(p->f, "layers", "Layer by layer");
    write_transfer(p->f, r, report_depth(r));
    report_tunes_write(p);
    vkc_status st = write_singles(p);
    html_section_close(p->f);
    return st;
}
