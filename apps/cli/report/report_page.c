// report_page.c — the page of `pare report`: what comes first, the order of sections, what comes last.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#include "apps/cli/print/resume_line.h"
#include "pipeline/run/provenance.h"
#include "pipeline/base/version.h"

#define MAX_ROWS  600u              // of the table of all figures
#define MAX_LEVEL 6

static const char *short_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void make_title(const report_run *r, char out[256])
{
    static const char *const titles[] = {
        "Distillation of", "Does sparser attention cost less to replace? A study of",
        "Does a sparser teacher narrow the gap?", "In which order are layers replaced? A study of", "Training",
        "Token pruning of", "Tuning", "Pruning",
        "Time of a block against its tokens", "Time that token pruning saves", "A run of",
    };
    static const char *const keys[] = {
        "teacher", "teacher", "teacher", "teacher", "init", "teacher", "student", "model", "", "", "model",
    };
    const char *of = short_name(report_text(r->inputs, keys[r->kind]));
    if (!*of && r->kind == REPORT_TRAIN)
        of = "a vision transformer";
    if (!*of)
        of = r->kind == REPORT_TEACHERS || r->kind == REPORT_SCALING || r->kind == REPORT_RETENTION
             ? "" : short_name(r->dir);
    snprintf(out, 256, "%s%s%.120s", titles[r->kind], *of ? " " : "", of);
}

// In place of an answer that is not there yet.
static void write_unfinished(report_page *p)
{
    const report_run *r = p->run;
    const json_t *last = json_array_get(r->log, json_array_size(r->log) - 1);
    const char *typed = report_text(r->provenance, "command");
    char line[4200];
    fputs("<div class=\"warn\">\n<p><strong>This run is not finished</strong>, so it has no result yet.", p->f);
    if (last) {
        fputs(" Its log ends with epoch ", p->f);
        html_number(p->f, HTML_COUNT, report_number(last, "epoch"));
        html_print(p->f, " of “%s”, step ", report_text(last, "what"));
        html_number(p->f, HTML_COUNT, report_number(last, "step"));
        fputs(".", p->f);
    }
    if (json_array_size(r->trials) > 0)
        html_print(p->f, " %zu trials of the search are done.", json_array_size(r->trials));
    if (json_array_size(r->study) > 0)
        html_print(p->f, " %zu answers of the study are kept.", json_array_size(r->study));
    fputs(" What is there so far is below.</p>\n", p->f);
    if (*typed) {
        resume_line(typed, true, line, sizeof line);
        html_print(p->f, "<p>To go on: <code>%s</code></p>\n", line);
    }
    fputs("</div>\n", p->f);
}

static void write_answer(report_page *p)
{
    fputs("<div class=\"answer\">\n", p->f);
    if (!p->run->is_finished) {
        write_unfinished(p);
        report_device_write(p, "The run is");
    } else {
        switch (p->run->kind) {
        case REPORT_DISTILL: report_distill_answer(p); break;
        case REPORT_GROUPS: report_groups_answer(p); break;
        case REPORT_TEACHERS: report_teachers_answer(p); break;
        case REPORT_ORDERS: report_orders_answer(p); break;
        case REPORT_TRAIN:
        case REPORT_RETAIN:
        case REPORT_TUNE:
        case REPORT_PRUNE: report_model_answer(p); break;
        case REPORT_SCALING:
        case REPORT_RETENTION: report_bench_answer(p); break;
        case REPORT_OTHER:
            fputs("<p>There is no page of its own for a run of this kind. What it found is in the table of all "
                  "figures, below.</p>\n", p->f);
            report_device_write(p, "Measured");
            break;
        }
    }
    fputs("</div>\n", p->f);
}

static void write_scalars(FILE *f, json_t *v, char *name, size_t len, int level, uint32_t *rows)
{
    const size_t n = json_is_array(v) ? json_array_size(v) : 0;
    const char *key;
    json_t *member;
    if (*rows >= MAX_ROWS || level > MAX_LEVEL)
        return;
    if (json_is_object(v)) {
        json_object_foreach(v, key, member) {
            int more = snprintf(name + len, 120 - len, "%s%s", len ? "." : "", key);
            if (more > 0 && (size_t) more < 120 - len)
                write_scalars(f, member, name, len + (size_t) more, level + 1, rows);
            name[len] = '\0';
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int more = snprintf(name + len, 120 - len, "[%zu]", i);
        if (more > 0 && (size_t) more < 120 - len)
            write_scalars(f, json_array_get(v, i), name, len + (size_t) more, level + 1, rows);
        name[len] = '\0';
    }
    if (json_is_array(v))
        return;
    ++*rows;
    html_row_open(f);
    html_cell_title(f, name);
    if (json_is_number(v)) {
        const double x = json_number_value(v);
        html_cell(f, json_is_integer(v) ? HTML_COUNT : HTML_REAL, x);
    } else {
        html_cell_text(f, json_is_string(v) ? json_string_value(v) : json_is_true(v) ? "true"
                          : json_is_false(v) ? "false" : "none");
    }
    html_row_close(f);
}

static void write_all(FILE *f, const char *caption, json_t *v, const char *id)
{
    static const char *const head[] = { "<name", "value", NULL };
    char name[128] = "";
    uint32_t rows = 0;
    if (json_object_size(v) == 0)
        return;
    html_print(f, "<details id=\"%s\">\n<summary>%s</summary>\n", id, caption);
    html_table_open(f, caption, head);
    write_scalars(f, v, name, 0, 0, &rows);
    html_table_close(f);
    if (rows >= MAX_ROWS)
        html_print(f, "<p class=\"note\">The first %u; the rest is in run.json.</p>\n", MAX_ROWS);
    fputs("</details>\n", f);
}

static void write_pair(FILE *f, const char *name, const char *value)
{
    if (*value)
        html_print(f, "<dt>%s</dt><dd>%s</dd>\n", name, value);
}

void report_foot_write(report_page *p)
{
    const report_run *r = p->run;
    char now[32], seed[32] = "";
    const json_t *resumed = report_list(r->info, "resumed");
    const double number = report_number(r->provenance, "seed");
    if (isfinite(number))
        snprintf(seed, sizeof seed, "%.0f", number);
    pipeline_date(now);
    html_section_open(p->f, "provenance", "Where this comes from");
    fputs("<dl>\n", p->f);
    if (*report_text(r->provenance, "command"))
        html_print(p->f, "<dt>command</dt><dd><code>%s</code></dd>\n", report_text(r->provenance, "command"));
    write_pair(p->f, "seed", seed);
    write_pair(p->f, "device", report_device(r));
    write_pair(p->f, "driver", report_driver(r));
    write_pair(p->f, "pare", report_text(r->provenance, "version"));
    write_pair(p->f, "commit", report_text(r->provenance, "commit"));
    write_pair(p->f, "started", report_text(r->provenance, "date"));
    for (size_t i = 0; i < json_array_size(resumed) && i < 32; i++)
        write_pair(p->f, "resumed", report_text(json_array_get(resumed, i), "date"));
    write_pair(p->f, "finished", r->is_finished ? "yes" : "no");
    write_pair(p->f, "run folder", r->dir);
    html_print(p->f, "<dt>this page</dt><dd>%s, pare %s</dd>\n</dl>\n", now, pipeline_version);
    fputs("<p class=\"note\">The figures are those of run.json, sparsity.json and the logs beside it; differences, "
          "ratios and means over seeds are worked out from them here.</p>\n", p->f);
    write_all(p->f, "What the run was given", r->inputs, "inputs");
    write_all(p->f, "All figures of run.json", r->results, "figures");
    html_section_close(p->f);
    fputs("</main>\n</body>\n</html>\n", p->f);
}

vkc_status report_page_write(report_page *p)
{
    const report_run *r = p->run;
    char title[256];
    vkc_status st;
    make_title(r, title);
    report_head_write(p->f, title);
    html_print(p->f, "<h1>%s</h1>\n<p class=\"what\">", title);
    if (*report_kind_name(r->kind))
        html_print(p->f, "pare %s, %s", report_kind_name(r->kind), report_text(r->provenance, "date"));
    fputs("</p>\n", p->f);
    write_answer(p);
    if (r->kind != REPORT_GROUPS && r->kind != REPORT_ORDERS)
        VKC_TRY(report_sparsity(p));
    if (r->kind == REPORT_DISTILL) {
        VKC_TRY(report_path(p));
        report_students(p);
        VKC_TRY(report_layers(p));
    }
    if (r->kind == REPORT_GROUPS) {
        VKC_TRY(report_groups(p));
        VKC_TRY(report_sparsity(p));
    }
    if (r->kind == REPORT_TEACHERS)
        VKC_TRY(report_teachers(p));
    if (r->kind == REPORT_ORDERS) {
        VKC_TRY(report_orders(p));
        VKC_TRY(report_sparsity(p));
    }
    if (r->kind >= REPORT_TRAIN && r->kind <= REPORT_PRUNE)
        VKC_TRY(report_model(p));
    if (r->kind == REPORT_SCALING || r->kind == REPORT_RETENTION)
        VKC_TRY(report_bench(p));
    VKC_TRY(report_curves(p));
    VKC_TRY(report_timing(p));
    report_costs(p);
    if (p->plots.is_missing)
        fputs("<p class=\"note warn\">There are no plots on this page: gnuplot was not found when it was made. The "
              "tables hold all figures; with gnuplot installed, <code>pare report</code> draws them too.</p>\n", p->f);
    report_foot_write(p);
done:
    return st;
}
