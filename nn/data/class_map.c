// class_map.c — folders matched with a model's classes.
#include "nn/data/class_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/names.h"

#define MAX_SYNONYMS 16             // of a label
#define NOT_TAKEN UINT32_MAX

static const char *const ways[] = { "auto", "index", "name" };

vkc_status nn_labels_get(const char *name, nn_labels *out)
{
    uint32_t i = 0;
    vkc_status st = nn_name_get("way to match classes", name, ways, sizeof ways / sizeof *ways, &i);
    if (st == VKC_OK)
        *out = (nn_labels) i;
    return st;
}

const char *nn_labels_name(nn_labels labels)
{
    return ways[labels];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned char get_lower(char c)
{
    return (unsigned char) (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

int nn_compare_naturally(const char *a, const char *b)
{
    for (;;) {
        while (*a && *b && !is_digit(*a) && !is_digit(*b)) {
            if (get_lower(*a) != get_lower(*b))
                return get_lower(*a) < get_lower(*b) ? -1 : 1;
            a++, b++;
        }
        if (!is_digit(*a) || !is_digit(*b)) {           // the text of one ends here, that of the other may go on
            const bool ends_a = !*a || is_digit(*a), ends_b = !*b || is_digit(*b);
            return ends_a && ends_b ? (*a != '\0') - (*b != '\0') : (int) ends_b - (int) ends_a;
        }
        while (*a == '0')
            a++;
        while (*b == '0')
            b++;
        size_t na = 0, nb = 0;
        while (is_digit(a[na]))
            na++;
        while (is_digit(b[nb]))
            nb++;
        if (na != nb)
            return na < nb ? -1 : 1;
        const int order = memcmp(a, b, na);
        if (order != 0)
            return order < 0 ? -1 : 1;
        a += na, b += nb;
    }
}

bool nn_labels_are_names(const char *const *label, uint32_t n)
{
    for (uint32_t i = 0; label && i < n; i++) {
        char other[24];
        snprintf(other, sizeof other, "LABEL_%u", i);
        if (strcmp(label[i], other) != 0)
            return true;
    }
    return false;
}

typedef struct entry {              // a name of a class
    const char *text;
    uint32_t len, of;
} entry;

typedef struct dictionary {         // whole labels, and their synonyms; sorted
    entry *whole, *part;            // one allocation
    size_t n_whole, n_part;
} dictionary;

static int compare_texts(const entry *a, const entry *b)
{
    const int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int by_text(const void *a, const void *b)
{
    const entry *x = (const entry *) a, *y = (const entry *) b;
    const int order = compare_texts(x, y);
    return order != 0 ? order : (x->of > y->of) - (x->of < y->of);
}

static size_t count_parts(const char *label)
{
    size_t n = 1;
    for (; *label && n < MAX_SYNONYMS; label++)
        n += *label == ',';
    return n;
}

static void add_parts(dictionary *d, const char *label, uint32_t of)
{
    const char *p = label;
    for (size_t k = count_parts(label); k > 0; k--) {
        size_t len = strcspn(p, ",");
        const char *start = p, *next = p[len] ? p + len + 1 : p + len;
        while (len > 0 && *start == ' ')
            start++, len--;
        while (len > 0 && start[len - 1] == ' ')
            len--;
        if (len > 0)
            d->part[d->n_part++] = (entry) { start, (uint32_t) len, of };
        p = next;
    }
}

static vkc_status make_dictionary(const nn_class_map_params *p, dictionary *d)
{
    size_t room = p->n_classes;
    for (uint32_t i = 0; i < p->n_classes; i++)
        room += count_parts(p->label[i]);
    *d = (dictionary) { .whole = (entry *) malloc(room * sizeof *d->whole) };
    if (!d->whole)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to match %u classes", p->n_classes);
    d->part = d->whole + p->n_classes;
    for (uint32_t i = 0; i < p->n_classes; i++) {
        d->whole[d->n_whole++] = (entry) { p->label[i], (uint32_t) strlen(p->label[i]), i };
        if (strchr(p->label[i], ','))
            add_parts(d, p->label[i], i);
    }
    qsort(d->whole, d->n_whole, sizeof *d->whole, by_text);
    if (d->n_part > 0)
        qsort(d->part, d->n_part, sizeof *d->part, by_text);
    return VKC_OK;
}

typedef struct found { uint32_t n, of, other; } found;      // classes of a name: none, one, or two and more

static found find(const entry *list, size_t n, const char *text)
{
    const entry key = { text, (uint32_t) strlen(text), 0 };
    found f = { 0, NOT_TAKEN, NOT_TAKEN };
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_texts(&list[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && f.n < 2 && compare_texts(&list[low], &key) == 0; low++) {
        if (f.n == 1 && list[low].of == f.of)
            continue;               // one class that says it twice
        *(f.n == 0 ? &f.of : &f.other) = list[low].of;
        f.n++;
    }
    return f;
}

static const char *get_dash(const nn_class_map_params *p)
{
    return p->dash ? p->dash : "";
}

// No folder of this name among the classes: how many more, and what may be done.
static vkc_status refuse(const nn_class_map_params *p, const dictionary *d, uint32_t at)
{
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < p->n_folders; i++)
        unknown += find(d->whole, d->n_whole, p->folder[i]).n == 0 && find(d->part, d->n_part, p->folder[i]).n == 0;
    const bool may_count = p->n_folders == p->n_classes && p->how == NN_LABELS_AUTO;
    return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u, and %u of those are none of the model's, "
                    "\"%.100s\" first; the model's first is \"%.100s\"%s%s%s", p->data, p->n_folders, p->n_classes,
                    unknown, p->folder[at], p->label[0], may_count ? "; " : "", may_count ? get_dash(p) : "",
                    may_count ? "labels index takes them by their order" : "");
}

static vkc_status match_names(const nn_class_map_params *p, const dictionary *d, uint32_t *to)
{
    vkc_status st = VKC_OK;
    uint32_t *folder = (uint32_t *) malloc(p->n_classes * sizeof *folder);      // that has taken a class
    if (!folder)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to match %u classes", p->n_classes);
    memset(folder, 0xff, p->n_classes * sizeof *folder);
    for (uint32_t i = 0; i < p->n_folders && st == VKC_OK; i++) {
        found f = find(d->whole, d->n_whole, p->folder[i]);
        if (f.n == 0)
            f = find(d->part, d->n_part, p->folder[i]);
        if (f.n == 0)
            st = refuse(p, d, i);
        else if (f.n > 1)
            st = VKC_FAIL(VKC_E_FORMAT, "%s: \"%.100s\" is the name of the model's classes %u and %u", p->data,
                          p->folder[i], f.of, f.other);
        else if (folder[f.of] != NOT_TAKEN)
            st = VKC_FAIL(VKC_E_FORMAT, "%s: \"%.100s\" and \"%.100s\" are both the model's class %u, \"%.100s\"",
                          p->data, p->folder[folder[f.of]], p->folder[i], f.of, p->label[f.of]);
        else
            folder[to[i] = f.of] = i;
    }
    free(folder);
    return st;
}

typedef struct place { const char *name; uint32_t at; } place;

static int by_nature(const void *a, const void *b)
{
    const place *x = (const place *) a, *y = (const place *) b;
    const int order = nn_compare_naturally(x->name, y->name);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static vkc_status count_naturally(const nn_class_map_params *p, uint32_t *to)
{
    place *order = (place *) malloc(p->n_folders * sizeof *order);
    if (!order)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to sort %u classes", p->n_folders);
    for (uint32_t i = 0; i < p->n_folders; i++)
        order[i] = (place) { p->folder[i], i };
    qsort(order, p->n_folders, sizeof *order, by_nature);
    for (uint32_t i = 0; i < p->n_folders; i++)
        to[order[i].at] = i;
    free(order);
    return VKC_OK;
}

static vkc_status match_places(const nn_class_map_params *p, bool has_names, uint32_t *to)
{
    if (p->n_folders != p->n_classes)
        return VKC_FAIL(VKC_E_FORMAT, "%s has %u classes, the model %u%s", p->data, p->n_folders, p->n_classes,
                        has_names ? ": by their order they must be as many" : ", and no names for them");
    if (p->how == NN_LABELS_AUTO)
        return count_naturally(p, to);
    for (uint32_t i = 0; i < p->n_folders; i++)
        to[i] = i;
    return VKC_OK;
}

vkc_status nn_class_map_make(const nn_class_map_params *p, nn_class_map *out)
{
    vkc_status st;
    dictionary d = { .whole = NULL };
    const bool has_names = nn_labels_are_names(p->label, p->n_classes);
    *out = (nn_class_map) { .to = (uint32_t *) malloc(p->n_folders * sizeof *out->to) };
    if (!out->to)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to match %u classes", p->n_folders);
    if (p->how == NN_LABELS_NAME && !has_names) {
        st = VKC_FAIL(VKC_E_FORMAT, "the model has no names of its classes: those of %s cannot be matched by name",
                      p->data);
        goto done;
    }
    out->by_name = has_names && p->how != NN_LABELS_INDEX;
    if (out->by_name) {
        VKC_TRY(make_dictionary(p, &d));
        VKC_TRY(match_names(p, &d, out->to));
    } else {
        VKC_TRY(match_places(p, has_names, out->to));
    }
    for (uint32_t i = 0; i < p->n_folders; i++)
        out->moved = out->moved || out->to[i] != i;
    out->natural = out->moved && !out->by_name;
    st = VKC_OK;
done:
    free(d.whole);
    if (st != VKC_OK)
        nn_class_map_finish(out);
    return st;
}

void nn_class_map_finish(nn_class_map *m)
{
    free(m->to);
    *m = (nn_class_map) { .to = NULL };
}
