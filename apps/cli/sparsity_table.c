// sparsity_table.c — sparsity figures as a table and as JSON.
#include "apps/cli/sparsity_table.h"

#include <math.h>
#include <stdio.h>

static double get(const distill_sparsity *s, uint32_t layer, uint32_t head, int m)
{
    return s->head[((size_t) layer * s->heads + head) * DISTILL_N_MEASURES + (size_t) m];
}

static bool has_attention(const distill_sparsity *s, uint32_t layer)
{
    return isfinite(get(s, layer, 0, 0));
}

void sparsity_print(FILE *f, const distill_sparsity *s, bool heads)
{
    fprintf(f, "layer  head");
    for (int m = 0; m < DISTILL_N_MEASURES; m++)
        fprintf(f, "  %8s", distill_measure_name((distill_measure) m));
    fprintf(f, "   (%u pictures)\n", s->images);
    for (uint32_t l = 0; l < s->depth; l++) {
        if (!has_attention(s, l)) {
            fprintf(f, "%5u  no attention\n", l);
            continue;
        }
        fprintf(f, "%5u   all", l);
        for (int m = 0; m < DISTILL_N_MEASURES; m++)
            fprintf(f, "  %8.3f", distill_sparsity_layer(s, l, (distill_measure) m));
        fputc('\n', f);
        for (uint32_t h = 0; heads && s->heads > 1 && h < s->heads; h++) {
            fprintf(f, "       %4u", h);
            for (int m = 0; m < DISTILL_N_MEASURES; m++)
                fprintf(f, "  %8.3f", get(s, l, h, m));
            fputc('\n', f);
        }
    }
}

json_t *sparsity_json(const distill_sparsity *s)
{
    json_t *layers = json_array();
    for (uint32_t l = 0; l < s->depth; l++) {
        json_t *layer = json_pack("{s:i}", "layer", (int) l), *heads = json_array();
        if (!has_attention(s, l)) {
            json_decref(heads);
            json_array_append_new(layers, layer);
            continue;
        }
        for (int m = 0; m < DISTILL_N_MEASURES; m++)
            json_object_set_new(layer, distill_measure_name((distill_measure) m),
                                app_number(distill_sparsity_layer(s, l, (distill_measure) m)));
        for (uint32_t h = 0; h < s->heads; h++) {
            json_t *head = json_object();
            for (int m = 0; m < DISTILL_N_MEASURES; m++)
                json_object_set_new(head, distill_measure_name((distill_measure) m), app_number(get(s, l, h, m)));
            json_array_append_new(heads, head);
        }
        json_object_set_new(layer, "heads", heads);
        json_array_append_new(layers, layer);
    }
    return json_pack("{s:i, s:o}", "images", (int) s->images, "layers", layers);
}
