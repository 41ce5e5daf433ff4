// report_html.h — HTML written piece by piece: every text is escaped, every number is set the same way.
//
// All write to a stream and leave its errors for the caller to look at in the end. Threads: any, a stream each.
#ifndef CLI_REPORT_HTML_H
#define CLI_REPORT_HTML_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

typedef enum {
    HTML_COUNT,                     // 739,690
    HTML_PERCENT,                   // 91.60 %, of a fraction
    HTML_POINTS,                    // +0.40, percentage points of a difference of fractions
    HTML_MS,                        // 34.4 ms, four digits at most
    HTML_SECONDS,                   // 341 s
    HTML_TIMES,                     // 1.14
    HTML_REAL,                      // four significant digits
    HTML_SHARE,                     // 0.947
} html_form;

// Text of an element or of a quoted attribute. Control characters and those that turn the direction of a line become
// U+FFFD; a long text is cut and ends in an ellipsis. NULL: nothing.
void html_text(FILE *f, const char *text);
// Markup that a printf-like format gives, whose %s are escaped as texts; the format itself is markup. Also %d, %u, %zu.
void html_print(FILE *f, const char *format, ...);
void html_number(FILE *f, html_form form, double x);       // an en dash when x is not finite

// A table in a box that scrolls where the page is narrow. `head` ends with NULL; a column whose title begins with '<'
// (not shown) holds text, set to the left; all others hold numbers.
void html_table_open(FILE *f, const char *caption, const char *const *head);
void html_table_close(FILE *f);
void html_row_open(FILE *f);
void html_row_close(FILE *f);
void html_cell_title(FILE *f, const char *text);           // of the row
void html_cell_text(FILE *f, const char *text);
void html_cell(FILE *f, html_form form, double x);
void html_cell_heat(FILE *f, html_form form, double x, double heat);   // heat 0 .. 1 shades it

void html_section_open(FILE *f, const char *id, const char *title);
void html_section_close(FILE *f);

#endif
