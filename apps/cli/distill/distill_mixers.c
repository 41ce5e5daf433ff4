// distill_mixers.c — what may stand in for attention: mixers to transfer to, and students that were given.
#include "apps/cli/distill/distill_stages.h"

#include "apps/cli/core/model_hash.h"
#include "apps/cli/core/students.h"
#include "nn/base/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vkc_status check_room(const distill_report *r)
{
    return r->n_mixers < DISTILL_MAX_CHOICES
        ? VKC_OK : VKC_FAIL(VKC_E_ARG, "--mixer and --from: more than %d mixers", DISTILL_MAX_CHOICES);
}

vkc_status mixers_read(distill_work *w)
{
    distill_report *r = &w->report;
    char text[NN_PATH_MAX];
    for (const char *at = w->a->mixer; list_next(&at, text, sizeof text);) {
        report_mixer *m = &r->mixer[r->n_mixers];
        vkc_status st = check_room(r);
        if (st == VKC_OK)
            st = nn_mixer_parse(text, &m->mixer, NULL);
        if (st != VKC_OK)
            return st;
        if (nn_mixer_is_replaceable(&m->mixer))
            return VKC_FAIL(VKC_E_ARG, "--mixer: attention is what is to be replaced");
        report_layer_text(&m->mixer, m->text);
        for (uint32_t i = 0; i < r->n_mixers; i++)
            if (strcmp(r->mixer[i].text, m->text) == 0)
                return VKC_FAIL(VKC_E_ARG, "--mixer: %s is there twice", m->text);
        r->n_mixers++;
    }
    return VKC_OK;
}

static vkc_status check_student(const nn_model *teacher, const nn_model *s, const char *dir)
{
    vkc_status st = distill_check_shapes(teacher, s);
    if (st != VKC_OK)
        return VKC_WRAP(st, "--from %s: %s", dir, vkc_last_error());
    for (uint32_t l = 0; l < s->cfg.depth; l++)
        if (nn_mixer_is_replaceable(&teacher->cfg.layers[l]) && nn_mixer_is_replaceable(&s->cfg.layers[l]))
            return VKC_FAIL(VKC_E_ARG, "--from %s: layer %u is attention still; a student with every attention layer "
                            "replaced is wanted (--max-drop 100)", dir, l);
    return VKC_OK;
}

vkc_status mixers_load(distill_work *w)
{
    distill_report *r = &w->report;
    char dir[NN_PATH_MAX];
    for (const char *at = w->a->from; list_next(&at, dir, sizeof dir);) {
        const uint32_t k = r->n_mixers;
        vkc_status st = check_room(r);
        if (st == VKC_OK)
            st = nn_model_load(w->dev, dir, false, &w->replaced[k]);
        if (st == VKC_OK) {
            r->n_mixers++;
            st = check_student(w->teacher, w->replaced[k], dir);
        }
        if (st != VKC_OK)
            return st;
        r->mixer[k].is_given = true;
        memcpy(r->mixer[k].layer, w->replaced[k]->cfg.layers, sizeof r->mixer[k].layer);
        student_name(w->teacher, w->replaced[k], dir, r->mixer[k].text);
    }
    for (uint32_t k = 0; k < r->n_mixers; k++)
        for (uint32_t l = 0; l < w->teacher->cfg.depth && !r->mixer[k].is_given; l++)
            r->mixer[k].layer[l] = nn_mixer_is_replaceable(&w->teacher->cfg.layers[l]) ? r->mixer[k].mixer
                                                                                        : w->teacher->cfg.layers[l];
    return VKC_OK;
}

vkc_status mixers_inputs(const distill_work *w, json_t **out)
{
    const distill_report *r = &w->report;
    char hash[MODEL_HASH_MAX], dir[NN_PATH_MAX];
    json_t *mixers = json_array(), *from = json_array();
    vkc_status st = model_hash(w->teacher_dir, &w->teacher->cfg, false, hash);
    const char *at = w->a->from;
    json_t *o = st == VKC_OK ? json_pack("{s:s, s:s}", "teacher", w->teacher_dir, "weights", hash) : NULL;
    for (uint32_t k = 0; k < r->n_mixers && st == VKC_OK; k++) {
        if (!r->mixer[k].is_given) {
            json_array_append_new(mixers, json_string(r->mixer[k].text));
        } else if (list_next(&at, dir, sizeof dir)) {
            st = model_hash(dir, &w->replaced[k]->cfg, true, hash);
            json_array_append_new(from, json_pack("{s:s, s:s}", "student", dir, "weights", hash));
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

static vkc_status transfer(distill_work *w, uint32_t k, distill_transfer_params *p)
{
    report_mixer *m = &w->report.mixer[k];
    char tag[8];
    snprintf(tag, sizeof tag, "-%u", k + 1);
    p->mixer = m->mixer;
    p->tag = k > 0 ? tag : NULL;
    vkc_status st = stage_steps_left(w, &p->max_steps);
    if (st == VKC_OK)
        st = distill_student_create(w->teacher, &p->mixer, &w->replaced[k]);
    if (st == VKC_OK)
        st = distill_transfer(w->teacher, w->replaced[k], p, &m->transfer);
    return st;
}

vkc_status mixers_transfer(distill_work *w)
{
    const distill_args *a = w->a;
    distill_transfer_params p = {
        .data = w->data, .batch = a->d.batch, .epochs = a->epochs, .lr = a->lr,
        .weight_decay = a->weight_decay, .clip = a->clip, .seed = a->common.seed, .threads = a->d.threads,
        .check_finite = measure_is_checked(&a->d, true), .run_dir = w->run.dir, .resume = w->run.is_resumed,
        .progress = console_progress, .match_epochs = a->match_epochs, .match_lr = a->match_lr,
    };
    vkc_status st = VKC_OK;
    VKC_TRY(distill_target_get(a->target, &p.target));
    VKC_TRY(distill_distance_get(a->distance, &p.distance));
    for (uint32_t k = 0; k < w->report.n_mixers; k++) {
        if (w->report.mixer[k].is_given)
            continue;
        VKC_TRY(transfer(w, k, &p));
        if (!a->common.json) {
            console_clear();
            distill_report_print_transfer(stdout, &w->report, k);
            VKC_TRY(app_flush());
        }
    }
done:
    return st;
}
