// sparsity_gradients.c — gradient maps of chosen pictures as heat maps, and how sparse their rows are.
#include "apps/cli/commands/sparsity_gradients.h"

#include "apps/cli/commands/caption.h"
#include "distill/sparsity/gradients.h"
#include "nn/base/files.h"
#include "nn/image/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_CLASS "gradient of the class token's output; 1 is an even share"
#define TITLE_PATCHES "gradients of all outputs; 1 is an even share"
#define TITLE_BOTH "teacher's attention above, gradients below; 1 is an even share"

_Static_assert(DISTILL_GRADIENTS_ALL == DISTILL_MAPS_HEADS, "a head of --head means the same for both");

typedef struct drawing {
    const map_args *a;
    const nn_model_config *c;
    const distill_maps *m, *teacher;    // the pictures; the teacher's attention, NULL = none
    distill_gradients *g;
    gradient_figures *figures;
    uint32_t  tokens, prefix;
    double   *rows, *others, *sum, *room;   // (tokens, tokens) each of the first two, (tokens), (tokens, tokens)
    float    *share;                    // (tokens, tokens)
    float    *classes;                  // (depth, images, patches)
    nn_pace   pace;
    uint64_t  done, total;              // maps
} drawing;

vkc_status sparsity_gradients_check(const map_args *a, const nn_model_config *c, const nn_model_config *teacher)
{
    bool chosen[NN_MAX_DEPTH];
    vkc_status st = sparsity_maps_layers(a->layers, c, chosen);
    if (st != VKC_OK || !teacher)
        return st;
    if (teacher->depth != c->depth || teacher->heads != c->heads || teacher->no_class != c->no_class ||
        teacher->height != c->height || teacher->width != c->width || teacher->patch != c->patch)
        return VKC_FAIL(VKC_E_ARG, "--teacher %s: want a model of the same pictures, patches, depth and heads",
                        a->teacher);
    for (uint32_t l = 0; l < c->depth; l++)
        if (chosen[l] && !nn_mixer_has_weights(&teacher->layers[l]))
            return VKC_FAIL(VKC_E_ARG, "--teacher %s: its layer %u has no attention; --layer chooses others",
                            a->teacher, l);
    return VKC_OK;
}

// Every map counts; false when a signal asked to stop.
static vkc_status count_map(drawing *d)
{
    return nn_progress_report(console_progress, NULL, "gradient maps", "maps", "", &d->pace, ++d->done, d->total)
               ? VKC_OK : VKC_FAIL(VKC_E_STOPPED, "sparsity: stopped after %llu maps", (unsigned long long) d->done);
}

// The teacher's weights of queries first .. first + n - 1 of picture i, to d->others; false where there are none over
// the same tokens.
static bool read_teacher(drawing *d, uint32_t l, uint32_t i, uint32_t head, uint32_t first, uint32_t n)
{
    const uint32_t len = distill_gradients_len(d->g, l, i), H = d->c->heads;
    const uint32_t *place = distill_gradients_places(d->g, l, i);
    const uint32_t from = head == DISTILL_MAPS_HEADS ? 0 : head, to = head == DISTILL_MAPS_HEADS ? H : head + 1;
    if (!d->teacher || !distill_maps_has(d->teacher, l) || distill_maps_len(d->teacher, l, i) != len ||
        memcmp(distill_maps_places(d->teacher, l, i), place, len * sizeof *place) != 0)
        return false;
    memset(d->others, 0, (size_t) n * len * sizeof *d->others);
    for (uint32_t h = from; h < to; h++) {
        distill_maps_read(d->teacher, l, i, h, d->room);
        for (size_t k = 0; k < (size_t) n * len; k++)
            d->others[k] += d->room[(size_t) first * len + k] / (to - from);
    }
    return true;
}

// Scores of queries first .. first + n - 1 to d->rows; `counts`: into the figures.
static vkc_status read_rows(drawing *d, uint32_t l, uint32_t i, uint32_t head, uint32_t first, uint32_t n, bool counts)
{
    const uint32_t len = distill_gradients_len(d->g, l, i);
    vkc_status st = distill_gradients_read(d->g, l, i, head, first, n, d->rows);
    const bool has_other = st == VKC_OK && counts && read_teacher(d, l, i, head, first, n);
    for (uint32_t r = 0; counts && r < n && st == VKC_OK; r++)
        st = distill_row_figures_add(&d->figures->layer[l], d->rows + (size_t) r * len,
                                     has_other ? d->others + (size_t) r * len : NULL, len);
    return st == VKC_OK ? count_map(d) : st;
}

// Add a row to full places as shares, of which 1 is even; a row of zeros adds nothing.
static void add_share(const double *p, uint32_t n, const uint32_t *place, double weight, double *sum)
{
    double all = 0;
    for (uint32_t j = 0; j < n; j++)
        all += p[j];
    for (uint32_t j = 0; j < n && all > 0; j++)
        sum[place[j]] += weight * p[j] * n / all;
}

// Zero where a token is, NaN elsewhere.
static void clear_places(drawing *d, uint32_t n, const uint32_t *place)
{
    for (uint32_t k = 0; k < d->tokens; k++)
        d->sum[k] = (double) NAN;
    for (uint32_t j = 0; j < n; j++)
        d->sum[place[j]] = 0;
}

// What distill_maps_read_class says of attention, by gradients.
static vkc_status read_class(drawing *d, uint32_t l, uint32_t i, float *share)
{
    const uint32_t n = distill_gradients_len(d->g, l, i), *place = distill_gradients_places(d->g, l, i);
    const uint32_t rows = d->c->no_class ? n : n > 0 && place[0] == 0;
    vkc_status st = read_rows(d, l, i, d->a->head, 0, rows, !d->figures->all_queries);
    clear_places(d, rows ? n : 0, place);
    for (uint32_t r = 0; r < rows && st == VKC_OK; r++)
        add_share(d->rows + (size_t) r * n, n, place, 1.0 / rows, d->sum);
    for (uint32_t k = d->prefix; k < d->tokens; k++)
        share[k - d->prefix] = (float) d->sum[k];
    return st;
}

// And distill_maps_read_full.
static vkc_status read_full(drawing *d, uint32_t l, uint32_t i, uint32_t head)
{
    const uint32_t n = distill_gradients_len(d->g, l, i), *place = distill_gradients_places(d->g, l, i);
    vkc_status st = read_rows(d, l, i, head, 0, n, true);
    for (size_t k = 0; k < (size_t) d->tokens * d->tokens; k++)
        d->share[k] = NAN;
    for (uint32_t r = 0; r < n && st == VKC_OK; r++) {
        clear_places(d, n, place);
        add_share(d->rows + (size_t) r * n, n, place, 1.0, d->sum);
        for (uint32_t k = 0; k < d->tokens; k++)
            d->share[(size_t) place[r] * d->tokens + k] = (float) d->sum[k];
    }
    return st;
}

static float *class_of(const drawing *d, uint32_t l, uint32_t i)
{
    return d->classes + ((size_t) l * distill_maps_images(d->m) + i) * (d->tokens - d->prefix);
}

static uint32_t count_columns(const drawing *d)
{
    uint32_t n = 1;
    for (uint32_t l = 0; l < d->c->depth; l++)
        n += d->figures->chosen[l];
    return n;
}

// A row of panels of picture i: itself, and what is looked at in each layer.
static vkc_status add_panels(drawing *d, nn_heat *h, uint32_t i, const uint8_t *rgb, const nn_lines *lines,
                             bool is_teacher)
{
    const uint32_t side = d->c->height / d->c->patch;
    char caption[48];
    vkc_status st;
    sparsity_maps_name(caption, "image", i, !d->teacher ? "" : is_teacher ? ": teacher" : ": student",
                       DISTILL_MAPS_HEADS);
    VKC_TRY(nn_heat_add(h, caption, rgb, NULL, 0));
    if (lines)
        VKC_TRY(nn_heat_add_lines(h, lines));
    for (uint32_t l = 0; l < d->c->depth; l++) {
        if (!d->figures->chosen[l])
            continue;
        const float *share = class_of(d, l, i);
        if (is_teacher) {
            VKC_TRY(distill_maps_read_class(d->teacher, l, i, d->a->head, d->share));
            share = d->share;
        }
        sparsity_maps_name(caption, "layer", l, d->a->head == DISTILL_MAPS_HEADS ? "" : ", head", d->a->head);
        if (d->a->head == DISTILL_MAPS_HEADS)
            snprintf(caption, sizeof caption, "layer %u: %.24s", l, is_teacher ? "attention" : d->figures->mixer[l]);
        VKC_TRY(nn_heat_add(h, caption, rgb, share, side));
    }
done:
    return st;
}

static vkc_status save_class(drawing *d, const nn_model *model, const labelled *of)
{
    const nn_model_config *c = d->c;
    nn_lines lines;
    nn_heat *h = NULL;
    float *logits = NULL;
    uint8_t *rgb = (uint8_t *) malloc(3 * (size_t) c->height * c->width);
    vkc_status st;
    VKC_TRY(nn_heat_create(&(nn_heat_params) { .size = c->height, .columns = count_columns(d), .title =
        d->teacher ? TITLE_BOTH : c->no_class ? TITLE_PATCHES : TITLE_CLASS }, &h));
    if (!rgb) {
        st = VKC_FAIL(VKC_E_NOMEM, "--maps: out of host memory");
        goto done;
    }
    for (uint32_t l = 0; l < c->depth; l++)     // layer by layer: each has a graph
        for (uint32_t i = 0; i < distill_maps_images(d->m) && d->figures->chosen[l]; i++)
            VKC_TRY(read_class(d, l, i, class_of(d, l, i)));
    VKC_TRY(sparsity_maps_predict(model, d->m, &logits));
    for (uint32_t i = 0; i < distill_maps_images(d->m); i++) {
        nn_image_restore(distill_maps_pixels(d->m, i), (size_t) c->height * c->width, c->channels, c->mean, c->std,
                         rgb);
        VKC_TRY(caption_of(&lines, c, of, distill_maps_picture(d->m, i), logits ? logits + (size_t) i * c->classes
                                                                               : NULL));
        if (d->teacher)
            VKC_TRY(add_panels(d, h, i, rgb, NULL, true));
        VKC_TRY(add_panels(d, h, i, rgb, &lines, false));
    }
    VKC_TRY(nn_heat_save(h, d->a->file));
    console_clear();
    say("%s shows %s%s", d->a->file, c->no_class ? "which patches the outputs of all depend on" :
                                                   "which patches the class token's output depends on, by its gradient",
        d->teacher ? ", below the teacher's attention" : "");
done:
    nn_heat_destroy(h);
    free(logits);
    free(rgb);
    return st;
}

static vkc_status save_full(drawing *d, uint32_t i, uint32_t l)
{
    const uint32_t heads = d->c->heads, a_row = heads < MAPS_HEADS_A_ROW ? heads : MAPS_HEADS_A_ROW;
    char name[64], path[NN_PATH_MAX], caption[48];
    nn_heat *h = NULL;
    vkc_status st;
    VKC_TRY(nn_heat_create(&(nn_heat_params) { .size = d->tokens, .columns = d->teacher ? 2 : a_row,
                                               .title = MAPS_TITLE_FULL }, &h));
    for (uint32_t k = 0; k < heads; k++) {
        if (d->a->head != DISTILL_MAPS_HEADS && k != d->a->head)
            continue;
        if (d->teacher) {
            VKC_TRY(distill_maps_read_full(d->teacher, l, i, k, d->share));
            snprintf(caption, sizeof caption, "head %u: attention", k);
            VKC_TRY(nn_heat_add(h, caption, NULL, d->share, d->tokens));
        }
        VKC_TRY(read_full(d, l, i, k));
        if (d->teacher)
            snprintf(caption, sizeof caption, "head %u: %.24s", k, d->figures->mixer[l]);
        else
            sparsity_maps_name(caption, "layer", l, ", head", k);
        VKC_TRY(nn_heat_add(h, caption, NULL, d->share, d->tokens));
    }
    snprintf(name, sizeof name, "picture-%03u-layer-%02u.png", i, l);
    VKC_TRY(nn_path_build(path, d->a->dir, name));
    VKC_TRY(nn_heat_save(h, path));
done:
    nn_heat_destroy(h);
    return st;
}

static vkc_status save_all(drawing *d)
{
    vkc_status st = nn_folder_create(d->a->dir);
    for (uint32_t l = 0; l < d->c->depth; l++)
        for (uint32_t i = 0; i < distill_maps_images(d->m) && d->figures->chosen[l] && st == VKC_OK; i++)
            st = save_full(d, i, l);
    console_clear();
    if (st == VKC_OK)
        say("%s has the gradient maps: rows are queries, columns keys%s", d->a->dir,
            d->c->no_class ? "" : ", the class token first");
    return st;
}

static vkc_status open_drawing(drawing *d, const nn_model *model)
{
    const size_t n = d->tokens, all = n * n, images = distill_maps_images(d->m), patches = n - d->prefix;
    const uint32_t maps = (count_columns(d) - 1) * (uint32_t) images;
    const uint32_t heads = d->a->head == DISTILL_MAPS_HEADS ? d->c->heads : 1;
    d->rows = (double *) malloc((3 * all + n) * sizeof *d->rows);
    d->share = (float *) malloc((all + d->c->depth * images * patches) * sizeof *d->share);
    if (!d->rows || !d->share)
        return VKC_FAIL(VKC_E_NOMEM, "--maps: out of host memory");
    d->others = d->rows + all;
    d->room = d->others + all;
    d->sum = d->room + all;
    d->classes = d->share + all;
    d->pace = nn_pace_start();
    d->total = (d->a->file ? maps : 0) + (d->a->dir ? (uint64_t) maps * heads : 0);
    return distill_gradients_create(model, distill_maps_pixels(d->m, 0), distill_maps_images(d->m), &d->g);
}

vkc_status sparsity_gradients_save(const map_args *a, const data_args *args, const nn_model *model,
                                   const nn_model *teacher, const nn_dataset *data, nn_split split,
                                   gradient_figures *out)
{
    const nn_model_config *c = &model->cfg;
    const distill_maps_params p = { .data = data, .split = split, .images = a->images, .threads = args->threads };
    distill_maps *m = NULL, *t = NULL;
    nn_dataset *view = sparsity_maps_view(args, model, data);
    drawing d = { .a = a, .c = c, .figures = out, .tokens = nn_model_config_tokens(c),
                  .prefix = nn_model_config_prefix(c) };
    vkc_status st;
    *out = (gradient_figures) { .depth = c->depth, .all_queries = a->dir != NULL || c->no_class,
                                .has_teacher = teacher != NULL };
    for (uint32_t l = 0; l < c->depth; l++)
        snprintf(out->mixer[l], sizeof out->mixer[l], "%s", c->layers[l].mixer);
    VKC_TRY(sparsity_maps_layers(a->layers, c, out->chosen));
    VKC_TRY(distill_maps_create(model, &p, &m));
    if (teacher)
        VKC_TRY(distill_maps_create(teacher, &p, &t));
    d.m = m;
    d.teacher = t;
    out->images = distill_maps_images(m);
    if (t && distill_maps_images(t) != out->images) {
        st = VKC_FAIL(VKC_E_FORMAT, "--teacher %s: it reads other pictures of %s", a->teacher, nn_dataset_spec(data));
        goto done;
    }
    VKC_TRY(open_drawing(&d, model));
    if (a->file)
        VKC_TRY(save_class(&d, model, &(labelled) { view ? view : data, split, view != NULL }));
    if (a->dir)
        VKC_TRY(save_all(&d));
done:
    distill_gradients_destroy(d.g);
    distill_maps_destroy(m);
    distill_maps_destroy(t);
    nn_dataset_destroy(view);
    free(d.rows);
    free(d.share);
    return st;
}
