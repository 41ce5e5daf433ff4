// check.c — a replay compared call by call, by some threads at once; what was found.
#include "nn/graph/check_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 64
#define NOTHING 1e20                // an error that only a scale of zero gives

vkc_status nn_check_create(vkc_device *dev, const nn_check_params *p, nn_check **out)
{
    nn_context *context;
    vkc_status st = nn_context_get(dev, &context);
    if (st != VKC_OK)
        return st;
    if (context->check)
        return VKC_FAIL(VKC_E_ARG, "check: the device is being checked already");
    nn_check *c = (nn_check *) calloc(1, sizeof *c);
    if (c)
        c->op = (nn_check_op *) calloc(nn_n_ops, sizeof *c->op);
    if (!c || !c->op) {
        free(c);
        return VKC_FAIL(VKC_E_NOMEM, "check: out of host memory");
    }
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    c->p = *p;
    c->dev = dev;
    c->context = context;
    if (c->p.threads == 0)
        c->p.threads = cores > 0 ? (uint32_t) cores : 1;
    if (c->p.threads > MAX_THREADS)
        c->p.threads = MAX_THREADS;
    context->check = c;
    *out = c;
    return VKC_OK;
}

void nn_check_destroy(nn_check *c)
{
    if (!c)
        return;
    c->context->check = NULL;
    free(c->op);
    free(c);
}

void nn_check_restart(nn_check *c)
{
    memset(c->op, 0, nn_n_ops * sizeof *c->op);
    c->n_replays = c->n_calls = 0;
    c->has_first = false;
}

const char *nn_scope_text(const char *scope, char out[NN_MAX_PLACE])
{
    static const char *const known[][2] = {
        { "attn", "attention branch" }, { "mlp", "MLP branch" }, { "retention", "choice of tokens" },
        { "match", "feature matching" }, { "patch_embed", "patch embedding" }, { "head", "classifier" },
        { "loss", "losses" }, { "", "outside of the model" },
    };
    unsigned layer;
    int at = 0;
    const bool is_block = sscanf(scope, "blocks.%u.%n", &layer, &at) == 1 && at > 0;
    const char *part = is_block ? scope + at : scope;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(part, known[i][0]) == 0)
            part = known[i][1];
    if (is_block)
        snprintf(out, NN_MAX_PLACE, "layer %u, %.40s", layer, part);
    else
        snprintf(out, NN_MAX_PLACE, "%.60s", part);
    return out;
}

// ---- what a replay reads and will not leave

static void forget(nn_graph *g)
{
    for (uint32_t i = 0; g->before && i < g->n_tensors; i++)
        free(g->before[i]);
    free(g->before);
    g->before = NULL;
}

void nn__check_finish(nn_graph *g)
{
    forget(g);
}

static bool is_training(const nn_graph *g)
{
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].backward)
            return true;
    return false;
}

vkc_status nn_check_before(nn_graph *g)
{
    if (!g->check)
        return VKC_OK;
    const uint32_t given = g->check->p.every, every = given ? given : is_training(g) ? NN_CHECK_TRAINING : 1;
    vkc_status st = VKC_OK;
    g->is_due = g->n_replays++ % every == 0;
    forget(g);
    if (!g->is_due)
        return VKC_OK;
    g->before = (float **) calloc(g->n_tensors, sizeof *g->before);
    if (!g->before)
        return VKC_FAIL(VKC_E_NOMEM, "check: out of host memory");
    for (uint32_t i = 0; i < g->n_tensors && st == VKC_OK; i++) {
        const nn_tensor *t = g->tensor[i];
        if (t->root != t || t->kind != NN_KIND_PARAM || !t->requires_grad)
            continue;
        g->before[i] = (float *) malloc(t->value.size);
        st = g->before[i] ? vkc_read(g->dev, t->value, g->before[i])
                          : VKC_FAIL(VKC_E_NOMEM, "check: out of host memory");
    }
    return st;
}

// ---- comparing

typedef struct work {
    nn_graph *g;
    uint32_t  next, end;            // calls to judge; none after one that is wrong
    uint32_t  wrong;                // the first of those, NN_NO_NODE so far
    nn__verdict verdict;            // of it
    vkc_status st;
    vkc_failure failure;            // a thread's last error is its own
    pthread_mutex_t lock;           // guards all this, the device and the figures
} work;

static uint32_t index_of_op(const nn_op *op)
{
    uint32_t i = 0;
    while (nn_ops[i] != op)
        i++;
    return i;
}

static void keep_figures(work *w, uint32_t node, const nn__verdict *v)
{
    nn_check *c = w->g->check;
    const nn_node *n = &w->g->node[node];
    nn_check_op *op = &c->op[index_of_op(n->op)];
    op->calls++;
    c->n_calls++;
    op->nmse = fmax(op->nmse, v->is_wrong ? 0 : v->nmse);
    if (!v->is_wrong && (op->calls == 1 || v->error > op->worst)) {
        op->worst = v->error;
        memcpy(op->scope, n->scope, sizeof op->scope);
    }
    if (v->is_wrong && node < w->wrong) {
        w->wrong = w->end = node;
        w->verdict = *v;
    }
}

// Takes one call after the other; with the lock held but while a definition runs.
static void *judge_calls(void *user)
{
    work *w = (work *) user;
    pthread_mutex_lock(&w->lock);
    while (w->st == VKC_OK && w->next < w->end) {
        const uint32_t node = w->next++;
        nn__checked k;
        nn__verdict v;
        vkc_status st = nn__checked_read(w->g, &w->g->node[node], &k);
        pthread_mutex_unlock(&w->lock);
        if (st == VKC_OK)
            st = nn__checked_judge(&k, &v);
        nn__checked_finish(&k);
        pthread_mutex_lock(&w->lock);
        if (st == VKC_OK)
            keep_figures(w, node, &v);
        if (st != VKC_OK && w->st == VKC_OK) {
            w->st = st;
            vkc_failure_keep(&w->failure);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void judge_all(work *w)
{
    pthread_t thread[MAX_THREADS];
    uint32_t n = 0;
    while (n + 1 < w->g->check->p.threads && pthread_create(&thread[n], NULL, judge_calls, w) == 0)
        n++;
    judge_calls(w);
    while (n > 0)
        pthread_join(thread[--n], NULL);
}

// Bring the host copies of layouts up to date. One that is none is the fault of the call that made it: what follows
// cannot be judged.
static vkc_status read_layouts(work *w)
{
    nn_graph *g = w->g;
    vkc_status st = VKC_OK;
    for (uint32_t i = 0; i < g->n_nodes && st == VKC_OK; i++) {
        if (!g->node[i].call.to || !g->node[i].call.to->is_made)
            continue;
        st = nn_rows_read(g->dev, g->node[i].call.to);
        if (st == VKC_E_CHECK) {
            w->wrong = w->end = i;
            w->verdict = (nn__verdict) { .is_wrong = true, .error = INFINITY };
            return VKC_OK;
        }
    }
    return st;
}

// "differs by 0.02 from the reference (bar 1e-04) at row 5, column 7: 0.31 instead of 0.29".
static void describe(const nn_check_found *f, char *out, size_t size)
{
    const bool are_words = (f->op->u32 & BIT(OUT(f->output))) != 0;
    char by[96];
    if (are_words && isinf(f->error)) {
        snprintf(out, size, "made a layout that is none");
        return;
    }
    if (are_words)
        snprintf(by, sizeof by, "is not what the reference gives");
    else if (isinf(f->error))
        snprintf(by, sizeof by, "is not finite where the reference is, or the other way round,");
    else if (f->error > NOTHING)
        snprintf(by, sizeof by, "differs from the reference, which is nothing but zeros,");
    else
        snprintf(by, sizeof by, "differs by %.2g from the reference (bar %.0e)", f->error, f->bar);
    snprintf(out, size, "%s at row %llu, column %llu: %.7g instead of %.7g", by, (unsigned long long) f->row,
             (unsigned long long) f->column, f->value, f->want);
}

static vkc_status tell(const work *w, const char *when)
{
    nn_check *c = w->g->check;
    const nn_node *n = &w->g->node[w->wrong];
    const nn__verdict *v = &w->verdict;
    const vkc_device_info *dev = vkc_device_get_info(c->dev);
    const nn_shape *s = &n->call.out[v->output];
    const size_t cols = s->dim[0] ? nn_shape_len(s) / s->dim[0] : 1;
    nn_check_found f = {
        .op = n->op, .output = v->output, .row = v->at / cols, .column = v->at % cols, .error = v->error,
        .bar = v->bar, .value = v->value, .want = v->want,
    };
    char place[NN_MAX_PLACE], how[256];
    memcpy(f.scope, n->scope, sizeof f.scope);
    snprintf(f.when, sizeof f.when, "%s", when);
    describe(&f, how, sizeof how);
    snprintf(f.text, sizeof f.text, "%s (op %s): %s%s, %s; device %.100s, driver %.80s %.80s",
             nn_scope_text(n->scope, place), n->op->name, v->output ? "what it leaves beside its output " : "", how,
             f.when, dev->name, dev->driver, dev->driver_info);
    if (!c->has_first)
        c->first = f;
    c->has_first = true;
    return c->p.goes_on ? VKC_OK : VKC_FAIL(VKC_E_CHECK, "%s", f.text);
}

vkc_status nn_check_after(nn_graph *g, const char *when)
{
    if (!g->check || !g->is_due)
        return VKC_OK;
    work w = { .g = g, .end = g->n_nodes, .wrong = NN_NO_NODE };
    g->is_due = false;
    if (pthread_mutex_init(&w.lock, NULL) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "check: no lock to be had");
    vkc_status st = read_layouts(&w);
    if (st == VKC_OK)
        judge_all(&w);
    pthread_mutex_destroy(&w.lock);
    forget(g);
    if (st == VKC_OK && w.st != VKC_OK)
        st = vkc_failure_again(w.st, &w.failure);
    if (st != VKC_OK)
        return st;
    g->check->n_replays++;
    return w.wrong != NN_NO_NODE ? tell(&w, when) : VKC_OK;
}

// ---- what was found

const nn_check_found *nn_check_first(const nn_check *c)
{
    return c->has_first ? &c->first : NULL;
}

const nn_check_op *nn_check_get_op(const nn_check *c, uint32_t op)
{
    return &c->op[op];
}

uint64_t nn_check_replays(const nn_check *c)
{
    return c->n_replays;
}

uint64_t nn_check_calls(const nn_check *c)
{
    return c->n_calls;
}

uint32_t nn_check_worst(const nn_check *c)
{
    uint32_t worst = nn_n_ops;
    double most = -1;
    for (uint32_t i = 0; i < nn_n_ops; i++) {
        const double share = c->op[i].worst / nn_check_get_bars(nn_ops[i]).error;
        if (c->op[i].calls && share > most) {
            worst = i;
            most = share;
        }
    }
    return worst;
}
