// report_svg.h — an SVG of gnuplot made fit to stand inside a page: only what draws is kept.
#ifndef CLI_REPORT_SVG_H
#define CLI_REPORT_SVG_H

#include <stdint.h>
#include <stdio.h>

#include "vk/status.h"

#define REPORT_COLOURS 7            // of series; the page has them as --s1 .. --s7

// What gnuplot is told for colour k, a colour of Okabe and Ito: "#0072b2".
extern const char *const report_colour[REPORT_COLOURS];

// Write `svg` to `f` as an element that scales with the page. Elements and attributes that are not on a short list go,
// and so do scripts, styles, links and fonts; colours become variables of the page; ids get "g`number`-" in front.
// Title and description are for those who cannot see it. Errors: E_FORMAT: not a well-formed SVG; E_NOMEM.
vkc_status report_svg_write(FILE *f, const char *svg, uint32_t number, const char *title, const char *desc);

#endif
