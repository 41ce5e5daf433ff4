// report_students.c — both students of a distillation's search, other orders at as many layers, impact scores.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ROWS 128u

// A student of the search by its kind, "most" or "best".
static const json_t *find(const report_run *r, const char *is)
{
    json_t *list = report_list(r->results, "students");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(report_text(json_array_get(list, i), "is"), is) == 0)
            return json_array_get(list, i);
    return NULL;
}

static void write_student(report_page *p, const char *is, const char *name)
{
    const json_t *s = find(p->run, is);
    const char *asked = report_text(p->run->results, "student_is");
    if (!s)
        return;
    html_row_open(p->f);
    html_cell_title(p->f, name);
    html_cell(p->f, HTML_COUNT, report_number(s, "chosen"));
    fputs("<td class=\"t\">", p->f);
    report_numbers_write(p->f, report_list(s, "replaced"));
    fputs("</td>", p->f);
    html_cell(p->f, HTML_PERCENT, report_number(s, "val_top1"));
    html_cell(p->f, HTML_PERCENT, report_number(s, "top1"));
    html_cell(p->f, HTML_COUNT, report_number(s, "params"));
    html_cell_text(p->f, strcmp(asked, is) == 0 ? "the student" : json_is_true(json_object_get(s, "written"))
                         ? "beside it" : report_number(s, "chosen") > 0 ? "the same model" : "the teacher itself");
    html_row_close(p->f);
}

static double get_val(const json_t *path, double n)
{
    return n >= 1 && n <= MAX_ROWS ? report_number(json_array_get(path, (size_t) n - 1), "top1") : (double) NAN;
}

static void write_order(report_page *p, const char *name, json_t *path, const double n[2], const double top1[2],
                        double trials)
{
    html_row_open(p->f);
    html_cell_title(p->f, name);
    for (int k = 0; k < 2; k++) {
        html_cell(p->f, HTML_PERCENT, get_val(path, n[k]));
        html_cell(p->f, HTML_PERCENT, top1[k]);
    }
    html_cell(p->f, HTML_COUNT, trials);
    html_row_close(p->f);
}

static void write_orders(report_page *p)
{
    static const char *const keys[] = { "best", "most" };
    const report_run *r = p->run;
    json_t *bases = report_list(r->results, "baselines");
    char text[4][48];
    const char *head[] = { "<order", text[0], text[1], text[2], text[3], "trials", NULL };
    double n[2], top1[2];
    if (json_array_size(bases) == 0 || !json_is_object(json_object_get(json_array_get(bases, 0), "top1")))
        return;
    for (int k = 0; k < 2; k++) {
        n[k] = report_number(find(r, keys[k]), "chosen");
        top1[k] = n[k] > 0 ? report_number(find(r, keys[k]), "top1") : (double) NAN;
        snprintf(text[2 * k], sizeof text[0], "%.0f replaced: val", n[k]);
        snprintf(text[2 * k + 1], sizeof text[0], "%.8s", report_text(r->results, "split"));
    }
    html_table_open(p->f, "Orders of replacement at the numbers of layers of the best and the most replaced student, "
                    "and the trials it takes to find each", head);
    write_order(p, "greedy", report_list(r->results, "path"), n, top1, report_number(r->results, "trials") - 1);
    for (size_t i = 0; i < json_array_size(bases) && i < MAX_ROWS; i++) {
        const json_t *b = json_array_get(bases, i);
        for (int k = 0; k < 2; k++)
            top1[k] = n[k] > 0 ? report_number(json_object_get(b, "top1"), keys[k]) : (double) NAN;
        write_order(p, report_text(b, "name"), report_list(b, "path"), n, top1, report_number(b, "trials"));
    }
    html_table_close(p->f);
    if (isfinite(report_number(r->results, "most_trials"))) {
        fputs("<p class=\"note\">A greedy search through all layers takes at most ", p->f);
        html_number(p->f, HTML_COUNT, report_number(r->results, "most_trials"));
        fputs(" trials, K\u00a0L\u00a0(L\u00a0+\u00a01)\u00a0/\u00a02 of K mixers and L layers, and the teacher’s; "
              "what the paths of the other orders were scored with is not counted.</p>\n", p->f);
    }
}

static void write_impact(report_page *p)
{
    static const char *const head[] = { "layer", "<mixer", "full", "linear", "cross", "impact", NULL };
    static const char *const keys[] = { "full", "linear", "cross" };
    const json_t *impact = json_object_get(p->run->results, "impact");
    json_t *list = report_list(impact, "scores");
    if (json_array_size(list) == 0)
        return;
    html_table_open(p->f, "Accuracy of linear probes of a layer’s states, and the impact score; high: keep attention",
                    head);
    for (size_t i = 0; i < json_array_size(list) && i < 4 * MAX_ROWS; i++) {
        const json_t *s = json_array_get(list, i);
        html_row_open(p->f);
        html_cell(p->f, HTML_COUNT, report_number(s, "layer"));
        html_cell_text(p->f, report_text(s, "mixer"));
        for (int k = 0; k < 3; k++)
            html_cell(p->f, HTML_PERCENT, report_number(s, keys[k]));
        html_cell(p->f, HTML_SHARE, report_number(s, "impact"));
        html_row_close(p->f);
    }
    html_table_close(p->f);
}

void report_students(report_page *p)
{
    char split[16];
    const char *head[] = { "<student", "layers", "<replaced", "val top-1", split, "parameters", "<which", NULL };
    snprintf(split, sizeof split, "%.8s", report_text(p->run->results, "split"));
    if (json_array_size(report_list(p->run->results, "students")) == 0)
        return;
    html_section_open(p->f, "students", "Both students of the search");
    html_table_open(p->f, "As the search left them, before any tuning; accuracy on val and on the final split", head);
    write_student(p, "most", "most replaced");
    write_student(p, "best", "best on the way");
    html_table_close(p->f);
    write_orders(p);
    write_impact(p);
    html_section_close(p->f);
}
