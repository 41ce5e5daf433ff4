// bench_retention_report.c — results of pare bench retention: tables, JSON, files of a run folder.
#include "apps/cli/bench/bench_retention.h"

#include "apps/cli/bench/scaling_report.h"

#include <math.h>
#include <stdlib.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "pipeline/base/text.h"

static const char *clock_of(const vkc_device *dev)
{
    return vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS) ? "device" : "wall";
}

static const char *pass_of(const retention_row *r)
{
    return r->backward ? "fwd+bwd" : "forward";
}

// Of two measured times; NaN where noise ate the one below.
static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : (double) NAN;
}

static void print_rows(FILE *f, const retention_bench *b, uint32_t batch)
{
    fprintf(f, "%-12s %6s %5s %-8s %10s %10s %6s %5s  %12s %8s %6s\n", "mixer", "tokens", "kept", "pass", "dense ms",
            "after ms", "ratio", "bar", "compaction ms", "of dense", "bar");
    for (uint32_t i = 0; i < b->n_rows; i++) {
        const retention_row *r = &b->row[i];
        fprintf(f, "%-12s %6u %5u %-8s", b->lists.name[r->mixer], r->tokens, r->kept, pass_of(r));
        if (r->is_there)
            fprintf(f, " %10.3f %10.3f %6.3f %5.2f  %13.4f %6.2f %% %4.0f %%", r->dense_ms, r->after_ms,
                    ratio(r->after_ms, r->dense_ms), retention_bar(b, r), r->compact_ms,
                    100.0 * ratio(r->compact_ms, r->dense_ms), 100.0 * RETENTION_BAR_COMPACT);
        if (r->is_there && r->block_batch != batch)
            fprintf(f, "  blocks: %u times batch %u", batch / r->block_batch, r->block_batch);
        fputs(r->is_there ? "\n" : "  left out\n", f);
    }
}

static void print_models(FILE *f, const retention_bench *b)
{
    fprintf(f, "%-12s %6s %6s %6s %6s %8s  %14s %14s  %5s  %5s\n", "model", "depth", "width", "tokens", "batch", "kept",
            "dense images/s", "images/s", "gain", "ideal");
    for (uint32_t i = 0; i < b->n_models; i++) {
        const retention_model *m = &b->model[i];
        if (m->is_there)
            fprintf(f, "%-12s %6u %6u %6u %6u %6.1f %%  %14.2f %14.2f  %5.2f  %5.2f\n", m->name, m->depth, m->dim,
                    m->tokens, m->batch, 100.0 * m->keep, 1e3 / m->dense_ms, 1e3 / m->ms, ratio(m->dense_ms, m->ms),
                    m->ideal);
        else
            fprintf(f, "%-12s %6s %6s %6u  left out\n", m->name, "", "", m->tokens);
    }
}

void retention_print(FILE *f, const retention_bench *b, const retention_args *a, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    fprintf(f, "One block of width %u, %u heads, batch %u, before and after every other patch is dropped, on %s "
               "(%s %s):\nleast of up to %u replays in turn, %s time\n", a->lists.dim, a->lists.heads, a->lists.batch,
            i->name, i->driver, i->driver_info, a->lists.repeat, clock_of(dev));
    print_rows(f, b, a->lists.batch);
    if (b->n_models == 0)
        return;
    fprintf(f, "\nWhole models, forward: least of up to %u replays in turn, wall time; ideal = by multiply-adds\n",
            a->lists.repeat);
    if (!a->model)
        fputs("(after a third of the blocks half of the patches go on, after two thirds a quarter; the block before a "
              "choice has attention)\n", f);
    print_models(f, b);
}

static json_t *build_row(const retention_bench *b, const retention_row *r)
{
    return json_pack("{s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:o, s:f, s:o, s:f, s:i, s:i}", "mixer",
                     b->lists.name[r->mixer], "tokens", (int) r->tokens, "kept", (int) r->kept, "pass", pass_of(r),
                     "dense_ms", r->dense_ms, "compact_ms", r->compact_ms, "after_ms", r->after_ms, "ratio",
                     pipeline_number(ratio(r->after_ms, r->dense_ms)), "ratio_bar", retention_bar(b, r),
                     "compact_share", pipeline_number(ratio(r->compact_ms, r->dense_ms)), "compact_bar",
                     RETENTION_BAR_COMPACT, "block_batch", (int) r->block_batch, "repeats", (int) r->repeats);
}

static json_t *build_model(const retention_model *m)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:o, s:o, s:i}", "name", m->name, "depth",
                     (int) m->depth, "dim", (int) m->dim, "tokens", (int) m->tokens, "batch", (int) m->batch, "keep",
                     m->keep, "dense_images_per_s", 1e3 / m->dense_ms, "images_per_s", 1e3 / m->ms, "gain",
                     pipeline_number(ratio(m->dense_ms, m->ms)), "ideal_gain", pipeline_number(m->ideal), "repeats",
                     (int) m->repeats);
}

json_t *retention_json(const retention_bench *b, const retention_args *a, const vkc_device *dev)
{
    const vkc_device_info *info = vkc_device_get_info(dev);
    json_t *rows = json_array(), *models = json_array(), *skipped = json_array();
    for (uint32_t i = 0; i < b->n_rows; i++) {
        const retention_row *r = &b->row[i];
        if (r->is_there)
            nn_json_append_new(rows, build_row(b, r));
        else
            nn_json_append_new(skipped, json_pack("{s:s, s:i, s:s}", "mixer", b->lists.name[r->mixer], "tokens",
                                                  (int) r->tokens, "why", r->why));
    }
    for (uint32_t i = 0; i < b->n_models; i++) {
        const retention_model *m = &b->model[i];
        if (m->is_there)
            nn_json_append_new(models, build_model(m));
        else
            nn_json_append_new(skipped, json_pack("{s:s, s:i, s:s}", "model", m->name, "tokens", (int) m->tokens,
                                                  "why", m->why));
    }
    return json_pack("{s:o, s:{s:o, s:s}, s:o, s:i, s:i, s:i, s:s, s:s, s:s, s:s}", "rows", rows, "model", "rows",
                     models, "clock", "wall", "skipped", skipped, "dim", (int) a->lists.dim, "heads",
                     (int) a->lists.heads, "batch", (int) a->lists.batch, "statistic", "minimum", "clock",
                     clock_of(dev), "device", info->name, "driver", info->driver);
}

json_t *retention_inputs(const retention_bench *b, const retention_args *a, uint64_t seed)
{
    json_t *o = scaling_inputs(&b->lists, &a->lists, seed);
    if (!o)
        return NULL;
    nn_json_set_new(o, "bench", json_string("retention"));
    json_object_del(o, "compare_serial");
    nn_json_set_new(o, "forward", json_boolean(a->forward));
    nn_json_set_new(o, "models", a->no_model ? json_false() : a->model ? json_string(a->model) : json_true());
    nn_json_set_new(o, "data", a->data ? json_string(a->data) : json_null());
    return o;
}

static void write_rows(FILE *f, const retention_bench *b)
{
    fputs("mixer\ttokens\tkept\tpass\tdense_ms\tcompact_ms\tafter_ms\tratio\tratio_bar\tcompact_share\tblock_batch\t"
          "repeats\n", f);
    for (uint32_t i = 0; i < b->n_rows; i++) {
        const retention_row *r = &b->row[i];
        if (r->is_there)
            fprintf(f, "%s\t%u\t%u\t%s\t%.6g\t%.6g\t%.6g\t%.4g\t%g\t%.4g\t%u\t%u\n", b->lists.name[r->mixer], r->tokens,
                    r->kept, pass_of(r), r->dense_ms, r->compact_ms, r->after_ms, ratio(r->after_ms, r->dense_ms),
                    retention_bar(b, r), ratio(r->compact_ms, r->dense_ms), r->block_batch, r->repeats);
    }
}

static void write_models(FILE *f, const retention_bench *b)
{
    fputs("model\tdepth\tdim\ttokens\tbatch\tkeep\tdense_images_per_s\timages_per_s\tgain\tideal_gain\trepeats\n", f);
    for (uint32_t i = 0; i < b->n_models; i++) {
        const retention_model *m = &b->model[i];
        if (m->is_there)
            fprintf(f, "%s\t%u\t%u\t%u\t%u\t%.4g\t%.6g\t%.6g\t%.4g\t%.4g\t%u\n", m->name, m->depth, m->dim, m->tokens,
                    m->batch, m->keep, 1e3 / m->dense_ms, 1e3 / m->ms, ratio(m->dense_ms, m->ms), m->ideal, m->repeats);
    }
}

vkc_status retention_save(const retention_bench *b, const pipeline_run *r)
{
    static const struct { const char *name; void (*write)(FILE *, const retention_bench *); } files[] = {
        { "retention.tsv", write_rows }, { "models.tsv", write_models },
    };
    vkc_status st = VKC_OK;
    for (int i = 0; i < 2 && st == VKC_OK; i++) {
        char path[PIPELINE_PATH_MAX], *text = NULL;
        size_t size = 0;
        pipeline_text t;
        st = pipeline_text_open(&t);
        if (st != VKC_OK)
            return st;
        files[i].write(t.f, b);
        st = pipeline_text_close(&t, &text, &size);
        if (st == VKC_OK)
            st = pipeline_run_path(r, files[i].name, path);
        if (st == VKC_OK)
            st = nn_file_save(path, text, size);
        free(text);
    }
    return st;
}
