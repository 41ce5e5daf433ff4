// report_curves.c — curves out of log.jsonl: loss and accuracy on val, for each thing that was trained.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KINDS  32u
#define MAX_CURVES 12u              // in a plot; a table has all
#define MAX_COLUMNS 64u
#define MAX_ROWS   400u

// Losses of a line: a number, or a list of them.
static size_t count(const json_t *line)
{
    const json_t *loss = json_object_get(line, "loss");
    return json_is_array(loss) ? json_array_size(loss) : json_is_number(loss);
}

static double get(const json_t *line, size_t i)
{
    const json_t *loss = json_object_get(line, "loss");
    return json_is_array(loss) ? report_entry(loss, i) : report_number(line, "loss");
}

// Transfers log the squared errors of all layers, then the teacher's squares that these are relative to.
static bool is_relative(const char *what, size_t n, const report_run *r)
{
    return n % 2 == 0 && strncmp(what, "transfer", 8) == 0 && strcmp(report_text(r->inputs, "distance"), "cosine") != 0;
}

static bool is_of(const json_t *line, const char *what)
{
    return strcmp(report_text(line, "what"), what) == 0;
}

// What the terms of a training are, where its log says so: in its first line. NULL: it does not.
static const json_t *find_terms(const report_run *r, const char *what)
{
    for (size_t i = 0; i < json_array_size(r->log); i++) {
        const json_t *line = json_array_get(r->log, i);
        const json_t *terms = is_of(line, what) ? report_list(line, "terms") : NULL;
        if (terms)
            return terms;
    }
    return NULL;
}

static const char *name_of(size_t n, size_t i, const char *what, const report_run *r, char out[48])
{
    const char *said = json_string_value(json_array_get(find_terms(r, what), i));
    if (said && *said)
        return said;
    if (n == 1)
        return "loss";
    const bool are_layers = (double) n == report_number(r->sparsity, "depth") && strncmp(what, "tune", 4) != 0 &&
                            strncmp(what, "retain", 6) != 0;
    snprintf(out, 48, "%s %zu", are_layers ? "layer" : "term", i);
    return out;
}

// The mixer of "transfer" is the first, that of "transfer-2" the second.
static const char *get_mixer(const report_run *r, const char *what)
{
    unsigned k = 1;
    const bool is_transfer = strcmp(what, "transfer") == 0 || sscanf(what, "transfer-%2u", &k) == 1;
    const json_t *list = json_object_get(r->results, "mixers");
    const char *name = is_transfer && k > 0 ? json_string_value(json_array_get(list, k - 1)) : NULL;
    return name ? name : "";
}

// The line of the epoch that a training keeps: the first with the best accuracy on val. NULL: none was judged.
static const json_t *find_best(const report_run *r, const char *what)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(r->log); i++) {
        const json_t *line = json_array_get(r->log, i);
        const double x = is_of(line, what) ? report_number(line, "val_top1") : (double) NAN;
        if (isfinite(x) && (!best || x > report_number(best, "val_top1")))
            best = line;
    }
    return best;
}

// Accuracy on val after each epoch, with the epoch kept marked.
static vkc_status plot_val(report_page *p, const char *what, const json_t *best)
{
    char title[200];
    snprintf(title, sizeof title, "Top-1 on val of “%.60s” after each epoch; the one that is kept is marked.", what);
    plot *q = plot_create(&(plot_axes) { .title = title, .x = "epoch", .y = "top-1 on val, percent", .whole_x = true });
    plot_add_series(q, "", PLOT_LINE, 1);
    for (size_t i = 0; i < json_array_size(p->run->log); i++) {
        const json_t *line = json_array_get(p->run->log, i);
        if (is_of(line, what))
            plot_add(q, report_number(line, "epoch"), 100.0 * report_number(line, "val_top1"), NAN, NAN);
    }
    plot_add_series(q, "", PLOT_MARKS, 0);
    plot_add(q, report_number(best, "epoch"), 100.0 * report_number(best, "val_top1"), NAN, NAN);
    plot_add_label(q, "kept");
    return plot_write(q, &p->plots, p->f);
}

static void write_best(FILE *f, const json_t *best, bool is_finished)
{
    fputs(is_finished ? "<p>Kept: epoch <strong>" : "<p>The best until now: epoch <strong>", f);
    html_number(f, HTML_COUNT, report_number(best, "epoch"));
    fputs("</strong>, top-1 on val ", f);
    html_number(f, HTML_PERCENT, report_number(best, "val_top1"));
    fputs(".</p>\n", f);
}

static vkc_status write_kind(report_page *p, const char *what)
{
    const char *head[MAX_COLUMNS + 6] = { "epoch", "step", "seconds" };
    char (*titles)[48] = calloc(MAX_COLUMNS, sizeof *titles), title[200], caption[120];
    size_t n = 0, lines = 0;
    double seconds = 0;
    if (!titles)
        return VKC_FAIL(VKC_E_NOMEM, "report: out of host memory");
    for (size_t i = 0; i < json_array_size(p->run->log); i++) {
        const json_t *line = json_array_get(p->run->log, i);
        if (!is_of(line, what))
            continue;
        n = count(line) > n ? count(line) : n;
        seconds = report_number(line, "seconds");
        lines++;
    }
    const bool relative = is_relative(what, n, p->run);
    const size_t shown = relative ? n / 2 : n, columns = shown < MAX_COLUMNS ? shown : MAX_COLUMNS;
    for (size_t i = 0; i < columns; i++)
        head[i + 3] = name_of(shown, i, what, p->run, titles[i]);
    const json_t *best = find_best(p->run, what);
    if (best) {
        head[columns + 3] = "val top-1";
        head[columns + 4] = "val loss";
    }
    html_print(p->f, "<h3>%s%s%s</h3>\n<p>", *what ? what : "training", *get_mixer(p->run, what) ? ": " : "",
               get_mixer(p->run, what));
    html_number(p->f, HTML_COUNT, (double) lines);
    fputs(lines == 1 ? " epoch, " : " epochs, ", p->f);
    html_number(p->f, HTML_SECONDS, seconds);
    fputs(relative ? ". Error of a layer’s output, relative to the square of the teacher’s.</p>\n" : ".</p>\n", p->f);
    snprintf(title, sizeof title, "%s of “%.60s” after each epoch%s", relative ? "Relative error" : "Loss", what,
             shown > 1 ? ", logarithmic." : ".");
    if (best)
        write_best(p->f, best, p->run->is_finished);
    plot *q = plot_create(&(plot_axes) { .title = title, .x = "epoch", .y = relative ? "relative error" : "loss",
                                         .log_y = shown > 1, .whole_x = true });
    for (size_t k = 0; k < columns && k < MAX_CURVES; k++) {
        plot_add_series(q, shown > 1 ? head[k + 3] : "", k < 7 ? PLOT_LINE : PLOT_DASHED, (uint32_t) k);
        for (size_t i = 0; i < json_array_size(p->run->log); i++) {
            const json_t *line = json_array_get(p->run->log, i);
            if (is_of(line, what))
                plot_add(q, report_number(line, "epoch"), get(line, k) / (relative ? get(line, k + shown) : 1.0), NAN,
                         NAN);
        }
    }
    vkc_status st = lines > 1 ? plot_write(q, &p->plots, p->f) : VKC_OK;
    if (lines <= 1)
        plot_destroy(q);
    if (st == VKC_OK && best && lines > 1)
        st = plot_val(p, what, best);
    snprintf(caption, sizeof caption, "%s after each epoch%s", relative ? "Mean squared error" : "Loss",
             relative ? ", not divided" : "");
    html_table_open(p->f, caption, head);
    size_t rows = 0;
    for (size_t i = 0; i < json_array_size(p->run->log) && rows < MAX_ROWS; i++) {
        const json_t *line = json_array_get(p->run->log, i);
        if (!is_of(line, what))
            continue;
        rows++;
        html_row_open(p->f);
        html_cell(p->f, HTML_COUNT, report_number(line, "epoch"));
        html_cell(p->f, HTML_COUNT, report_number(line, "step"));
        html_cell(p->f, HTML_SECONDS, report_number(line, "seconds"));
        for (size_t k = 0; k < columns; k++)
            html_cell(p->f, HTML_REAL, get(line, k));
        if (best) {
            html_cell(p->f, HTML_PERCENT, report_number(line, "val_top1"));
            html_cell(p->f, HTML_REAL, report_number(line, "val_loss"));
        }
        html_row_close(p->f);
    }
    html_table_close(p->f);
    free(titles);
    return st;
}

vkc_status report_curves(report_page *p)
{
    const char *kind[MAX_KINDS];
    size_t n = 0;
    vkc_status st = VKC_OK;
    for (size_t i = 0; i < json_array_size(p->run->log) && n < MAX_KINDS; i++) {
        const json_t *line = json_array_get(p->run->log, i);
        const char *what = report_text(line, "what");
        size_t k = 0;
        while (k < n && strcmp(kind[k], what) != 0)
            k++;
        if (k == n && count(line) > 0)
            kind[n++] = what;
    }
    if (n == 0)
        return VKC_OK;
    html_section_open(p->f, "curves", "Training curves");
    for (size_t k = 0; k < n && st == VKC_OK; k++)
        st = write_kind(p, kind[k]);
    html_section_close(p->f);
    return st;
}
