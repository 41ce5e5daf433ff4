// tuning.c — settings of a tuning as a program gives them.
#include "pipeline/api/api_impl.h"

static const distill_trained trained[] = {
    [PARE_TRAIN_MIXERS] = DISTILL_TRAIN_MIXERS, [PARE_TRAIN_ATTN] = DISTILL_TRAIN_ATTN,
    [PARE_TRAIN_FC] = DISTILL_TRAIN_FC,         [PARE_TRAIN_FC_HEAD] = DISTILL_TRAIN_FC_HEAD,
    [PARE_TRAIN_BLOCKS] = DISTILL_TRAIN_BLOCKS, [PARE_TRAIN_ALL] = DISTILL_TRAIN_ALL,
};

// Numbers that are none, and those with a range of their own.
static vkc_status check(const pare_tuning *t)
{
    const struct { const char *name; double value, min, max; } number[] = {
        { "lr", t->lr, 0.0, 100.0 },            { "weight_decay", t->weight_decay, -1e9, 100.0 },
        { "clip", t->clip, -1e9, 1e9 },         { "similarity", t->similarity, -1e9, 1e6 },
        { "ce", t->ce, -1e9, 1e6 },             { "kl", t->kl, -1e9, 1e6 },
        { "temperature", t->temperature, 0.0, 1e3 }, { "halting", t->halting, -1e9, 1e6 },
    };
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++)
        if (!(number[i].value >= number[i].min && number[i].value <= number[i].max))
            return VKC_FAIL(VKC_E_ARG, "tuning: a %s of %g, want at most %g%s", number[i].name, number[i].value,
                            number[i].max, number[i].min < 0.0 ? "" : ", and not negative");
    if ((unsigned) t->trained >= sizeof trained / sizeof trained[0])
        return VKC_FAIL(VKC_E_ARG, "tuning: no part of the model to train of number %d", (int) t->trained);
    return VKC_OK;
}

vkc_status pipeline__api_tuning(const pare_tuning *in, pipeline_tuning *out)
{
    pare_tuning t;
    vkc_status st;
    if (!in)
        return VKC_OK;
    VKC_TRY(pipeline__api_take("tuning", in, sizeof t, sizeof t, &t));
    VKC_TRY(check(&t));
    if (t.trained != PARE_TRAIN_USUAL)
        out->trained = trained[t.trained];
    out->target = t.heads ? DISTILL_TARGET_HEADS : DISTILL_TARGET_OUTPUT;
    out->distance = t.cosine ? DISTILL_COSINE : DISTILL_MSE;
    out->lr = t.lr > 0.0 ? t.lr : out->lr;
    out->weight_decay = pipeline__api_or(t.weight_decay, 0.0);
    out->clip = pipeline__api_or(t.clip, out->clip);
    out->similarity = pipeline__api_or(t.similarity, out->similarity);  // usual < 0: by what is trained
    out->ce = pipeline__api_or(t.ce, out->ce);
    out->kl = pipeline__api_or(t.kl, 0.0);
    out->halting = pipeline__api_or(t.halting, out->halting);
    out->centre = t.centre != 0;
    out->temperature = t.temperature > 0.0 ? t.temperature : out->temperature;
done:
    return st;
}
