// report_plot.h — plots of a report: points in, a figure of HTML out, drawn by gnuplot.
#ifndef CLI_REPORT_PLOT_H
#define CLI_REPORT_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vk/status.h"

typedef enum {
    PLOT_LINE,                      // line and marks
    PLOT_DASHED,                    // the same, dashed
    PLOT_MARKS,                     // marks alone
    PLOT_FAINT,                     // small grey dots
    PLOT_LEVEL,                     // a grey dashed line without marks
    PLOT_INTERVAL,                  // line, marks and a bar from low to high
} plot_style;

typedef struct plot_axes {
    const char *title;              // the figure's caption; what is drawn, in words
    const char *x, *y;              // of the axes
    bool        log_x, log_y;
    bool        whole_x;            // x counts: a mark at whole numbers
    bool        ticks_at_x;         // a mark at every x of the first series
} plot_axes;

#define PLOTTER_FILES 3             // plot.gp, plot.svg, plot.svg.part

typedef struct plotter {            // of one report
    char     dir[64];               // for gnuplot's files; "" = none yet
    int      leftover[PLOTTER_FILES + 1];   // of the folder and its files (nn/base/leftovers.h)
    uint32_t n_plots;
    bool     is_missing;            // gnuplot
} plotter;

typedef struct plot plot;

// NULL: out of memory, which the rest then tells of.
plot *plot_create(const plot_axes *axes);
// A new series, to which points go from now on. Its name is for the key, NULL or "" = not in it; all but plain letters,
// digits and a few signs become blanks. Colour and mark follow from `look`, 0 up, and so are equal in two plots.
void plot_add_series(plot *p, const char *name, plot_style style, uint32_t look);
// A point; left out when not finite, or not positive on a logarithmic axis. low and high only of PLOT_INTERVAL.
void plot_add(plot *p, double x, double y, double low, double high);
void plot_add_label(plot *p, const char *text);             // at the last point

// Write the figure and destroy p. Nothing is written without gnuplot (is_missing is set), or when no point is there, or
// when gnuplot draws nothing, which is told on standard error. Errors: E_IO (the temporary folder), E_NOMEM.
vkc_status plot_write(plot *p, plotter *with, FILE *html);
void       plot_destroy(plot *p);                          // NULL is fine
void       plotter_finish(plotter *p);                      // removes its folder

#endif
