// report_sparsity.c — sparsity per layer and head: heat cells, a plot, and how far the measures agree.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_LAYERS   128u
#define MAX_HEADS    64u
#define MAX_MEASURES 16u

static json_t *get_means(const report_run *r, const char *keys)
{
    return report_list(json_object_get(json_object_get(r->sparsity, "keys"), keys), "mean");
}

const char *report_measure_name(const report_run *r, size_t m)
{
    return report_text(json_array_get(report_list(r->sparsity, "measures"), m), "name");
}

static double get_head(json_t *mean, size_t layer, size_t head, size_t measure)
{
    return report_entry(json_array_get(json_array_get(mean, layer), head), measure);
}

static double get_layer(json_t *mean, size_t layer, size_t measure)
{
    const size_t heads = json_array_size(json_array_get(mean, layer));
    double sum = 0;
    for (size_t h = 0; h < heads; h++)
        sum += get_head(mean, layer, h, measure);
    return heads ? sum / (double) heads : (double) NAN;
}

double report_sparsity_get(const report_run *r, size_t layer, size_t measure)
{
    return get_layer(get_means(r, "all"), layer, measure);
}

// Least and largest value of a measure, for the shades.
static void find_range(json_t *mean, size_t m, double out[2])
{
    out[0] = INFINITY, out[1] = -INFINITY;
    for (size_t l = 0; l < json_array_size(mean); l++)
        for (size_t h = 0; h < json_array_size(json_array_get(mean, l)); h++) {
            const double x = get_head(mean, l, h, m);
            out[0] = isfinite(x) ? fmin(out[0], x) : out[0];
            out[1] = isfinite(x) ? fmax(out[1], x) : out[1];
        }
}

static bool is_high(const report_run *r, size_t m)
{
    return strcmp(report_text(json_array_get(report_list(r->sparsity, "measures"), m), "sparser"), "high") == 0;
}

static void write_cell(FILE *f, double x, const double range[2], bool high)
{
    const double span = range[1] - range[0], share = span > 0 ? (x - range[0]) / span : 0.5;
    html_cell_heat(f, HTML_SHARE, x, high ? share : 1.0 - share);
}

// A row a layer, a column a measure.
static void write_layers(FILE *f, const report_run *r, json_t *mean, const char *caption)
{
    const char *head[MAX_MEASURES + 2] = { "layer" };
    size_t n = 0;
    double range[MAX_MEASURES][2];
    for (; n < MAX_MEASURES && *report_measure_name(r, n); n++) {
        head[n + 1] = report_measure_name(r, n);
        find_range(mean, n, range[n]);
    }
    html_table_open(f, caption, head);
    for (size_t l = 0; l < json_array_size(mean) && l < MAX_LAYERS; l++) {
        html_row_open(f);
        html_cell(f, HTML_COUNT, (double) l);
        for (size_t m = 0; m < n; m++)
            write_cell(f, get_layer(mean, l, m), range[m], is_high(r, m));
        html_row_close(f);
    }
    html_table_close(f);
}

// A row a layer, a column a head, of one measure.
static void write_heads(FILE *f, const report_run *r, json_t *mean, json_t *std, size_t m)
{
    char titles[MAX_HEADS][16], caption[160];
    const char *head[MAX_HEADS + 2] = { "layer" };
    size_t heads = 0;
    double range[2];
    find_range(mean, m, range);
    for (size_t l = 0; l < json_array_size(mean); l++)
        heads = json_array_size(json_array_get(mean, l)) > heads ? json_array_size(json_array_get(mean, l)) : heads;
    heads = heads < MAX_HEADS ? heads : MAX_HEADS;
    for (size_t h = 0; h < heads; h++) {
        snprintf(titles[h], sizeof titles[h], "head %zu", h);
        head[h + 1] = titles[h];
    }
    snprintf(caption, sizeof caption, "%.40s by head%s; a stronger shade is sparser", report_measure_name(r, m),
             std ? ", ± its spread over images and queries" : "");
    html_table_open(f, caption, head);
    for (size_t l = 0; l < json_array_size(mean) && l < MAX_LAYERS; l++) {
        html_row_open(f);
        html_cell(f, HTML_COUNT, (double) l);
        for (size_t h = 0; h < heads; h++) {
            const double x = get_head(mean, l, h, m), share = (x - range[0]) / (range[1] - range[0]);
            const double heat = range[1] > range[0] ? (is_high(r, m) ? share : 1 - share) : 0.5;
            if (!std || !isfinite(x)) {
                html_cell_heat(f, HTML_SHARE, x, heat);
                continue;
            }
            fprintf(f, "<td class=\"h\" style=\"--h:%.2f\">", fmax(0, fmin(1, heat)));
            html_number(f, HTML_SHARE, x);
            fputs(" ± ", f);
            html_number(f, HTML_SHARE, get_head(std, l, h, m));
            fputs("</td>", f);
        }
        html_row_close(f);
    }
    html_table_close(f);
}

static void write_agreement(FILE *f, const report_run *r)
{
    json_t *rho = report_list(json_object_get(r->sparsity, "agreement"), "all");
    const char *head[MAX_MEASURES + 2] = { "<measure" };
    size_t n = 0;
    if (json_array_size(rho) < 2)
        return;
    for (; n < MAX_MEASURES && *report_measure_name(r, n); n++)
        head[n + 1] = report_measure_name(r, n);
    fputs("<h3>Do the measures agree?</h3>\n<p>Spearman’s rank correlation over all layers and heads, every measure "
          "signed so that larger means sparser.</p>\n", f);
    html_table_open(f, "Rank agreement of the measures", head);
    for (size_t i = 0; i < n; i++) {
        html_row_open(f);
        html_cell_title(f, head[i + 1]);
        for (size_t k = 0; k < n; k++) {
            const double x = report_entry(json_array_get(rho, i), k);
            html_cell_heat(f, HTML_TIMES, x, fabs(x));
        }
        html_row_close(f);
    }
    html_table_close(f);
}

static vkc_status draw(report_page *p, json_t *mean, size_t m)
{
    char title[200];
    snprintf(title, sizeof title, "%.40s by layer: every head, and the mean of the heads. %s means sparser.",
             report_measure_name(p->run, m), is_high(p->run, m) ? "Higher" : "Lower");
    plot *q = plot_create(&(plot_axes) { .title = title, .x = "layer", .y = report_measure_name(p->run, m),
                                         .whole_x = true });
    plot_add_series(q, "a head", PLOT_MARKS, 5);
    for (size_t l = 0; l < json_array_size(mean) && l < MAX_LAYERS; l++)
        for (size_t h = 0; h < json_array_size(json_array_get(mean, l)) && h < MAX_HEADS; h++)
            plot_add(q, (double) l, get_head(mean, l, h, m), NAN, NAN);
    plot_add_series(q, "mean of the heads", PLOT_LINE, 0);
    for (size_t l = 0; l < json_array_size(mean) && l < MAX_LAYERS; l++)
        plot_add(q, (double) l, get_layer(mean, l, m), NAN, NAN);
    return plot_write(q, &p->plots, p->f);
}

vkc_status report_sparsity(report_page *p)
{
    const report_run *r = p->run;
    json_t *mean = get_means(r, "all"), *patches = get_means(r, "patches");
    json_t *std = report_list(json_object_get(json_object_get(r->sparsity, "keys"), "all"), "std");
    vkc_status st = VKC_OK;
    json_t *drawn = strcmp(report_text(r->results, "keys"), "patches") == 0 && patches ? patches : mean;
    size_t chosen = 0;
    if (json_array_size(mean) == 0)
        return VKC_OK;
    for (size_t m = 0; m < MAX_MEASURES && *report_measure_name(r, m); m++)
        if (strcmp(report_measure_name(r, m), report_text(r->results, "measure")) == 0)
            chosen = m;
    html_section_open(p->f, "sparsity", "How sparse the teacher’s attention is");
    fputs("<p>Means over images and queries", p->f);
    if (isfinite(report_number(r->sparsity, "images"))) {
        fputs(", of ", p->f);
        html_number(p->f, HTML_COUNT, report_number(r->sparsity, "images"));
        fputs(" images", p->f);
    }
    fputs(". The stronger the shade of a cell, the sparser, within its column. Layers without attention have no "
          "figure.</p>\n", p->f);
    VKC_TRY(draw(p, drawn, chosen));
    write_layers(p->f, r, mean, "Sparsity by layer, mean of the heads");
    if (json_array_size(patches) > 0)
        write_layers(p->f, r, patches, "The same among patches alone, without the class token’s column");
    write_heads(p->f, r, mean, std, chosen);
    fputs("<details>\n<summary>The other measures by head</summary>\n", p->f);
    for (size_t m = 0; m < MAX_MEASURES && *report_measure_name(r, m); m++)
        if (m != chosen)
            write_heads(p->f, r, mean, std, m);
    fputs("</details>\n", p->f);
    write_agreement(p->f, r);
    html_section_close(p->f);
done:
    return st;
}
