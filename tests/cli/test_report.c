// test_report.c — pare report: escaping, numbers, pictures made fit for a page, run folders that are odd or hostile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/cli/report/report_page.h"
#include "apps/cli/report/report_svg.h"
#include "nn/base/files.h"
#include "tests/temp_dir.h"

static char *text;                  // what was written last
static size_t text_size;

static FILE *start(void)
{
    free(text);
    text = NULL;
    FILE *f = open_memstream(&text, &text_size);
    assert_non_null(f);
    return f;
}

static const char *escaped(const char *from)
{
    FILE *f = start();
    html_text(f, from);
    fclose(f);
    return text;
}

static void test_text(void **state)
{
    (void) state;
    assert_string_equal(escaped("a<b> & \"c\" 'd' `e`"),
                        "a&#60;b&#62; &#38; &#34;c&#34; &#39;d&#39; &#96;e&#96;");
    assert_string_equal(escaped("ünï€😀"), "ünï€😀");
    assert_string_equal(escaped("a\nb\tc"), "a b c");
    assert_string_equal(escaped("\x01\x1b[31m\x7f"), "��[31m�");
    assert_string_equal(escaped("\xe2\x80\xae" "abc\xe2\x81\xa6"), "�abc�");        // turns the line round
    assert_string_equal(escaped("\xc0\xbc" "script\xff"), "��script�");             // an overlong '<'
    assert_string_equal(escaped("\xe2\x82"), "��");                                 // cut off
    assert_string_equal(escaped("\xed\xa0\x80\xf4\x90\x80\x80"), "�������");        // half a pair, past the last
    assert_string_equal(escaped(""), "");
    assert_string_equal(escaped(NULL), "");
    char many[5001];
    memset(many, '<', 5000);
    many[5000] = '\0';
    assert_true(strlen(escaped(many)) < 5000);
    assert_non_null(strstr(text, "…"));
}

static const char *number(html_form form, double x)
{
    FILE *f = start();
    html_number(f, form, x);
    fclose(f);
    return text;
}

static void test_numbers(void **state)
{
    (void) state;
    assert_string_equal(number(HTML_COUNT, 739690), "739,690");
    assert_string_equal(number(HTML_COUNT, -1234567), "−1,234,567");
    assert_string_equal(number(HTML_COUNT, 999), "999");
    assert_string_equal(number(HTML_PERCENT, 0.9085), "90.85\u00a0%");
    assert_string_equal(number(HTML_POINTS, -0.0075), "−0.75");
    assert_string_equal(number(HTML_POINTS, 0.004), "+0.40");
    assert_string_equal(number(HTML_POINTS, -1e-9), "0.00");
    assert_string_equal(number(HTML_MS, 34.371), "34.4\u00a0ms");
    assert_string_equal(number(HTML_MS, 1234.5), "1,234\u00a0ms");
    assert_string_equal(number(HTML_REAL, 1.5e-7), "1.5e−07");
    assert_string_equal(number(HTML_REAL, NAN), "–");
    assert_string_equal(number(HTML_PERCENT, INFINITY), "–");
    assert_true(strlen(number(HTML_COUNT, 1e308)) < 20);
    assert_true(strlen(number(HTML_PERCENT, -1.7e308)) < 20);
}

#define SVG(body) "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 640 380\" onload=\"alert(1)\">" body "</svg>"

static const char *cleaned(const char *svg)
{
    FILE *f = start();
    vkc_status st = report_svg_write(f, svg, 3, "a <title>", "\"desc\"");
    fclose(f);
    return st == VKC_OK ? text : NULL;
}

static void test_svg(void **state)
{
    (void) state;
    const char *s = cleaned(SVG("<g fill=\"none\" stroke='currentColor'>"
                                "<path stroke='rgb(  0, 114, 178)' d='M1,2 L3,4'/></g>"));
    assert_non_null(s);
    assert_non_null(strstr(s, "viewBox=\"0 0 640 380\" role=\"img\" aria-labelledby=\"g3-t g3-d\""));
    assert_non_null(strstr(s, "<title id=\"g3-t\">a &#60;title&#62;</title>"));
    assert_non_null(strstr(s, "<path stroke=\"var(--s1)\" d=\"M1,2 L3,4\"/>"));
    assert_null(strstr(s, "onload"));
    assert_null(strstr(s, "xml"));
    s = cleaned(SVG("<use xlink:href='#gpPt5' id='gpPt6' color='white' fill=\"black\"/>"
                    "<rect stroke='rgb(128, 128, 128)'/>"));
    assert_non_null(strstr(s, "<use href=\"#g3-gpPt5\" id=\"g3-gpPt6\" color=\"var(--paper)\" fill=\"var(--ink)\"/>"));
    assert_non_null(strstr(s, "var(--line)"));
    s = cleaned(SVG("<text font-size=\"15\">a &lt; b &amp; &bogus c > \"</text><g>loose<title>gone</title></g>"));
    assert_non_null(strstr(s, ">a &lt; b &amp; &#38;bogus c &#62; \"</text>"));
    assert_null(strstr(s, "loose"));
    assert_null(strstr(s, "gone"));
}

static void test_svg_hostile(void **state)
{
    (void) state;
    const char *s = cleaned(SVG("<script>alert(1)</script><style>*{}</style>"
                                "<g onclick=\"alert(2)\" style='x' class='y'>"
                                "<a href=\"javascript:alert(3)\"><text>link</text></a><image href='http://x/y'/>"
                                "<use href=\"http://x/y#gp\"/><path d=\"M0 0&quot; onload=&quot;x\" fill=\"url(#gp)\"/>"
                                "<foreignObject><g><text>inner</text></g></foreignObject></g>"));
    assert_non_null(s);
    static const char *const words[] = {
        "script", "alert", "style", "class", "onclick", "onload", "javascript", "http", "link", "inner", "url(",
        "image",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_null(strstr(s, words[i]));
    static const char *const bad[] = {
        "", "no svg", "<svg viewBox=\"0 0 1 1\">", "<svg viewBox=\"0 0 1 1\"></g>", "<svg viewBox=\"0 0 -1 1\"></svg>",
        "<svg viewBox=\"0 0 1 1\"><g></svg>", "<svg viewBox=\"0 0 1 1\"><g a></g></svg>", "<svg viewBox=\"0 0 1 1\"><g",
        "<svg viewBox=\"0 0 1 1\"><g x=\"1></g></svg>", "<svg viewBox=\"0 0 1 1\"></svg><script>alert(1)</script>",
        "<svg viewBox=\"0 0 1 1\"></svg><svg></svg>", "<svg viewBox=\"0 0 1 1\"><!-- ", "<svg viewBox=\"0 0 1 1\"><><",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(cleaned(bad[i]));
    char deep[4096] = "<svg viewBox=\"0 0 1 1\">";
    while (strlen(deep) < 4000)
        strcat(deep, "<g>");
    assert_null(cleaned(deep));
}

static void test_plot(void **state)
{
    (void) state;
    char trap[128], name[400];
    plotter with = { .n_plots = 0 };
    snprintf(trap, sizeof trap, "%s/trap", dir);
    snprintf(name, sizeof name, "`touch %s`'; system('touch %s') # \"</text></svg><script>alert(1)</script>", trap,
             trap);
    plot *p = plot_create(&(plot_axes) { .title = name, .x = name, .y = name, .log_y = true });
    plot_add_series(p, name, PLOT_INTERVAL, 1000);
    plot_add(p, 1, 2, 1, 3);
    plot_add(p, NAN, 2, 1, 3);
    plot_add(p, 1e300, 1e-300, -INFINITY, INFINITY);
    plot_add(p, 2, -1, 0, 0);       // not on a logarithmic axis
    plot_add_label(p, name);
    plot_add_series(p, "one point", PLOT_LINE, 0);
    plot_add(p, 1, 2, NAN, NAN);
    FILE *f = start();
    assert_int_equal(plot_write(p, &with, f), VKC_OK);
    fclose(f);
    assert_false(nn_is_file(trap));
    if (!with.is_missing) {
        assert_int_equal(with.n_plots, 1);
        assert_non_null(strstr(text, "<figure>"));
        assert_non_null(strstr(text, "var(--s"));
        assert_null(strstr(text, "<script"));
    }
    p = plot_create(&(plot_axes) { .title = "", .x = "", .y = "" });
    plot_add_series(p, "nothing", PLOT_LINE, 0);
    f = start();
    assert_int_equal(plot_write(p, &with, f), VKC_OK);
    fclose(f);
    assert_int_equal(text_size, 0);
    plotter_finish(&with);
}

// A run folder with this run.json.
static void write_run(const char *info, const char *log)
{
    char path[128];
    snprintf(path, sizeof path, "%s/run.json", dir);
    assert_int_equal(nn_file_save(path, info, strlen(info)), VKC_OK);
    snprintf(path, sizeof path, "%s/log.jsonl", dir);
    unlink(path);
    if (log)
        assert_int_equal(nn_file_save(path, log, strlen(log)), VKC_OK);
}

static vkc_status page(void)
{
    report_run r;
    report_page p = { .run = &r };
    vkc_status st = report_run_load(dir, &r);
    p.plots.is_missing = true;      // the words alone
    p.f = start();
    if (st == VKC_OK)
        st = report_page_write(&p);
    fclose(p.f);
    plotter_finish(&p.plots);
    report_run_finish(&r);
    return st;
}

static void test_run(void **state)
{
    (void) state;
    write_run("{\"format\":\"pare-run\",\"provenance\":{\"command\":\"pare distill m\",\"device\":\"llvmpipe\"},"
              "\"finished\":false}",
              "{\"what\":\"transfer\",\"epoch\":1,\"step\":8,\"loss\":[0.5,1.0]}\n{\"what\":\"tra");
    assert_int_equal(page(), VKC_OK);
    assert_non_null(strstr(text, "This run is not finished"));
    assert_non_null(strstr(text, "pare distill m --resume"));
    assert_non_null(strstr(text, "epoch 1 "));
    write_run("{\"format\":\"pare-run\",\"provenance\":{\"command\":\"pare distill m\",\"device\":\"a GPU\"},"
              "\"finished\":true,\"results\":{\"teacher_top1\":0.916,\"student_top1\":0.9085,\"split\":\"test\","
              "\"replaced\":[2,0],\"path\":[{\"layer\":2,\"mixer\":\"gla\",\"top1\":0.9},"
              "{\"layer\":0,\"mixer\":\"gla\",\"top1\":0.91}],\"timing\":[{\"tokens\":65,\"batch\":4,"
              "\"teacher_ms\":10,\"student_ms\":5}],\"sparsity\":{\"layers\":[{\"entropy\":0.5},"
              "{\"entropy\":0.25},{\"entropy\":0.75}]}}}", NULL);
    assert_int_equal(page(), VKC_OK);
    assert_non_null(strstr(text, "2 of 3 layers were replaced: layers 0 and 2 by <strong>gla</strong>"));
    assert_non_null(strstr(text, "<strong>90.85\u00a0%</strong>, the teacher in 91.60\u00a0%: 0.75 points less"));
    assert_non_null(strstr(text, "2.00 times faster"));
    assert_null(strstr(text, "nothing of a GPU"));
    assert_non_null(strstr(text, ">0.250</td>"));
}

static void test_bench(void **state)
{
    (void) state;
    write_run("{\"format\":\"pare-run\",\"provenance\":{\"command\":\"pare -q bench scaling\",\"device\":\"llvmpipe\"},"
              "\"finished\":true,\"inputs\":{\"bench\":\"scaling\"},\"results\":{\"dim\":192,\"heads\":3,\"batch\":1,"
              "\"exponent\":{\"attention\":1.63,\"linear\":1.15},\"crossover\":{\"attention\":64,\"linear\":269.4},"
              "\"rows\":[{\"mixer\":\"attention\",\"tokens\":1024,\"fwd_ms\":32.6,\"fwd_bwd_ms\":111.2,"
              "\"bytes\":1048576,\"repeats\":25}]}}", NULL);
    assert_int_equal(page(), VKC_OK);
    assert_non_null(strstr(text, "<strong>linear</strong> from 269 tokens on.</p>"));
    assert_non_null(strstr(text, "width 192 with 3 heads"));
    assert_non_null(strstr(text, ">1.15</td>"));
    assert_non_null(strstr(text, ">111\u00a0ms</td>"));
    assert_null(strstr(text, "accuracies"));
    write_run("{\"format\":\"pare-run\",\"provenance\":{\"command\":\"pare bench retention\",\"device\":\"a GPU\"},"
              "\"finished\":true,\"results\":{\"model\":{\"rows\":[{\"name\":\"a model\",\"gain\":1.57}]},"
              "\"rows\":[{\"mixer\":\"gla\",\"tokens\":257,\"pass\":\"forward\",\"ratio\":0.7},"
              "{\"mixer\":\"gla\",\"tokens\":1025,\"pass\":\"forward\",\"ratio\":0.53}]}}", NULL);
    assert_int_equal(page(), VKC_OK);
    assert_non_null(strstr(text, "all 1,025 tokens, forward, a block takes this share when every other patch is "
                                 "dropped: <strong>gla</strong> 0.53.</p>"));
    assert_non_null(strstr(text, ">1.57</td>"));
}

static void test_run_hostile(void **state)
{
    (void) state;
    // Every value of another type than it should be, and markup wherever there is text.
    static const char *const commands[] = {
        "distill", "study groups", "study teachers", "study orders", "train", "retain", "tune", "prune",
        "bench scaling", "bench retention", "</code><script>alert(1)</script>",
    };
    static const char *const values[] = {
        "null", "[]", "{}", "\"</svg><script>alert(1)</script>\"", "-1e308", "[[[{}]]]",
        "[1,\"<script>\",null,{\"runs\":3}]",
        "{\"a\":{\"b\":[1]}}", "{\"name\":\"<script>\",\"order\":\"<script>\"}",
        "[{\"is\":\"most\",\"chosen\":1e9,\"top1\":{\"best\":\"x\"},\"orders\":{\"greedy\":[{}]}}]",
        "9007199254740993", "[{\"layer\":1e300,\"runs\":[{}],\"path\":[7],\"mixer\":\"`rm`\"}]",
    };
    static const char *const keys[] = {
        "teacher_top1", "student_top1", "split", "replaced", "path", "refused", "baselines", "path_test", "timing",
        "transfer", "sparsity", "layers", "mixers", "groups", "correlation", "rows", "seeds", "tune", "schedule",
        "best", "max_drop", "measure", "val", "test", "keep_per_layer", "transfer_error", "device", "driver",
        "top1", "retention", "exponent", "crossover", "model", "dim", "students", "impact", "most_trials", "runs",
        "ranks", "between_mixers", "with_greedy",
    };
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            char *info = NULL;
            size_t size;
            FILE *f = open_memstream(&info, &size);
            assert_non_null(f);
            fprintf(f, "{\"format\":\"pare-run\",\"provenance\":{\"command\":\"pare %s\",\"device\":%s},"
                    "\"finished\":true,\"resumed\":%s,\"inputs\":%s,\"results\":{\"<script>\":1", commands[c],
                    values[v], values[v], values[v]);
            for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
                fprintf(f, ",\"%s\":%s", keys[k], values[(v + k * c) % (sizeof values / sizeof values[0])]);
            fputs("}}", f);
            fclose(f);
            write_run(info,
                      "{\"what\":\"<script>\",\"loss\":[null,\"<script>\"],\"epoch\":\"x\"}\n{\"loss\":1}\n{}\n[]\n");
            free(info);
            assert_int_equal(page(), VKC_OK);
            assert_null(strstr(text, "<script"));
            assert_non_null(strstr(text, "</html>"));
        }
    }
}

static void test_run_bad(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "", "{", "[]", "3", "{\"format\":\"other\"}", "{}", "{\"format\":\"pare-run\",\"format\":\"pare-run\"}",
        "{\"format\":\"pare-run\"} x", "{\"format\":\"pare-run\",\"a\":\"\\ud800\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_run(bad[i], NULL);
        assert_int_equal(page(), VKC_E_FORMAT);
    }
    char deep[512] = "{\"format\":\"pare-run\",\"a\":";
    memset(deep + strlen(deep), '[', 200);
    write_run(deep, NULL);
    assert_int_equal(page(), VKC_E_FORMAT);
    write_run("{\"format\":\"pare-run\"}", "{\"what\":1}\nno JSON\n");
    assert_int_equal(page(), VKC_E_FORMAT);
    write_run("{\"format\":\"pare-run\"}", NULL);
    assert_int_equal(page(), VKC_OK);
}

static int tear_down(void **state)
{
    free(text);
    return temp_dir_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_numbers), cmocka_unit_test(test_svg),
        cmocka_unit_test(test_svg_hostile), cmocka_unit_test(test_plot), cmocka_unit_test(test_run),
        cmocka_unit_test(test_bench), cmocka_unit_test(test_run_hostile), cmocka_unit_test(test_run_bad),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, tear_down);
}
