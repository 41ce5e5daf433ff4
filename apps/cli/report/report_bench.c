// report_bench.c — what `pare bench scaling` and `pare bench retention` measured: sentences, tables, plots.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#include "nn/mixers/mixer.h"

#define MAX_ROWS   2048u
#define MAX_SERIES 24u

static bool is_default(const char *mixer)
{
    return strcmp(mixer, nn_mixer_default()->name) == 0;
}

static void write_shape(report_page *p)
{
    const json_t *r = p->run->results;
    fputs("<p>Random values and inputs; a block of width ", p->f);
    html_number(p->f, HTML_COUNT, report_number(r, "dim"));
    fputs(" with ", p->f);
    html_number(p->f, HTML_COUNT, report_number(r, "heads"));
    fputs(" heads, a batch of ", p->f);
    html_number(p->f, HTML_COUNT, report_number(r, "batch"));
    html_print(p->f, "; the least of the repeats, all in turn, %s time.</p>\n",
               strcmp(report_text(r, "clock"), "wall") == 0 ? "wall" : "device");
}

static void answer_scaling(report_page *p)
{
    json_t *crossover = json_object_get(p->run->results, "crossover"), *at;
    const char *name;
    size_t n = 0;
    json_object_foreach(crossover, name, at) {
        if (!json_is_number(at) || is_default(name) || n == MAX_SERIES)
            continue;
        html_print(p->f, n++ ? "; <strong>%s</strong> from " : "<p>Forward and backward, a block is faster than one of "
                   "attention with <strong>%s</strong> from ", name);
        html_number(p->f, HTML_COUNT, json_number_value(at));
        fputs(" tokens on", p->f);
    }
    fputs(n ? ".</p>\n" : "<p>No mixer is known to be faster than attention at the numbers of tokens that were timed."
          "</p>\n", p->f);
}

// Of every mixer at the largest number of tokens, which is that of its last row, forward.
static void answer_retention(report_page *p)
{
    const json_t *rows = report_list(p->run->results, "rows");
    double tokens = 0.0;
    uint32_t n = 0;
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS; i++)
        tokens = fmax(tokens, report_number(json_array_get(rows, i), "tokens"));
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS && n < MAX_SERIES; i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(report_text(row, "pass"), "forward") != 0 || report_number(row, "tokens") < tokens)
            continue;
        if (n++ == 0) {
            fputs("<p>Of the time that it takes with all ", p->f);
            html_number(p->f, HTML_COUNT, tokens);
            fputs(" tokens, forward, a block takes this share when every other patch is dropped: ", p->f);
        } else {
            fputs(", ", p->f);
        }
        html_print(p->f, "<strong>%s</strong> ", report_text(row, "mixer"));
        html_number(p->f, HTML_TIMES, report_number(row, "ratio"));
    }
    fputs(n ? ".</p>\n" : "<p>Nothing could be timed.</p>\n", p->f);
}

void report_bench_answer(report_page *p)
{
    if (p->run->kind == REPORT_SCALING)
        answer_scaling(p);
    else
        answer_retention(p);
    write_shape(p);
    report_device_write(p, "Measured");
}

// A line a mixer, whose rows follow one another, of the rows of one pass ("" = all).
static vkc_status plot_rows(report_page *p, const plot_axes *axes, const char *value, const char *pass)
{
    const json_t *rows = report_list(p->run->results, "rows");
    const char *now = NULL;
    uint32_t look = 0;
    plot *q = plot_create(axes);
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = report_text(row, "mixer");
        if (*pass && strcmp(report_text(row, "pass"), pass) != 0)
            continue;
        if ((!now || strcmp(now, name) != 0) && look < MAX_SERIES)
            plot_add_series(q, name, is_default(name) ? PLOT_DASHED : PLOT_LINE, look++);
        now = name;
        plot_add(q, report_number(row, "tokens"), report_number(row, value), NAN, NAN);
    }
    return plot_write(q, &p->plots, p->f);
}

// Of a table with a line a row: the first is the line's title; `<` before a title as in html_table_open.
typedef struct column {
    const char *title, *key;
    html_form   form;
    double      unit;               // what a figure is divided by
} column;

#define MAX_COLUMNS 10
#define TEXT(title, key) { "<" title, key, HTML_COUNT, 1 }
#define NUMBER(title, key, form) { title, key, form, 1 }

static void write_table(FILE *f, const char *caption, const column *columns, size_t n, const json_t *rows)
{
    const char *head[MAX_COLUMNS + 1] = { 0 };
    for (size_t k = 0; k < n; k++)
        head[k] = columns[k].title;
    html_table_open(f, caption, head);
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_ROWS; i++) {
        const json_t *row = json_array_get(rows, i);
        html_row_open(f);
        html_cell_title(f, report_text(row, columns[0].key));
        for (const column *c = columns + 1; c < columns + n; c++)
            if (*c->title == '<')
                html_cell_text(f, report_text(row, c->key));
            else
                html_cell(f, c->form, report_number(row, c->key) / c->unit);
        html_row_close(f);
    }
    html_table_close(f);
}

static vkc_status write_scaling(report_page *p)
{
    static const column columns[] = {
        TEXT("mixer", "mixer"), NUMBER("tokens", "tokens", HTML_COUNT), NUMBER("forward", "fwd_ms", HTML_MS),
        NUMBER("forward and backward", "fwd_bwd_ms", HTML_MS), { "MiB", "bytes", HTML_TIMES, 1 << 20 },
        NUMBER("repeats", "repeats", HTML_COUNT),
    };
    static const char *const growth[] = { "<mixer", "exponent", "faster than attention from", NULL };
    json_t *exponent = json_object_get(p->run->results, "exponent"), *x;
    const char *name;
    html_section_open(p->f, "scaling", "Time against tokens");
    vkc_status st = plot_rows(p, &(plot_axes) {
        .title = "Forward and backward of one block, both axes logarithmic; lower is faster.", .x = "tokens",
        .y = "ms", .log_x = true, .log_y = true, .ticks_at_x = true }, "fwd_bwd_ms", "");
    html_table_open(p->f, "Growth: time is about tokens to the power of the exponent, from 512 tokens on", growth);
    json_object_foreach(exponent, name, x) {
        html_row_open(p->f);
        html_cell_title(p->f, name);
        html_cell(p->f, HTML_TIMES, json_is_number(x) ? json_number_value(x) : (double) NAN);
        html_cell(p->f, HTML_COUNT, report_number(json_object_get(p->run->results, "crossover"), name));
        html_row_close(p->f);
    }
    html_table_close(p->f);
    write_table(p->f, "One block", columns, sizeof columns / sizeof *columns, report_list(p->run->results, "rows"));
    html_section_close(p->f);
    return st;
}

static void write_models(report_page *p)
{
    static const column columns[] = {
        TEXT("model", "name"), NUMBER("depth", "depth", HTML_COUNT), NUMBER("width", "dim", HTML_COUNT),
        NUMBER("tokens", "tokens", HTML_COUNT), NUMBER("batch", "batch", HTML_COUNT),
        NUMBER("patches kept", "keep", HTML_PERCENT), NUMBER("images/s, all tokens", "dense_images_per_s", HTML_REAL),
        NUMBER("images/s", "images_per_s", HTML_REAL), NUMBER("times as fast", "gain", HTML_TIMES),
        NUMBER("by multiply-adds", "ideal_gain", HTML_TIMES),
    };
    const json_t *rows = report_list(json_object_get(p->run->results, "model"), "rows");
    if (json_array_size(rows) > 0)
        write_table(p->f, "Whole models, forward, wall time", columns, sizeof columns / sizeof *columns, rows);
}

static vkc_status write_retention(report_page *p)
{
    static const column columns[] = {
        TEXT("mixer", "mixer"), TEXT("pass", "pass"), NUMBER("tokens", "tokens", HTML_COUNT),
        NUMBER("kept", "kept", HTML_COUNT), NUMBER("all tokens", "dense_ms", HTML_MS),
        NUMBER("compaction", "compact_ms", HTML_MS), NUMBER("after it", "after_ms", HTML_MS),
        NUMBER("after to all", "ratio", HTML_TIMES), NUMBER("wanted at most", "ratio_bar", HTML_TIMES),
    };
    html_section_open(p->f, "retention", "Time before and after tokens are dropped");
    vkc_status st = plot_rows(p, &(plot_axes) {
        .title = "A block's time with half of its patches to that with all, forward; lower is better.", .x = "tokens",
        .y = "after to all", .log_x = true, .ticks_at_x = true }, "ratio", "forward");
    write_table(p->f, "One block, before and after every other patch is dropped", columns,
                sizeof columns / sizeof *columns, report_list(p->run->results, "rows"));
    write_models(p);
    html_section_close(p->f);
    return st;
}

vkc_status report_bench(report_page *p)
{
    return p->run->kind == REPORT_SCALING ? write_scaling(p) : write_retention(p);
}
