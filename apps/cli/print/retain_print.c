// retain_print.c — keep ratios of token-pruned models, layer by layer, and a series of them side by side.
#include "apps/cli/print/print.h"

#include <math.h>

static bool has_overlap(const distill_retain_stats *s)
{
    bool has = false;
    for (uint32_t l = 0; l < s->depth; l++)
        has = has || isfinite(s->overlap[l]);
    return has;
}

static void print_share(FILE *f, double share)
{
    if (isfinite(share))
        fprintf(f, "  %7.1f %%", 100.0 * share);
    else
        fprintf(f, "  %9s", "-");
}

void print_ring(FILE *f, const distill_retain_stats *s)
{
    char text[200];
    pipeline_ring_text(s, text, sizeof text);
    if (*text)
        fprintf(f, "%s\n", text);
}

static void print_stats(FILE *f, const distill_retain_stats *s)
{
    const bool compared = has_overlap(s);
    fprintf(f, "layer    patches%s%s   (%u images)\n", compared ? "    overlap      AUPRC" : "",
            s->has_truth ? "       ring     others" : "", s->images);
    for (uint32_t l = 0; l < s->depth; l++) {
        fprintf(f, "%5u", l);
        print_share(f, s->layer[l]);
        if (compared) {
            print_share(f, s->overlap[l]);
            print_share(f, s->auprc[l]);
        }
        if (s->has_truth) {
            print_share(f, (double) s->ring.in[l] / (double) s->ring.inside);
            print_share(f, (double) s->ring.out[l] / (double) s->ring.outside);
        }
        fputc('\n', f);
    }
    print_ring(f, s);
}

void print_retained(FILE *f, const pipeline_retained *m, const pipeline_retain_result *r)
{
    const nn_eval_result *e = pipeline_retained_figures(m);
    fprintf(f, "keep     %.1f %% of the patches, ", 100.0 * e->keep);
    if (m->keep > 0)
        fprintf(f, "asked: %.1f %%; ", 100.0 * m->keep);
    fprintf(f, "top-1 %.2f %%, with all tokens %.2f %%\n", 100.0 * e->top1, 100.0 * r->teacher.top1);
    if (m->train.steps)
        fprintf(f, "train    loss %.4f, %llu steps, %.0f s in all\n", m->train.loss,
                (unsigned long long) m->train.steps, m->train.seconds);
    print_best(f, &m->train.best);
    fprintf(f, "compute  %.4g M multiply-adds a picture, with all tokens %.4g M: %.1f %%\n", 1e-6 * m->kept_macs,
            1e-6 * m->macs, 100.0 * m->kept_macs / m->macs);
    if (m->images_per_s > 0)
        fprintf(f, "speed    %.0f images/s, with all tokens %.0f: %.2f times; ideal %.2f\n", m->images_per_s,
                r->teacher_images_per_s, m->images_per_s / r->teacher_images_per_s, m->macs / m->kept_macs);
    print_eval(f, "val", &m->val);
    print_eval(f, "test", &m->test);
    print_stats(f, &m->stats);
    fprintf(f, "model    %s\n", m->out);
}

void print_series(FILE *f, const pipeline_retain_result *r)
{
    fprintf(f, "\n    asked       kept      top-1   M multiply-adds   images/s   model\n");
    fprintf(f, "        -  %7.1f %%  %7.2f %%  %16.4g  %9.0f   (teacher)\n", 100.0, 100.0 * r->teacher.top1,
            1e-6 * r->model[0].macs, r->teacher_images_per_s);
    for (uint32_t i = 0; i < r->n; i++) {
        const pipeline_retained *m = &r->model[i];
        const nn_eval_result *e = pipeline_retained_figures(m);
        fprintf(f, "%7.1f %%  %7.1f %%  %7.2f %%  %16.4g  %9.0f   %s\n", 100.0 * m->keep, 100.0 * e->keep,
                100.0 * e->top1, 1e-6 * m->kept_macs, m->images_per_s, m->out);
    }
}
