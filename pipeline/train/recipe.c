// recipe.c — a training recipe as inputs of a run and in words.
#include "pipeline/train/recipe.h"

#include <stdarg.h>
#include <stdio.h>

#include "nn/base/json.h"
#include "pipeline/base/json.h"

nn_recipe pipeline_recipe_of(const nn_recipe *r)
{
    nn_recipe own = *r;
    own.rates.warmup = r->rates.warmup < 0 ? 0 : r->rates.warmup > 0 ? r->rates.warmup : -1;
    return own;
}

vkc_status pipeline_recipe_check(const pipeline_context *c, const char *pre, const nn_recipe *r, double lr,
                                 uint32_t batch)
{
    vkc_status st = nn_rates_check(&r->rates, lr, batch);
    if (st == VKC_OK)
        st = nn_augment_recipe_check(&r->augment);
    return st == VKC_OK ? nn_recipe_check(r) : VKC_WRAP(st, "%s%s%s", pipeline_dash(c), pre, vkc_last_error());
}

void pipeline_recipe_tell(const pipeline_context *c, const nn_recipe *r)
{
    const nn_augment_recipe *a = &r->augment;
    if (a->aa && a->color_jitter > 0 && !a->force_color_jitter)
        pipeline_say(c, PIPELINE_NOTE, "colour jitter is left out beside RandAugment, as timm does; "
                     "%sforce-color-jitter applies both", pipeline_dash(c));
}

static void add_number(json_t *o, const char *name, double value)
{
    if (value > 0)
        nn_json_set_new(o, name, json_real(value));
}

static void add_count(json_t *o, const char *name, uint32_t value, uint32_t least)
{
    if (value >= least)
        nn_json_set_new(o, name, json_integer((json_int_t) value));
}

static void add_text(json_t *o, const char *name, const char *text)
{
    if (text)
        nn_json_set_new(o, name, json_string(text));
}

static void add_range(json_t *o, const char *name, const double range[2])
{
    if (range[1] > 0)
        nn_json_set_new(o, name, pipeline_number_list_json(range, 2));
}

static void add_augment(json_t *o, const nn_augment_recipe *a)
{
    add_text(o, "aa", a->aa);
    add_number(o, "color_jitter", a->color_jitter);
    if (a->force_color_jitter)
        nn_json_set_new(o, "force_color_jitter", json_true());
    add_number(o, "reprob", a->reprob);
    add_text(o, "remode", a->remode);
    add_count(o, "recount", a->recount, 2);
    add_count(o, "aug_repeats", a->aug_repeats, 2);
    add_range(o, "scale", a->scale);
    add_range(o, "ratio", a->ratio);
    add_number(o, "hflip", a->hflip);
    add_number(o, "vflip", a->vflip);
    add_text(o, "train_interpolation", a->train_interpolation);
}

void pipeline_recipe_add_inputs(json_t *inputs, const nn_recipe *r)
{
    const nn_rates *rates = &r->rates;
    nn_json_set_new(inputs, "smoothing", json_real(r->smoothing));
    add_number(inputs, "mixup", r->mixup);
    add_number(inputs, "cutmix", r->cutmix);
    add_number(inputs, "drop_path", r->drop_path);
    add_number(inputs, "ema", r->ema);
    add_number(inputs, "min_lr", rates->min_lr);
    if (rates->warmup >= 0)
        nn_json_set_new(inputs, "warmup", json_real(rates->warmup));
    add_number(inputs, "warmup_lr", rates->warmup_lr);
    add_number(inputs, "lr_base", rates->base);
    if (rates->base > 0)
        add_count(inputs, "lr_base_size", rates->base_size ? rates->base_size : NN_BASE_SIZE, 1);
    add_augment(inputs, &r->augment);
}

typedef struct list { char *text; size_t size, used; } list;    // cut off at its end

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void add(list *l, const char *fmt, ...)
{
    va_list args;
    if (l->used >= l->size)
        return;
    const int head = snprintf(l->text + l->used, l->size - l->used, "%s ", l->used ? "," : "Recipe:");
    l->used += head > 0 ? (size_t) head : 0;
    if (l->used >= l->size)
        return;
    va_start(args, fmt);
    const int tail = vsnprintf(l->text + l->used, l->size - l->used, fmt, args);
    va_end(args);
    l->used += tail > 0 ? (size_t) tail : 0;
}

static void add_pictures(list *l, const nn_augment_recipe *a)
{
    if (a->aa)
        add(l, "RandAugment %.60s", a->aa);
    if (a->color_jitter > 0 && (!a->aa || a->force_color_jitter))
        add(l, "colour jitter %g", a->color_jitter);
    if (a->scale[1] > 0)
        add(l, "random crops of %g to %g of the area", a->scale[0], a->scale[1]);
    else if (a->ratio[1] > 0)
        add(l, "random crops");
    if (a->ratio[1] > 0)
        add(l, "width / height of crops %g to %g", a->ratio[0], a->ratio[1]);
    if (a->hflip > 0)
        add(l, "horizontal flips %g", a->hflip);
    if (a->vflip > 0)
        add(l, "vertical flips %g", a->vflip);
    if (a->reprob > 0)
        add(l, "random erasing %g", a->reprob);
    if (a->aug_repeats > 1)
        add(l, "%u copies of an image an epoch", a->aug_repeats);
}

void pipeline_recipe_text(const nn_recipe *r, char *text, size_t size)
{
    const struct { const char *name; double value; } part[] = {
        { "label smoothing", r->smoothing }, { "mixup", r->mixup }, { "cutmix", r->cutmix },
        { "stochastic depth", r->drop_path }, { "an average of the weights with decay", r->ema },
    };
    list l = { text, size, 0 };
    *text = '\0';
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (part[i].value > 0)
            add(&l, "%s %g", part[i].name, part[i].value);
    add_pictures(&l, &r->augment);
    if (l.used && l.used < size)
        snprintf(text + l.used, size - l.used, ".\n");
}
