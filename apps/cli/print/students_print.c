// students_print.c — both students of a search, and what other orders of replacement give at as many layers.
#include "apps/cli/print/print.h"

static void print_pick(FILE *f, const pipeline_distill_result *r, pipeline_pick k, const char *what)
{
    const pipeline_picked *m = &r->picked[k];
    fprintf(f, "  %-24s %3u of %-3u  %7.2f %%  %7.2f %%%s\n", what, m->n, r->depth, 100.0 * m->val_top1,
            100.0 * m->eval.top1, m->n == 0 ? "  (the teacher)" : "");
}

void print_students(FILE *f, const pipeline_distill_result *r)
{
    fprintf(f, "\nof the search%s       replaced   top-1 val  %9s\n", r->n_tunes ? ", untuned" : "         ",
            nn_split_name(r->split));
    if (r->is_one) {
        print_pick(f, r, PIPELINE_MOST, "most replaced and best");
        fputs("  one model is both, so one is written\n", f);
    } else {
        print_pick(f, r, PIPELINE_MOST, "most replaced");
        print_pick(f, r, PIPELINE_BEST, "best on the way");
    }
    fputc('\n', f);
}
