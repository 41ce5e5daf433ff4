// gradients_print.c — figures of gradient maps as a table and as JSON.
#include "apps/cli/print/gradients_print.h"

#include "nn/base/json.h"

void print_gradients(FILE *f, const gradient_figures *g)
{
    fprintf(f, "\ngradient maps of %u images, rows of %s\nlayer  mixer       ", g->images,
            g->all_queries ? "all tokens" : "the class token");
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        fprintf(f, " %13s", distill_measure_name((distill_measure) m));
    fprintf(f, "%s\n", g->has_teacher ? "  top 10 % shared with the teacher's attention" : "");
    for (uint32_t l = 0; l < g->depth; l++) {
        const distill_row_figures *r = &g->layer[l];
        if (!g->chosen[l])
            continue;
        fprintf(f, "%5u  %-12s", l, g->mixer[l]);
        for (int m = 0; m < DISTILL_N_MEASURES && r->rows; m++)
            fprintf(f, " %13.3f", r->mean[m]);
        if (!r->rows)
            fprintf(f, " no figures: the rows are zero");
        if (r->compared)
            fprintf(f, "  %.3f", r->overlap);
        fputc('\n', f);
    }
}

json_t *build_gradients_json(const gradient_figures *g)
{
    json_t *layers = json_array();
    for (uint32_t l = 0; l < g->depth; l++) {
        const distill_row_figures *r = &g->layer[l];
        json_t *mean = json_object();
        if (!g->chosen[l]) {
            json_decref(mean);
            continue;
        }
        for (int m = 0; m < DISTILL_N_MEASURES; m++)
            nn_json_set_new(mean, distill_measure_name((distill_measure) m),
                            r->rows ? json_real(r->mean[m]) : json_null());
        json_t *o = json_pack("{s:i, s:s, s:I, s:I, s:o}", "layer", (int) l, "mixer", g->mixer[l], "rows",
                              (json_int_t) r->rows, "empty", (json_int_t) r->empty, "mean", mean);
        if (g->has_teacher)
            nn_json_set_new(o, "teacher_overlap", r->compared ? json_real(r->overlap) : json_null());
        nn_json_append_new(layers, o);
    }
    return json_pack("{s:s, s:i, s:s, s:o}", "of", "gradient", "images", (int) g->images, "queries",
                     g->all_queries ? "all" : "class", "layers", layers);
}
