// op_run.c — one op case on the device, see op_run.h.
#include "tests/nn/ops/op_run.h"
#include "nn/base/half.h"
#include "tests/numbers.h"

#include <math.h>
#include <string.h>

#define GUARD 256u
#define GUARD_BYTE 0xa5

static const uint32_t poison_bits = 0x7fc5deadu;
#define POISON_HALF 0x7e5du        // the same in fp16
const float op_din_dead = 77.0f;

static float poison(void)
{
    float f;
    memcpy(&f, &poison_bits, 4);
    return f;
}

// Values as the device has them, and back: fp16 is narrowed and widened, poison stays poison, the half of a word that
// nothing lies in is poisoned too.
static void pack(unsigned char *to, const nn_shape *s, nn_dtype dtype, const float *values)
{
    const size_t len = nn_shape_len(s);
    if (dtype != NN_DTYPE_F16) {
        memcpy(to, values, nn_shape_bytes(s, dtype));
        return;
    }
    for (size_t k = 0; k < len + len % 2; k++) {
        const uint16_t h = k == len || op_run_is_poison(values[k]) ? POISON_HALF : nn_half_from_float(values[k]);
        memcpy(to + 2 * k, &h, 2);
    }
}

static void unpack(float *values, const nn_shape *s, nn_dtype dtype, const unsigned char *from)
{
    const size_t len = nn_shape_len(s);
    if (dtype != NN_DTYPE_F16)
        memcpy(values, from, nn_shape_bytes(s, dtype));
    for (size_t k = 0; k < len && dtype == NN_DTYPE_F16; k++) {
        uint16_t h;
        memcpy(&h, from + 2 * k, 2);
        values[k] = h == POISON_HALF ? poison() : nn_half_to_float(h);
    }
}

size_t op_run_live(const op_run *t, const nn_shape *s, const nn_rows *rows)
{
    (void) t;
    size_t len = nn_shape_len(s);
    return rows && s->dim[0] ? len / s->dim[0] * rows->n : len;
}

// A layout as the row asks for; with holes every second place is skipped where there is room.
static vkc_status make_layout(vkc_device *dev, const op_layout *l, nn_rows **out)
{
    uint32_t n = 0, longest = l->cap_tokens, total = 0, pos[1024];
    while (n < 8 && l->lengths[n]) {
        longest = l->lengths[n] > longest ? l->lengths[n] : longest;
        total += l->lengths[n++];
    }
    vkc_status st = nn_rows_create(dev, n + 1, longest, l->prefix, l->grid_h, l->grid_w, out);
    if (st != VKC_OK)
        return st;
    if (l->holes && total <= 1024)
        for (uint32_t b = 0, k = 0; b < n; b++)
            for (uint32_t i = 0; i < l->lengths[b]; i++, k++)
                pos[k] = i < l->prefix || 2 * l->lengths[b] > longest + l->prefix
                             ? i : l->prefix + 2 * (i - l->prefix) + (b & 1);
    st = nn_rows_write(dev, *out, n, l->lengths, l->holes && total <= 1024 ? pos : NULL);
    (*out)->is_made = l->made;
    return st;
}

static vkc_slice reserve(op_run *t, size_t bytes)
{
    if (!bytes)
        return (vkc_slice) { 0 };
    size_t at = vkc_align(t->dev, t->used + GUARD);
    t->used = at + bytes + GUARD;
    return (vkc_slice) { NULL, at, bytes };
}

static vkc_status infer(op_run *t)
{
    const op_case *oc = t->oc;
    t->op = nn_op_get(oc->op);
    if (!t->op)
        return VKC_FAIL(VKC_E_ARG, "no op %s", oc->op);
    nn_context *context;
    vkc_status known = nn_context_get(t->dev, &context);
    if (known != VKC_OK)
        return known;
    t->call = (nn_call) { .attr = oc->attr, .train = true, .dev = vkc_device_get_info(t->dev),
                          .forced = context->forced };
    for (int i = 0; i < 2; i++)
        if (oc->layout[i].lengths[0]) {
            vkc_status st = make_layout(t->dev, &oc->layout[i], &t->rows[i]);
            if (st != VKC_OK)
                return st;
        }
    for (int i = 0; i < t->op->n_in; i++) {
        t->call.in[i] = oc->in[i].shape;
        if (oc->in[i].layout) {
            t->call.in_rows[i] = t->rows[oc->in[i].layout - 1];
            t->call.in[i].dim[0] = nn_rows_cap(t->call.in_rows[i]);
        }
    }
    for (int i = 0; i < t->op->n_in; i++)
        t->call.in_dtype[i] = t->op->u32 & BIT(IN(i))             ? NN_DTYPE_U32
                              : oc->f16 && t->op->f16 & BIT(IN(i)) ? NN_DTYPE_F16
                                                                   : NN_DTYPE_F32;
    t->call.to = oc->to ? t->rows[oc->to - 1] : NULL;
    return nn_op_infer(t->op, &t->call);
}

// Random values in live rows, poison in dead ones.
static void fill_input(op_run *t, int i, uint64_t *seed)
{
    const op_input *in = &t->oc->in[i];
    double lo = in->lo, hi = in->hi;
    if (lo == 0 && hi == 0)
        lo = -1, hi = 1;
    size_t len = nn_shape_len(&t->call.in[i]), live = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
    for (size_t k = 0; k < len; k++) {
        double u = test_rand(seed);
        if (t->call.in_dtype[i] == NN_DTYPE_U32) {
            double at = in->rising ? (double) k * (hi - lo + 1) / (double) live : u * (hi - lo + 1);
            uint32_t v = k < live ? (uint32_t) (lo + floor(at)) : poison_bits;
            memcpy(&t->in[i][k], &v, 4);
            t->ref_in[i][k] = v;
        } else {
            t->in[i][k] = k < live ? (float) (lo + u * (hi - lo)) : poison();
            if (k < live && t->call.in_dtype[i] == NN_DTYPE_F16)
                t->in[i][k] = nn_half_to_float(nn_half_from_float(t->in[i][k]));
            t->ref_in[i][k] = (double) t->in[i][k];
        }
    }
}

static vkc_status make_host(op_run *t, uint64_t seed)
{
    for (int i = 0; i < NN_MAX_IO; i++) {
        size_t in = nn_shape_len(&t->call.in[i]), out = nn_shape_len(&t->call.out[i]);
        if (in && !((t->in[i] = calloc(in, 4)) && (t->din[i] = calloc(in, 4)) &&
                    (t->ref_in[i] = calloc(in, sizeof(double)))))
            return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
        if (out && !((t->out[i] = calloc(out, 4)) && (t->ref_out[i] = calloc(out, sizeof(double)))))
            return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
        if (in)
            fill_input(t, i, &seed);
    }
    size_t n = nn_shape_len(&t->call.out[0]), live = op_run_live(t, &t->call.out[0], t->call.out_rows[0]);
    t->dout = calloc(n ? n : 1, 4);
    if (!t->dout)
        return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
    for (size_t k = 0; k < n; k++)
        t->dout[k] = k < live ? (float) (2 * test_rand(&seed) - 1) : poison();
    return VKC_OK;
}

static void set_buffers(op_run *t)
{
    for (int i = 0; i < NN_MAX_IO; i++) {
        t->bind.in[i].buf = t->bind.in[i].size ? t->buf : NULL;
        t->bind.out[i].buf = t->bind.out[i].size ? t->buf : NULL;
        t->bind.din[i].buf = t->bind.din[i].size ? t->buf : NULL;
    }
    t->bind.dout[0].buf = t->buf;
    for (int i = 0; i < NN_MAX_SCRATCH; i++)
        t->bind.scratch[i].buf = t->bind.scratch[i].size ? t->buf : NULL;
}

static vkc_status record(op_run *t)
{
    vkc_status st = vkc_recording_create(t->dev, &(vkc_recording_params) { .name = t->op->name }, &t->rec);
    nn_rows *layouts[2];
    uint32_t n = 0;
    for (int i = 0; i < 2; i++)
        if (t->rows[i])
            layouts[n++] = t->rows[i];
    if (st == VKC_OK)
        st = nn_run_init(&t->run, t->dev, t->rec, layouts, n);
    if (st == VKC_OK)
        st = nn_run_fwd(&t->run, t->op, &t->call, &t->bind);
    if (st == VKC_OK)
        st = nn_run_bwd(&t->run, t->op, &t->call, &t->bind);
    if (st == VKC_OK)
        st = nn_run_finish(&t->run);
    return st == VKC_OK ? vkc_recording_finish(t->rec) : st;
}

vkc_status op_run_init(op_run *t, vkc_device *dev, const op_case *oc, uint64_t seed)
{
    *t = (op_run) { .dev = dev, .oc = oc };
    vkc_status st = infer(t);
    if (st == VKC_OK)
        st = make_host(t, seed);
    if (st != VKC_OK)
        return st;
    for (int i = 0; i < NN_MAX_IO; i++) {
        t->bind.in[i] = reserve(t, nn_shape_bytes(&t->call.in[i], t->call.in_dtype[i]));
        t->bind.out[i] = reserve(t, nn_shape_bytes(&t->call.out[i], t->call.out_dtype[i]));
        if ((t->op->grad & BIT(IN(i))) && t->call.in[i].rank) {
            t->bind.din[i] = reserve(t, nn_shape_bytes(&t->call.in[i], NN_DTYPE_GRAD));
            t->bind.wanted |= BIT(IN(i));
        }
    }
    t->bind.dout[0] = reserve(t, nn_shape_bytes(&t->call.out[0], NN_DTYPE_GRAD));
    for (int i = 0; i < NN_MAX_SCRATCH; i++) {
        size_t f = t->call.scratch_fwd[i], b = t->call.scratch_bwd[i];
        t->bind.scratch[i] = reserve(t, f > b ? f : b);
    }
    if ((t->image = malloc(t->used)) == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "test: out of memory");
    st = vkc_buffer_create(dev, VKC_MEM_DEVICE, t->used, "op case", &t->buf);
    if (st != VKC_OK)
        return st;
    set_buffers(t);
    return record(t);
}

void op_run_finish(op_run *t)
{
    vkc_recording_destroy(t->rec);
    nn_run_destroy(&t->run);
    vkc_buffer_destroy(t->buf);
    nn_rows_destroy(t->rows[0]);
    nn_rows_destroy(t->rows[1]);
    for (int i = 0; i < NN_MAX_IO; i++) {
        free(t->in[i]);
        free(t->out[i]);
        free(t->din[i]);
        free(t->ref_in[i]);
        free(t->ref_out[i]);
    }
    free(t->dout);
    free(t->image);
}

static float two_halves(void)
{
    const uint32_t bits = POISON_HALF * 0x10001u;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static void put_words(op_run *t, vkc_slice s, float v)
{
    for (size_t k = 0; k + 4 <= s.size; k += 4)
        memcpy(t->image + s.offset + k, &v, 4);
}

vkc_status op_run_execute(op_run *t, float base)
{
    if (++t->n_runs == t->fail_run)
        return VKC_FAIL(VKC_E_LOST, "run %u fails because it was asked for", t->n_runs);
    memset(t->image, GUARD_BYTE, t->used);
    for (int i = 0; i < NN_MAX_IO; i++) {
        if (t->bind.in[i].size)
            pack(t->image + t->bind.in[i].offset, &t->call.in[i], t->call.in_dtype[i], t->in[i]);
        put_words(t, t->bind.out[i], t->call.out_dtype[i] == NN_DTYPE_F16 ? two_halves() : poison());
        if (t->bind.din[i].size) {
            vkc_slice live = t->bind.din[i];
            live.size = 4 * op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
            put_words(t, t->bind.din[i], op_din_dead);
            put_words(t, live, base);
        }
    }
    memcpy(t->image + t->bind.dout[0].offset, t->dout, t->bind.dout[0].size);
    for (int i = 0; i < NN_MAX_SCRATCH; i++)
        put_words(t, t->bind.scratch[i], poison());
    vkc_slice all = { t->buf, 0, t->used & ~(size_t) 3 };
    vkc_status st = vkc_write(t->dev, all, t->image);
    if (st == VKC_OK)
        st = vkc_submit(t->rec, NULL);
    if (st == VKC_OK)
        st = vkc_wait(t->dev, 0);
    if (st == VKC_OK)
        st = vkc_read(t->dev, all, t->image);
    if (st != VKC_OK)
        return st;
    for (int i = 0; i < NN_MAX_IO; i++) {
        if (t->bind.out[i].size)
            unpack(t->out[i], &t->call.out[i], t->call.out_dtype[i], t->image + t->bind.out[i].offset);
        if (t->bind.din[i].size)
            memcpy(t->din[i], t->image + t->bind.din[i].offset, t->bind.din[i].size);
    }
    return VKC_OK;
}

void op_run_ref(op_run *t)
{
    const double *in[NN_MAX_IO];
    for (int i = 0; i < NN_MAX_IO; i++)
        in[i] = t->ref_in[i];
    t->op->ref(&t->call, in, t->ref_out);
}

static int check_guard(const op_run *t, vkc_slice s, const char *label, const char *what, int i)
{
    for (size_t k = 0; s.size && k < GUARD; k++)
        if (t->image[s.offset - 1 - k] != GUARD_BYTE || t->image[s.offset + s.size + k] != GUARD_BYTE) {
            printf("FAIL %s: guard of %s[%d] written %zu bytes away\n", label, what, i, k);
            return 1;
        }
    return 0;
}

static bool was_written(const op_run *t, int i)
{
    unsigned char *packed = (unsigned char *) malloc(t->bind.in[i].size + 1);
    bool is_same = packed != NULL;
    if (packed && t->bind.in[i].size) {
        pack(packed, &t->call.in[i], t->call.in_dtype[i], t->in[i]);
        is_same = memcmp(t->image + t->bind.in[i].offset, packed, t->bind.in[i].size) == 0;
    }
    free(packed);
    return !is_same;
}

static bool is_end_poisoned(const op_run *t, int i)
{
    uint16_t h;
    memcpy(&h, t->image + t->bind.out[i].offset + t->bind.out[i].size - 2, 2);
    return h == POISON_HALF;
}

int op_run_check_guards(const op_run *t, const char *label)
{
    int bad = 0;
    for (int i = 0; i < NN_MAX_IO; i++) {
        bad |= check_guard(t, t->bind.in[i], label, "in", i);
        bad |= check_guard(t, t->bind.out[i], label, "out", i);
        bad |= check_guard(t, t->bind.din[i], label, "din", i);
        if (was_written(t, i)) {
            printf("FAIL %s: in[%d] was written\n", label, i);
            bad = 1;
        }
        if (t->call.out_dtype[i] == NN_DTYPE_F16 && nn_shape_len(&t->call.out[i]) % 2 && !is_end_poisoned(t, i)) {
            printf("FAIL %s: the half behind out[%d] was written\n", label, i);
            bad = 1;
        }
    }
    for (int i = 0; i < NN_MAX_SCRATCH; i++)
        bad |= check_guard(t, t->bind.scratch[i], label, "scratch", i);
    return bad | check_guard(t, t->bind.dout[0], label, "dout", 0);
}

bool op_run_is_poison(float f)
{
    return memcmp(&f, &poison_bits, 4) == 0;
}

op_snapshot op_run_snapshot(const op_run *t)
{
    op_snapshot s = { { 0 }, { 0 } };
    for (int i = 0; i < NN_MAX_IO; i++) {
        size_t out = nn_shape_len(&t->call.out[i]) * sizeof(float);
        if (out && (s.out[i] = malloc(out)))
            memcpy(s.out[i], t->out[i], out);
        if (t->bind.din[i].size && (s.din[i] = malloc(t->bind.din[i].size)))
            memcpy(s.din[i], t->din[i], t->bind.din[i].size);
    }
    return s;
}

bool op_snapshot_is_same(const op_run *t, const op_snapshot *s)
{
    for (int i = 0; i < NN_MAX_IO; i++)
        if ((s->out[i] && memcmp(s->out[i], t->out[i], nn_shape_len(&t->call.out[i]) * sizeof(float))) ||
            (s->din[i] && memcmp(s->din[i], t->din[i], t->bind.din[i].size)))
            return false;
    return true;
}

void op_snapshot_free(op_snapshot *s)
{
    for (int i = 0; i < NN_MAX_IO; i++) {
        free(s->out[i]);
        free(s->din[i]);
    }
}
