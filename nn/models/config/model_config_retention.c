// model_config_retention.c — token pruning in pare.json, read strictly and built.
#include "nn/models/config/model_config_impl.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/models/retention.h"

static const char *const gaps_names[] = { [NN_GAPS_SKIP] = "skip", [NN_GAPS_COUNT] = "count" };

static vkc_status read_policy(const char *where, json_t *obj, nn_policy *out)
{
    const char *name;
    vkc_status st = nn_json_get_string(where, obj, "policy", 20, &name);
    if (st == VKC_OK && nn_policy_get(name, out) != VKC_OK)
        st = VKC_FAIL(VKC_E_FORMAT, "%s: policy is \"%s\", want none, halting or topk", where, name);
    return st;
}

static vkc_status read_gaps(const char *where, json_t *obj, nn_gaps *out)
{
    const char *name;
    vkc_status st = nn_json_get_string(where, obj, "gaps", 20, &name);
    if (st != VKC_OK)
        return st;
    for (int i = NN_GAPS_SKIP; i <= NN_GAPS_COUNT; i++) {
        if (strcmp(name, gaps_names[i]) == 0) {
            *out = (nn_gaps) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: gaps is \"%s\", want skip or count", where, name);
}

static vkc_status read_halting(const char *where, json_t *obj, nn_retention_config *r)
{
    static const char *const known[] = { "policy", "every", "gate_scale", "gate_centre", "eps", "keep_class",
                                         "read_patches", "gaps", NULL };
    vkc_status st;
    VKC_TRY(nn_json_check_keys(where, obj, known));
    VKC_TRY(nn_json_get_u32(where, obj, "every", 1, NN_MAX_DEPTH, &r->every));
    VKC_TRY(nn_json_get_number(where, obj, "gate_scale", 0, NN_MAX_GATE, &r->gate_scale));
    VKC_TRY(nn_json_get_number(where, obj, "gate_centre", -NN_MAX_GATE, NN_MAX_GATE, &r->gate_centre));
    VKC_TRY(nn_json_get_number(where, obj, "eps", 0, 1, &r->eps));
    VKC_TRY(nn_json_get_bool(where, obj, "keep_class", &r->keep_class));
    VKC_TRY(nn_json_get_number(where, obj, "read_patches", 0, NN_MAX_GATE, &r->read_patches));
done:
    return st;
}

static vkc_status read_topk(const char *where, json_t *obj, uint32_t depth, nn_retention_config *r)
{
    static const char *const known[] = { "policy", "share", "gaps", NULL };
    vkc_status st = nn_json_check_keys(where, obj, known);
    return st == VKC_OK ? nn_json_get_numbers(where, obj, "share", depth, 0, 1, r->share) : st;
}

vkc_status nn__retention_read(const char *where, json_t *root, nn_model_config *c)
{
    static const char *const known[] = { "policy", NULL };
    char inside[NN_PATH_MAX + 16];
    nn_model_config m = *c;         // of which only the retention is taken
    nn_retention_config *r = &m.retention;
    json_t *obj;
    vkc_status st;
    *r = (nn_retention_config) { .policy = NN_POLICY_NONE };
    if (!nn_json_has(root, "retention")) {
        c->retention = *r;
        return VKC_OK;
    }
    snprintf(inside, sizeof inside, "%s: retention", where);
    VKC_TRY(nn_json_get_object(where, root, "retention", &obj));
    VKC_TRY(read_policy(inside, obj, &r->policy));
    if (r->policy == NN_POLICY_NONE)
        VKC_TRY(nn_json_check_keys(inside, obj, known));
    if (r->policy == NN_POLICY_HALTING)
        VKC_TRY(read_halting(inside, obj, r));
    if (r->policy == NN_POLICY_TOPK)
        VKC_TRY(read_topk(inside, obj, c->depth, r));
    if (r->policy != NN_POLICY_NONE && nn_json_has(obj, "gaps"))
        VKC_TRY(read_gaps(inside, obj, &r->gaps));
    VKC_TRY(nn_retention_check(&m, VKC_E_FORMAT, where));
    c->retention = *r;
done:
    return st;
}

json_t *nn_retention_json(const nn_model_config *c)
{
    const nn_retention_config *r = &c->retention;
    if (r->policy == NN_POLICY_HALTING)
        return nn_json_made(json_pack(
            "{s:s, s:i, s:f, s:f, s:f, s:b, s:f, s:s}", "policy", nn_policy_name(r->policy), "every", (int) r->every,
            "gate_scale", r->gate_scale, "gate_centre", r->gate_centre, "eps", r->eps, "keep_class",
            (int) r->keep_class, "read_patches", r->read_patches, "gaps", gaps_names[r->gaps]));
    if (r->policy != NN_POLICY_TOPK)
        return NULL;
    json_t *share = json_array();
    for (uint32_t l = 0; l < c->depth; l++)
        nn_json_append_new(share, json_real(r->share[l]));
    return nn_json_made(json_pack("{s:s, s:o, s:s}", "policy", nn_policy_name(r->policy), "share", share,
                                  "gaps", gaps_names[r->gaps]));
}
