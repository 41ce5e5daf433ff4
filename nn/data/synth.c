// synth.c — ringed digits drawn with whole numbers: coordinates are 1/256 of a pixel.
#include "nn/data/synth.h"

#include <stdbool.h>
#include <string.h>

#define S NN_SYNTH_SIZE
#define PX 256                      // one pixel
#define MAX_DIGITS 6

typedef struct canvas {
    uint8_t *rgb;
    uint64_t state;                 // of the random numbers
} canvas;

typedef struct colour { int32_t c[3]; } colour;

// Every digit as strokes through points on a grid 20 wide and 32 high; -1 lifts the pen.
static const int8_t strokes[NN_SYNTH_CLASSES][40] = {
    { 10,0, 16,3, 19,9, 20,16, 19,23, 16,29, 10,32, 4,29, 1,23, 0,16, 1,9, 4,3, 10,0, -1,-1 },
    { 4,7, 11,0, 11,32, -1,0, 4,32, 18,32, -1,-1 },
    { 1,8, 3,3, 9,0, 15,2, 19,7, 18,12, 13,18, 1,32, 20,32, -1,-1 },
    { 1,3, 9,0, 16,2, 18,8, 15,13, 8,15, 16,17, 20,23, 18,29, 11,32, 4,31, 0,27, -1,-1 },
    { 15,32, 15,0, 0,22, 20,22, -1,-1 },
    { 18,0, 3,0, 2,13, 10,11, 17,14, 20,21, 18,28, 11,32, 4,31, 0,28, -1,-1 },
    { 16,1, 9,4, 3,12, 0,21, 3,29, 10,32, 17,29, 20,22, 17,16, 10,14, 3,17, 0,22, -1,-1 },
    { 0,0, 20,0, 8,32, -1,-1 },
    { 10,15, 3,12, 2,6, 5,1, 10,0, 15,1, 18,6, 17,12, 10,15, 2,19, 0,25, 3,30, 10,32, 17,30, 20,25, 18,19,
      10,15, -1,-1 },
    { 4,31, 11,28, 17,20, 20,11, 17,3, 10,0, 3,3, 0,10, 3,16, 10,18, 17,15, 20,10, -1,-1 },
};

// splitmix64
static uint64_t next(canvas *cv)
{
    uint64_t z = cv->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// A whole number from low to high, both included. At most one call in an expression: in which order two
// would be made is the compiler's choice.
static int32_t between(canvas *cv, int32_t low, int32_t high)
{
    return low + (int32_t) ((next(cv) >> 32) * (uint64_t) (high - low + 1) >> 32);
}

static int32_t root(int32_t x)
{
    int32_t r = 0;
    for (int32_t bit = 1 << 15; bit > 0; bit >>= 1)
        if ((int64_t) (r + bit) * (r + bit) <= x)
            r += bit;
    return r;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

// Lays `col` over a pixel that lies `dist` from the middle of a stroke of half width `half`.
static void paint(canvas *cv, int32_t px, int32_t py, int32_t dist, int32_t half, const colour *col)
{
    int32_t cover = smaller(half + PX / 2 - dist, PX);
    uint8_t *p = cv->rgb + (py * S + px) * 3;
    for (int i = 0; cover > 0 && i < 3; i++)
        p[i] = (uint8_t) ((p[i] * (PX - cover) + col->c[i] * cover) / PX);
}

static void draw_line(canvas *cv, int32_t ax, int32_t ay, int32_t bx, int32_t by, int32_t half, const colour *col)
{
    int32_t reach = half + PX, dx = bx - ax, dy = by - ay;
    int32_t x0 = larger((smaller(ax, bx) - reach) / PX, 0), x1 = smaller((larger(ax, bx) + reach) / PX, S - 1);
    int32_t y0 = larger((smaller(ay, by) - reach) / PX, 0), y1 = smaller((larger(ay, by) + reach) / PX, S - 1);
    int64_t len2 = (int64_t) dx * dx + (int64_t) dy * dy;
    for (int32_t py = y0; py <= y1; py++)
        for (int32_t px = x0; px <= x1; px++) {
            int32_t vx = px * PX + PX / 2 - ax, vy = py * PX + PX / 2 - ay;
            int64_t t = len2 > 0 ? ((int64_t) vx * dx + (int64_t) vy * dy) * 1024 / len2 : 0;
            t = t < 0 ? 0 : t > 1024 ? 1024 : t;
            vx -= (int32_t) (dx * t / 1024);
            vy -= (int32_t) (dy * t / 1024);
            if (vx * vx + vy * vy < reach * reach)
                paint(cv, px, py, root(vx * vx + vy * vy), half, col);
        }
}

static void draw_ring(canvas *cv, int32_t x, int32_t y, int32_t radius, int32_t half, const colour *col)
{
    int32_t reach = radius + half + PX;
    int32_t x0 = larger((x - reach) / PX, 0), x1 = smaller((x + reach) / PX, S - 1);
    int32_t y0 = larger((y - reach) / PX, 0), y1 = smaller((y + reach) / PX, S - 1);
    for (int32_t py = y0; py <= y1; py++)
        for (int32_t px = x0; px <= x1; px++) {
            int32_t vx = px * PX + PX / 2 - x, vy = py * PX + PX / 2 - y;
            int32_t dist = root(vx * vx + vy * vy) - radius;
            paint(cv, px, py, dist < 0 ? -dist : dist, half, col);
        }
}

static void draw_digit(canvas *cv, int32_t digit, int32_t x, int32_t y, const colour *col)
{
    int32_t high = between(cv, 14 * PX, 17 * PX), wide = high * between(cv, 55, 68) / 100;
    int32_t slant = between(cv, -20, 20), half = between(cv, 205, 300);    // slant: percent
    bool is_down = false;
    int32_t ax = 0, ay = 0;
    for (const int8_t *p = strokes[digit];; p += 2) {
        if (p[0] < 0 && p[1] < 0)
            break;
        if (p[0] < 0) {
            is_down = false;
            continue;
        }
        int32_t v = (p[1] - 16) * high / 32, u = (p[0] - 10) * wide / 20 - v * slant / 100;
        if (is_down)
            draw_line(cv, ax, ay, x + u, y + v, half, col);
        ax = x + u, ay = y + v;
        is_down = true;
    }
}

static colour choose(canvas *cv, int32_t low, int32_t high)
{
    colour col;
    for (int i = 0; i < 3; i++)
        col.c[i] = between(cv, low, high);
    return col;
}

// A bright colour of any hue: one channel is full or nearly, none is dark.
static colour choose_bright(canvas *cv)
{
    colour col = choose(cv, 110, 255);
    int32_t full = between(cv, 0, 2);
    col.c[full] = between(cv, 225, 255);
    return col;
}

// A slope from one dark colour to another.
static void draw_ground(canvas *cv)
{
    colour a = choose(cv, 10, 70), b = choose(cv, 10, 70);
    int32_t along_x = between(cv, 0, 64), along_y = 64 - along_x;
    for (int32_t y = 0; y < S; y++)
        for (int32_t x = 0; x < S; x++)
            for (int i = 0; i < 3; i++) {
                int32_t t = (x * along_x + y * along_y) / 64;
                cv->rgb[(y * S + x) * 3 + i] = (uint8_t) ((a.c[i] * (S - t) + b.c[i] * t) / S);
            }
}

static void draw_clutter(canvas *cv)
{
    int32_t n = between(cv, 6, 12);
    for (int32_t i = 0; i < n; i++) {
        colour col = choose(cv, 40, 130);
        int32_t x = between(cv, 0, S * PX), y = between(cv, 0, S * PX);
        int32_t dx = between(cv, -10 * PX, 10 * PX), dy = between(cv, -10 * PX, 10 * PX);
        int32_t half = between(cv, 100, 260);
        draw_line(cv, x, y, x + dx, y + dy, half, &col);
    }
}

static void draw_noise(canvas *cv)
{
    for (int32_t i = 0; i < S * S * 3; i += 4) {        // four bytes from each random number
        uint64_t bits = next(cv);
        for (int32_t k = 0; k < 4; k++, bits >>= 16) {
            int32_t v = cv->rgb[i + k] + (int32_t) (bits & 15) + (int32_t) (bits >> 4 & 15) - 15;
            cv->rgb[i + k] = (uint8_t) larger(0, smaller(v, 255));
        }
    }
}

// Near a corner of four 8 x 8 patches: digits fall on patches in few ways, so that small models learn quickly.
static int32_t choose_place(canvas *cv, int32_t low, int32_t high)
{
    int32_t corner = between(cv, low, high) * 8 * PX;
    return corner + between(cv, -PX, PX);
}

// Room for one more digit at (x, y): clear of the ring, and of the digits so far.
static bool is_free(const int32_t *xs, const int32_t *ys, uint32_t n, int32_t x, int32_t y, int32_t clear)
{
    for (uint32_t i = 0; i < n; i++) {
        int32_t dx = xs[i] - x, dy = ys[i] - y, gap = i == 0 ? clear : 17 * PX;
        if ((int64_t) dx * dx + (int64_t) dy * dy < (int64_t) gap * gap)
            return false;
    }
    return true;
}

void nn_synth_read(uint64_t seed, uint64_t index, uint8_t *rgb, nn_synth_truth *truth)
{
    canvas cv = { rgb, seed * 0xd1342543de82ef95u + index };
    cv.state = next(&cv) ^ seed;
    int32_t xs[MAX_DIGITS], ys[MAX_DIGITS], label = (int32_t) (index % NN_SYNTH_CLASSES);
    uint32_t n = 1, wanted = (uint32_t) between(&cv, 3, MAX_DIGITS);
    int32_t radius = between(&cv, 12 * PX, 13 * PX + PX / 2), half = between(&cv, 230, 330);
    xs[0] = choose_place(&cv, 2, 6);
    ys[0] = choose_place(&cv, 2, 6);
    for (int tries = 0; n < wanted && tries < 60; tries++) {
        int32_t x = choose_place(&cv, 1, 7), y = choose_place(&cv, 1, 7);
        if (is_free(xs, ys, n, x, y, radius + 11 * PX))
            xs[n] = x, ys[n] = y, n++;
    }
    draw_ground(&cv);
    draw_clutter(&cv);
    for (uint32_t i = 0; i < n; i++) {
        colour col = choose_bright(&cv);
        draw_digit(&cv, i == 0 ? label : between(&cv, 0, 9), xs[i], ys[i], &col);
    }
    colour col = choose_bright(&cv);
    draw_ring(&cv, xs[0], ys[0], radius, half, &col);
    draw_noise(&cv);
    if (truth != NULL) {
        truth->label = (uint32_t) label;
        truth->n_digits = n;
        truth->x = (float) xs[0] / PX;
        truth->y = (float) ys[0] / PX;
        truth->radius = (float) (radius + half) / PX;
    }
}

void nn_synth_mask(const nn_synth_truth *truth, uint32_t patch, uint8_t *mask)
{
    uint32_t side = S / patch;
    for (uint32_t i = 0; i < side * side; i++) {
        float x0 = (float) (i % side * patch), y0 = (float) (i / side * patch), size = (float) patch;
        float dx = truth->x < x0 ? x0 - truth->x : truth->x > x0 + size ? truth->x - x0 - size : 0;
        float dy = truth->y < y0 ? y0 - truth->y : truth->y > y0 + size ? truth->y - y0 - size : 0;
        mask[i] = dx * dx + dy * dy < truth->radius * truth->radius;
    }
}
