// scaling_files.c — scaling.tsv and the plot in a run folder.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/core/plot.h"
#include "apps/cli/bench/scaling_report.h"
#include "nn/base/files.h"
#include "pipeline/base/text.h"

// Colours that stand out from white and from black; attention's is the first.
static const char *const colours[] = {
    "#d9534f", "#3b82c4", "#2f9e6b", "#b3832a", "#8a63c9", "#c2559b", "#4a98a8", "#7a9a2a", "#a8694b", "#808080",
};
#define N_COLOURS (sizeof colours / sizeof colours[0])

static void write_table(FILE *f, const scaling *s)
{
    fputs("mixer\ttokens\tfwd_ms\tfwd_bwd_ms\tbytes\trepeats\tserial_fwd_ms\tserial_fwd_bwd_ms\n", f);
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        for (uint32_t t = 0; t < s->n_tokens; t++) {
            const scaling_cell *c = &s->cell[m][t];
            if (!c->is_there)
                continue;
            fprintf(f, "%s\t%u\t%.6g\t%.6g\t%llu\t%u", s->name[m], s->tokens[t], c->fwd_ms, c->fwd_bwd_ms,
                    (unsigned long long) c->bytes, c->repeats);
            if (isfinite(c->serial_fwd_bwd_ms))
                fprintf(f, "\t%.6g\t%.6g\n", c->serial_fwd_ms, c->serial_fwd_bwd_ms);
            else
                fputs("\t\t\n", f);
        }
    }
}

static bool has_any(const scaling *s, uint32_t m)
{
    for (uint32_t t = 0; t < s->n_tokens; t++)
        if (s->cell[m][t].is_there)
            return true;
    return false;
}

static void write_lines(FILE *f, const scaling *s)
{
    const char *separator = "plot ";
    size_t colour = 1;
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        double x = scaling_exponent(s, m);
        if (!has_any(s, m))
            continue;
        bool is_first = nn_mixer_of(&s->layer[m]) == nn_mixer_default();
        fprintf(f, "%s$m%u using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb '%s' title '", separator, m,
                colours[is_first ? 0 : colour]);
        if (!is_first)
            colour = colour + 1 < N_COLOURS ? colour + 1 : 1;
        plot_text_write(f, s->name[m]);
        if (isfinite(x))
            fprintf(f, " (exponent %.2f)", x);
        fputs("'", f);
        separator = ", ";
    }
    fputc('\n', f);
}

static void write_script(FILE *f, const scaling *s, const scaling_args *a, const vkc_device *dev)
{
    fputs("# scaling.gp: gnuplot -d < scaling.gp > scaling.svg\n", f);
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        fprintf(f, "$m%u << END\n", m);
        for (uint32_t t = 0; t < s->n_tokens; t++)
            if (s->cell[m][t].is_there)
                fprintf(f, "%u %.6g\n", s->tokens[t], s->cell[m][t].fwd_bwd_ms);
        fputs("END\n", f);
    }
    fputs("set terminal svg size 760,500 noenhanced font 'sans-serif,13'\n"
          "set border 3 lc rgb '#808080'\n"
          "set tics nomirror textcolor rgb '#808080'\n"
          "set grid lc rgb '#808080' lw 0.3\n"
          "set key left top textcolor rgb '#808080'\n"
          "set logscale x 2\nset logscale y\nset format x '%.0f'\nset format y '%g'\n"
          "set xlabel 'tokens' textcolor rgb '#808080'\n"
          "set ylabel 'forward and backward of one block, ms' textcolor rgb '#808080'\n", f);
    fprintf(f, "set title 'width %u, %u heads, batch %u, ", a->dim, a->heads,
            a->batch);
    plot_text_write(f, vkc_device_get_info(dev)->name);
    fputs("' textcolor rgb '#808080'\n", f);
    write_lines(f, s);
}

vkc_status scaling_save(const scaling *s, const scaling_args *a, const vkc_device *dev, const pipeline_run *r)
{
    static const char *const names[] = { "scaling.tsv", "scaling.gp" };
    char path[2][PIPELINE_PATH_MAX], svg[PIPELINE_PATH_MAX];
    bool has_gnuplot = false;
    vkc_status st = pipeline_run_path(r, "scaling.svg", svg);
    for (int i = 0; i < 2 && st == VKC_OK; i++) {
        char *text = NULL;
        size_t size = 0;
        pipeline_text t;
        st = pipeline_text_open(&t);
        if (st != VKC_OK)
            return st;
        if (i == 0)
            write_table(t.f, s);
        else
            write_script(t.f, s, a, dev);
        st = pipeline_text_close(&t, &text, &size);
        if (st == VKC_OK)
            st = pipeline_run_path(r, names[i], path[i]);
        if (st == VKC_OK)
            st = nn_file_save(path[i], text, size);
        free(text);
    }
    if (st == VKC_OK)
        st = plot_run(path[1], svg, &has_gnuplot);
    if (st == VKC_OK && !has_gnuplot)
        say("gnuplot is not installed: no plot; where it is, gnuplot -d < %s draws it", path[1]);
    return st;
}
