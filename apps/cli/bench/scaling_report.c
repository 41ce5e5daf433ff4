// scaling_report.c — the table and the JSON of pare bench scaling.
#include "apps/cli/bench/scaling_report.h"

#include <math.h>
#include <stdio.h>

#include "nn/base/json.h"

static const char *clock_of(const vkc_device *dev)
{
    return vkc_device_has(dev, VKC_FEATURE_TIMESTAMPS) ? "device" : "wall";
}

static bool has_serial(const scaling *s)
{
    for (uint32_t m = 0; m < s->n_mixers; m++)
        for (uint32_t t = 0; t < s->n_tokens; t++)
            if (s->cell[m][t].is_there && isfinite(s->cell[m][t].serial_fwd_bwd_ms))
                return true;
    return false;
}

static void print_cells(FILE *f, const scaling *s)
{
    bool serial = has_serial(s);
    fprintf(f, "%-20s %8s  %11s  %11s  %9s%s\n", "mixer", "tokens", "forward ms", "fwd+bwd ms", "MiB",
            serial ? "   serial ms  serial/this" : "");
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        for (uint32_t t = 0; t < s->n_tokens; t++) {
            const scaling_cell *c = &s->cell[m][t];
            fprintf(f, "%-20s %8u", s->name[m], s->tokens[t]);
            if (!c->is_there) {
                fprintf(f, "  %11s  %11s  %9s\n", "-", "-", "-");
                continue;
            }
            fprintf(f, "  %11.3f  %11.3f  %9.1f", c->fwd_ms, c->fwd_bwd_ms, (double) c->bytes / (1 << 20));
            if (isfinite(c->serial_fwd_bwd_ms))
                fprintf(f, " %11.3f  %11.2f", c->serial_fwd_bwd_ms, c->serial_fwd_bwd_ms / c->fwd_bwd_ms);
            fputc('\n', f);
        }
    }
}

static void print_crossover(FILE *f, const scaling *s, uint32_t m)
{
    uint32_t last;
    double at = scaling_crossover(s, m, &last);
    if (isnan(at))
        fprintf(f, "-");
    else if (isinf(at))
        fprintf(f, "never up to %u tokens", last);
    else
        fprintf(f, "%.0f tokens", at);
}

void scaling_print(FILE *f, const scaling *s, const scaling_args *a, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    fprintf(f, "One block of width %u, %u heads, batch %u, on %s (%s %s): least of up to %u replays, %s time\n", a->dim,
            a->heads, a->batch, i->name, i->driver, i->driver_info, a->repeat, clock_of(dev));
    print_cells(f, s);
    fprintf(f, "\n%-20s %8s  %s\n", "mixer", "exponent", "faster than attention from");
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        double x = scaling_exponent(s, m);
        fprintf(f, "%-20s ", s->name[m]);
        if (isnan(x))
            fprintf(f, "%8s  ", "-");
        else
            fprintf(f, "%8.2f  ", x);
        print_crossover(f, s, m);
        fputc('\n', f);
    }
}

static json_t *build_rows(const scaling *s, json_t *skipped)
{
    json_t *rows = json_array();
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        for (uint32_t t = 0; t < s->n_tokens; t++) {
            const scaling_cell *c = &s->cell[m][t];
            if (!c->is_there) {
                nn_json_append_new(skipped, json_pack("{s:s, s:i, s:s}", "mixer", s->name[m], "tokens",
                                                      (int) s->tokens[t], "why", c->why));
                continue;
            }
            json_t *o = json_pack("{s:s, s:i, s:f, s:f, s:I, s:i}", "mixer", s->name[m], "tokens", (int) s->tokens[t],
                                  "fwd_ms", c->fwd_ms, "fwd_bwd_ms", c->fwd_bwd_ms, "bytes", (json_int_t) c->bytes,
                                  "repeats", (int) c->repeats);
            if (o && isfinite(c->serial_fwd_bwd_ms)) {
                nn_json_set_new(o, "serial_fwd_ms", pipeline_number(c->serial_fwd_ms));
                nn_json_set_new(o, "serial_fwd_bwd_ms", pipeline_number(c->serial_fwd_bwd_ms));
                nn_json_set_new(o, "serial_ratio", pipeline_number(c->serial_fwd_bwd_ms / c->fwd_bwd_ms));
            }
            nn_json_append_new(rows, o);
        }
    }
    return rows;
}

json_t *scaling_json(const scaling *s, const scaling_args *a, const vkc_device *dev)
{
    const vkc_device_info *i = vkc_device_get_info(dev);
    json_t *exponent = json_object(), *crossover = json_object(), *skipped = json_array();
    json_t *rows = build_rows(s, skipped);
    for (uint32_t m = 0; m < s->n_mixers; m++) {
        uint32_t last;
        nn_json_set_new(exponent, s->name[m], pipeline_number(scaling_exponent(s, m)));
        nn_json_set_new(crossover, s->name[m], pipeline_number(scaling_crossover(s, m, &last)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:s, s:s, s:s, s:s}", "rows", rows, "exponent", exponent,
                     "crossover", crossover, "skipped", skipped, "dim", (int) a->dim, "heads", (int) a->heads, "batch",
                     (int) a->batch, "statistic", "minimum", "clock", clock_of(dev), "device", i->name, "driver",
                     i->driver);
}

json_t *scaling_inputs(const scaling *s, const scaling_args *a, uint64_t seed)
{
    json_t *mixers = json_array(), *tokens = json_array();
    for (uint32_t m = 0; m < s->n_mixers; m++)
        nn_json_append_new(mixers, json_pack("{s:s, s:s, s:s}", "name", s->name[m], "mixer", s->layer[m].mixer,
                                             "options", s->layer[m].options));
    for (uint32_t t = 0; t < s->n_tokens; t++)
        nn_json_append_new(tokens, json_integer((json_int_t) s->tokens[t]));
    return json_pack("{s:s, s:o, s:o, s:i, s:i, s:i, s:i, s:f, s:b, s:I}", "bench", "scaling", "mixers", mixers,
                     "tokens", tokens, "dim", (int) a->dim, "heads", (int) a->heads, "batch", (int) a->batch, "repeat",
                     (int) a->repeat, "budget", a->budget, "compare_serial", (int) a->compare_serial, "seed",
                     (json_int_t) seed);
}
