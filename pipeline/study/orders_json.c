// orders_json.c — a study of orders as JSON: a line of its log for each variant, and its results.
#include "pipeline/study/orders_impl.h"

#include "nn/base/json.h"
#include "pipeline/base/json.h"

#include <math.h>

json_t *pipeline__orders_line(const pipeline_orders_result *r, const pipeline_order_run *run)
{
    json_t *orders = json_object();
    for (int o = 0; o < PIPELINE_N_ORDERS; o++)
        nn_json_set_new(orders, pipeline_order_name((pipeline_order) o),
                        run->has[o] ? pipeline_integers(run->layer[o], r->n_layers) : json_null());
    return json_pack("{s:o, s:f, s:o, s:i, s:i}", "orders", orders, "teacher_top1", r->teacher_top1, "top1",
                     pipeline_numbers(run->top1, r->n_layers), "best", (int) run->n_best, "trials",
                     (int) run->trials);
}

// A list of every layer that can be replaced, once.
static bool read_layers(const json_t *list, const pipeline_orders_result *r, uint32_t *layer)
{
    bool seen[NN_MAX_DEPTH] = { false };
    if (json_array_size(list) != r->n_layers)
        return false;
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const json_t *x = json_array_get(list, i);
        const json_int_t l = json_is_integer(x) ? json_integer_value(x) : -1;
        if (l < 0 || l >= r->depth || r->fixed[l] || seen[l])
            return false;
        seen[l] = true;
        layer[i] = (uint32_t) l;
    }
    return true;
}

bool pipeline__orders_read(const json_t *line, const pipeline_orders_result *r, pipeline_order_run *out)
{
    const json_t *orders = json_object_get(line, "orders"), *top1 = json_object_get(line, "top1");
    const json_int_t best = json_integer_value(json_object_get(line, "best"));
    const json_int_t trials = json_integer_value(json_object_get(line, "trials"));
    *out = (pipeline_order_run) { .n_best = (uint32_t) best, .trials = (uint32_t) trials };
    if (!line || json_array_size(top1) != r->n_layers || best < 0 || best > r->n_layers || trials < 1 ||
        trials > UINT32_MAX)
        return false;
    for (uint32_t i = 0; i < r->n_layers; i++)
        out->top1[i] = json_number_value(json_array_get(top1, i));
    for (int o = 0; o < PIPELINE_N_ORDERS; o++) {
        const json_t *list = json_object_get(orders, pipeline_order_name((pipeline_order) o));
        out->has[o] = json_is_array(list);
        if (!list || (out->has[o] && !read_layers(list, r, out->layer[o])))
            return false;
    }
    return out->has[PIPELINE_ORDER_GREEDY];
}

static json_t *build_runs(const pipeline_orders_result *r)
{
    json_t *list = json_array();
    for (uint32_t v = 0; v < r->variants.n; v++) {
        json_t *one = json_pack("{s:s, s:I}", "mixer", r->variants.variant[v].mixer, "seed",
                                (json_int_t) r->variants.variant[v].seed);
        nn_json_update_new(one, pipeline__orders_line(r, &r->run[v]));
        nn_json_append_new(list, one);
    }
    return list;
}

static json_t *build_ranks(const pipeline_orders_result *r)
{
    json_t *list = json_array();
    double mean[NN_MAX_DEPTH], std[NN_MAX_DEPTH];
    for (uint32_t m = 0; m < r->variants.n_mixers; m++)
        for (int o = 0; o < PIPELINE_N_ORDERS; o++)
            if (pipeline_orders_rank(r, r->variants.mixers[m], (pipeline_order) o, mean, std))
                nn_json_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "mixer", r->variants.mixers[m], "order",
                                                   pipeline_order_name((pipeline_order) o), "mean",
                                                   pipeline_numbers(mean, r->depth), "std",
                                                   pipeline_numbers(std, r->depth)));
    return list;
}

static json_t *build_agreement(const distill_agreement *g)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o}", "n", (int) g->n, "tau", pipeline_number(g->tau), "tau_p",
                     pipeline_number(g->tau_p), "rho", pipeline_number(g->rho), "rho_p", pipeline_number(g->rho_p));
}

// Of each pair of mixers, and of the seeds of each alone, where `runs_tau` is what there is to say.
static vkc_status build_between(const pipeline_orders_result *r, json_t **out)
{
    static const pipeline_order orders[] = { PIPELINE_ORDER_GREEDY, PIPELINE_ORDER_ONE_SHOT, PIPELINE_ORDER_IMPACT,
                                             PIPELINE_ORDER_ERROR };     // the others know no mixer
    json_t *list = *out = json_array();
    for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++)
        for (uint32_t i = 0; i < r->variants.n_mixers; i++)
            for (uint32_t k = i; k < r->variants.n_mixers; k++) {
                const char *a = r->variants.mixers[i], *b = r->variants.mixers[k];
                distill_agreement g = { 0, NAN, NAN, NAN, NAN };
                uint32_t n;
                double tau;
                vkc_status st = k > i ? pipeline_orders_agree(r, a, orders[o], b, orders[o], &g) : VKC_OK;
                if (st == VKC_OK)
                    st = pipeline_orders_agree_runs(r, a, b, orders[o], &n, &tau);
                if (st != VKC_OK)
                    return st;
                if (!g.n && !n)
                    continue;
                json_t *one = json_pack("{s:s, s:s, s:s, s:i, s:o}", "order", pipeline_order_name(orders[o]), "a", a,
                                        "b", b, "pairs", (int) n, "runs_tau", pipeline_number(tau));
                nn_json_update_new(one, build_agreement(&g));
                nn_json_append_new(list, one);
            }
    return VKC_OK;
}

static vkc_status build_with_greedy(const pipeline_orders_result *r, json_t **out)
{
    json_t *list = *out = json_array();
    for (uint32_t m = 0; m < r->variants.n_mixers; m++)
        for (int o = PIPELINE_ORDER_GREEDY + 1; o < PIPELINE_N_ORDERS; o++) {
            const char *mixer = r->variants.mixers[m];
            distill_agreement g;
            vkc_status st = pipeline_orders_agree(r, mixer, PIPELINE_ORDER_GREEDY, mixer, (pipeline_order) o, &g);
            if (st != VKC_OK)
                return st;
            if (!g.n)
                continue;
            json_t *one = json_pack("{s:s, s:s}", "mixer", mixer, "order", pipeline_order_name((pipeline_order) o));
            nn_json_update_new(one, build_agreement(&g));
            nn_json_append_new(list, one);
        }
    return VKC_OK;
}

vkc_status pipeline__orders_json(const study_work *w, const pipeline_orders_result *r, json_t **out)
{
    json_t *o = pipeline__study_json(w), *between = NULL, *with_greedy = NULL, *layers = json_array();
    vkc_status st = build_between(r, &between);
    if (st == VKC_OK)
        st = build_with_greedy(r, &with_greedy);
    for (uint32_t l = 0; l < r->depth; l++)
        if (!r->fixed[l])
            nn_json_append_new(layers, json_integer((json_int_t) l));
    json_t *own = json_pack("{s:s, s:s, s:i, s:O, s:f, s:o, s:o, s:O, s:O, s:o}", "measure",
                            distill_measure_name(r->measure), "keys", distill_keys_name(r->keys), "depth",
                            (int) r->depth, "layers", layers, "teacher_top1", r->teacher_top1, "runs", build_runs(r),
                            "ranks", build_ranks(r), "between_mixers", between, "with_greedy", with_greedy,
                            "sparsity", pipeline_sparsity_json(&r->sparsity, w->c->dev));
    if (st == VKC_OK && (!o || !own || json_object_update(o, own) != 0))
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    json_decref(own);
    json_decref(layers);
    json_decref(between);
    json_decref(with_greedy);
    *out = o;
    return st;
}
