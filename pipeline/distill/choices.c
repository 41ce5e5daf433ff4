// choices.c — candidates to replace attention: mixers to transfer to, and given students.
#include "pipeline/distill/stages_impl.h"

#include "nn/base/json.h"
#include "nn/mixers/matrix.h"
#include "pipeline/base/data.h"
#include "pipeline/run/model_hash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static vkc_status check_room(const pipeline_context *c, const pipeline_distill_result *r)
{
    const char *dash = pipeline_dash(c);
    return r->n_mixers < DISTILL_MAX_CHOICES
        ? VKC_OK : VKC_FAIL(VKC_E_ARG, "%smixer and %sfrom: more than %d mixers", dash, dash, DISTILL_MAX_CHOICES);
}

vkc_status pipeline__choices_read(const pipeline_context *c, const pipeline_distill_params *p,
                                  pipeline_distill_result *r)
{
    for (uint32_t k = 0; k < p->n_mixers; k++) {
        pipeline_choice *m = &r->mixer[r->n_mixers];
        vkc_status st = check_room(c, r);
        if (st == VKC_OK)
            st = nn_mixer_parse(p->mixer[k], &m->mixer, NULL);
        if (st != VKC_OK)
            return st;
        if (nn_mixer_is_replaceable(&m->mixer))
            return VKC_FAIL(VKC_E_ARG, "%smixer: attention is what is to be replaced", pipeline_dash(c));
        pipeline_layer_text(&m->mixer, m->text);
        for (uint32_t i = 0; i < r->n_mixers; i++)
            if (strcmp(r->mixer[i].text, m->text) == 0)
                return VKC_FAIL(VKC_E_ARG, "%smixer: %s is there twice", pipeline_dash(c), m->text);
        r->n_mixers++;
    }
    return VKC_OK;
}

// Nothing is taken of layers that keep the teacher's attention anyway: may it have them as they are.
static vkc_status check_student(const distill_work *w, const nn_model *s, const char *dir)
{
    const char *dash = pipeline_dash(w->c);
    vkc_status st = distill_check_shapes(w->teacher, s);
    if (st != VKC_OK)
        return VKC_WRAP(st, "%sfrom %s: %s", dash, dir, vkc_last_error());
    for (uint32_t l = 0; l < s->cfg.depth; l++)
        if (!w->fixed[l] && nn_mixer_is_replaceable(&s->cfg.layers[l]))
            return VKC_FAIL(VKC_E_ARG, "%sfrom %s: layer %u is attention still; a student with every attention layer "
                            "replaced is wanted (%smax-drop 100), or with those of %slayers", dash, dir, l, dash, dash);
    return VKC_OK;
}

// Has every mixer that is to be matched by its mixing matrix one? Asked before anything is measured.
static vkc_status check_matrices(const distill_work *w)
{
    vkc_status st = VKC_OK;
    if (w->teacher->cfg.relative || w->teacher->cfg.shared_relative)
        return VKC_FAIL(VKC_E_ARG, "%smatch-loss matrix: the teacher's attention has relative positions, which a "
                        "mixing matrix has not", pipeline_dash(w->c));
    for (uint32_t k = 0; k < w->r->n_mixers && st == VKC_OK; k++) {
        nn_layer_config layer = w->r->mixer[k].mixer;
        nn_mixer_options options;
        nn_mixer_dims d = { .dim = w->teacher->cfg.dim, .heads = w->teacher->cfg.heads, .options = &options };
        if (w->r->mixer[k].is_given)
            continue;
        st = nn_mixer_check(&layer, &d.mixer, &options);
        if (st == VKC_OK)
            st = nn_mixer_check_matrix(w->c->dev, &d);
        if (st != VKC_OK)
            return VKC_WRAP(st, "%smatch-loss matrix: %s", pipeline_dash(w->c), vkc_last_error());
    }
    return st;
}

vkc_status pipeline__choices_load(distill_work *w)
{
    pipeline_distill_result *r = w->r;
    for (uint32_t i = 0; i < w->p->n_from; i++) {
        const char *dir = w->p->from[i];
        const uint32_t k = r->n_mixers;
        vkc_status st = check_room(w->c, r);
        if (st == VKC_OK)
            st = nn_model_load(w->c->dev, dir, false, &w->replaced[k]);
        if (st == VKC_OK) {
            r->n_mixers++;
            st = check_student(w, w->replaced[k], dir);
            if (st == VKC_OK)
                st = pipeline_check_labels(&w->teacher->cfg, w->p->teacher, &w->replaced[k]->cfg, dir);
        }
        if (st != VKC_OK)
            return st;
        r->mixer[k].is_given = true;
        memcpy(r->mixer[k].layer, w->replaced[k]->cfg.layers, sizeof r->mixer[k].layer);
        pipeline_student_name(w->teacher, w->replaced[k], dir, r->mixer[k].text);
    }
    for (uint32_t k = 0; k < r->n_mixers; k++)
        for (uint32_t l = 0; l < w->teacher->cfg.depth && !r->mixer[k].is_given; l++)
            r->mixer[k].layer[l] = nn_mixer_is_replaceable(&w->teacher->cfg.layers[l]) && pipeline__layers_has(w->p, l)
                ? r->mixer[k].mixer : w->teacher->cfg.layers[l];
    return w->p->match_epochs && w->p->match_loss == DISTILL_MATCH_MATRIX ? check_matrices(w) : VKC_OK;
}

vkc_status pipeline__choices_inputs(const distill_work *w, json_t **out)
{
    const pipeline_distill_result *r = w->r;
    char hash[PIPELINE_HASH_MAX];
    uint32_t given = 0;
    json_t *mixers = json_array(), *from = json_array();
    vkc_status st = pipeline_model_hash(w->p->teacher, &w->teacher->cfg, false, hash);
    json_t *o = st == VKC_OK ? json_pack("{s:s, s:s}", "teacher", w->p->teacher, "weights", hash) : NULL;
    for (uint32_t k = 0; k < r->n_mixers && st == VKC_OK; k++) {
        if (!r->mixer[k].is_given) {
            nn_json_append_new(mixers, json_string(r->mixer[k].text));
        } else {
            const char *dir = w->p->from[given++];
            st = pipeline_model_hash(dir, &w->replaced[k]->cfg, true, hash);
            nn_json_append_new(from, json_pack("{s:s, s:s}", "student", dir, "weights", hash));
        }
    }
    if (st == VKC_OK && (!o || json_object_set(o, "mixers", mixers) != 0 || json_object_set(o, "from", from) != 0))
        st = VKC_FAIL(VKC_E_NOMEM, "distill: out of host memory, or a path is not UTF-8");
    json_decref(mixers);
    json_decref(from);
    if (st == VKC_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}

// No transfer at all: the mixers are as their warm start left them, matched features aside.
static vkc_status match(const nn_model *teacher, nn_model *student, const distill_transfer_params *p,
                        distill_transfer_result *out)
{
    *out = (distill_transfer_result) { 0 };
    for (uint32_t l = 0; l < NN_MAX_DEPTH; l++)
        out->error[l] = (double) NAN;
    vkc_status st = distill_match(teacher, student, p, &out->match);
    out->seconds = out->match.seconds;
    return st;
}

vkc_status pipeline__choices_train(const distill_work *w, nn_model *student, const char *tag, const bool *only,
                                   distill_transfer_result *out)
{
    const pipeline_distill_params *a = w->p;
    distill_transfer_params p = {
        .data = a->data.set, .batch = a->data.batch, .epochs = a->epochs, .lr = a->lr, .target = a->target,
        .distance = a->distance, .weight_decay = a->weight_decay, .clip = a->clip, .seed = a->seed,
        .threads = a->data.threads, .check_finite = pipeline_is_checked(&a->data, true), .run_dir = w->run.dir,
        .tag = tag, .resume = w->run.is_resumed, .progress = w->c->progress, .user = w->c->user,
        .match_epochs = a->match_epochs, .match_lr = a->match_lr, .match_loss = a->match_loss, .only = only,
    };
    vkc_status st = pipeline__work_steps_left(w, &p.max_steps);
    if (st != VKC_OK)
        return st;
    return a->epochs ? distill_transfer(w->teacher, student, &p, out) : match(w->teacher, student, &p, out);
}

static vkc_status transfer(distill_work *w, uint32_t k)
{
    pipeline_choice *m = &w->r->mixer[k];
    char tag[16] = "";
    if (k > 0)
        snprintf(tag, sizeof tag, "-%u", k + 1);
    vkc_status st = distill_student_create_layers(w->teacher, m->layer, &w->replaced[k]);
    return st == VKC_OK ? pipeline__choices_train(w, w->replaced[k], tag, NULL, &m->transfer) : st;
}

vkc_status pipeline__choices_transfer(distill_work *w)
{
    vkc_status st = VKC_OK;
    for (uint32_t k = 0; k < w->r->n_mixers && st == VKC_OK; k++) {
        if (w->r->mixer[k].is_given)
            continue;
        st = transfer(w, k);
        if (st == VKC_OK)
            st = pipeline__work_tell(w, PIPELINE_DISTILL_TRANSFER, k);
    }
    return st;
}
