// report_timing.c — times of two models against tokens: a sentence, a table and a plot.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_SIZES  64u
#define MAX_MODELS 4

// The models of a row are its keys "<name>_ms", in the order of the row.
static int find_models(json_t *row, const char *keys[MAX_MODELS], char names[MAX_MODELS][32])
{
    const char *key;
    json_t *v;
    int n = 0;
    json_object_foreach(row, key, v) {
        size_t len = strlen(key);
        if (n == MAX_MODELS || len < 4 || len > 30 || strcmp(key + len - 3, "_ms") != 0 || !json_is_number(v))
            continue;
        keys[n] = key;
        snprintf(names[n++], 32, "%.*s", (int) len - 3, key);
    }
    return n;
}

static void write_compared(FILE *f, double teacher, double student)
{
    const bool is_slower = student > teacher;
    const double times = is_slower ? student / teacher : teacher / student;
    html_number(f, HTML_MS, student);
    fputs(" in place of ", f);
    html_number(f, HTML_MS, teacher);
    if (isfinite(times) && times >= 1.005) {
        fputs(" (", f);
        html_number(f, HTML_TIMES, times);
        fputs(is_slower ? " times slower)" : " times faster)", f);
    }
}

void report_speed_write(report_page *p)
{
    json_t *rows = report_list(p->run->results, "timing");
    const char *keys[MAX_MODELS];
    char names[MAX_MODELS][32];
    const size_t n = json_array_size(rows);
    if (n == 0 || find_models(json_array_get(rows, 0), keys, names) < 2)
        return;
    json_t *first = json_array_get(rows, 0);
    fputs("<p>A batch of ", p->f);
    html_number(p->f, HTML_COUNT, report_number(first, "batch"));
    for (size_t i = 0; i < n && i < 6; i++) {
        json_t *row = json_array_get(rows, i);
        fputs(i == 0 ? " at " : i + 1 == n ? "; and at " : "; at ", p->f);
        html_number(p->f, HTML_COUNT, report_number(row, "tokens"));
        fputs(i == 0 ? " tokens takes " : " tokens ", p->f);
        write_compared(p->f, report_number(row, keys[0]), report_number(row, keys[1]));
    }
    fputs(".</p>\n", p->f);
}

static void write_row(FILE *f, const json_t *row, const char *const *keys, int n, bool has_image, bool has_top1)
{
    html_row_open(f);
    html_cell(f, HTML_COUNT, report_number(row, "tokens"));
    if (has_image)
        html_cell(f, HTML_COUNT, report_number(row, "image"));
    html_cell(f, HTML_COUNT, report_number(row, "batch"));
    for (int k = 0; k < n; k++)
        html_cell(f, HTML_MS, report_number(row, keys[k]));
    if (n > 1)
        html_cell(f, HTML_TIMES, report_number(row, keys[0]) / report_number(row, keys[1]));
    html_cell(f, HTML_COUNT, report_number(row, "repeats"));
    if (has_top1) {
        html_cell(f, HTML_PERCENT, report_number(row, "teacher_top1"));
        html_cell(f, HTML_PERCENT, report_number(row, "student_top1"));
    }
    html_row_close(f);
}

vkc_status report_timing(report_page *p)
{
    json_t *rows = report_list(p->run->results, "timing"), *first = json_array_get(rows, 0);
    const char *keys[MAX_MODELS], *head[MAX_MODELS + 10];
    char names[MAX_MODELS][32];
    const int n = find_models(first, keys, names);
    const bool has_image = isfinite(report_number(first, "image"));
    const bool has_top1 = isfinite(report_number(first, "student_top1"));
    int c = 0;
    if (n == 0) {
        if (p->run->is_finished && (p->run->kind == REPORT_DISTILL || p->run->kind == REPORT_PRUNE)) {
            html_section_open(p->f, "timing", "Speed");
            fputs("<p>Nothing was timed in this run; <code>pare bench model M</code> times a model, and the command "
                  "without <code>--no-timing</code> both.</p>\n", p->f);
            html_section_close(p->f);
        }
        return VKC_OK;
    }
    head[c++] = "tokens";
    if (has_image)
        head[c++] = "image side";
    head[c++] = "batch";
    for (int k = 0; k < n; k++)
        head[c++] = names[k];
    if (n > 1)
        head[c++] = "times as fast";
    head[c++] = "repeats";
    if (has_top1) {
        head[c++] = "top-1 teacher";
        head[c++] = "top-1 student";
    }
    head[c] = NULL;
    html_section_open(p->f, "timing", "Speed");
    report_device_write(p, "Medians over the repeats, forward pass,");
    plot *q = plot_create(&(plot_axes) {
        .title = "Time of a batch against the number of tokens, both axes logarithmic; lower is faster.", .x = "tokens",
        .y = "ms a batch", .log_x = true, .log_y = true, .ticks_at_x = true });
    for (int k = 0; k < n; k++) {
        const int look = n > 1 && k < 2 ? 1 - k : k;        // the second, the student, as all that is new: blue
        plot_add_series(q, names[k], k == 0 ? PLOT_DASHED : PLOT_LINE, (uint32_t) look);
        for (size_t i = 0; i < json_array_size(rows) && i < MAX_SIZES; i++) {
            const json_t *row = json_array_get(rows, i);
            plot_add(q, report_number(row, "tokens"), report_number(row, keys[k]), NAN, NAN);
        }
    }
    vkc_status st = plot_write(q, &p->plots, p->f);
    html_table_open(p->f, "Time of a batch, forward", head);
    for (size_t i = 0; i < json_array_size(rows) && i < MAX_SIZES; i++)
        write_row(p->f, json_array_get(rows, i), keys, n, has_image, has_top1);
    html_table_close(p->f);
    html_section_close(p->f);
    return st;
}
