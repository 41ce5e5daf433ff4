// spirv.c — reflection: bindings and their access, push constants, workgroup and shared memory size.
//
// One pass finds where each id is defined; the rest is looked up from there. Words come from a
// file or a compiler, so every read is bounds-checked: a missing word reads as 0, an id that
// nothing defines.
#include "vk/compile/spirv.h"

#include <stdlib.h>
#include <string.h>

enum {  // the few numbers of the SPIR-V specification that are needed
    MAGIC = 0x07230203, MAX_IDS = 1 << 20, MAX_DEPTH = 32,
    OP_ENTRY_POINT = 15, OP_EXECUTION_MODE = 16, OP_CAPABILITY = 17, OP_TYPE_BOOL = 20, OP_TYPE_INT = 21,
    OP_TYPE_FLOAT = 22, OP_TYPE_VECTOR = 23, OP_TYPE_MATRIX = 24,
    OP_TYPE_IMAGE = 25, OP_TYPE_SAMPLED_IMAGE = 27, OP_TYPE_ARRAY = 28, OP_TYPE_RUNTIME_ARRAY = 29,
    OP_TYPE_STRUCT = 30, OP_TYPE_POINTER = 32, OP_CONSTANT = 43, OP_CONSTANT_COMPOSITE = 44,
    OP_SPEC_CONSTANT = 50, OP_SPEC_CONSTANT_COMPOSITE = 51, OP_SPEC_CONSTANT_OP = 52, OP_FUNCTION = 54,
    OP_FUNCTION_END = 56, OP_FUNCTION_CALL = 57,
    OP_VARIABLE = 59, OP_DECORATE = 71, OP_MEMBER_DECORATE = 72, OP_COMPOSITE_EXTRACT = 81,
    OP_IADD = 128, OP_ISUB = 130, OP_IMUL = 132, OP_UDIV = 134, OP_UMOD = 137,
    OP_SHIFT_RIGHT = 194, OP_SHIFT_LEFT = 196, OP_OR = 197, OP_XOR = 198, OP_AND = 199,
    OP_SELECT = 169, OP_IEQUAL = 170, OP_INOT_EQUAL = 171, OP_UGREATER = 172, OP_ULESS = 176,
    OP_EXECUTION_MODE_ID = 331,
    MODE_LOCAL_SIZE = 17, MODE_LOCAL_SIZE_ID = 38, MODEL_COMPUTE = 5,
    DEC_SPEC_ID = 1, DEC_BUFFER_BLOCK = 3, DEC_ARRAY_STRIDE = 6, DEC_BUILTIN = 11, DEC_NON_WRITABLE = 24,
    DEC_NON_READABLE = 25, DEC_BINDING = 33, DEC_SET = 34, DEC_OFFSET = 35,
    BUILTIN_WORKGROUP_SIZE = 25, DIM_BUFFER = 5,
    CLASS_UNIFORM_CONSTANT = 0, CLASS_UNIFORM = 2, CLASS_WORKGROUP = 4, CLASS_PUSH = 9, CLASS_STORAGE = 12,
};

typedef struct module {
    const char *name;
    const uint32_t *words, *spec;
    size_t    n_words;
    uint32_t  n_spec, bound;
    uint32_t  fuel;                 // look-ups left: a hostile module may nest without end
    uint32_t *def;                  // id -> where its instruction starts; 0 = nowhere
    size_t    annotations, annotations_end;     // where decorations lie
    bool      bad;                  // sticky: something did not make sense
} module;

static uint32_t op_at(const module *m, size_t at)
{
    return m->words[at] & 0xffff;
}

static uint32_t len_at(const module *m, size_t at)
{
    return m->words[at] >> 16;
}

static uint32_t word(const module *m, size_t at, uint32_t i)
{
    return i < len_at(m, at) ? m->words[at + i] : 0;
}

static size_t def_of(module *m, uint32_t id)
{
    size_t at = id < m->bound ? m->def[id] : 0;
    if (!at)
        m->bad = true;
    return at;      // 0 is the header: its length is no matter, since callers test `bad`
}

// Which word of an instruction is its result id; 0 = none that matters here.
static uint32_t result_word(uint32_t op)
{
    if (op >= OP_TYPE_BOOL - 1 && op <= OP_TYPE_POINTER + 1)
        return 1;
    if ((op >= 41 && op <= OP_SPEC_CONSTANT_OP) || op == OP_FUNCTION || op == OP_VARIABLE)
        return 2;
    return 0;
}

static bool index_ids(module *m)
{
    for (size_t at = 5; at < m->n_words; at += len_at(m, at)) {
        uint32_t op = op_at(m, at), len = len_at(m, at), r = result_word(op);
        if (len == 0 || len > m->n_words - at)
            return false;
        if (op == OP_DECORATE || op == OP_MEMBER_DECORATE) {
            if (!m->annotations)
                m->annotations = at;
            m->annotations_end = at + len;
        }
        if (!r)
            continue;
        uint32_t id = word(m, at, r);
        if (id == 0 || id >= m->bound || m->def[id])
            return false;
        m->def[id] = (uint32_t) at;
    }
    return true;
}

// Does `id` (or its member, unless -1) carry the decoration? Its operand goes to *value.
static bool decoration(const module *m, uint32_t id, int64_t member, uint32_t dec, uint32_t *value)
{
    uint32_t i = member < 0 ? 2 : 3;
    for (size_t at = m->annotations; at < m->annotations_end; at += len_at(m, at))
        if (op_at(m, at) == (member < 0 ? OP_DECORATE : OP_MEMBER_DECORATE) && word(m, at, 1) == id &&
            (member < 0 || word(m, at, 2) == (uint32_t) member) && word(m, at, i) == dec) {
            if (value)
                *value = word(m, at, i + 1);
            return true;
        }
    return false;
}

static uint32_t value_of(module *m, uint32_t id, int depth);

static uint32_t spec_op(module *m, size_t at, int depth)
{
    uint32_t op = word(m, at, 3);
    if (op == OP_COMPOSITE_EXTRACT) {
        size_t whole = def_of(m, word(m, at, 4));
        uint32_t i = word(m, at, 5);
        if (m->bad || len_at(m, at) != 6 || i > 16)
            return m->bad = true, 0;
        return value_of(m, word(m, whole, 3 + i), depth);
    }
    uint32_t a = value_of(m, word(m, at, 4), depth), b = value_of(m, word(m, at, 5), depth);
    switch (op) {
    case OP_IADD: return a + b;
    case OP_ISUB: return a - b;
    case OP_IMUL: return a * b;
    case OP_UDIV: return b ? a / b : 0;
    case OP_UMOD: return b ? a % b : 0;
    case OP_SHIFT_RIGHT: return b < 32 ? a >> b : 0;
    case OP_SHIFT_LEFT: return b < 32 ? a << b : 0;
    case OP_OR: return a | b;
    case OP_XOR: return a ^ b;
    case OP_AND: return a & b;
    case OP_IEQUAL: return a == b;
    case OP_INOT_EQUAL: return a != b;
    case OP_UGREATER: return a > b;
    case OP_ULESS: return a < b;
    case OP_SELECT: return a ? b : value_of(m, word(m, at, 6), depth);
    default: return m->bad = true, 0;
    }
}

// A 32-bit constant, specialised.
static uint32_t value_of(module *m, uint32_t id, int depth)
{
    size_t at = def_of(m, id);
    uint32_t spec_id;
    if (m->bad || depth > MAX_DEPTH || m->fuel-- == 0)
        return m->bad = true, 0;
    switch (op_at(m, at)) {
    case OP_CONSTANT: return word(m, at, 3);
    case 41: case 48: return 1;     // true
    case 42: case 49: return 0;     // false
    case OP_SPEC_CONSTANT:
        if (decoration(m, id, -1, DEC_SPEC_ID, &spec_id) && spec_id < m->n_spec && m->spec[spec_id])
            return m->spec[spec_id];
        return word(m, at, 3);
    case OP_SPEC_CONSTANT_OP: return spec_op(m, at, depth + 1);
    default: return m->bad = true, 0;
    }
}

static uint64_t size_of(module *m, uint32_t type, int depth);

// Of a struct: the end of the member that ends last.
static uint64_t struct_size(module *m, uint32_t type, size_t at, int depth)
{
    uint64_t end = 0, most = 0;
    for (uint32_t i = 2; i < len_at(m, at) && !m->bad; i++) {
        uint32_t offset;
        if (decoration(m, type, i - 2, DEC_OFFSET, &offset))
            end = offset;
        end += size_of(m, word(m, at, i), depth);
        most = end > most ? end : most;
    }
    return most;
}

static uint64_t size_of(module *m, uint32_t type, int depth)
{
    size_t at = def_of(m, type);
    if (m->bad || depth > MAX_DEPTH || m->fuel-- == 0)
        return m->bad = true, 0;
    depth++;
    switch (op_at(m, at)) {
    case OP_TYPE_BOOL: return 4;
    case OP_TYPE_INT: case OP_TYPE_FLOAT: return word(m, at, 2) / 8;
    case OP_TYPE_VECTOR: case OP_TYPE_MATRIX: return size_of(m, word(m, at, 2), depth) * word(m, at, 3);
    case OP_TYPE_STRUCT: return struct_size(m, type, at, depth);
    case OP_TYPE_RUNTIME_ARRAY: return 0;
    case OP_TYPE_ARRAY: {
        uint32_t stride;
        uint64_t each = size_of(m, word(m, at, 2), depth), n = value_of(m, word(m, at, 3), depth);
        if (decoration(m, type, -1, DEC_ARRAY_STRIDE, &stride))
            each = stride;
        if (each > UINT32_MAX)
            return m->bad = true, 0;
        return each * n;
    }
    default: return m->bad = true, 0;
    }
}

// A buffer is read-only (or write-only) when it, or every one of its members, says so.
static bool all_members(const module *m, uint32_t var, uint32_t type, size_t type_at, uint32_t dec)
{
    if (decoration(m, var, -1, dec, NULL))
        return true;
    for (uint32_t i = 2; i < len_at(m, type_at); i++)
        if (!decoration(m, type, i - 2, dec, NULL))
            return false;
    return true;
}

// Is it a samplerBuffer?
static bool is_texels(module *m, uint32_t type)
{
    size_t at = def_of(m, type), image;
    if (m->bad || op_at(m, at) != OP_TYPE_SAMPLED_IMAGE)
        return false;
    image = def_of(m, word(m, at, 2));
    return !m->bad && op_at(m, image) == OP_TYPE_IMAGE && word(m, image, 3) == DIM_BUFFER;
}

static vkc_status add_buffer(module *m, uint32_t var, uint32_t type, bool texels, vkc__spirv_info *out)
{
    uint32_t binding, set = 0;
    size_t at = def_of(m, type);
    if (m->bad || !decoration(m, var, -1, DEC_BINDING, &binding))
        return m->bad = true, VKC_OK;
    decoration(m, var, -1, DEC_SET, &set);
    if (!texels && op_at(m, at) != OP_TYPE_STRUCT)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "shader %s: binding %u is an array of buffers", m->name, binding);
    if (set != 0 || binding >= VKC_MAX_BIND)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "shader %s: set %u binding %u, but only set 0 and %d bindings are used",
                        m->name, set, binding, VKC_MAX_BIND);
    uint8_t access = VKC_ACCESS_BOTH;
    if (texels || all_members(m, var, type, at, DEC_NON_WRITABLE))
        access = VKC_ACCESS_READ;
    else if (all_members(m, var, type, at, DEC_NON_READABLE))
        access = VKC_ACCESS_WRITE;
    out->access[binding] |= access;
    out->texels |= texels ? 1u << binding : 0;
    if (binding >= out->n_bindings)
        out->n_bindings = binding + 1;
    return VKC_OK;
}

static vkc_status add_variable(module *m, size_t at, vkc__spirv_info *out)
{
    uint32_t var = word(m, at, 2), class = word(m, at, 3);
    if (class != CLASS_UNIFORM_CONSTANT && class != CLASS_UNIFORM && class != CLASS_WORKGROUP &&
        class != CLASS_PUSH && class != CLASS_STORAGE)
        return VKC_OK;      // inputs, private and function variables
    size_t pointer = def_of(m, word(m, at, 1));
    if (m->bad || op_at(m, pointer) != OP_TYPE_POINTER)
        return m->bad = true, VKC_OK;
    uint32_t type = word(m, pointer, 3);
    if (class == CLASS_STORAGE || (class == CLASS_UNIFORM && decoration(m, type, -1, DEC_BUFFER_BLOCK, NULL)))
        return add_buffer(m, var, type, false, out);
    if (class == CLASS_UNIFORM_CONSTANT && is_texels(m, type))
        return add_buffer(m, var, type, true, out);
    if (class == CLASS_UNIFORM_CONSTANT || class == CLASS_UNIFORM)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "shader %s: only storage buffers, samplerBuffers and push constants are "
                        "used here", m->name);
    uint64_t size = size_of(m, type, 0);
    if (class == CLASS_PUSH)
        out->push_size = size < UINT32_MAX ? (uint32_t) size : UINT32_MAX;
    else
        out->shared_bytes = out->shared_bytes + size < UINT32_MAX ? out->shared_bytes + (uint32_t) size : UINT32_MAX;
    return VKC_OK;
}

static void set_local_size(module *m, size_t at, bool ids, vkc__spirv_info *out)
{
    for (uint32_t i = 0; i < 3; i++)
        out->local_size[i] = ids ? value_of(m, word(m, at, 3 + i), 0) : word(m, at, 3 + i);
}

static uint32_t feature_of(uint32_t capability)
{
    if (capability == 9 || (capability >= 4433 && capability <= 4436))     // Float16, 16-bit storage
        return VKC_FEATURE_FP16;
    if (capability == 63 || capability == 65)                              // GroupNonUniformArithmetic, Shuffle
        return VKC_FEATURE_SUBGROUP_ARITHMETIC;
    return capability == 6022 ? VKC_FEATURE_COOPMAT : 0;                   // CooperativeMatrixKHR
}

// Functions are whole, one ends the module, and those entered or called are there: a truncated
// module fails here.
static bool check_functions(module *m)
{
    uint32_t last = 0;
    bool open = false;
    for (size_t at = 5; at < m->n_words && !m->bad; at += len_at(m, at)) {
        last = op_at(m, at);
        if (last == OP_FUNCTION || last == OP_FUNCTION_END) {
            if (open == (last == OP_FUNCTION))
                return false;
            open = !open;
        }
        uint32_t i = last == OP_ENTRY_POINT ? 2 : 3;
        if ((last == OP_ENTRY_POINT || last == OP_FUNCTION_CALL) &&
            op_at(m, def_of(m, word(m, at, i))) != OP_FUNCTION)
            return false;
    }
    return !m->bad && last == OP_FUNCTION_END;
}

static vkc_status read_module(module *m, vkc__spirv_info *out)
{
    vkc_status st = VKC_OK;
    uint32_t n_entries = 0, spec_id, builtin;
    for (size_t at = 5; at < m->n_words && st == VKC_OK && !m->bad; at += len_at(m, at)) {
        switch (op_at(m, at)) {
        case OP_CAPABILITY:
            out->features |= feature_of(word(m, at, 1));
            break;
        case OP_ENTRY_POINT:
            n_entries++;
            if (word(m, at, 1) != MODEL_COMPUTE || word(m, at, 3) != 0x6e69616d || word(m, at, 4) != 0)
                return VKC_FAIL(VKC_E_UNSUPPORTED, "shader %s: the entry point is not a compute main()", m->name);
            break;
        case OP_EXECUTION_MODE:
        case OP_EXECUTION_MODE_ID:
            if (word(m, at, 2) == MODE_LOCAL_SIZE || word(m, at, 2) == MODE_LOCAL_SIZE_ID)
                set_local_size(m, at, word(m, at, 2) == MODE_LOCAL_SIZE_ID, out);
            break;
        case OP_DECORATE:
            spec_id = word(m, at, 3);
            if (word(m, at, 2) != DEC_SPEC_ID || spec_id >= 32)
                break;
            if (out->spec_mask & (1u << spec_id))
                return VKC_FAIL(VKC_E_FORMAT, "shader %s: two constants have constant_id %u", m->name, spec_id);
            out->spec_mask |= 1u << spec_id;
            break;
        case OP_CONSTANT_COMPOSITE:
        case OP_SPEC_CONSTANT_COMPOSITE:    // gl_WorkGroupSize, if declared, overrides the mode
            if (decoration(m, word(m, at, 2), -1, DEC_BUILTIN, &builtin) && builtin == BUILTIN_WORKGROUP_SIZE)
                set_local_size(m, at, true, out);
            break;
        case OP_VARIABLE:
            st = add_variable(m, at, out);
            break;
        default:
            break;
        }
    }
    if (st == VKC_OK && !m->bad && n_entries != 1)
        return VKC_FAIL(VKC_E_FORMAT, "shader %s: %u entry points, want one", m->name, n_entries);
    return st;
}

vkc_status vkc__spirv_get(const vkc_shader *shader, const uint32_t *spec, uint32_t n_spec, vkc__spirv_info *out)
{
    module m = { .name = shader->name ? shader->name : "unnamed", .words = shader->words,
                 .n_words = shader->n_words, .spec = spec, .n_spec = n_spec, .fuel = 1 << 16 };
    vkc__spirv_info info = { 0 };
    if (!m.words || m.n_words < 5 || m.n_words > UINT32_MAX / 4 || m.words[0] != MAGIC)
        return VKC_FAIL(VKC_E_FORMAT, "shader %s: not SPIR-V", m.name);
    m.bound = m.words[3];
    if (m.bound == 0 || m.bound > MAX_IDS)
        return VKC_FAIL(VKC_E_FORMAT, "shader %s: SPIR-V with %u ids", m.name, m.bound);
    m.def = calloc(m.bound, sizeof *m.def);
    if (!m.def)
        return VKC_FAIL(VKC_E_NOMEM, "shader %s: out of host memory", m.name);
    vkc_status st = VKC_OK;
    if (!index_ids(&m) || !check_functions(&m))
        m.bad = true;
    if (!m.bad)
        st = read_module(&m, &info);
    free(m.def);
    if (st == VKC_OK && (m.bad || !info.local_size[0] || !info.local_size[1] || !info.local_size[2]))
        st = VKC_FAIL(VKC_E_FORMAT, "shader %s: malformed SPIR-V", m.name);
    if (st == VKC_OK)
        *out = info;
    return st;
}
