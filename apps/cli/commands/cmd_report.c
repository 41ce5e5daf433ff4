// cmd_report.c — pare report: a run folder as one page of HTML.
#include "apps/cli/report/report_page.h"

#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "pipeline/base/text.h"

typedef struct report_args {
    common_args common;
    const char *out;
} report_args;

static vkc_status run(const void *options, const args_words *words)
{
    const report_args *a = options;
    report_run r = { .info = NULL };
    report_page p = { .run = &r };
    pipeline_text page;
    char path[NN_PATH_MAX], *text = NULL;
    size_t size = 0;
    vkc_status st;
    const bool is_stream = a->out && strcmp(a->out, "-") == 0;
    if (is_stream && a->common.json)
        return VKC_FAIL(VKC_E_ARG, "--json and --out -: standard output takes one of the two");
    VKC_TRY(report_run_load(words->word[0], &r));
    VKC_TRY(nn_path_build(path, words->word[0], "report.html"));
    if (!is_stream)
        VKC_TRY(nn_destination_check(&(nn_destination) { .name = "--out", .path = a->out ? a->out : path,
                                               .kind = NN_TO_PAGE, .force = true }, 1));
    VKC_TRY(pipeline_text_open(&page));
    p.f = page.f;
    vkc_failure why;
    st = report_page_write(&p);
    vkc_failure_keep(&why);
    const vkc_status closed = pipeline_text_close(&page, &text, &size);
    VKC_TRY(st != VKC_OK ? vkc_failure_again(st, &why) : closed);
    if (!is_stream)
        VKC_TRY(nn_file_save(a->out ? a->out : path, text, size));
    if (p.plots.is_missing)
        warn("gnuplot is not installed: the page has tables alone");
    if (is_stream) {
        fwrite(text, 1, size, stdout);
        st = app_flush();
    } else if (a->common.json) {
        st = app_print_json(json_pack("{s:s, s:s, s:b, s:i}", "report", a->out ? a->out : path, "kind",
                                      report_kind_name(r.kind), "finished", (int) r.is_finished, "plots",
                                      (int) p.plots.n_plots));
    } else {
        printf("%s\n", a->out ? a->out : path);
    }
done:
    plotter_finish(&p.plots);
    report_run_finish(&r);
    free(text);
    return st;
}

static const arg table[] = {
    { "out", 'o', ARG_OUT_STREAM, offsetof(report_args, out), 0, 0, "FILE",
      "page to write, or - for standard output; only a page of pare report is overwritten [RUN/report.html]" },
    { 0 },
};
static const report_args defaults = { .out = NULL };
const command cmd_report = {
    .name = "report", .help = "render a run folder as one HTML page with plots", .usage = "RUN [-o FILE.html]",
    .table = table, .defaults = &defaults, .options_size = sizeof defaults, .uses = COMMAND_JSON, .min_words = 1,
    .max_words = 1, .run = run,
    .about = "For runs of distill, study, retain, train, tune and prune, finished or not, and of bench scaling and\n"
             "bench retention. The page needs no network and no scripts; gnuplot draws its plots; without it there\n"
             "are only tables. No device is opened.",
};
