// report_html.c — HTML written piece by piece: escaping, numbers, tables.
#include "apps/cli/report/report_html.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MAX_TEXT 600u               // characters

// The code point at `s` and its length in bytes; bytes that are no UTF-8 count as U+FFFD, one by one.
static uint32_t decode(const unsigned char *s, size_t *len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    uint32_t c = n == 1 ? *s : n == 2 ? *s & 0x1fu : n == 3 ? *s & 0x0fu : *s & 0x07u;
    *len = 1;
    if (n == 0)
        return 0xfffd;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0u) != 0x80)
            return 0xfffd;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0xfffd;
    *len = n;
    return c;
}

static bool is_odd(uint32_t c)
{
    bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
    bool turns = c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
                 (c >= 0x2066 && c <= 0x2069);
    return is_control || turns || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c < 0xfdf0) || c == 0xfeff;
}

void html_text(FILE *f, const char *text)
{
    size_t len;
    uint32_t n = 0;
    for (const unsigned char *s = (const unsigned char *) text; s && *s; s += len, n++) {
        uint32_t c = decode(s, &len);
        if (n == MAX_TEXT) {
            fputs("…", f);
            return;
        }
        if (c == '\n' || c == '\t')
            fputc(' ', f);
        else if (is_odd(c))
            fputs("�", f);
        else if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' || c == '`')
            fprintf(f, "&#%u;", c);
        else if (c == 0xfffd)
            fputs("�", f);
        else
            fwrite(s, 1, len, f);
    }
}

void html_print(FILE *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *s = format; *s; s++) {
        if (*s != '%') {
            fputc(*s, f);
        } else if (*++s == 's') {
            html_text(f, va_arg(args, const char *));
        } else if (*s == 'd') {
            fprintf(f, "%d", va_arg(args, int));
        } else if (*s == 'u') {
            fprintf(f, "%u", va_arg(args, unsigned));
        } else if (*s == 'z' && s[1] == 'u') {
            fprintf(f, "%zu", va_arg(args, size_t));
            s++;
        } else if (*s == '%') {
            fputc('%', f);
        } else {
            break;                  // a format that this does not know
        }
    }
    va_end(args);
}

// Digits with a true minus sign, and commas between groups of three before the point.
static void put(FILE *f, const char *digits, bool in_groups)
{
    if (*digits == '-') {
        fputs("−", f);
        digits++;
    }
    size_t whole = strspn(digits, "0123456789");
    for (size_t i = 0; digits[i]; i++) {
        if (in_groups && i > 0 && i < whole && (whole - i) % 3 == 0)
            fputc(',', f);
        if (digits[i] == '-')
            fputs("−", f);
        else
            fputc(digits[i], f);
    }
}

void html_number(FILE *f, html_form form, double x)
{
    char s[64];
    if (!isfinite(x)) {
        fputs("–", f);
        return;
    }
    if (fabs(x) >= 1e12)
        form = HTML_REAL;
    switch (form) {
    case HTML_COUNT: snprintf(s, sizeof s, "%.0f", x); break;
    case HTML_PERCENT: snprintf(s, sizeof s, "%.2f", 100.0 * x); break;
    case HTML_POINTS: snprintf(s, sizeof s, fabs(x) < 5e-5 ? "%.2f" : "%+.2f", fabs(x) < 5e-5 ? 0.0 : 100.0 * x); break;
    case HTML_MS: snprintf(s, sizeof s, x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : x >= 1 ? "%.2f" : "%.3f", x); break;
    case HTML_SECONDS: snprintf(s, sizeof s, x >= 100 ? "%.0f" : "%.1f", x); break;
    case HTML_TIMES: snprintf(s, sizeof s, "%.2f", x); break;
    case HTML_SHARE: snprintf(s, sizeof s, "%.3f", x); break;
    case HTML_REAL: snprintf(s, sizeof s, "%.4g", x); break;
    }
    put(f, s, form != HTML_REAL);
    if (form == HTML_PERCENT)
        fputs("\u00a0%", f);
    else if (form == HTML_MS || form == HTML_SECONDS)
        fputs(form == HTML_MS ? "\u00a0ms" : "\u00a0s", f);
}

void html_table_open(FILE *f, const char *caption, const char *const *head)
{
    html_print(f, "<div class=\"box\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n<table>\n"
               "<caption><span>%s</span></caption>\n<thead><tr>", caption, caption);
    for (; *head; head++)
        html_print(f, **head == '<' ? "<th scope=\"col\" class=\"t\">%s</th>" : "<th scope=\"col\">%s</th>",
                   **head == '<' ? *head + 1 : *head);
    fputs("</tr></thead>\n<tbody>\n", f);
}

void html_table_close(FILE *f)
{
    fputs("</tbody>\n</table>\n</div>\n", f);
}

void html_row_open(FILE *f)
{
    fputs("<tr>", f);
}

void html_row_close(FILE *f)
{
    fputs("</tr>\n", f);
}

void html_cell_title(FILE *f, const char *text)
{
    html_print(f, "<th scope=\"row\" class=\"t\">%s</th>", text);
}

void html_cell_text(FILE *f, const char *text)
{
    html_print(f, "<td class=\"t\">%s</td>", text);
}

void html_cell(FILE *f, html_form form, double x)
{
    fputs("<td>", f);
    html_number(f, form, x);
    fputs("</td>", f);
}

void html_cell_heat(FILE *f, html_form form, double x, double heat)
{
    if (!isfinite(heat) || !isfinite(x)) {
        html_cell(f, form, x);
        return;
    }
    fprintf(f, "<td class=\"h\" style=\"--h:%.2f\">", heat < 0 ? 0.0 : heat > 1 ? 1.0 : heat);
    html_number(f, form, x);
    fputs("</td>", f);
}

void html_section_open(FILE *f, const char *id, const char *title)
{
    html_print(f, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id, title);
}

void html_section_close(FILE *f)
{
    fputs("</section>\n", f);
}
