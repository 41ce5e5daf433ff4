// affine.c — an affine map over a picture, bilinear or bicubic.
#include "nn/image/augment/affine.h"

#include <math.h>
#include <string.h>

#define PI 3.141592653589793

typedef struct source {             // where a pixel comes from
    const uint8_t *rgb;
    int64_t width, height;
} source;

static int64_t clip(int64_t x, int64_t n)
{
    return x < 0 ? 0 : x < n ? x : n - 1;
}

static double linear(double a, double b, double t)
{
    return a + (b - a) * t;
}

static double cubic(const double v[4], double t)
{
    const double p2 = -v[0] + v[2], p3 = 2 * (v[0] - v[1]) + v[2] - v[3], p4 = -v[0] + v[1] - v[2] + v[3];
    return v[1] + t * (p2 + t * (p3 + t * p4));
}

static double at(const source *s, int64_t x, int64_t y, int c)
{
    return s->rgb[(clip(y, s->height) * s->width + clip(x, s->width)) * 3 + c];
}

// A line beyond the last one is the one before it, as is one that lies above the first.
static double bilinear(const source *s, int64_t x, int64_t y, double dx, double dy, int c)
{
    const double above = linear(at(s, x, y, c), at(s, x + 1, y, c), dx);
    const double below = y + 1 < s->height ? linear(at(s, x, y + 1, c), at(s, x + 1, y + 1, c), dx) : above;
    return linear(above, below, dy);
}

static double bicubic(const source *s, int64_t x, int64_t y, double dx, double dy, int c)
{
    double line[4];
    for (int j = 0; j < 4; j++) {
        double v[4];
        for (int i = 0; i < 4; i++)
            v[i] = at(s, x - 1 + i, y - 1 + j, c);
        line[j] = j > 0 && (y - 1 + j < 0 || y - 1 + j >= s->height) ? line[j - 1] : cubic(v, dx);
    }
    return cubic(line, dy);
}

void nn_affine_write(const nn_affine *m, nn_size size, nn_filter filter, const uint8_t fill[3], const uint8_t *in,
                     uint8_t *out)
{
    const source s = { in, size.width, size.height };
    for (uint32_t row = 0; row < size.height; row++)
        for (uint32_t column = 0; column < size.width; column++, out += 3) {
            const double u = column + 0.5, v = row + 0.5;
            double x = m->a * u + m->b * v + m->c, y = m->d * u + m->e * v + m->f;
            if (!(x >= 0 && x < size.width && y >= 0 && y < size.height)) {
                memcpy(out, fill, 3);
                continue;
            }
            x -= 0.5;
            y -= 0.5;
            const double left = floor(x), top = floor(y);
            for (int c = 0; c < 3; c++) {
                const double value = filter == NN_FILTER_BICUBIC
                    ? bicubic(&s, (int64_t) left, (int64_t) top, x - left, y - top, c)
                    : bilinear(&s, (int64_t) left, (int64_t) top, x - left, y - top, c);
                out[c] = value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t) value;
            }
        }
}

static double round15(double x)     // to 15 decimals
{
    return rint(x * 1e15) / 1e15;
}

nn_affine nn_affine_rotation(double degrees, nn_size size)
{
    double turn = fmod(degrees, 360);
    turn = -(turn < 0 ? turn + 360 : turn) * (PI / 180);
    const double x = size.width / 2.0, y = size.height / 2.0;
    nn_affine m = { .a = round15(cos(turn)), .b = round15(sin(turn)), .d = round15(-sin(turn)),
                    .e = round15(cos(turn)) };
    m.c = m.a * -x + m.b * -y + x;
    m.f = m.d * -x + m.e * -y + y;
    return m;
}
