// retain_control.c — the gate of a model in training: an integral controller that moves its centre, or none.
#include "distill/retain/retain_control.h"

#include "distill/retain/retain_stream.h"
#include "shaders/halt/halt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PICTURES    512u            // on which the keep ratio is measured
#define FIRST       128u            // of them, before training
#define FIRST_KEEP  0.97            // where training begins: few tokens are dropped, and the gate is not saturated
#define USUAL_KEEP  0.75            // of which the prior is where none is asked for: A-ViT's 8 of 12 blocks
#define SPREAD      2.0             // standard deviation of a fitted gate's argument over tokens
#define GAIN        0.5             // controller: spreads of the gate's argument by which the centre moves a step,
#define MAX_MOVE    0.1             // for a keep ratio that is off by 1; and at most
#define FAR         0.1             // off by more, and again to the same side: the network runs away from the centre,
#define ACCELERATE  1.5             // so that its steps grow by this factor each time,
#define MAX_SPEED   64.0            // up to this
#define WITHIN      0.0025          // of the keep ratio asked for, on the pictures
#define AT_MOST     0.03            // further off is a failure

static double or_default(double value, double fallback)
{
    return value < 0 ? 0 : value > 0 ? value : fallback;
}

double distill_prior_mean(double keep, uint32_t depth)
{
    return fmax(keep * depth - 1, 0.5);
}

struct halt_loss_attr distill_control_prior(const distill_control *c)
{
    const distill_retain_params *p = c->p;
    const uint32_t depth = c->m->cfg.depth;
    const double mean = distill_prior_mean(p->fixed_gate ? USUAL_KEEP : p->keep, depth);
    return (struct halt_loss_attr) {
        .target = p->prior_target, .mean = (float) (p->prior_mean > 0 ? p->prior_mean : mean),
        .std = (float) (p->prior_std > 0 ? p->prior_std : fmax((double) depth / 12, 1)),
    };
}

static void set_gate(const distill_control *c, nn_stepper *s)
{
    float gate[GATE_LEN] = { 0 };
    gate[GATE_SCALE] = (float) c->m->cfg.retention.gate_scale;
    gate[GATE_CENTRE] = (float) c->centre;
    gate[GATE_PONDER] = (float) c->ponder;
    gate[GATE_PRIOR] = (float) c->prior;
    memcpy(nn_stepper_input(s, 0, NN_TRAIN_GATE), gate, sizeof gate);
}

// The target of a step: a straight line, then level.
static double target_of(const distill_control *c, uint64_t step)
{
    const double ramp = or_default(c->p->ramp, 0.2) * (double) c->total;
    const double part = (double) step < ramp ? (double) step / ramp : 1;
    return c->start_keep + (c->p->keep - c->start_keep) * part;
}

// What the controller keeps from step to step, as 64-bit words.
typedef struct memory { double centre, speed; } memory;         // speed: factor on the step; < 0: too many tokens

uint32_t distill_control_words(const distill_control *c)
{
    return c->p->fixed_gate ? 0 : sizeof(memory) / sizeof(uint64_t);
}

// An integral controller: too many tokens move the centre down, too few up.
static void move_centre(distill_control *c, uint64_t step, memory *m)
{
    c->target = target_of(c, step);
    const double off = c->target - c->keep, sign = off < 0 ? -1 : 1;
    const bool again = fabs(off) > FAR && sign * m->speed > 0;
    m->speed = sign * (again ? fmin(ACCELERATE * fabs(m->speed), MAX_SPEED) : 1);
    m->centre += sign * fabs(m->speed) * c->unit * fmin(MAX_MOVE, GAIN * fabs(off));
    m->centre = fmax(-NN_MAX_GATE, fmin(NN_MAX_GATE, m->centre));
}

void distill_control_begin(void *control, uint64_t steps)
{
    distill_control *c = (distill_control *) control;
    c->total = steps;
}

void distill_control_tune(void *control, nn_stepper *s, uint64_t step, const float *watch, uint64_t *state)
{
    distill_control *c = (distill_control *) control;
    memory m = { c->start_centre, 1 };
    const size_t size = distill_control_words(c) * sizeof *state;
    if (step > (watch != NULL))         // a state is there
        memcpy(&m, state, size);
    if (watch)
        c->keep = (double) watch[c->keep_at];
    if (watch && size)
        move_centre(c, step, &m);
    c->centre = m.centre;
    memcpy(state, &m, size);
    set_gate(c, s);
}

// The loop's own note, with what the gate does behind it.
bool distill_control_report(void *control, const nn_progress *p)
{
    const distill_control *c = (const distill_control *) control;
    char note[192];
    nn_progress with = *p;
    if (c->p->fixed_gate)
        snprintf(note, sizeof note, "%s keep %.3f", p->note, c->keep);
    else
        snprintf(note, sizeof note, "%s keep %.3f of %.3f, centre %.2f", p->note, c->keep, c->target, c->centre);
    if (c->keep_at && c->keep > 0)
        with.note = note;
    return !c->p->progress || c->p->progress(c->p->user, &with);
}

// The keep ratio of the gate as the config has it: within 1 of any keep ratio is one try.
static vkc_status measure(const distill_control *c, const distill_pictures *s, double *keep)
{
    return distill_find_centre(c->m, s, 0.5, 1, 1, c->p, keep);
}

// Centre and what it gives, from where the controller has it.
static vkc_status calibrate(const distill_control *c, double *keep)
{
    c->m->cfg.retention.gate_centre = c->centre;
    if (c->p->fixed_gate)
        return measure(c, &c->pictures, keep);
    return distill_find_centre(c->m, &c->pictures, c->p->keep, WITHIN, 0.1 * c->unit, c->p, keep);
}

// Of no use is an epoch in which no centre gives the keep ratio asked for.
vkc_status distill_control_judge(void *control, uint64_t epoch, nn_score *out)
{
    const distill_control *c = (const distill_control *) control;
    const nn_judge *asked = &c->p->judge;
    nn_retention_config *r = &c->m->cfg.retention;
    const double centre = r->gate_centre;
    double keep = c->p->keep;
    const bool is_moved = c->pictures.n && !c->p->fixed_gate;
    vkc_status st = is_moved ? calibrate(c, &keep) : VKC_OK;
    if (st == VKC_OK && fabs(keep - c->p->keep) <= AT_MOST)
        st = asked->fn(asked->user, epoch, out);
    r->gate_centre = centre;
    return st;
}

// The mean keep ratio of a model whose patches are all gone at the first layout; 1 where it makes none.
static double least_keep(const nn_model_config *c)
{
    const uint32_t every = c->retention.every;
    return (double) (every < c->depth ? every : c->depth) / c->depth;
}

vkc_status distill_retain_check(const nn_model_config *c, double keep)
{
    const double least = least_keep(c);
    if (!(keep > 0 && keep <= 1))
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g, want more than 0 and at most 1", keep);
    if (c->retention.policy == NN_POLICY_HALTING && keep < least - 1e-9)
        return VKC_FAIL(VKC_E_ARG, "a keep ratio of %g cannot be reached: all tokens go through the first %u of %u "
                        "blocks, which is %.3g", keep, (uint32_t) lround(least * c->depth), c->depth, least);
    return VKC_OK;
}

// The gate's scale, where it is to be fitted, and the unit of its argument; before, the stream is rotated.
static vkc_status prepare_gate(distill_control *c)
{
    vkc_status st;
    nn_model *m = c->m;
    nn_retention_config *r = &m->cfg.retention;
    distill_stream s = { .n = 0 };
    double direction[NN_MAX_DIM], spread;
    bool rotated = false;
    VKC_TRY(distill_stream_read(m, &c->pictures, !c->p->plain_gate, &s));
    if (!c->p->plain_gate && distill_fit_direction(&s, direction))
        VKC_TRY(distill_rotate_stream(m, direction, &rotated));
    if (rotated) {
        distill_stream_finish(&s);
        VKC_TRY(distill_stream_read(m, &c->pictures, false, &s));
    }
    spread = distill_stream_spread(&s);
    if (!(spread > 0 && isfinite(spread))) {
        st = VKC_FAIL(VKC_E_CHECK, "retention: channel 0 of the model, which is to be the gate, is the same for all "
                      "tokens or not finite");
        goto done;
    }
    if (!(r->gate_scale > 0))
        r->gate_scale = fmin(SPREAD / spread, NN_MAX_GATE);
    c->unit = r->gate_scale * spread;
    st = nn_retention_check(&m->cfg, VKC_E_ARG, "retain");
done:
    distill_stream_finish(&s);
    return st;
}

// A gate that is not moved must leave something to learn from.
static vkc_status check_start(const distill_control *c, uint32_t n)
{
    const nn_model_config *cfg = &c->m->cfg;
    const nn_retention_config *r = &cfg->retention;
    const double least = least_keep(cfg);
    if (c->start_keep > least + 1e-9 || least >= 1)
        return VKC_OK;
    return VKC_FAIL(VKC_E_ARG, "a gate with centre %g and scale %g lets every patch of %u pictures halt before block "
                    "%u: the blocks from there on would learn from none; a larger centre lets patches stay longer",
                    r->gate_centre, r->gate_scale, n, r->every);
}

// The centre where training begins, and what it keeps.
static vkc_status find_start(distill_control *c)
{
    const distill_retain_params *p = c->p;
    nn_retention_config *r = &c->m->cfg.retention;
    const distill_pictures first = { c->pictures.pixels, c->pictures.n < FIRST ? c->pictures.n : FIRST };
    if (p->fixed_gate || p->own_centre) {
        const vkc_status st = measure(c, &first, &c->start_keep);
        return st == VKC_OK && p->fixed_gate ? check_start(c, first.n) : st;
    }
    r->gate_centre = 2 * c->unit;
    const double start_keep = fmax(p->keep, or_default(p->start_keep, FIRST_KEEP));
    return distill_find_centre(c->m, &first, start_keep, 2 * WITHIN, c->unit, p, &c->start_keep);
}

vkc_status distill_control_open(distill_control *c, nn_model *m, const distill_retain_params *p)
{
    const nn_retention_config *r = &m->cfg.retention;
    vkc_status st = VKC_OK;
    *c = (distill_control) { .p = p, .m = m, .ponder = or_default(p->ponder, 5e-4),
                             .prior = or_default(p->prior, 1e-3) };
    if (r->policy != NN_POLICY_HALTING)
        return VKC_OK;
    if (p->fixed_gate)
        VKC_TRY(nn_retention_check(&m->cfg, VKC_E_ARG, "retain"));
    VKC_TRY(distill_pictures_load(&m->cfg, p->data, PICTURES, p->threads, &c->pictures));
    if (!p->fixed_gate || !p->plain_gate)
        VKC_TRY(prepare_gate(c));
    VKC_TRY(find_start(c));
    c->start_centre = c->centre = r->gate_centre;
done:
    return st;
}

vkc_status distill_retain_check_gate(nn_model *m, const distill_retain_params *p)
{
    distill_retain_params plain = *p;
    distill_control c;
    vkc_status st = VKC_OK;
    plain.plain_gate = true;
    if (m->cfg.retention.policy != NN_POLICY_HALTING || !p->fixed_gate || p->resume)
        return VKC_OK;
    st = distill_control_open(&c, m, &plain);
    distill_control_close(&c);
    return st;
}

vkc_status distill_control_end(distill_control *c, double *keep)
{
    const vkc_status st = calibrate(c, keep);
    if (st == VKC_OK && !c->p->fixed_gate && !(fabs(*keep - c->p->keep) <= AT_MOST))
        return VKC_FAIL(VKC_E_CHECK, "a keep ratio of %g is not reached: the nearest is %.3f", c->p->keep, *keep);
    return st;
}

void distill_control_close(distill_control *c)
{
    distill_pictures_finish(&c->pictures);
}
