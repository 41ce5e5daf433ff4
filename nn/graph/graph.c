// graph.c — build a graph: tensors, calls, the sticky error.
#include "nn/graph/graph_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

vkc_device *nn_graph_device(const nn_graph *g)
{
    return g->dev;
}

nn_tensor *nn_graph_fail(nn_graph *g, vkc_status st)
{
    if (g->status == VKC_OK) {
        g->status = st;
        vkc_failure_keep(&g->failure);
    }
    return NULL;
}

static nn_tensor *add_tensor(nn_graph *g, nn_tensor_kind kind, const nn_shape *shape, nn_dtype dtype,
                             nn_rows *rows)
{
    if (g->n_tensors == g->cap_tensors) {
        uint32_t cap = g->cap_tensors ? 2 * g->cap_tensors : 64;
        nn_tensor **grown = (nn_tensor **) realloc(g->tensor, cap * sizeof *grown);
        if (!grown)
            return nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
        g->tensor = grown;
        g->cap_tensors = cap;
    }
    nn_tensor *t = (nn_tensor *) calloc(1, sizeof *t);
    if (!t)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
    *t = (nn_tensor) { .g = g, .kind = kind, .root = t, .shape = *shape, .dtype = dtype, .rows = rows,
                       .node = NN_NO_NODE };
    g->tensor[g->n_tensors++] = t;
    return t;
}

static bool add_layout(nn_graph *g, nn_rows *rows)
{
    for (uint32_t i = 0; i < g->n_layouts; i++)
        if (g->layouts[i] == rows)
            return true;
    if (g->n_layouts == NN_MAX_LAYOUTS) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: more than %d packed layouts", NN_MAX_LAYOUTS));
        return false;
    }
    g->layouts[g->n_layouts++] = rows;
    return true;
}

nn_tensor *nn_graph_input(nn_graph *g, const char *name, nn_shape shape, nn_dtype dtype, nn_rows *rows)
{
    if (g->status != VKC_OK)
        return NULL;
    if (rows) {
        shape.dim[0] = nn_rows_cap(rows);
        if (!add_layout(g, rows))
            return NULL;
    }
    nn_tensor *t = add_tensor(g, NN_KIND_INPUT, &shape, dtype, rows);
    if (!t)
        return NULL;
    size_t size = nn_shape_bytes(&shape, dtype);
    vkc_status st = vkc_check_bind(g->dev, name, size);
    if (st != VKC_OK)
        return nn_graph_fail(g, VKC_FAIL(st, "%s: use a smaller batch", vkc_last_error()));
    st = vkc_buffer_create(g->dev, VKC_MEM_DEVICE, size, name, &t->own);
    if (st == VKC_OK)
        st = vkc_fill(g->dev, vkc_slice_of(t->own), 0);
    if (st != VKC_OK)
        return nn_graph_fail(g, st);
    t->value = (vkc_slice) { t->own, 0, size };
    t->name = strdup(name);
    return t->name ? t : nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
}

nn_tensor *nn_graph_constant(nn_graph *g, const char *name, nn_shape shape, const float *values)
{
    nn_tensor *t = nn_graph_input(g, name, shape, NN_DTYPE_F32, NULL);
    const vkc_status st = t ? vkc_write(g->dev, t->value, values) : VKC_OK;
    return st == VKC_OK ? t : nn_graph_fail(g, st);
}

nn_tensor *nn_graph_find_constant(const nn_graph *g, const char *name)
{
    for (uint32_t i = 0; i < g->n_tensors; i++)
        if (g->tensor[i]->name && strcmp(g->tensor[i]->name, name) == 0)
            return g->tensor[i];
    return NULL;
}

nn_tensor *nn_graph_param(nn_graph *g, nn_params *ps, uint32_t index, bool trained)
{
    if (g->status != VKC_OK)
        return NULL;
    trained = trained && !ps->p[index].frozen;
    for (uint32_t i = 0; i < g->n_tensors; i++) {   // one tensor a parameter: gradients add up in it
        nn_tensor *t = g->tensor[i];
        if (t->kind == NN_KIND_PARAM && t->value.buf == ps->value[ps->p[index].block] &&
            t->value.offset == ps->p[index].offset && t->requires_grad == trained)
            return t;
    }
    if (trained && ps->p[index].dtype != NN_DTYPE_F32)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_UNSUPPORTED, "parameter %s holds %s: only fp32 is trained, freeze it",
                                ps->p[index].name, nn_dtype_name(ps->p[index].dtype)));
    nn_tensor *t = add_tensor(g, NN_KIND_PARAM, &ps->p[index].shape, ps->p[index].dtype, NULL);
    if (!t)
        return NULL;
    t->value = nn_params_value(ps, index);
    char what[NN_MAX_NAME + 16];
    snprintf(what, sizeof what, "parameter %s", ps->p[index].name);
    vkc_status st = vkc_check_bind(g->dev, what, t->value.size);      // memory it has, but kernels read it whole
    if (st != VKC_OK)
        return nn_graph_fail(g, st);
    t->requires_grad = trained;
    if (trained)
        t->grad = nn_params_grad(ps, index);
    if (trained && !t->grad.buf)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "parameter %s is trained but has no gradient memory",
                                ps->p[index].name));
    return t;
}

void nn_graph_scope(nn_graph *g, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(g->scope, sizeof g->scope, format, list);
    va_end(list);
}

static nn_node *add_node(nn_graph *g)
{
    if (g->n_nodes == g->cap_nodes) {
        uint32_t cap = g->cap_nodes ? 2 * g->cap_nodes : 64;
        nn_node *grown = (nn_node *) realloc(g->node, cap * sizeof *grown);
        if (!grown) {
            nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
            return NULL;
        }
        g->node = grown;
        g->cap_nodes = cap;
    }
    nn_node *node = &g->node[g->n_nodes];
    *node = (nn_node) { 0 };
    return node;
}

nn_tensor *nn_apply(nn_graph *g, const nn_op *op, const void *attr, size_t attr_size, nn_rows *to,
                    uint32_t n_in, nn_tensor *const *in)
{
    if (g->status != VKC_OK)
        return NULL;
    if (n_in > op->n_in || n_in + op->n_opt < op->n_in)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "%s takes %u inputs, %u of them optional; got %u", op->name,
                                op->n_in, op->n_opt, n_in));
    if (to && !add_layout(g, to))
        return NULL;
    nn_node *node = add_node(g);
    if (!node)
        return NULL;
    node->op = op;
    memcpy(node->scope, g->scope, sizeof node->scope);
    nn_call *c = &node->call;
    *c = (nn_call) { .to = to, .dev = vkc_device_get_info(g->dev), .forced = g->context->forced };
    if (attr_size) {
        node->attr = malloc(attr_size);
        if (!node->attr)
            return nn_graph_fail(g, VKC_FAIL(VKC_E_NOMEM, "graph: out of host memory"));
        memcpy(node->attr, attr, attr_size);
        c->attr = node->attr;
    }
    for (uint32_t i = 0; i < n_in; i++) {
        if (!in[i] && i < (uint32_t) op->n_in - op->n_opt) {
            free(node->attr);
            return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "%s: input %u is missing", op->name, i));
        }
        node->in[i] = in[i];
        if (!in[i])
            continue;
        c->in[i] = in[i]->shape;
        c->in_dtype[i] = in[i]->dtype;
        c->in_rows[i] = in[i]->rows;
        c->train = c->train || (in[i]->requires_grad && (op->grad & BIT(IN(i))));
    }
    vkc_status st = nn_op_infer(op, c);
    if (st != VKC_OK) {
        free(node->attr);
        return nn_graph_fail(g, st);
    }
    for (uint32_t i = 0; i < op->n_out; i++) {
        if (!c->out[i].rank)
            continue;
        nn_tensor *t = node->out[i] = add_tensor(g, NN_KIND_ACTIVATION, &c->out[i], c->out_dtype[i],
                                                  c->out_rows[i]);
        if (!t) {
            free(node->attr);
            return NULL;
        }
        t->node = g->n_nodes;
        t->out = i;
        t->requires_grad = i == 0 && c->train;
    }
    g->n_nodes++;
    return node->out[0];
}

nn_tensor *nn_output(nn_tensor *t, uint32_t i)
{
    if (!t || t->node == NN_NO_NODE || i >= NN_MAX_IO)
        return NULL;
    return t->g->node[t->node].out[i];
}

const nn_shape *nn_tensor_shape(const nn_tensor *t)
{
    static const nn_shape none;
    return t ? &t->shape : &none;
}

nn_dtype nn_tensor_dtype(const nn_tensor *t)
{
    return t ? t->dtype : NN_DTYPE_F32;
}

nn_rows *nn_tensor_rows(const nn_tensor *t)
{
    return t ? t->rows : NULL;
}

const char *nn_input_name(const nn_tensor *t)
{
    return t && t->name ? t->name : "";
}

nn_tensor *nn_stop_gradient(nn_graph *g, nn_tensor *t)
{
    if (!t || !t->requires_grad)
        return t;
    nn_tensor *s = add_tensor(g, t->kind, &t->shape, t->dtype, t->rows);
    if (!s)
        return NULL;
    s->root = t->root;
    s->node = t->node;
    s->out = t->out;
    s->value = t->value;
    return s;
}

void nn_graph_add_loss(nn_graph *g, nn_tensor *t, float weight)
{
    if (!t || g->status != VKC_OK)
        return;
    if (nn_shape_len(&t->shape) != 1 || t->rows || t->node == NN_NO_NODE || t->out != 0 ||
        t->dtype != NN_DTYPE_F32)
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: a loss is the plain fp32 scalar that an op made"));
    t->seed += weight;
    t->root->kept = true;
}

void nn_graph_add_seed(nn_graph *g, nn_tensor *t, nn_tensor *seed)
{
    if (!t || !seed || g->status != VKC_OK)
        return;
    if (t->root != t || t->out != 0 || t->dtype != NN_DTYPE_F32 || nn__is_seeded(t)) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: a seed goes to an fp32 tensor that is the first an op made or an "
                                  "input, once"));
        return;
    }
    if (seed->kind != NN_KIND_INPUT || seed->dtype != NN_DTYPE_F32 || seed->rows != t->rows ||
        !nn_shape_is(&seed->shape, t->shape.rank, t->shape.dim)) {
        nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: a seed is an fp32 input of the shape and layout of its tensor"));
        return;
    }
    t->seed_from = seed;
}

nn_tensor *nn_graph_want_gradient(nn_graph *g, nn_tensor *t)
{
    if (!t || g->status != VKC_OK || t->own_grad)
        return t;
    if (t->kind != NN_KIND_INPUT || t->root != t || t->dtype != NN_DTYPE_F32)
        return nn_graph_fail(g, VKC_FAIL(VKC_E_ARG, "graph: only an fp32 input can be given a gradient"));
    const vkc_status st = vkc_buffer_create(g->dev, VKC_MEM_DEVICE, t->value.size, "gradient of an input",
                                            &t->own_grad);
    if (st != VKC_OK)
        return nn_graph_fail(g, st);
    t->grad = (vkc_slice) { t->own_grad, 0, t->value.size };
    t->requires_grad = true;
    return t;
}

vkc_slice nn_graph_gradient(const nn_tensor *t)
{
    return t->grad;
}

void nn_graph_keep(nn_graph *g, nn_tensor *t)
{
    if (t && g->status == VKC_OK)
        t->root->kept = true;
}

vkc_slice nn_tensor_slice(const nn_tensor *t)
{
    return t->root->value;
}

bool nn_graph_is_trained(const nn_graph *g, const nn_params *ps, uint32_t index)
{
    vkc_slice value = nn_params_value(ps, index);
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        const nn_tensor *t = g->tensor[i];
        if (t->kind == NN_KIND_PARAM && t->has_grad && t->value.buf == value.buf && t->value.offset == value.offset)
            return true;
    }
    return false;
}

nn_graph_info nn_graph_get_info(const nn_graph *g)
{
    nn_graph_info info = { .n_calls = g->n_nodes, .unplanned_bytes = g->unplanned_bytes };
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        info.n_backward += g->node[i].backward;
        if (g->node[i].op->macs)
            info.macs += g->node[i].op->macs(&g->node[i].call);
    }
    for (uint32_t b = 0; b < g->n_blocks; b++)
        info.activation_bytes += g->block_size[b];
    return info;
}
