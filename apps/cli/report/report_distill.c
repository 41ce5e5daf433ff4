// report_distill.c — the result of a distillation: which layers were replaced, accuracy, size.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/models/model.h"

#define MAX_MIXERS 16u

// "layers 0 and 2 by a, layer 1 by b", of those that were replaced.
static void write_replaced(FILE *f, const report_run *r)
{
    json_t *path = report_list(r->results, "path");
    const char *mixer[MAX_MIXERS];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(path) && i < NN_MAX_DEPTH && n < MAX_MIXERS; i++) {
        const char *name = report_text(json_array_get(path, i), "mixer");
        size_t k = 0;
        while (k < n && strcmp(mixer[k], name) != 0)
            k++;
        if (k == n && report_is_replaced(r, report_number(json_array_get(path, i), "layer")))
            mixer[n++] = name;
    }
    for (size_t k = 0; k < n; k++) {
        json_t *layers = json_array();
        for (double l = 0; l < NN_MAX_DEPTH; l++)
            for (size_t i = 0; i < json_array_size(path) && i < NN_MAX_DEPTH; i++) {
                const json_t *step = json_array_get(path, i);
                if (report_number(step, "layer") == l && report_is_replaced(r, l) &&
                    strcmp(report_text(step, "mixer"), mixer[k]) == 0)
                    nn_json_append_new(layers, json_integer((json_int_t) l));
            }
        fputs(k == 0 ? "" : k + 1 == n ? " and " : ", ", f);
        fputs(json_array_size(layers) == 1 ? "layer " : "layers ", f);
        report_numbers_write(f, layers);
        html_print(f, " by <strong>%s</strong>", mixer[k]);
        json_decref(layers);
    }
}

static void write_accuracy(report_page *p)
{
    const report_run *r = p->run;
    const double teacher = report_number(r->results, "teacher_top1");
    const double student = report_number(r->results, "student_top1");
    const double images = report_number(json_object_get(r->results, "student"), "images");
    if (!isfinite(teacher) && !isfinite(student))
        return;
    html_print(p->f, "<p>On the %s split", report_text(r->results, "split"));
    if (isfinite(images)) {
        fputs(" of ", p->f);
        html_number(p->f, HTML_COUNT, images);
        fputs(" images", p->f);
    }
    fputs(" the student is right in <strong>", p->f);
    html_number(p->f, HTML_PERCENT, student);
    fputs("</strong>, the teacher in ", p->f);
    html_number(p->f, HTML_PERCENT, teacher);
    report_change_write(p->f, teacher, student);
    fputs(".</p>\n", p->f);
    report_few_write(p->f, images);
}

void report_distill_answer(report_page *p)
{
    const report_run *r = p->run;
    const size_t depth = report_depth(r), n = json_array_size(report_list(r->results, "replaced"));
    char mixer[160];
    fputs("<p>", p->f);
    if (n == 0) {
        html_print(p->f, "No layer of the teacher was replaced: %s costs more than the ", report_mixer_name(r, mixer));
        html_number(p->f, HTML_TIMES, 100.0 * report_number(r->results, "max_drop"));
        fputs(" points allowed, wherever it stands.", p->f);
    } else {
        if (n == depth)
            html_print(p->f, n == 1 ? "The only layer was replaced: " : "All %zu layers were replaced: ", n);
        else if (depth > n)
            html_print(p->f, "%zu of %zu layers were replaced: ", n, depth);
        write_replaced(p->f, r);
        if (n < depth)
            fputs(". The rest keep the teacher’s attention", p->f);
        fputs(".", p->f);
    }
    fputs("</p>\n", p->f);
    write_accuracy(p);
    report_speed_write(p);
    report_device_write(p, "Measured");
    static const char *const head[] = { "<", "teacher", "student", "change", NULL };
    const double top1[] = { report_number(r->results, "teacher_top1"), report_number(r->results, "student_top1") };
    const double params[] = { report_number(r->results, "teacher_params"),
                              report_number(r->results, "student_params") };
    const json_t *of[] = { json_object_get(r->results, "teacher"), json_object_get(r->results, "student") };
    fputs("</div>\n<div>\n", p->f);
    html_table_open(p->f, "Teacher and student", head);
    html_print(p->f, "<tr><th scope=\"row\" class=\"t\">top-1 on %s</th>", report_text(r->results, "split"));
    html_cell(p->f, HTML_PERCENT, top1[0]);
    html_cell(p->f, HTML_PERCENT, top1[1]);
    fputs("<td>", p->f);
    html_number(p->f, HTML_POINTS, top1[1] - top1[0]);
    fputs(" points</td>", p->f);
    html_row_close(p->f);
    if (isfinite(report_number(of[0], "loss"))) {
        html_row_open(p->f);
        html_cell_title(p->f, "loss");
        for (int k = 0; k < 2; k++)
            html_cell(p->f, HTML_REAL, report_number(of[k], "loss"));
        html_cell(p->f, HTML_REAL, report_number(of[1], "loss") - report_number(of[0], "loss"));
        html_row_close(p->f);
    }
    html_row_open(p->f);
    html_cell_title(p->f, "parameters");
    for (int k = 0; k < 2; k++)
        html_cell(p->f, HTML_COUNT, params[k]);
    html_cell(p->f, HTML_COUNT, params[1] - params[0]);
    html_row_close(p->f);
    html_table_close(p->f);
}
