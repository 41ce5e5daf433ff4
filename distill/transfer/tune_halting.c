// tune_halting.c — tuning under a teacher with token pruning.
#include "distill/transfer/tune_halting.h"

#include "shaders/halt/halt_match.h"

#include <math.h>

#define WEIGHT 0.1                  // of all of it
#define KEEP_WEIGHT 5.0f            // of the shares beside the divergence
#define TAU 0.1f                    // temperature of the soft keep decision, in units of the cumulative score

vkc_status distill_halting_check(const nn_model *teacher, const nn_model *student, const distill_tune_params *p)
{
    const nn_retention_config *t = &teacher->cfg.retention, *s = &student->cfg.retention;
    if (t->policy != s->policy)
        return VKC_FAIL(VKC_E_ARG, "tune: the student is driven by the teacher's masks, but the teacher's policy is "
                        "%s, the student's %s", nn_policy_name(t->policy), nn_policy_name(s->policy));
    if (t->policy == NN_POLICY_HALTING && (t->every != s->every || t->keep_class != s->keep_class ||
                                           fabs(t->eps - s->eps) > 1e-9))
        return VKC_FAIL(VKC_E_ARG, "tune: the teacher halts tokens with every %u, eps %g and keep_class %d, the "
                        "student with %u, %g and %d", t->every, t->eps, t->keep_class, s->every, s->eps, s->keep_class);
    for (uint32_t l = 0; l < teacher->cfg.depth && t->policy == NN_POLICY_TOPK; l++)
        if (nn_retention_is_made(&teacher->cfg, l) != nn_retention_is_made(&student->cfg, l) ||
            nn_retention_count(&teacher->cfg, l) != nn_retention_count(&student->cfg, l))
            return VKC_FAIL(VKC_E_ARG, "tune: after block %u the teacher keeps a share of %g of its tokens, "
                            "the student %g", l, t->share[l], s->share[l]);
    if (p->halting > 0 && t->policy != NN_POLICY_HALTING)
        return VKC_FAIL(VKC_E_ARG, "tune: no halting to imitate, the teacher's policy is %s",
                        nn_policy_name(t->policy));
    return VKC_OK;
}

void distill_halting_start(const nn_model_taps *t, nn_model_taps *s)
{
    s->retention.follow = &t->retention;
}

void distill_halting_add(distill_halting *h, nn_graph *g, const distill_tune_params *p, const nn_model *teacher,
                         const nn_model_taps *t, const nn_model_taps *s)
{
    const nn_retention_config *c = &teacher->cfg.retention;
    const struct halt_match_attr match = {
        .eps = (float) c->eps, .tau = TAU, .weight = KEEP_WEIGHT, .kept = c->keep_class,
    };
    *h = (distill_halting) { .n = 0 };
    if (c->policy != NN_POLICY_HALTING || p->halting < 0)
        return;
    for (uint32_t l = 0; l + 1 < teacher->cfg.depth; l++) {
        nn_tensor *loss = NN_APPLY(g, halt_match, &match, NULL, s->retention.soft[l], t->retention.halting[l],
                                   t->retention.before[l]);
        h->weight[h->n] = (float) (p->halting > 0 ? p->halting : WEIGHT);
        nn_graph_add_loss(g, loss, h->weight[h->n]);
        h->watch[h->n++] = loss;
    }
}

double distill_halting_get(const distill_halting *h, const double *watch)
{
    double sum = 0;
    for (uint32_t i = 0; i < h->n; i++)
        sum += watch[i];
    return h->n ? sum : (double) NAN;
}
