// report_plot.c — plots of a report: a gnuplot script, its picture, a figure of HTML.
#include "apps/cli/report/report_plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli/core/console.h"
#include "apps/cli/core/plot.h"
#include "apps/cli/report/report_html.h"
#include "apps/cli/report/report_svg.h"
#include "nn/base/files.h"
#include "nn/base/leftovers.h"
#include "pipeline/base/text.h"

#define MAX_SERIES 24u
#define MAX_POINTS 4000u            // of a series
#define MAX_LABELS 64u
#define MAX_SVG    ((size_t) 16 << 20)
#define TOO_LARGE  1e15             // gnuplot's sums of ranges must stay finite

typedef struct series {
    char       name[40];
    plot_style style;
    uint32_t   look, n;
    double   (*point)[4];           // x, y, low, high
} series;

typedef struct label { double x, y; char text[16]; } label;

struct plot {
    plot_axes axes;
    uint32_t  n_series, n_labels;
    bool      is_short;             // of memory
    double    min[2], max[2];
    series    s[MAX_SERIES];
    label     labels[MAX_LABELS];
};

static const char *const unknown_dir = "/pare-report-XXXXXX";

plot *plot_create(const plot_axes *axes)
{
    plot *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->axes = *axes;
    p->min[0] = p->min[1] = INFINITY;
    p->max[0] = p->max[1] = -INFINITY;
    return p;
}

void plot_add_series(plot *p, const char *name, plot_style style, uint32_t look)
{
    if (!p || p->n_series == MAX_SERIES)
        return;
    series *s = &p->s[p->n_series++];
    snprintf(s->name, sizeof s->name, "%s", name ? name : "");
    s->style = style;
    s->look = look;
}

static bool fits(double v, bool is_log)
{
    return isfinite(v) && fabs(v) < TOO_LARGE && (!is_log || v > 1e-15);
}

static void widen(plot *p, int axis, double v)
{
    p->min[axis] = fmin(p->min[axis], v);
    p->max[axis] = fmax(p->max[axis], v);
}

void plot_add(plot *p, double x, double y, double low, double high)
{
    if (!p || p->n_series == 0 || !fits(x, p->axes.log_x) || !fits(y, p->axes.log_y))
        return;
    series *s = &p->s[p->n_series - 1];
    if (s->n == MAX_POINTS)
        return;
    if ((s->n & (s->n - 1)) == 0) {     // full at each power of two
        void *more = realloc(s->point, (s->n ? 2 * (size_t) s->n : 1) * sizeof *s->point);
        p->is_short = p->is_short || !more;
        if (!more)
            return;
        s->point = more;
    }
    const bool has_bar = fits(low, p->axes.log_y) && fits(high, p->axes.log_y);
    double *to = s->point[s->n++];
    to[0] = x, to[1] = y, to[2] = has_bar ? low : y, to[3] = has_bar ? high : y;
    widen(p, 0, x);
    widen(p, 1, y);
    if (s->style == PLOT_INTERVAL) {
        widen(p, 1, to[2]);
        widen(p, 1, to[3]);
    }
}

void plot_add_label(plot *p, const char *text)
{
    const series *s = p && p->n_series ? &p->s[p->n_series - 1] : NULL;
    if (!s || s->n == 0 || p->n_labels == MAX_LABELS)
        return;
    label *l = &p->labels[p->n_labels++];
    l->x = s->point[s->n - 1][0];
    l->y = s->point[s->n - 1][1];
    snprintf(l->text, sizeof l->text, "%s", text);
}

static void write_range(FILE *f, char axis, double min, double max, bool is_log)
{
    if (is_log) {
        const double by = fmax(pow(max / min, 0.06), 1.15);
        const char *separator = "";
        fprintf(f, "set logscale %c\nset %crange [%.9g:%.9g]\n", axis, axis, min / by, max * by);
        static const double few[] = { 1, 2, 5 }, many[] = { 1, 1.5, 2, 3, 5, 7 };
        const double span = log10(max / min);
        if (span > 2.5)
            return;                 // a mark a decade, gnuplot's own
        fprintf(f, "set %ctics (", axis);
        for (double decade = pow(10.0, floor(log10(min / by))); decade <= max * by; decade *= 10.0)
            for (int k = 0; k < (span > 1 ? 3 : 6); k++, separator = ", ")
                fprintf(f, "%s'%.10g' %.10g", separator, (span > 1 ? few : many)[k] * decade,
                        (span > 1 ? few : many)[k] * decade);
        fputs(")\n", f);
    } else {
        double by = fmax(0.06 * (max - min), fmax(1e-3 * fmax(fabs(min), fabs(max)), 1e-9));
        fprintf(f, "set %crange [%.9g:%.9g]\n", axis, min - by, max + by);
    }
}

static void write_ticks(FILE *f, const plot *p)
{
    const series *s = &p->s[0];
    double span = p->max[0] - p->min[0];
    if (p->axes.ticks_at_x && s->n > 0 && s->n <= 12) {
        fputs("set xtics (", f);
        for (uint32_t i = 0; i < s->n; i++)
            fprintf(f, "%s'%.9g' %.9g", i ? ", " : "", s->point[i][0], s->point[i][0]);
        fputs(")\n", f);
    } else if (p->axes.whole_x) {
        fprintf(f, "set xtics %.9g\n", fmax(1.0, ceil(span / 12.0)));
    }
}

static void write_quoted(FILE *f, const char *before, const char *text, const char *after)
{
    fprintf(f, "%s'", before);
    plot_text_write(f, text);
    fprintf(f, "'%s", after);
}

static void write_series(FILE *f, const series *s, uint32_t i, const char *separator)
{
    static const int marks[] = { 7, 5, 9, 13, 11, 4, 6, 8, 10, 12 };
    const int mark = marks[s->look % (sizeof marks / sizeof marks[0])];
    const char *colour = report_colour[s->look % REPORT_COLOURS];
    fputs(separator, f);
    switch (s->style) {
    case PLOT_LINE: fprintf(f, "$d%u with linespoints lw 1.8 pt %d ps 0.9 lc rgb '%s'", i, mark, colour); break;
    case PLOT_DASHED: fprintf(f, "$d%u with linespoints lw 1.8 dt 2 pt %d ps 0.9 lc rgb '%s'", i, mark, colour); break;
    case PLOT_MARKS: fprintf(f, "$d%u with points pt %d ps 0.9 lc rgb '%s'", i, mark, colour); break;
    case PLOT_FAINT: fprintf(f, "$d%u with points pt 7 ps 0.35 lc rgb '#808080'", i); break;
    case PLOT_LEVEL: fprintf(f, "$d%u with lines lw 1.2 dt 3 lc rgb '#808080'", i); break;
    case PLOT_INTERVAL:
        fprintf(f, "$d%u using 1:2:3:4 with yerrorbars lw 1.1 pt %d ps 0.9 lc rgb '%s' notitle, ", i, mark, colour);
        fprintf(f, "$d%u with linespoints lw 1.8 pt %d ps 0.9 lc rgb '%s'", i, mark, colour);
        break;
    }
    if (s->name[0])
        write_quoted(f, " title ", s->name, "");
    else
        fputs(" notitle", f);
}

static void write_script(FILE *f, const plot *p)
{
    uint32_t named = 0;
    const char *separator = "plot ";
    for (uint32_t i = 0; i < p->n_series; i++) {
        named += p->s[i].name[0] != '\0';
        fprintf(f, "$d%u << END\n", i);
        for (uint32_t k = 0; k < p->s[i].n; k++)
            fprintf(f, "%.9g %.9g %.9g %.9g\n", p->s[i].point[k][0], p->s[i].point[k][1], p->s[i].point[k][2],
                    p->s[i].point[k][3]);
        fputs("END\n", f);
    }
    fprintf(f, "set terminal svg size 640,%u noenhanced dynamic font 'sans-serif,15' linewidth 1\n",
            380 + 18 * ((named + 1) / 2));
    fputs("set border 3 lc rgb '#808080'\nset tics nomirror scale 0.5\nset errorbars small\n"
          "set grid back lc rgb '#808080' lw 0.25\nset format x '%.10g'\nset format y '%.10g'\n"
          "set key tmargin center horizontal Left reverse samplen 2.2 maxcols 2\n", f);
    write_quoted(f, "set xlabel ", p->axes.x, " offset 0,0.4\n");
    write_quoted(f, "set ylabel ", p->axes.y, "\n");
    write_range(f, 'x', p->min[0], p->max[0], p->axes.log_x);
    const double room = p->n_labels && !p->axes.log_y ? 0.06 * (p->max[1] - p->min[1]) : 0.0;
    write_range(f, 'y', p->min[1], p->max[1] + room, p->axes.log_y);
    write_ticks(f, p);
    for (uint32_t i = 0; i < p->n_labels; i++) {
        write_quoted(f, "set label ", p->labels[i].text, "");
        fprintf(f, " at %.9g,%.9g offset 0,0.9 center front font ',12'\n", p->labels[i].x, p->labels[i].y);
    }
    for (uint32_t i = 0; i < p->n_series; i++) {
        if (p->s[i].n == 0)
            continue;
        write_series(f, &p->s[i], i, separator);
        separator = ", \\\n  ";
    }
    fputc('\n', f);
}

static const char *const file_names[PLOTTER_FILES] = { "plot.gp", "plot.svg", "plot.svg.part" };

static vkc_status make_dir(plotter *with)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || parent[0] != '/' || strlen(parent) + strlen(unknown_dir) >= sizeof with->dir)
        parent = "/tmp";
    snprintf(with->dir, sizeof with->dir, "%s%s", parent, unknown_dir);
    if (mkdtemp(with->dir)) {
        char path[96];
        with->leftover[PLOTTER_FILES] = nn_leftover_add(with->dir);
        for (int i = 0; i < PLOTTER_FILES; i++) {
            snprintf(path, sizeof path, "%s/%s", with->dir, file_names[i]);
            with->leftover[i] = nn_leftover_add(path);
        }
        return VKC_OK;
    }
    with->dir[0] = '\0';
    return VKC_FAIL(VKC_E_IO, "cannot make a temporary folder in %s for the plots", parent);
}

static vkc_status draw(const plot *p, plotter *with, FILE *html)
{
    char script[96], picture[96], *text = NULL;
    unsigned char *svg = NULL;
    size_t size = 0;
    bool is_there = false;
    vkc_status st = with->dir[0] ? VKC_OK : make_dir(with);
    if (st != VKC_OK)
        return st;
    snprintf(script, sizeof script, "%s/plot.gp", with->dir);
    snprintf(picture, sizeof picture, "%s/plot.svg", with->dir);
    pipeline_text t;
    st = pipeline_text_open(&t);
    if (st == VKC_OK) {
        write_script(t.f, p);
        st = pipeline_text_close(&t, &text, &size);
    }
    if (st == VKC_OK)
        st = nn_file_save(script, text, size);
    free(text);
    if (st != VKC_OK)
        return st;
    st = plot_run(script, picture, &is_there);
    with->is_missing = st == VKC_OK && !is_there;
    if (st == VKC_OK && is_there)
        st = nn_file_load(picture, MAX_SVG, &svg, &size);
    if (st == VKC_OK && is_there) {
        fputs("<figure>\n", html);
        st = report_svg_write(html, (const char *) svg, ++with->n_plots, p->axes.title, p->axes.title);
        html_print(html, "<figcaption>%s%s</figcaption>\n</figure>\n", st == VKC_OK ? "" : "Not drawn: ",
                   p->axes.title);
    }
    free(svg);
    if (st != VKC_OK && st != VKC_E_NOMEM) {
        warn("a plot is left out: %s", vkc_last_error());
        st = VKC_OK;
    }
    return st;
}

vkc_status plot_write(plot *p, plotter *with, FILE *html)
{
    uint64_t n = 0;
    for (uint32_t i = 0; p && i < p->n_series; i++)
        n += p->s[i].n;
    vkc_status st = !p || p->is_short ? VKC_FAIL(VKC_E_NOMEM, "report: out of host memory") : VKC_OK;
    if (st == VKC_OK && n > 0 && !with->is_missing)
        st = draw(p, with, html);
    plot_destroy(p);
    return st;
}

void plot_destroy(plot *p)
{
    for (uint32_t i = 0; p && i < p->n_series; i++)
        free(p->s[i].point);
    free(p);
}

void plotter_finish(plotter *p)
{
    char path[96];
    if (!p->dir[0])
        return;
    for (int i = 0; i < PLOTTER_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, file_names[i]);
        unlink(path);
    }
    rmdir(p->dir);
    for (int i = 0; i <= PLOTTER_FILES; i++)
        nn_leftover_drop(p->leftover[i]);
    p->dir[0] = '\0';
}
