// recipe.c — a training recipe as inputs of a run and in words.
#include "pipeline/train/recipe.h"

#include <stdio.h>

#include "nn/base/json.h"

void pipeline_recipe_add_inputs(json_t *inputs, const nn_recipe *r)
{
    const struct { const char *name; double value; } part[] = {
        { "mixup", r->mixup }, { "cutmix", r->cutmix }, { "drop_path", r->drop_path }, { "ema", r->ema },
    };
    nn_json_set_new(inputs, "smoothing", json_real(r->smoothing));
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (part[i].value > 0)
            nn_json_set_new(inputs, part[i].name, json_real(part[i].value));
}

void pipeline_recipe_text(const nn_recipe *r, char *text, size_t size)
{
    const struct { const char *name; double value; } part[] = {
        { "label smoothing", r->smoothing }, { "mixup", r->mixup }, { "cutmix", r->cutmix },
        { "stochastic depth", r->drop_path }, { "an average of the weights with decay", r->ema },
    };
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < sizeof part / sizeof part[0] && used < size; i++)
        if (part[i].value > 0)
            used += (size_t) snprintf(text + used, size - used, "%s %s %g", used ? "," : "Recipe:", part[i].name,
                                      part[i].value);
    if (used && used < size)
        snprintf(text + used, size - used, ".\n");
}
