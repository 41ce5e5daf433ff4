// distill.c — one stage of a distillation after the other.
#include "pipeline/distill/stages_impl.h"

#include "nn/models/vit/positions.h"
#include "pipeline/base/data.h"
#include "pipeline/base/load.h"
#include "pipeline/run/output.h"

#include <stdlib.h>
#include <string.h>

// What can be said before a device is opened; `r` gets the mixers.
static vkc_status check(const pipeline_context *c, const pipeline_distill_params *p, pipeline_distill_result *r)
{
    if (!p->teacher || !p->place.out || p->n_mixers + p->n_from == 0)
        return VKC_FAIL(VKC_E_ARG, "distill: want a teacher, what may replace its attention, and a folder to write");
    vkc_status st = pipeline__schedule_check(c, p);
    if (st == VKC_OK)
        st = pipeline__tuning_check(c, p);
    if (st == VKC_OK)
        st = pipeline__choices_read(c, p, r);
    const char *read[2 + DISTILL_MAX_CHOICES] = { p->teacher, p->data.set ? nn_dataset_spec(p->data.set) : NULL };
    const uint32_t n = p->n_from < DISTILL_MAX_CHOICES ? p->n_from : DISTILL_MAX_CHOICES;
    pipeline_place place = p->place;
    char beside[PIPELINE_PATH_MAX];
    for (uint32_t i = 0; i < n; i++)
        read[2 + i] = p->from[i];
    if (st == VKC_OK && !(p->min_share >= 0.0 && p->min_share <= 1.0))
        st = VKC_FAIL(VKC_E_ARG, "%smin-share %g: want a share above 0, 1 at most", pipeline_dash(c), p->min_share);
    place.beside = NULL;
    if (st == VKC_OK && !p->schedule) {
        st = pipeline_distill_beside(&p->place, p->best, beside);
        place.beside = beside;
    }
    return st == VKC_OK ? pipeline_check_place(c, &place, read, 2 + n) : st;
}

vkc_status pipeline_distill_check(const pipeline_context *c, const pipeline_distill_params *p)
{
    pipeline_distill_result *r = calloc(1, sizeof *r);
    vkc_status st = r ? check(c, p, r) : VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory");
    free(r);
    return st;
}

// What the teacher must be, before a folder is made.
static vkc_status check_teacher(distill_work *w)
{
    nn_model_config at = { 0 };
    pipeline_distill_result *r = w->r;
    r->depth = w->teacher->cfg.depth;
    const nn_size size = w->p->size;
    if (size.height != size.width || w->teacher->cfg.height != w->teacher->cfg.width)
        return VKC_FAIL(VKC_E_ARG, "distill: pictures must be square: it times models at several sizes");
    r->image = size.height ? size.height : w->teacher->cfg.height;
    vkc_status st = nn_model_config_copy(&w->teacher->cfg, &at);
    if (st == VKC_OK)
        st = nn_model_config_set_size(&at, (nn_size) { r->image, r->image });
    if (st == VKC_OK)
        st = pipeline__layers_check(w);
    if (st == VKC_OK)
        st = pipeline__search_check(w);
    if (st == VKC_OK)
        st = pipeline__layers_limit(w);
    nn_model_config_finish(&at);
    return st;
}

static vkc_status run_all(distill_work *w, pipeline_data *data)
{
    vkc_status st;
    VKC_TRY(check(w->c, w->p, w->r));
    if (!w->p->schedule)
        VKC_TRY(pipeline_distill_beside(&w->p->place, w->p->best, w->beside));
    VKC_TRY(pipeline_check_data(&w->p->data));
    pipeline_recipe_tell(w->c, &w->p->tune.recipe);
    if (w->p->tune_all.epochs)
        pipeline_recipe_tell(w->c, &w->p->tune_all.recipe);
    VKC_TRY(pipeline_load_model(w->c, w->p->teacher, false, &w->teacher));
    VKC_TRY(nn_model_config_check_pictures(&w->teacher->cfg));
    if (w->p->tune.epochs || w->p->tune_all.epochs)
        VKC_TRY(nn_model_config_check_exclusive(&w->teacher->cfg));
    VKC_TRY(check_teacher(w));
    VKC_TRY(pipeline_data_match(w->c, data, &w->teacher->cfg, w->p->teacher, &w->view));
    VKC_TRY(pipeline__choices_load(w));
    if (!w->p->place.resume)
        VKC_TRY(pipeline_check_teacher(w->c, w->teacher, data, w->p->teacher, NULL));
    VKC_TRY(pipeline__stage_run(w));
    VKC_TRY(pipeline__stage_sparsity(w));
    if (w->p->schedule) {
        VKC_TRY(pipeline__schedule_run(w));
    } else {
        VKC_TRY(pipeline__choices_transfer(w));
        VKC_TRY(pipeline__search_run(w));
    }
    VKC_TRY(pipeline__stage_tune(w));
    VKC_TRY(pipeline__stage_compare(w));
    if (!w->p->schedule) {
        VKC_TRY(pipeline__students_judge(w));
        VKC_TRY(pipeline__baselines_judge(w));
    }
    st = pipeline__stage_save(w);
done:
    return w->is_refused ? st : pipeline_run_end(&w->run, w->c, st);
}

vkc_status pipeline_distill(const pipeline_context *c, const pipeline_distill_params *p, pipeline_distill_result *out)
{
    pipeline_distill_params own = *p;
    distill_work w = { .c = c, .p = &own, .r = out };
    own.place.beside = p->schedule ? NULL : w.beside;
    memset(out, 0, sizeof *out);
    out->objective = p->objective;
    out->schedule = p->schedule;
    out->order = p->order;
    out->limited = p->limited;
    out->max_drop = p->max_drop / 100.0;
    out->min_share = p->min_share;
    out->guarded = p->confidence > 0.0;
    out->confidence = p->confidence > 0.0 ? p->confidence : 0.9;
    vkc_status st = run_all(&w, &own.data);
    memcpy(out->run_dir, w.run.dir, sizeof out->run_dir);
    pipeline_run_close(&w.run);
    nn_model_destroy(w.student);
    nn_model_destroy(w.other);
    for (uint32_t k = 0; k < DISTILL_MAX_CHOICES; k++)
        nn_model_destroy(w.replaced[k]);
    nn_model_destroy(w.teacher);
    nn_dataset_destroy(w.view);
    return st;
}
