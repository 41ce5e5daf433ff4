// halt_loss.glsl — shares of the scores and the prior's target. Its includer declares tally and the args.
float score_sum()
{
    float sum = 0.0;
    for (uint l = gl_LocalInvocationID.x; l < a.layers; l += WG)
        sum += tally[l * TALLY_COLS + TALLY_SCORE];
    return wg_sum(sum);
}

// Before clamping. NaN stays NaN.
float score_share(uint l, float sum)
{
    return sum < HALT_SCORE_MIN ? 0.0 : tally[l * TALLY_COLS + TALLY_SCORE] / sum;
}

float log_target(uint l)
{
    float at = float(l);
    return a.log_peak - a.half_precision * ((at - a.peak) * ((at - a.mean) + (a.peak - a.mean)));
}

float target(uint l)
{
    float v = log_target(l);
    return v > -80.0 ? exp(v) : 0.0;
}
