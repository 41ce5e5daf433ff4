// report_costs.c — what teacher and student cost, whole and layer by layer: parameters, multiply-adds, time.
#include "apps/cli/report/report_page.h"

#include <math.h>

#define MAX_LAYERS 128u

enum { TEACHER, STUDENT, FORWARD, N_MODELS };
static const char *const keys[N_MODELS] = { "teacher", "student", "student_forward" };

typedef struct costs {
    const json_t *of[N_MODELS];     // NULL = not there
    bool is_timed;
} costs;

static costs read_costs(const report_run *r)
{
    const json_t *all = json_object_get(r->results, "costs");
    costs c = { .is_timed = false };
    for (int m = 0; m < N_MODELS; m++) {
        const json_t *one = json_object_get(all, keys[m]);
        c.of[m] = json_is_object(one) ? one : NULL;
        c.is_timed = c.is_timed || isfinite(report_number(one, "ms"));
    }
    return c;
}

static const json_t *layer_of(const costs *c, int m, size_t l)
{
    return json_array_get(report_list(c->of[m], "layers"), l);
}

static void write_cells(FILE *f, const costs *c, const char *mixer, const json_t *one)
{
    html_cell_text(f, mixer);
    html_cell(f, HTML_COUNT, report_number(one, "params"));
    html_cell(f, HTML_COUNT, report_number(one, "macs"));
    if (c->is_timed)
        html_cell(f, HTML_MS, report_number(one, "ms"));
}

// The student's layer in one direction, where it goes in both otherwise.
static double forward_ms(const costs *c, size_t l)
{
    const json_t *one = layer_of(c, FORWARD, l), *usual = layer_of(c, STUDENT, l);
    return report_number(one, "macs") < report_number(usual, "macs") ? report_number(one, "ms") : (double) NAN;
}

static void write_rows(FILE *f, const costs *c, size_t depth)
{
    for (size_t l = 0; l < depth; l++) {
        char title[32];
        snprintf(title, sizeof title, "%zu", l);
        html_row_open(f);
        html_cell_title(f, title);
        for (int m = 0; m < FORWARD; m++)
            if (c->of[m])
                write_cells(f, c, report_text(layer_of(c, m, l), "mixer"), layer_of(c, m, l));
        if (c->of[FORWARD] && c->is_timed)
            html_cell(f, HTML_MS, forward_ms(c, l));
        html_row_close(f);
    }
    html_row_open(f);
    html_cell_title(f, "model");
    for (int m = 0; m < FORWARD; m++)
        if (c->of[m])
            write_cells(f, c, "", c->of[m]);
    if (c->of[FORWARD] && c->is_timed)
        html_cell(f, HTML_MS, report_number(c->of[FORWARD], "ms"));
    html_row_close(f);
}

void report_costs(report_page *p)
{
    static const char *const columns[FORWARD][4] = {
        { "<teacher", "params", "multiply-adds", "time" },
        { "<student", "params", "multiply-adds", "time" },
    };
    const json_t *all = json_object_get(p->run->results, "costs");
    const costs c = read_costs(p->run);
    const char *head[12] = { "<layer" };
    size_t n = 1, depth = 0;
    if (!c.of[STUDENT])
        return;
    for (int m = 0; m < FORWARD; m++) {
        const size_t layers = json_array_size(report_list(c.of[m], "layers"));
        depth = layers > depth ? layers : depth;
        for (int k = 0; c.of[m] && k < (c.is_timed ? 4 : 3); k++)
            head[n++] = columns[m][k];
    }
    if (c.of[FORWARD] && c.is_timed)
        head[n++] = "forward";
    head[n] = NULL;
    html_section_open(p->f, "costs", "Cost");
    fputs("<p>Parameters and multiply-adds of an image of ", p->f);
    html_number(p->f, HTML_COUNT, report_number(all, "tokens"));
    fputs(" tokens. A layer is its mixer and its output projection, which is what a replacement changes", p->f);
    if (c.is_timed) {
        fputs("; times are of a batch of ", p->f);
        html_number(p->f, HTML_COUNT, report_number(all, "batch"));
        fputs(", of a layer alone, with all tokens, on the device; of a whole model from start to end", p->f);
    }
    if (c.of[FORWARD] && c.is_timed)
        fputs(". Forward: the same mixers in one direction, <code>direction=forward</code>", p->f);
    fputs(".</p>\n", p->f);
    html_table_open(p->f, "Cost by layer", head);
    write_rows(p->f, &c, depth < MAX_LAYERS ? depth : MAX_LAYERS);
    html_table_close(p->f);
    html_section_close(p->f);
}
