// train_halting.c — a classifier that halts tokens, trained from the start on.
#include "distill/retain/retain_control.h"

#include "nn/train/train.h"
#include "vk/clock.h"

vkc_status distill_train_halting(nn_model *m, const nn_train_params *t, const distill_retain_params *p,
                                 nn_train_result *trained, distill_retain_result *out)
{
    const double start = vkc_seconds();
    nn_train_params with = *t;
    distill_retain_params own = *p;         // what the control reads of a training is what nn_train is told
    distill_control c = { .p = &own };
    vkc_status st;
    *out = (distill_retain_result) { .steps = 0 };
    *trained = (nn_train_result) { .steps = 0 };
    own.data = t->data;
    own.threads = t->threads;
    own.judge = t->judge;
    own.progress = t->progress;
    own.user = t->user;
    own.plain_gate = true;
    if (m->cfg.retention.policy != NN_POLICY_HALTING)
        return VKC_FAIL(VKC_E_ARG, "train: the model does not halt tokens");
    if (!p->fixed_gate)
        VKC_TRY(distill_retain_check(&m->cfg, p->keep));
    if (nn_dataset_classes(t->data) != m->cfg.classes) {
        st = VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u", nn_dataset_spec(t->data),
                      nn_dataset_classes(t->data), m->cfg.classes);
        goto done;
    }
    VKC_TRY(distill_control_open(&c, m, &own));
    const nn_train_halting halting = { .prior = distill_control_prior(&c), .begin = distill_control_begin,
                                       .tune = distill_control_tune, .user = &c,
                                       .n_state = distill_control_words(&c) };
    c.keep_at = 1;
    with.halting = &halting;
    with.progress = distill_control_report;
    with.judge = (nn_judge) { t->judge.fn ? distill_control_judge : NULL, &c };
    with.user = &c;
    st = nn_train(m, &with, trained);
    out->steps = trained->steps;
    out->images = trained->images;
    out->loss = trained->loss;
    out->best = trained->best;
    out->trained_keep = trained->keep;
    if (st == VKC_OK)
        st = distill_control_end(&c, &out->val_keep);
done:
    out->start_centre = c.start_centre;
    distill_control_close(&c);
    out->seconds = vkc_seconds() - start;
    return st;
}
