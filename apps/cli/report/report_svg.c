// report_svg.c — an SVG of gnuplot made fit to stand inside a page.
#include "apps/cli/report/report_svg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/report/report_html.h"
#include "pipeline/base/text.h"

#define MAX_OPEN  64
#define MAX_NAME  32
#define MAX_VALUE ((size_t) 1 << 20)

const char *const report_colour[REPORT_COLOURS] = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
};

static const char *const elements[] = {
    "g", "defs", "path", "rect", "circle", "use", "text", "tspan", "polygon", "polyline", "line", NULL,
};
static const char *const plain_attributes[] = {
    "d", "transform", "x", "y", "r", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height", "points", "stroke-width",
    "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "stroke-opacity", "fill-opacity", "text-anchor",
    "font-size", NULL,
};

typedef struct cleaner {
    FILE *f;
    const char *s;                  // what is left
    uint32_t number;
    char open[MAX_OPEN][MAX_NAME];
    bool kept[MAX_OPEN];            // of the elements that are open
    int n_open;
} cleaner;

static bool is_in(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == ':';
}

static bool take_name(cleaner *c, char out[MAX_NAME])
{
    size_t n = 0;
    while (is_name(*c->s) && n < MAX_NAME - 1)
        out[n++] = *c->s++;
    out[n] = '\0';
    return n > 0 && !is_name(*c->s);
}

static void skip_space(cleaner *c)
{
    while (is_space(*c->s))
        c->s++;
}

// A colour as gnuplot writes it, as a value for this page.
static void write_colour(FILE *f, const char *value, size_t len)
{
    char s[32] = "";
    unsigned r, g, b;
    if (len < sizeof s)
        memcpy(s, value, len);
    if (strcmp(s, "none") == 0) {
        fputs("none", f);
    } else if (strcmp(s, "currentColor") == 0) {
        fputs("currentColor", f);
    } else if (strcmp(s, "white") == 0) {
        fputs("var(--paper)", f);
    } else if (sscanf(s, "rgb(%3u,%3u,%3u)", &r, &g, &b) == 3) {
        char hex[40];
        snprintf(hex, sizeof hex, "#%02x%02x%02x", r & 255u, g & 255u, b & 255u);
        for (int k = 0; k < REPORT_COLOURS; k++) {
            if (strcmp(hex, report_colour[k]) == 0) {
                fprintf(f, "var(--s%d)", k + 1);
                return;
            }
        }
        fputs(strcmp(hex, "#808080") == 0 ? "var(--line)" : "var(--ink)", f);
    } else {
        fputs("var(--ink)", f);
    }
}

static void write_attribute(cleaner *c, const char *name, const char *value, size_t len)
{
    const bool is_link = strcmp(name, "xlink:href") == 0 || strcmp(name, "href") == 0;
    const bool is_id = strcmp(name, "id") == 0;
    const bool is_colour = strcmp(name, "fill") == 0 || strcmp(name, "stroke") == 0 || strcmp(name, "color") == 0;
    for (size_t i = 0; i < len; i++)
        if (!is_name(value[i]) && !is_space(value[i]) && !strchr(".,#()+", value[i]))
            return;
    if (is_link && len > 3 && strncmp(value, "#gp", 3) == 0 && !memchr(value, ' ', len)) {
        fprintf(c->f, " href=\"#g%u-%.*s\"", c->number, (int) len - 1, value + 1);
    } else if (is_id && len > 2 && strncmp(value, "gp", 2) == 0 && !memchr(value, ' ', len) && len < MAX_NAME) {
        fprintf(c->f, " id=\"g%u-%.*s\"", c->number, (int) len, value);
    } else if (is_colour) {
        fprintf(c->f, " %s=\"", name);
        write_colour(c->f, value, len);
        fputc('"', c->f);
    } else if (is_in(plain_attributes, name) && !memchr(value, ':', len)) {
        fprintf(c->f, " %s=\"%.*s\"", name, (int) len, value);
    }
}

static bool is_kept(const cleaner *c)
{
    return c->n_open == 0 || c->kept[c->n_open - 1];
}

// After the '<' of a start tag. False: not well formed.
static bool take_start(cleaner *c)
{
    char name[MAX_NAME], attribute[MAX_NAME];
    if (!take_name(c, name) || c->n_open == MAX_OPEN)
        return false;
    const bool is_root = strcmp(name, "svg") == 0 && c->n_open == 0;
    const bool keeps = is_root || (is_kept(c) && is_in(elements, name));
    const bool writes = keeps && !is_root;
    if (writes)
        fprintf(c->f, "<%s", name);
    for (skip_space(c); *c->s && *c->s != '>' && *c->s != '/'; skip_space(c)) {
        if (!take_name(c, attribute) || *c->s++ != '=')
            return false;
        const char quote = *c->s++;
        const char *end = quote == '"' || quote == '\'' ? strchr(c->s, quote) : NULL;
        if (!end || (size_t) (end - c->s) > MAX_VALUE)
            return false;
        if (writes)
            write_attribute(c, attribute, c->s, (size_t) (end - c->s));
        c->s = end + 1;
    }
    const bool is_empty = *c->s == '/';
    c->s += is_empty;
    if (*c->s++ != '>')
        return false;
    if (writes)
        fputs(is_empty ? "/>" : ">", c->f);
    if (!is_empty) {
        memcpy(c->open[c->n_open], name, sizeof name);
        c->kept[c->n_open++] = keeps;
    }
    return true;
}

// After the "</" of an end tag.
static bool take_end(cleaner *c)
{
    char name[MAX_NAME];
    if (!take_name(c, name) || c->n_open == 0 || strcmp(c->open[c->n_open - 1], name) != 0)
        return false;
    skip_space(c);
    if (*c->s++ != '>')
        return false;
    c->n_open--;
    if (c->kept[c->n_open] && c->n_open > 0)
        fprintf(c->f, "</%s>", name);
    return true;
}

// Characters up to the next tag. What gnuplot escaped stays escaped; all else is escaped here.
static void take_text(cleaner *c)
{
    const bool is_shown = c->n_open > 0 && is_kept(c) && strncmp(c->open[c->n_open - 1], "t", 1) == 0;
    for (; *c->s && *c->s != '<'; c->s++) {
        if (!is_shown) {
            if (*c->s == '\n' && c->s[1] != '\n' && is_kept(c) && c->n_open > 0)
                fputc('\n', c->f);
        } else if (*c->s == '&') {
            size_t n = 1 + strspn(c->s + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
            fputs(c->s[n] == ';' && n > 1 && n < 9 ? "&" : "&#38;", c->f);
        } else if (*c->s == '>') {
            fputs("&#62;", c->f);
        } else {
            fputc(*c->s, c->f);
        }
    }
}

static bool get_size(const char *svg, double size[2])
{
    double x, y;
    const char *box = strstr(svg, "viewBox=");
    return box && sscanf(box + 9, "%lf %lf %lf %lf", &x, &y, &size[0], &size[1]) == 4 && size[0] > 0 && size[0] < 1e5 &&
           size[1] > 0 && size[1] < 1e5;
}

static bool clean(cleaner *c)
{
    bool has_root = false;
    for (take_text(c); *c->s; take_text(c)) {
        c->s++;
        if (*c->s == '?' || *c->s == '!') {
            const char *end = strchr(c->s, '>');
            if (!end)
                return false;
            c->s = end + 1;
        } else if (*c->s == '/') {
            c->s++;
            if (!take_end(c))
                return false;
        } else if ((has_root && c->n_open == 0) || !take_start(c)) {
            return false;
        }
        has_root = has_root || c->n_open > 0;
    }
    return has_root && c->n_open == 0;
}

vkc_status report_svg_write(FILE *f, const char *svg, uint32_t number, const char *title, const char *desc)
{
    char *text = NULL;
    size_t size = 0;
    double side[2];
    if (!get_size(svg, side))
        return VKC_FAIL(VKC_E_FORMAT, "the plot has no size");
    cleaner *c = calloc(1, sizeof *c);
    pipeline_text part;
    if (!c || pipeline_text_open(&part) != VKC_OK) {
        free(c);
        return VKC_FAIL(VKC_E_NOMEM, "report: out of host memory");
    }
    c->f = part.f;
    c->s = svg;
    c->number = number;
    const bool is_good = clean(c);
    free(c);
    const bool is_whole = pipeline_text_close(&part, &text, &size) == VKC_OK;
    if (is_good && is_whole) {
        fprintf(f, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"g%u-t g%u-d\">\n", side[0], side[1],
                number, number);
        fprintf(f, "<title id=\"g%u-t\">", number);
        html_text(f, title);
        fprintf(f, "</title>\n<desc id=\"g%u-d\">", number);
        html_text(f, desc);
        fputs("</desc>\n", f);
        fwrite(text, 1, size, f);
        fputs("\n</svg>\n", f);
    }
    free(text);
    if (!is_whole)
        return VKC_FAIL(VKC_E_NOMEM, "report: out of host memory");
    return is_good ? VKC_OK : VKC_FAIL(VKC_E_FORMAT, "the plot is not a well-formed SVG");
}
