// teachers_print.c — pare study teachers: the gap of teachers to their students against their keep ratios.
#include "apps/cli/print/print.h"

#include <math.h>

vkc_status print_teachers_result(FILE *f, const pipeline_teachers_result *r)
{
    for (uint32_t m = 0; m < r->variants.n_mixers; m++) {
        const char *mixer = r->variants.mixers[m];
        distill_correlation c;
        fprintf(f, "%s in place of all attention; top-1 on %s\n%-26s %8s  %9s  %9s  %17s  error\n", mixer,
                nn_split_name(r->split), "teacher", "kept", "teacher", "student", "gap, points");
        for (uint32_t i = 0; i < r->n; i++) {
            const pipeline_teacher *t = &r->teacher[i];
            const pipeline_gap gap = pipeline_teachers_gap(r, i, mixer);
            fprintf(f, "%-26.60s %6.1f %%  %7.2f %%  %7.2f %%  %8.2f +- %5.2f  %.4f\n", t->name,
                    100.0 * t->result.base.keep, 100.0 * t->result.base.top1, 100.0 * gap.top1, 100.0 * gap.mean,
                    100.0 * gap.std, gap.error);
        }
        vkc_status st = pipeline_teachers_correlate(r, mixer, &c);
        if (st != VKC_OK)
            return st;
        fprintf(f, "\nSpearman's correlation of gap and share kept, %u teachers: ", c.n);
        if (isfinite(c.rho))
            fprintf(f, "%+.3f (p %.4f); above 0: the fewer tokens the teacher keeps, the narrower the gap\n\n", c.rho,
                    c.p);
        else
            fputs("-\n\n", f);
    }
    fprintf(f, "run      %s\n", r->run_dir);
    return VKC_OK;
}
