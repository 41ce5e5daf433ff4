// report_model.c — runs that make one model: train, retain, tune, prune.
#include "apps/cli/report/report_page.h"

#include <math.h>
#include <string.h>

#define MAX_LAYERS 128u

typedef struct figure { const char *key, *name; html_form form; } figure;   // of results

static const figure accuracies[] = {
    { "teacher_top1", "teacher, top-1", HTML_PERCENT }, { "top1_before", "before, top-1", HTML_PERCENT },
    { "top1_pruned", "pruned, before it was tuned, top-1", HTML_PERCENT },
    { "student_top1", "student, top-1", HTML_PERCENT },
    { "top1", "this model, top-1", HTML_PERCENT }, { "params_before", "parameters before", HTML_COUNT },
    { "params", "parameters", HTML_COUNT }, { "teacher_params", "parameters of the teacher", HTML_COUNT },
    { "student_params", "parameters of the student", HTML_COUNT },
    { "keep_asked", "patches asked to be kept", HTML_PERCENT },
    { "keep", "patches kept, mean over blocks", HTML_PERCENT }, { "images_per_s", "images a second", HTML_COUNT },
    { "macs", "multiply-adds of a picture with all its tokens", HTML_COUNT },
    { "kept_macs", "multiply-adds of a picture with the tokens it keeps", HTML_COUNT },
    { "teacher_images_per_s", "images a second, with all tokens", HTML_COUNT }, { "decay", "decay", HTML_REAL },
    { "threshold", "threshold", HTML_REAL }, { "train_loss", "last loss in training", HTML_REAL },
    { "loss", "last loss in training", HTML_REAL }, { "ce", "of it cross-entropy", HTML_REAL },
    { "kl", "of it divergence from the teacher", HTML_REAL }, { "halting", "of it imitating the gate", HTML_REAL },
    { "epochs", "epochs", HTML_COUNT }, { "best_epoch", "epoch that is kept", HTML_COUNT },
    { "best_val_top1", "its top-1 on val", HTML_PERCENT },
    { "steps", "steps", HTML_COUNT }, { "seconds", "seconds", HTML_SECONDS },
    { "ring_survival", "how much more often a patch of the ring survives", HTML_TIMES },
};

static void write_bold(FILE *f, html_form form, double x)
{
    fputs("<strong>", f);
    html_number(f, form, x);
    fputs("</strong>", f);
}

static void answer_train(report_page *p)
{
    const report_run *r = p->run;
    const json_t *test = json_object_get(r->results, "test"), *val = json_object_get(r->results, "val");
    const bool has_test = isfinite(report_number(test, "top1"));
    const char *arch = report_text(r->inputs, "arch");
    fputs("<p>", p->f);
    if (*arch)
        html_print(p->f, "A model trained from scratch, <code>%s</code>, is right in ", arch);
    else
        html_print(p->f, "The model trained on from %s is right in ", report_text(r->inputs, "init"));
    write_bold(p->f, HTML_PERCENT, report_number(has_test ? test : val, "top1"));
    html_print(p->f, " of the %s split, after ", has_test ? "test" : "validation");
    html_number(p->f, HTML_COUNT, report_number(r->results, "steps"));
    fputs(" steps and ", p->f);
    html_number(p->f, HTML_SECONDS, report_number(r->results, "seconds"));
    fputs(".</p>\n", p->f);
}

static void answer_retain(report_page *p)
{
    const report_run *r = p->run;
    const double speed = report_number(r->results, "images_per_s") / report_number(r->results, "teacher_images_per_s");
    const double macs = report_number(r->results, "macs") / report_number(r->results, "kept_macs");
    html_print(p->f, "<p>By the policy %s the model keeps ", report_text(r->results, "policy"));
    write_bold(p->f, HTML_PERCENT, report_number(r->results, "keep"));
    fputs(" of the patches, mean over the blocks", p->f);
    if (isfinite(report_number(r->results, "keep_asked"))) {
        fputs("; asked for: ", p->f);
        html_number(p->f, HTML_PERCENT, report_number(r->results, "keep_asked"));
    }
    fputs(". It is right in ", p->f);
    write_bold(p->f, HTML_PERCENT, report_number(r->results, "top1"));
    fputs(", with all tokens the teacher in ", p->f);
    html_number(p->f, HTML_PERCENT, report_number(r->results, "teacher_top1"));
    report_change_write(p->f, report_number(r->results, "teacher_top1"), report_number(r->results, "top1"));
    fputs(".</p>\n", p->f);
    if (isfinite(speed)) {
        fputs("<p>It takes ", p->f);
        write_bold(p->f, HTML_TIMES, speed);
        fputs(" times as many images a second; ", p->f);
        html_number(p->f, HTML_TIMES, isfinite(macs) ? macs : 1.0 / report_number(r->results, "keep"));
        fputs(" times would be ideal.</p>\n", p->f);
    }
}

static void answer_change(report_page *p, double before, const char *before_name, double after, const char *what)
{
    html_print(p->f, "<p>%s is right in ", what);
    write_bold(p->f, HTML_PERCENT, after);
    if (*report_text(p->run->results, "split"))
        html_print(p->f, " of the %s split", report_text(p->run->results, "split"));
    if (isfinite(before)) {
        html_print(p->f, ", %s in ", before_name);
        html_number(p->f, HTML_PERCENT, before);
        report_change_write(p->f, before, after);
    }
    fputs(".</p>\n", p->f);
}

static void answer_prune(report_page *p)
{
    const json_t *o = p->run->results;
    const double before = report_number(o, "params_before"), after = report_number(o, "params");
    json_t *layers = report_list(o, "layers");
    double units = 0, kept = 0;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        units += report_number(json_array_get(layers, i), "units");
        kept += report_number(json_array_get(layers, i), "kept");
    }
    fputs("<p>Of ", p->f);
    html_number(p->f, HTML_COUNT, units);
    fputs(" hidden units ", p->f);
    write_bold(p->f, HTML_COUNT, kept);
    fputs(" stay; the model has ", p->f);
    html_number(p->f, HTML_COUNT, after);
    fputs(" parameters in place of ", p->f);
    html_number(p->f, HTML_COUNT, before);
    fputs(".</p>\n", p->f);
    answer_change(p, report_number(o, "top1_before"), "before", report_number(o, "top1"), "The pruned model");
}

void report_model_answer(report_page *p)
{
    const json_t *o = p->run->results;
    switch (p->run->kind) {
    case REPORT_TRAIN: answer_train(p); break;
    case REPORT_RETAIN: answer_retain(p); break;
    case REPORT_PRUNE: answer_prune(p); break;
    default: {
        const bool has_test = isfinite(report_number(json_object_get(o, "test"), "top1"));
        const char *split = has_test ? "test" : "val";
        const json_t *teacher = json_object_get(json_object_get(o, "teacher"), split);
        char what[48];
        snprintf(what, sizeof what, "On the %s split the tuned model", split);
        answer_change(p, report_number(teacher, "top1"), "its teacher",
                      report_number(json_object_get(o, split), "top1"), what);
        break;
    }
    }
    static const char *const judged[] = { "test", "after", "val" };
    double images = NAN;
    for (int k = 2; k >= 0; k--) {
        const double n = report_number(json_object_get(o, judged[k]), "images");
        images = n > 0 ? n : images;
    }
    report_few_write(p->f, images);
    report_speed_write(p);
    report_device_write(p, "Measured");
}

static void write_figures(FILE *f, const json_t *o, report_kind kind)
{
    static const char *const head[] = { "<", "value", NULL };
    bool is_open = false;
    for (size_t i = 0; i < sizeof accuracies / sizeof accuracies[0]; i++) {
        const double x = report_number(o, accuracies[i].key);
        if (!isfinite(x) || (kind == REPORT_PRUNE && strncmp(accuracies[i].key, "keep", 4) == 0))
            continue;                   // to pruning, keep is an option
        if (!is_open)
            html_table_open(f, "The model in figures", head);
        is_open = true;
        html_row_open(f);
        html_cell_title(f, accuracies[i].name);
        html_cell(f, accuracies[i].form, x);
        html_row_close(f);
    }
    if (is_open)
        html_table_close(f);
}

static void write_splits(FILE *f, const json_t *o)
{
    static const char *const head[] = { "<split", "images", "top-1", "top-5", "loss", "broken",
                                        "images a second", NULL };
    static const char *const splits[] = { "val", "test", "before", "pruned", "after" };
    bool is_open = false;
    for (size_t k = 0; k < sizeof splits / sizeof splits[0]; k++) {
        const json_t *s = json_object_get(o, splits[k]);
        if (!json_is_object(s))
            continue;
        if (!is_open)
            html_table_open(f, "Accuracy", head);
        is_open = true;
        html_row_open(f);
        html_cell_title(f, splits[k]);
        html_cell(f, HTML_COUNT, report_number(s, "images"));
        html_cell(f, HTML_PERCENT, report_number(s, "top1"));
        html_cell(f, HTML_PERCENT, report_number(s, "top5"));
        html_cell(f, HTML_REAL, report_number(s, "loss"));
        html_cell(f, HTML_COUNT, report_number(s, "bad"));
        html_cell(f, HTML_COUNT, report_number(s, "images_per_s"));
        html_row_close(f);
    }
    if (is_open)
        html_table_close(f);
}

// Lists of a figure a layer, side by side, drawn and as a table.
static vkc_status write_keep(report_page *p)
{
    static const char *const keys[] = { "keep_per_layer", "ring_per_layer", "others_per_layer", "overlap", "auprc" };
    static const char *const names[] = { "patches", "ring", "others", "overlap", "AUPRC" };
    const json_t *o = p->run->results;
    const char *head[7] = { "layer" };
    json_t *list[5];
    size_t n = 0, depth = 0;
    plot *q = plot_create(&(plot_axes) { .title = "Share of the patches that enter each layer.", .x = "layer",
                                         .y = "share, percent", .whole_x = true });
    for (int k = 0; k < 5; k++) {
        json_t *one = report_list(o, keys[k]);
        if (!one)
            continue;
        list[n] = one;
        head[++n] = names[k];
        depth = json_array_size(one) > depth ? json_array_size(one) : depth;
        if (k < 3)
            plot_add_series(q, names[k], k == 0 ? PLOT_LINE : PLOT_DASHED, (uint32_t) k);
        for (size_t l = 0; k < 3 && l < json_array_size(one) && l < MAX_LAYERS; l++)
            plot_add(q, (double) l, 100.0 * report_entry(one, l), NAN, NAN);
    }
    if (n == 0) {
        plot_destroy(q);
        return VKC_OK;
    }
    html_section_open(p->f, "tokens", "Which tokens go on");
    vkc_status st = plot_write(q, &p->plots, p->f);
    html_table_open(p->f, "Patches at the entry of each layer", head);
    for (size_t l = 0; l < depth && l < MAX_LAYERS; l++) {
        html_row_open(p->f);
        html_cell(p->f, HTML_COUNT, (double) l);
        for (size_t k = 0; k < n; k++)
            html_cell(p->f, HTML_PERCENT, report_entry(list[k], l));
        html_row_close(p->f);
    }
    html_table_close(p->f);
    html_section_close(p->f);
    return st;
}

static vkc_status write_units(report_page *p)
{
    static const char *const head[] = { "layer", "units", "kept", "share", NULL };
    json_t *layers = report_list(p->run->results, "layers");
    if (json_array_size(layers) == 0 || !isfinite(report_number(json_array_get(layers, 0), "units")))
        return VKC_OK;
    html_section_open(p->f, "units", "Hidden units");
    plot *q = plot_create(&(plot_axes) { .title = "Hidden units of each layer, before and after pruning.", .x = "layer",
                                         .y = "hidden units", .whole_x = true });
    for (int k = 0; k < 2; k++) {
        plot_add_series(q, k ? "kept" : "before", k ? PLOT_LINE : PLOT_DASHED, (uint32_t) !k);
        for (size_t i = 0; i < json_array_size(layers) && i < MAX_LAYERS; i++) {
            const json_t *one = json_array_get(layers, i);
            plot_add(q, report_number(one, "layer"), report_number(one, k ? "kept" : "units"), NAN, NAN);
        }
    }
    vkc_status st = plot_write(q, &p->plots, p->f);
    html_table_open(p->f, "Hidden units by layer", head);
    for (size_t i = 0; i < json_array_size(layers) && i < MAX_LAYERS; i++) {
        const json_t *one = json_array_get(layers, i);
        html_row_open(p->f);
        html_cell(p->f, HTML_COUNT, report_number(one, "layer"));
        html_cell(p->f, HTML_COUNT, report_number(one, "units"));
        html_cell(p->f, HTML_COUNT, report_number(one, "kept"));
        html_cell(p->f, HTML_PERCENT, report_number(one, "kept") / report_number(one, "units"));
        html_row_close(p->f);
    }
    html_table_close(p->f);
    html_section_close(p->f);
    return st;
}

vkc_status report_model(report_page *p)
{
    const json_t *o = p->run->results;
    if (!json_is_object(o))
        return VKC_OK;
    html_section_open(p->f, "model", "In figures");
    write_figures(p->f, o, p->run->kind);
    write_splits(p->f, o);
    report_tunes_write(p);
    html_section_close(p->f);
    vkc_status st = write_keep(p);
    return st == VKC_OK && p->run->kind == REPORT_PRUNE ? write_units(p) : st;
}
