#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/keep_top.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// A workgroup an image: radix select of the score that the last of `count` tokens has, a digit a pass from the highest,
// by a histogram of integers in workgroup memory; their sums are the same in any order. An invocation owns neighbouring
// rows, so that ties are counted in the rows' order.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer S { uint score[]; };      // (R) bits of floats
layout(binding = 2) writeonly buffer K { uint keep[]; };       // (R) 0 or 1
PUSH_ARGS(keep_top_args);
#define ME gl_LocalInvocationID.x
#define OWN_BINS (KEEP_TOP_BINS / WG)     // WG is a power of two up to KEEP_TOP_BINS

shared uint bins[KEEP_TOP_BINS];
shared uint sums[WG];              // of what each invocation owns
shared uint chosen, above, inside; // the bin that the last one kept is in; tokens in bins above it, and in it

// Bits of a float in an order that is that of the numbers; both zeros are one, NaN is 0. Compared as integers only:
// drivers may take small numbers for 0, or assume that NaN does not occur.
uint key_of(uint row)
{
    uint u = score[row], magnitude = u & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return 0u;
    if (magnitude == 0u)
        u = 0u;
    return (u & 0x80000000u) != 0u ? ~u : u | 0x80000000u;
}

// Of what the invocations from .. below to own. As many rounds for every invocation, here and below: lavapipe 26.1
// crashes in a kernel whose sum leaves a loop of uneven length.
uint sum_of(uint from, uint to)
{
    uint n = 0u;
    for (uint i = 0u; i < WG; i++)
        n += i >= from && i < to ? sums[i] : 0u;
    return n;
}

// Histogram of the digit at `shift` over the rows of this invocation, `each` from r, that have the digits of `high`
// where `mask` has bits; then the bin in which the want-th highest of all of them lies.
void choose_bin(uint r, uint each, uint end, uint shift, uint high, uint mask, uint want)
{
    for (uint b = ME; b < KEEP_TOP_BINS; b += WG)
        bins[b] = 0u;
    barrier();
    for (uint k = 0u; k < each; k++)
        if (r + k < end) {
            uint key = key_of(r + k);
            if (((key ^ high) & mask) == 0u)
                atomicAdd(bins[key >> shift & (KEEP_TOP_BINS - 1u)], 1u);
        }
    barrier();
    uint own = 0u, b0 = ME * OWN_BINS;
    for (uint b = 0u; b < OWN_BINS; b++)
        own += bins[b0 + b];
    sums[ME] = own;
    barrier();
    uint higher = sum_of(ME + 1u, WG);
    if (higher < want && want <= higher + own)
        for (uint b = b0 + OWN_BINS; b > b0; b--) {
            uint n = bins[b - 1u];
            if (higher < want && want <= higher + n) {
                chosen = b - 1u;
                above = higher;
                inside = n;
            }
            higher += n;
        }
    barrier();
}

// Flags of the rows of this invocation: 1 above `least` in the bits of `mask`, and for the first `want` at it.
void write_flags(uint r, uint each, uint end, uint least, uint mask, uint want, bool is_tie)
{
    uint before = 0u;
    if (is_tie) {                  // the same for all invocations
        uint own = 0u;
        for (uint k = 0u; k < each; k++)
            own += r + k < end && (key_of(min(r + k, end - 1u)) & mask) == least ? 1u : 0u;
        sums[ME] = own;
        barrier();
        before = sum_of(0u, ME);
    }
    for (uint k = 0u; k < each; k++)
        if (r + k < end) {
            uint key = key_of(r + k) & mask;
            keep[r + k] = key > least || (key == least && before < want) ? 1u : 0u;
            before += key == least ? 1u : 0u;
        }
}

void flag_image(uint b)
{
    uint first = ROWS_OFFSET(Tok, b), end = ROWS_OFFSET(Tok, b + 1u);
    for (uint i = 0u; i < a.prefix && first < end && ROWS_POS(Tok, first) < a.prefix; i++) {
        if (ME == 0u)
            keep[first] = 1u;
        first++;
    }
    uint n = end - first, each = (n + WG - 1u) / WG, r = first + ME * each;
    if (n <= a.count || a.count == 0u) {
        for (uint k = r; k < min(r + each, end); k++)
            keep[k] = a.count == 0u ? 0u : 1u;
        return;
    }
    uint least = 0u, mask = 0u, want = a.count, n_inside = n;
    for (uint shift = 32u; shift > 0u && n_inside > want;) {   // the same for all invocations
        shift -= KEEP_TOP_BITS;
        choose_bin(r, each, end, shift, least, mask, want);
        least |= chosen << shift;
        mask |= (KEEP_TOP_BINS - 1u) << shift;
        want -= above;
        n_inside = inside;
    }
    write_flags(r, each, end, least, mask, want, n_inside > want);
}

void main()
{
    for (uint b = gl_WorkGroupID.x; b < Tok.images; b += gl_NumWorkGroups.x) {
        flag_image(b);
        barrier();                 // `sums` of one image are read before those of the next are written
    }
}
