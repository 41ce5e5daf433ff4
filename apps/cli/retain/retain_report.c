// retain_report.c — what pare retain says, as text, JSON and Markdown.
#include "apps/cli/retain/retain_report.h"

#include <math.h>
#include <stdlib.h>

static json_t *build_list(const double *x, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < n; l++)
        json_array_append_new(list, app_number(x[l]));
    return list;
}

// Share of `all` patches that are there, by layer.
static json_t *build_shares(const uint64_t *count, uint64_t all, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t l = 0; l < n; l++)
        json_array_append_new(list, app_number(all ? (double) count[l] / (double) all : (double) NAN));
    return list;
}

static bool has_overlap(const distill_retain_stats *s)
{
    bool has = false;
    for (uint32_t l = 0; l < s->depth; l++)
        has = has || isfinite(s->overlap[l]);
    return has;
}

void retain_add_ring(json_t *o, const distill_retain_stats *s)
{
    const distill_survival *r = &s->ring;
    if (!s->has_truth)
        return;
    json_object_set_new(o, "ring_survival", app_number(distill_survival_ratio(r, s->depth - 1, s->depth)));
    json_object_set_new(o, "ring_survival_mean", app_number(distill_survival_ratio(r, s->depth, s->depth)));
    json_object_set_new(o, "ring_per_layer", build_shares(r->in, r->inside, s->depth));
    json_object_set_new(o, "others_per_layer", build_shares(r->out, r->outside, s->depth));
}

json_t *retain_stats_json(const distill_retain_stats *s)
{
    json_t *o = json_pack("{s:o, s:o}", "keep", app_number(s->keep), "keep_per_layer", build_list(s->layer, s->depth));
    if (!o)
        return NULL;
    if (has_overlap(s)) {
        json_object_set_new(o, "overlap", build_list(s->overlap, s->depth));
        json_object_set_new(o, "auprc", build_list(s->auprc, s->depth));
    }
    retain_add_ring(o, s);
    return o;
}

static void print_ratio(FILE *f, double ratio)
{
    if (isinf(ratio))
        fputs("no other is left", f);
    else if (isnan(ratio))
        fputs("-", f);
    else
        fprintf(f, "%.2f times as often", ratio);
}

static void print_share(FILE *f, double share)
{
    if (isfinite(share))
        fprintf(f, "  %7.1f %%", 100.0 * share);
    else
        fprintf(f, "  %9s", "-");
}

void retain_print_ring(FILE *f, const distill_retain_stats *s)
{
    if (!s->has_truth)
        return;
    fputs("patches of the ring survive, against the others: at the last layer ", f);
    print_ratio(f, distill_survival_ratio(&s->ring, s->depth - 1, s->depth));
    fputs(", mean of layers ", f);
    print_ratio(f, distill_survival_ratio(&s->ring, s->depth, s->depth));
    fputc('\n', f);
}

void retain_stats_print(FILE *f, const distill_retain_stats *s)
{
    const bool compared = has_overlap(s);
    fprintf(f, "layer    patches%s%s   (%u pictures)\n", compared ? "    overlap      AUPRC" : "",
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
    retain_print_ring(f, s);
}

static const nn_eval_result *get_figures(const retain_outcome *o)
{
    return o->test.images ? &o->test : &o->val;
}

json_t *retain_json(const retain_outcome *o, const retain_dense *d, const nn_model *v)
{
    const vkc_device_info *i = vkc_device_get_info(v->dev);
    const nn_eval_result *r = get_figures(o);
    json_t *stats = retain_stats_json(&o->stats);
    json_t *result = json_pack(
                     "{s:f, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "keep_asked", o->item->keep, "keep", app_number(r->keep), "top1", app_number(r->top1), "policy",
                     nn_policy_name(o->item->retention.policy), "model", o->item->out, "images_per_s",
                     o->images_per_s > 0 ? app_number(o->images_per_s) : json_null(), "teacher_top1",
                     app_number(d->figures.top1), "teacher_images_per_s",
                     d->images_per_s > 0 ? app_number(d->images_per_s) : json_null(), "retention",
                     nn_retention_json(&v->cfg), "val", measure_json(&o->val), "test", measure_json(&o->test), "steps",
                     (json_int_t) o->train.steps, "train_loss", app_number(o->train.loss), "trained_keep",
                     app_number(o->train.trained_keep), "start_centre", app_number(o->train.start_centre), "seconds",
                     app_number(o->train.seconds), "device", i->name, "driver", i->driver);
    if (!result) {
        json_decref(stats);
        return NULL;
    }
    json_object_update_missing(result, stats);
    json_decref(stats);
    return result;
}

void retain_print(FILE *f, const retain_outcome *o, const retain_dense *d)
{
    const nn_eval_result *r = get_figures(o);
    fprintf(f, "keep     %.1f %% of the patches, asked: %.1f %%; top-1 %.2f %%, with all tokens %.2f %%\n",
            100.0 * r->keep, 100.0 * o->item->keep, 100.0 * r->top1, 100.0 * d->figures.top1);
    if (o->train.steps)
        fprintf(f, "train    loss %.4f, %llu steps, %.0f s in all\n", o->train.loss,
                (unsigned long long) o->train.steps, o->train.seconds);
    if (o->images_per_s > 0)
        fprintf(f, "speed    %.0f images/s, with all tokens %.0f: %.2f times; ideal %.2f\n", o->images_per_s,
                d->images_per_s, o->images_per_s / d->images_per_s, 1.0 / r->keep);
    measure_print(f, "val", &o->val);
    measure_print(f, "test", &o->test);
    retain_stats_print(f, &o->stats);
    fprintf(f, "model    %s\n", o->item->out);
}

void retain_print_series(FILE *f, const retain_outcome *o, uint32_t n, const retain_dense *d)
{
    fprintf(f, "\n    asked       kept      top-1   images/s   model\n");
    fprintf(f, "        -  %7.1f %%  %7.2f %%  %9.0f   (teacher)\n", 100.0, 100.0 * d->figures.top1, d->images_per_s);
    for (uint32_t i = 0; i < n; i++) {
        const nn_eval_result *r = get_figures(&o[i]);
        fprintf(f, "%7.1f %%  %7.1f %%  %7.2f %%  %9.0f   %s\n", 100.0 * o[i].item->keep, 100.0 * r->keep,
                100.0 * r->top1, o[i].images_per_s, o[i].item->out);
    }
}

static void print_markdown(FILE *f, const retain_outcome *o, const retain_dense *d)
{
    const nn_eval_result *r = get_figures(o);
    const distill_retain_stats *s = &o->stats;
    fprintf(f, "## Tokens\n\nPolicy %s, asked to keep %.1f %% of the patches; mean over blocks %.1f %%.\n\n",
            nn_policy_name(o->item->retention.policy), 100.0 * o->item->keep, 100.0 * r->keep);
    fprintf(f, "|  | all tokens | this model |\n|---|---|---|\n| top-1 | %.2f %% | %.2f %% |\n",
            100.0 * d->figures.top1, 100.0 * r->top1);
    if (o->images_per_s > 0)
        fprintf(f, "| images a second | %.0f | %.0f |\n", d->images_per_s, o->images_per_s);
    fputs("\nPatches at the entry of layer", f);
    for (uint32_t l = 0; l < s->depth; l++)
        fprintf(f, "%s %u: %.1f %%", l ? "," : "", l, 100.0 * s->layer[l]);
    fputs(".\n", f);
    if (s->has_truth)
        fputc('\n', f);
    retain_print_ring(f, s);
}

char *retain_markdown(const retain_outcome *o, const retain_dense *d)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    print_markdown(f, o, d);
    bool failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
