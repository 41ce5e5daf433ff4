// costs_print.c — what teacher and student cost as a table: the models, and module by module.
#include "apps/cli/print/print.h"

#include <inttypes.h>
#include <math.h>

static void print_ms(FILE *f, double ms)
{
    if (isfinite(ms))
        fprintf(f, " %9.3f", ms);
    else
        fprintf(f, " %9s", "-");
}

static void print_cells(FILE *f, const pipeline_costs *c, const char *mixer, uint64_t params, uint64_t macs, double ms)
{
    fprintf(f, "  %-11s %10" PRIu64 " %14" PRIu64, mixer, params, macs);
    if (c->is_timed)
        print_ms(f, ms);
}

static void print_head(FILE *f, const pipeline_costs *c)
{
    static const char *const what[] = { [PIPELINE_TEACHER] = "teacher", [PIPELINE_STUDENT] = "student" };
    fprintf(f, "\ncost of an image of %u tokens%s; a layer is its mixer and projection, without the MLP\n", c->tokens,
            c->is_timed ? "" : ", not timed");
    fprintf(f, "%-8s", "");
    for (uint32_t m = 0; m < PIPELINE_FORWARD; m++)
        if (c->of[m].is_there) {
            fprintf(f, "  %-11s %10s %14s", what[m], "parameters", "multiply-adds");
            if (c->is_timed)
                fprintf(f, " %9s", "ms");
        }
    if (c->is_timed && c->of[PIPELINE_FORWARD].is_there)
        fprintf(f, "  ms in one direction");
    fputc('\n', f);
}

static void print_layer(FILE *f, const pipeline_costs *c, uint32_t l)
{
    const pipeline_model_cost *forward = &c->of[PIPELINE_FORWARD];
    fprintf(f, "layer %-2u", l);
    for (uint32_t m = 0; m < PIPELINE_FORWARD; m++) {
        const pipeline_layer_cost *k = &c->of[m].layer[l];
        if (c->of[m].is_there && l < c->of[m].depth)
            print_cells(f, c, k->mixer, k->params, k->macs, k->ms);
        else if (c->of[m].is_there)
            fprintf(f, "  %-11s %10s %14s%s", "-", "", "", c->is_timed ? "          " : "");
    }
    if (c->is_timed && forward->is_there && l < forward->depth && c->of[PIPELINE_STUDENT].layer[l].is_both)
        print_ms(f, forward->layer[l].ms);
    fputc('\n', f);
}

void print_costs(FILE *f, const pipeline_costs *c)
{
    uint32_t depth = 0;
    for (uint32_t m = 0; m < PIPELINE_FORWARD; m++)
        depth = c->of[m].is_there && c->of[m].depth > depth ? c->of[m].depth : depth;
    print_head(f, c);
    for (uint32_t l = 0; l < depth; l++)
        print_layer(f, c, l);
    fprintf(f, "%-8s", "model");
    for (uint32_t m = 0; m < PIPELINE_FORWARD; m++)
        if (c->of[m].is_there)
            print_cells(f, c, "end to end", c->of[m].params, c->of[m].macs, c->of[m].ms);
    if (c->is_timed && c->of[PIPELINE_FORWARD].is_there)
        print_ms(f, c->of[PIPELINE_FORWARD].ms);
    fputc('\n', f);
    if (c->is_timed)
        fprintf(f, "times of a batch of %u: of a layer with all tokens, on the device; of a model from start to end\n",
                c->batch);
}
