// transfer.c — teacher-forced transfer of all layers in one pass.
#include "distill/transfer/transfer.h"

#include "distill/transfer/distance.h"
#include "distill/transfer/layerwise.h"
#include "nn/graph/finite.h"

typedef struct transfer {
    const distill_transfer_params *p;
    distill_distances d;
} transfer;

static bool is_trained(const nn_model *teacher, const nn_model *student, const distill_transfer_params *p, uint32_t l)
{
    return distill_layer_differs(teacher, student, l) && (!p->only || p->only[l]);
}

static uint32_t build_losses(void *user, nn_graph *g, const nn_model *teacher, const nn_model *student,
                             const nn_batch *b, const nn_model_taps *t, nn_tensor **watch)
{
    transfer *w = (transfer *) user;
    (void) b;
    distill_distances_start(&w->d, w->p->target, w->p->distance);
    for (uint32_t l = 0; l < teacher->cfg.depth; l++) {
        if (!is_trained(teacher, student, w->p, l))
            continue;
        nn_tensor *heads, *o = nn_model_attn(g, student, l, t->normed[l], true, &heads, NULL);
        if (w->p->check_finite)
            nn_finite_watch(g, heads, "layer %u (%s): its output", l, student->block[l].mixer->name);
        nn_graph_add_loss(g, distill_distances_add(&w->d, g, l, heads, o, t), 1.0f);
    }
    return distill_distances_watch(&w->d, watch);
}

static vkc_status check(const nn_model *teacher, const nn_model *student, const distill_transfer_params *p)
{
    vkc_status st = distill_check_shapes(teacher, student);
    for (uint32_t l = 0; l < teacher->cfg.depth && st == VKC_OK; l++)
        if (is_trained(teacher, student, p, l))
            return VKC_OK;
    return st == VKC_OK ? VKC_FAIL(VKC_E_ARG, "transfer: the student has the teacher's mixer in every layer") : st;
}

vkc_status distill_transfer(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                            distill_transfer_result *out)
{
    vkc_status st;
    distill_transfer_params rest = *p;
    transfer w = { .p = &rest };
    nn_fit_result r;
    *out = (distill_transfer_result) { 0 };
    distill_distances_get(&w.d, NULL, out->error);
    VKC_TRY(check(teacher, student, p));
    VKC_TRY(distill_match(teacher, student, p, &out->match));
    if (p->max_steps && out->match.steps >= p->max_steps) {
        st = VKC_FAIL(VKC_E_STOPPED, "transfer: stopped before its first step");
        goto done;
    }
    rest.max_steps = p->max_steps ? p->max_steps - (uint32_t) out->match.steps : 0;
    st = distill_fit_layers(teacher, student, &rest, &(distill_pass) {
        .what = "transfer", .epochs = p->epochs ? p->epochs : 3, .lr = p->lr > 0 ? p->lr : 1e-2, .build = build_losses,
        .user = &w,
    }, &r);
    out->steps = r.steps;
    out->seconds = out->match.seconds + r.seconds;
    distill_distances_get(&w.d, r.watch, out->error);
done:
    return st;
}
