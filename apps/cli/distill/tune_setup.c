// tune_setup.c — from the options of tuning to its settings, and what is said of it.
#include "apps/cli/distill/tune_setup.h"

#include <math.h>
#include <stdio.h>

// Of an option that may not be given: the library's default, or none for 0.
static double weight(double x)
{
    return x < 0 ? 0 : app_or_none(x);
}

vkc_status tune_make_params(const tune_options *o, distill_tune_params *out)
{
    vkc_status st;
    *out = (distill_tune_params) {
        .similarity = weight(o->similarity), .ce = weight(o->ce), .kl = weight(o->kl), .temperature = o->temperature,
        .halting = weight(o->halting), .centre = o->centre, .epochs = o->epochs, .lr = o->lr > 0 ? o->lr : 0,
        .weight_decay = o->weight_decay, .clip = app_or_none(o->clip),
        .recipe = o->recipe,
    };
    VKC_TRY(distill_trained_get(o->train, &out->trained));
    VKC_TRY(distill_target_get(o->target, &out->target));
    st = distill_distance_get(o->distance, &out->distance);
done:
    return st;
}

json_t *tune_inputs(const tune_options *o)
{
    json_t *inputs = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "train", o->train,
                               "target", o->target, "distance", o->distance, "epochs", (int) o->epochs, "lr", o->lr,
                               "weight_decay", o->weight_decay, "clip", o->clip, "similarity", o->similarity, "ce",
                               o->ce, "kl", o->kl, "temperature", o->temperature, "halting", o->halting, "centre",
                               (int) o->centre);
    recipe_add_inputs(inputs, &o->recipe);
    return inputs;
}

json_t *tune_json(const char *what, const tune_options *o, const distill_tune_result *r, uint32_t depth)
{
    json_t *distance = json_array();
    for (uint32_t l = 0; l < depth; l++)
        json_array_append_new(distance, app_number(r->distance[l]));
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "what", what, "train", o->train,
                     "steps", (json_int_t) r->steps, "seconds", app_number(r->seconds), "loss", app_number(r->loss),
                     "ce", app_number(r->ce), "kl", app_number(r->kl), "halting", app_number(r->halting),
                     "teacher_keep", app_number(r->teacher_keep), "keep", app_number(r->keep), "distance", distance);
}

static void print_part(FILE *f, const char *name, double x)
{
    if (isfinite(x))
        fprintf(f, ", %s %.4f", name, x);
}

void tune_print(FILE *f, const char *what, const distill_tune_result *r, uint32_t depth)
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
    if (isfinite(r->keep))
        fprintf(f, "centre   keep ratio %.3f, of the teacher %.3f\n", r->keep, r->teacher_keep);
}
