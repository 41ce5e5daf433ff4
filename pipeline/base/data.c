// data.c — what is said of a data set, and its classes as a model has them.
#include "pipeline/base/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/json.h"

#define MAX_TEXT 1200
#define NAMED_CLASSES 8u
#define CHANCE_IMAGES 1000u         // that a teacher is tried on at most
#define CHANCE_LEAST 100u           // and at least: of fewer nothing is said
#define CHANCE_P 0.05

static void tell_empty(const pipeline_context *c, const nn_dataset *set)
{
    uint32_t empty[NAMED_CLASSES];
    char list[MAX_TEXT] = "";
    const uint32_t n = nn_dataset_list_empty(set, empty, NAMED_CLASSES);
    for (uint32_t i = 0; i < n && i < NAMED_CLASSES; i++) {
        const size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%.100s", i ? ", " : "", nn_dataset_labels(set)[empty[i]]);
    }
    if (n > 0)
        pipeline_say(c, PIPELINE_NOTE, "%s: %u class %s without pictures, which %s: %s%s", nn_dataset_spec(set), n,
                     n == 1 ? "folder is" : "folders are", n == 1 ? "keeps its number" : "keep their numbers", list,
                     n > NAMED_CLASSES ? " ..." : "");
}

void pipeline_data_tell(const pipeline_context *c, const nn_dataset *set)
{
    char text[MAX_TEXT];
    uint64_t seed, contents;
    nn_left_out_text(nn_dataset_left_out(set), text, sizeof text);
    const nn_left_out *l = nn_dataset_left_out(set);
    const bool is_odd = l->unreadable + l->loose + l->folders > 0;      // else there are merely other files beside
    if (*text)
        pipeline_say(c, is_odd ? PIPELINE_WARNING : PIPELINE_NOTE, "%s: %s", nn_dataset_spec(set), text);
    tell_empty(c, set);
    if (nn_dataset_get_split(set, &seed, &contents))
        pipeline_say(c, PIPELINE_NOTE, "%s has no train/, val/ and test/: it is split by what its files hold, %u for "
                     "train, %u for val and %u for test", nn_dataset_spec(set), nn_dataset_len(set, NN_SPLIT_TRAIN),
                     nn_dataset_len(set, NN_SPLIT_VAL), nn_dataset_len(set, NN_SPLIT_TEST));
}

void pipeline_data_tell_bad(const pipeline_context *c, const nn_dataset *set)
{
    const uint32_t n = nn_dataset_count_bad(set);
    if (n > 0)
        pipeline_say(c, PIPELINE_WARNING, "%s: %u %s broken and left out", nn_dataset_spec(set), n,
                     n == 1 ? "picture is" : "pictures are");
}

static json_t *build_left_out(const nn_left_out *l)
{
    json_t *kinds = json_object();
    for (uint32_t k = 0; k < l->n_kinds; k++)
        nn_json_set_new(kinds, l->kind[k].end, json_integer((json_int_t) l->kind[k].n));
    if (l->other > 0)
        nn_json_set_new(kinds, "other", json_integer((json_int_t) l->other));
    return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I}", "files", (json_int_t) nn_left_out_files(l), "kinds", kinds,
                     "unreadable", (json_int_t) l->unreadable, "loose", (json_int_t) l->loose, "folders",
                     (json_int_t) l->folders, "beside", (json_int_t) l->beside);
}

static json_t *build_split(const nn_dataset *set)
{
    uint64_t seed, contents;
    char text[20];
    if (!nn_dataset_get_split(set, &seed, &contents))
        return NULL;
    snprintf(text, sizeof text, "%016" PRIx64, contents);
    return json_pack("{s:I, s:s}", "seed", (json_int_t) seed, "contents", text);
}

json_t *pipeline_data_json(const nn_dataset *set)
{
    uint32_t empty[NAMED_CLASSES];
    const uint32_t n = nn_dataset_list_empty(set, empty, NAMED_CLASSES);
    json_t *o = json_object(), *names = json_array();
    const bool is_whole = !nn_dataset_has_splits(set) && !nn_dataset_len(set, NN_SPLIT_TRAIN);
    for (uint32_t i = 0; i < n && i < NAMED_CLASSES; i++)
        nn_json_append_new(names, nn_json_name(nn_dataset_labels(set)[empty[i]]));
    if (is_whole)
        nn_json_set_new(o, "images", json_integer((json_int_t) nn_dataset_len(set, NN_SPLIT_ALL)));
    for (int s = 0; s < NN_N_SPLITS && !is_whole; s++)
        nn_json_set_new(o, nn_split_name((nn_split) s),
                        json_integer((json_int_t) nn_dataset_len(set, (nn_split) s)));
    if (nn_left_out_any(nn_dataset_left_out(set)))
        nn_json_set_new(o, "left_out", build_left_out(nn_dataset_left_out(set)));
    if (nn_dataset_count_bad(set) > 0)
        nn_json_set_new(o, "bad", json_integer((json_int_t) nn_dataset_count_bad(set)));
    if (n > 0)
        nn_json_set(o, "empty", names);
    json_decref(names);
    json_t *split = build_split(set);
    if (split)
        nn_json_set_new(o, "split", split);
    return o;
}

void pipeline_data_add_inputs(json_t *inputs, const pipeline_data *d)
{
    const uint32_t pillow = nn_dataset_pillow(d->set);
    json_t *split = inputs ? build_split(d->set) : NULL;
    if (split)
        nn_json_set_new(inputs, "split", split);
    if (inputs && d->labels != NN_LABELS_AUTO)
        nn_json_set_new(inputs, "labels", json_string(nn_labels_name(d->labels)));
    if (inputs && pillow != 0 && pillow != NN_PILLOW_USUAL)
        nn_json_set_new(inputs, "pillow", json_integer((json_int_t) pillow));
}

bool pipeline_split_of(const nn_model_config *m, pipeline_split *out)
{
    const json_t *split = json_object_get(json_object_get(m->provenance, "inputs"), "split");
    const char *text = json_string_value(json_object_get(split, "contents"));
    const json_t *seed = json_object_get(split, "seed");
    if (!text || strlen(text) != 16 || text[strspn(text, "0123456789abcdef")] || !json_is_integer(seed))
        return false;
    *out = (pipeline_split) { (uint64_t) json_integer_value(seed), strtoull(text, NULL, 16) };
    return true;
}

nn_split pipeline_choose_split(const pipeline_context *c, const nn_dataset *set, const nn_model_config *m,
                               nn_split usual)
{
    const char *spec = nn_dataset_spec(set);
    const char *data = json_string_value(json_object_get(json_object_get(m->provenance, "inputs"), "data"));
    pipeline_split trained;
    uint64_t seed, contents;
    if (nn_dataset_has_splits(set))
        return usual;
    const bool is_split = nn_dataset_get_split(set, &seed, &contents), has = pipeline_split_of(m, &trained);
    if (is_split && has && trained.contents == contents)
        return usual;
    if (is_split && has && data && strcmp(data, spec) == 0) {
        pipeline_say(c, PIPELINE_WARNING, "%s is not as it was when the model was trained on it: pictures of its "
                     "training may be among those of %s", spec, nn_split_name(usual));
        return usual;
    }
    pipeline_say(c, PIPELINE_NOTE, "%s has no train/, val/ and test/, and the model was not trained on a part of it: "
                 "all of it is used", spec);
    return NN_SPLIT_ALL;
}

static vkc_status check_split(const pipeline_context *c, const nn_dataset *set, const nn_model_config *m,
                              const char *name)
{
    pipeline_split trained;
    uint64_t seed, contents;
    if (!nn_dataset_get_split(set, &seed, &contents) || !pipeline_split_of(m, &trained) ||
        trained.contents != contents || trained.seed == seed)
        return VKC_OK;
    return VKC_FAIL(VKC_E_ARG, "%s was trained on another split of %s: with %ssplit-seed %" PRIu64 " its training "
                    "pictures stay out of val and test", name, nn_dataset_spec(set), pipeline_dash(c), trained.seed);
}

static void tell_classes(const pipeline_context *c, const nn_dataset *set, const nn_class_map *map,
                         const nn_model_config *m, const char *name)
{
    const char *spec = nn_dataset_spec(set);
    const uint32_t n = nn_dataset_classes(set);
    if (map->natural)
        pipeline_say(c, PIPELINE_NOTE, "%s has no names of its classes: the folders of %s are numbered in natural "
                     "order (1, 2, 10), as timm does; %slabels index takes them bytewise (1, 10, 2)", name, spec,
                     pipeline_dash(c));
    if (map->by_name && n < m->classes)
        pipeline_say(c, PIPELINE_NOTE, "%s has %u of the %u classes of %s, which chooses among all", spec, n,
                     m->classes, name);
    else if (map->by_name && map->moved)
        pipeline_say(c, PIPELINE_NOTE, "the classes of %s are matched with those of %s by name: their order is another",
                     spec, name);
}

vkc_status pipeline_data_match(const pipeline_context *c, pipeline_data *d, const nn_model_config *m, const char *name,
                               nn_dataset **view)
{
    const nn_dataset *set = d->set;
    nn_class_map map = { .to = NULL };
    const char *const *label = (const char *const *) m->labels;
    vkc_status st;
    VKC_TRY(nn_model_config_check_scores(m));
    pipeline_data_tell(c, set);
    VKC_TRY(nn_class_map_make(&(nn_class_map_params) {
        .data = nn_dataset_spec(set), .dash = pipeline_dash(c), .folder = nn_dataset_labels(set), .label = label,
        .n_folders = nn_dataset_classes(set), .n_classes = m->classes, .how = d->labels }, &map));
    VKC_TRY(check_split(c, set, m, name));
    tell_classes(c, set, &map, m, name);
    VKC_TRY(nn_dataset_create_view(set, map.to, label, m->classes, view));
    d->set = *view;
done:
    nn_class_map_finish(&map);
    return st;
}

vkc_status pipeline_check_labels(const nn_model_config *a, const char *name_a, const nn_model_config *b,
                                 const char *name_b)
{
    const char *const *x = (const char *const *) a->labels, *const *y = (const char *const *) b->labels;
    if (a->classes != b->classes || !nn_labels_are_names(x, a->classes) || !nn_labels_are_names(y, b->classes))
        return VKC_OK;              // that their numbers differ is said elsewhere
    for (uint32_t i = 0; i < a->classes; i++)
        if (strcmp(x[i], y[i]) != 0)
            return VKC_FAIL(VKC_E_FORMAT, "class %u is \"%.100s\" in %s and \"%.100s\" in %s: their outputs cannot be "
                            "compared", i, x[i], name_a, y[i], name_b);
    return VKC_OK;
}

// The binomial distribution's tail: so many right answers or more, by logarithms, from the least likely on.
bool pipeline_is_chance(uint32_t right, uint32_t n, uint32_t classes)
{
    double tail = 0.0;
    if (classes < 2 || n < CHANCE_LEAST)
        return false;
    const double p = 1.0 / classes, all = lgamma(n + 1.0);
    for (uint32_t k = n + 1; k-- > right;)
        tail += exp(all - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(p) + (n - k) * log1p(-p));
    return tail > CHANCE_P;
}

vkc_status pipeline_check_teacher(const pipeline_context *c, const nn_model *m, const pipeline_data *d,
                                  const char *name, const nn_eval_result *known)
{
    pipeline_data some = *d;
    nn_eval_result r;
    const nn_split split = nn_dataset_len(d->set, NN_SPLIT_VAL) > 0 ? NN_SPLIT_VAL : NN_SPLIT_TEST;
    if (d->any_teacher || nn_dataset_len(d->set, split) < CHANCE_LEAST)
        return VKC_OK;
    some.limit = d->limit && d->limit < CHANCE_IMAGES ? d->limit : CHANCE_IMAGES;
    if (some.limit < CHANCE_LEAST)
        return VKC_OK;
    vkc_status st = VKC_OK;
    if (known)
        r = *known;
    else
        st = pipeline_measure(c, m, &some, split, &r);
    if (st != VKC_OK || !pipeline_is_chance((uint32_t) (r.top1 * r.images + 0.5), r.images, m->cfg.classes))
        return st;
    return VKC_FAIL(VKC_E_CHECK, "%s answers %.1f %% of %u pictures of %s right, which with %u classes is no better "
                    "than chance: there is nothing to learn from it; %sany-teacher goes on all the same", name,
                    100.0 * r.top1, r.images, nn_split_name(split), m->cfg.classes, pipeline_dash(c));
}
