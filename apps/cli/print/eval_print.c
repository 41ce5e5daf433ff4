// eval_print.c — accuracy and losses, a line each.
#include "apps/cli/print/print.h"

#include <math.h>

void print_eval(FILE *f, const char *what, const nn_eval_result *r)
{
    if (r->images == 0) {
        fprintf(f, "%-8s no images\n", what);
        return;
    }
    fprintf(f, "%-8s top-1 %.2f %%, top-5 %.2f %%, loss %.4f, %u images, %.0f images/s", what, 100.0 * r->top1,
            100.0 * r->top5, r->loss, r->images, r->images_per_s);
    if (r->n_keep > 0)
        fprintf(f, ", %.1f %% of the patches kept", 100.0 * r->keep);
    if (r->bad > 0)
        fprintf(f, ", %u broken ones skipped", r->bad);
    fputc('\n', f);
}

void print_best(FILE *f, const nn_best *b)
{
    if (b->epoch)
        fprintf(f, "kept     best epoch %u of %u (val top-1 %.2f %%)\n", b->epoch, b->epochs, 100.0 * b->score.top1);
}

static void print_part(FILE *f, const char *name, double x)
{
    if (isfinite(x))
        fprintf(f, ", %s %.4f", name, x);
}

void print_tuning(FILE *f, const char *what, const distill_tune_result *r, uint32_t depth)
{
    bool any = false;
    fprintf(f, "%-8s loss %.4f", what, r->loss);
    print_part(f, "cross-entropy", r->ce);
    print_part(f, "divergence", r->kl);
    print_part(f, "halting", r->halting);
    fprintf(f, "; %llu steps in %.0f s\n", (unsigned long long) r->steps, r->seconds);
    for (uint32_t l = 0; l < depth; l++) {
        if (!isfinite(r->distance[l]))
            continue;
        fprintf(f, "%s  layer %u %.4f", any ? "" : "distance", l, r->distance[l]);
        any = true;
    }
    if (any)
        putc('\n', f);
    print_best(f, &r->best);
    if (isfinite(r->keep))
        fprintf(f, "centre   keep ratio %.3f, of the teacher %.3f\n", r->keep, r->teacher_keep);
}
