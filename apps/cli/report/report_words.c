// report_words.c — sentences that several sections say: lists of layers, changes, warnings, the device.
#include "apps/cli/report/report_page.h"

#include <math.h>

void report_numbers_write(FILE *f, const json_t *list)
{
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < 128; i++) {
        fputs(i == 0 ? "" : i + 1 == n ? " and " : ", ", f);
        html_number(f, HTML_COUNT, report_entry(list, i));
    }
}

void report_study_write(FILE *f, const report_run *r, const char *rows, const char *what)
{
    const size_t mixers = report_study_n_mixers(r), seeds = json_array_size(report_list(r->results, "seeds"));
    html_print(f, "<p>%zu %s, %zu %s, %zu %s; accuracy on the %s split.</p>\n",
               json_array_size(report_list(r->results, rows)), what, mixers, mixers == 1 ? "mixer" : "mixers", seeds,
               seeds == 1 ? "seed" : "seeds", report_text(r->results, "split"));
}

void report_change_write(FILE *f, double from, double to)
{
    const double change = to - from;
    if (!isfinite(change))
        return;
    if (fabs(change) < 5e-5) {
        fputs(", the same", f);
        return;
    }
    fputs(": ", f);
    html_number(f, HTML_TIMES, 100.0 * fabs(change));
    fputs(change < 0 ? " points less" : " points more", f);
}

void report_few_write(FILE *f, double images)
{
    if (!(images >= 1 && images < 200))
        return;
    fputs("<p class=\"note warn\">So few images decide nothing: one of them moves the accuracy by ", f);
    html_number(f, HTML_TIMES, 100.0 / images);
    fputs(" points.</p>\n", f);
}

void report_device_write(report_page *p, const char *what)
{
    const char *device = report_device(p->run), *driver = report_driver(p->run);
    if (!*device && !*driver)
        return;
    html_print(p->f, "<p class=\"note\">%s on %s, driver %s.", what, *device ? device : "a device without a name",
               *driver ? driver : "not known");
    if (report_is_software(device, driver))
        html_print(p->f, " This is a software driver that computes on the CPU: <strong>the speeds say nothing of a GPU"
                   "</strong>%s.", p->run->kind == REPORT_SCALING || p->run->kind == REPORT_RETENTION
                   ? "" : "; accuracies hold on any device");
    fputs("</p>\n", p->f);
}
