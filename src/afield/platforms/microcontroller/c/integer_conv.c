/* Convolution of bytes, channels last: two pixels and two channels at a time. FLAT: windows of one pixel, side by side as
 * they lie in memory. Weights: [OUT_C / 2][KERNEL_H], then runs
 * of a kernel row in fours, [RUN / 4][2][4], then [RUN % 4][2]. Bias has the zero point times the weights in it. */
#include <stdint.h>
#include <string.h>
#define ROM
#define T int8_t
#define OUT_T int8_t
#define BATCHED 1
#define BATCH 2
#define IN_H 4
#define IN_W 4
#define IN_C 3
#define OUT_H 4
#define OUT_W 4
#define OUT_C 5
#define ODD 1
#define KERNEL_H 3
#define KERNEL_W 3
#define STRIDE_H 1
#define STRIDE_W 1
#define DILATION_H 1
#define DILATION_W 1
#define DILATED 0
#define PAD_TOP 1
#define PAD_LEFT 1
#define PADDED 1
#define TALL 1
#define FLAT 0
#define PIXELS 32
#define ODD_PIXELS 0
#define SECOND q
#define UNROLL 2
#define BLOCK 8
#define WIDE 0
#define BYTES(a) (a)
#define SIXTEENS 0
#define RUN 9
#define FOURS 8
#define REST 1
#define X_ZERO 3
#define FINISHED(a) ((int8_t)(a))
#define EACH 1
#define FACTOR 1
#define Y_ZERO 0
#define REQUANTISE(a, m, z) ((int32_t)(((int64_t)(a) * (m)) >> 32) + (z))
#define EVEN(a) (a)
#define UNEVEN(a) (a)
#define SIGNED_EVEN(a) (a)
#define SIGNED_UNEVEN(a) (a)
#define SMLAD(a, b, c) ((c) + (int32_t)((a) * (b)))
void integer_conv(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, T *patch, OUT_T *y);
void integer_conv(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, T *patch, OUT_T *y)
{
/* begin */
#if FLAT
    for (int i = 0; i < PIXELS; i += 2) {
#if ODD_PIXELS
        if (i + 1 == PIXELS) { /* the last pixel beside its neighbour, which is computed once more */
            x -= IN_C;
            y -= OUT_C;
        }
#endif
        OUT_T *const z = y + OUT_C;
        const T *const start = x;
#else
#if BATCHED
    for (int n = 0; n < BATCH; ++n, x += IN_H * IN_W * IN_C) {
#endif
    int oy = 0, ox = 0;
    for (int i = 0; i < OUT_H * OUT_W; i += 2) {
        const T *at[2];
#if TALL
        int step[2];
#endif
        const int count = i + 1 < OUT_H * OUT_W ? 2 : 1;
        for (int s = 0; s < count; ++s) {
            const int iy = oy * STRIDE_H - PAD_TOP, ix = ox * STRIDE_W - PAD_LEFT;
            if (++ox == OUT_W) {
                ox = 0;
                ++oy;
            }
#if PADDED
            if (DILATED || iy < 0 || ix < 0 || iy > IN_H - KERNEL_H || ix > IN_W - KERNEL_W) {
                T *to = patch + s * KERNEL_H * RUN; /* a window at the border, filled up with zero points */
                at[s] = to;
#if TALL
                step[s] = 0;
#endif
                for (int ky = 0; ky < KERNEL_H; ++ky)
                    for (int kx = 0; kx < KERNEL_W; ++kx, to += IN_C) {
                        const int sy = iy + ky * DILATION_H, sx = ix + kx * DILATION_W;
                        const int inside = sy >= 0 && sy < IN_H && sx >= 0 && sx < IN_W;
                        for (int k = 0; k < IN_C; ++k)
                            to[k] = inside ? x[(sy * IN_W + sx) * IN_C + k] : (T)X_ZERO;
                    }
                continue;
            }
#endif
            at[s] = x + (iy * IN_W + ix) * IN_C;
#if TALL
            step[s] = IN_W * IN_C - RUN;
#endif
        }
        if (count == 1) { /* the last pixel is computed twice */
            at[1] = at[0];
#if TALL
            step[1] = step[0];
#endif
        }
        OUT_T *const z = count == 2 ? y + OUT_C : y;
        const T *const start = at[0];
#endif
        const ROM int8_t *w = weights;
        for (int o = 0; o < OUT_C; o += 2) {
            int32_t a = bias[o], b = bias[o + 1], c = a, d = b;
            const T *p = start;
#if !FLAT
            const T *q = at[1];
#endif
#if TALL
            for (int ky = 0; ky < KERNEL_H; ++ky) {
#endif
#if FOURS
                const T *const end = p + FOURS;
#if WIDE
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
                for (int k = 0; k < SIXTEENS; k += 16) { /* words of the two outputs lie in turn */
                    const int32x4x2_t both = vld2q_s32((const int32_t *)(const void *)w);
                    const int8x16_t g = BYTES(both.val[0]), h = BYTES(both.val[1]);
                    const int8x16_t u = vldrbq_s8(p), v = vldrbq_s8(SECOND);
                    a = vmladavaq_s8(a, u, g);
                    b = vmladavaq_s8(b, u, h);
                    c = vmladavaq_s8(c, v, g);
                    d = vmladavaq_s8(d, v, h);
                    p += 16;
#if !FLAT
                    q += 16;
#endif
                    w += 32;
                }
#endif
#endif
                while (p != end) {
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
#pragma GCC unroll UNROLL
                    for (int k = 0; k < BLOCK; k += 4) {
                        uint32_t u, v, g, h;
                        memcpy(&g, w + 2 * k, 4);
                        memcpy(&h, w + 2 * k + 4, 4);
                        memcpy(&u, p + k, 4);
                        memcpy(&v, SECOND + k, 4);
                        const uint32_t g0 = SIGNED_EVEN(g), h0 = SIGNED_EVEN(h);
                        const uint32_t u0 = EVEN(u), v0 = EVEN(v);
                        a = SMLAD(u0, g0, a);
                        b = SMLAD(u0, h0, b);
                        c = SMLAD(v0, g0, c);
                        d = SMLAD(v0, h0, d);
                        const uint32_t g1 = SIGNED_UNEVEN(g), h1 = SIGNED_UNEVEN(h);
                        const uint32_t u1 = UNEVEN(u), v1 = UNEVEN(v);
                        a = SMLAD(u1, g1, a);
                        b = SMLAD(u1, h1, b);
                        c = SMLAD(v1, g1, c);
                        d = SMLAD(v1, h1, d);
                        __asm__ volatile(""); /* turns that are mixed want more registers than there are */
                    }
#else
                    for (int f = 0; f < BLOCK; f += 4)
                        for (int k = f; k < f + 4; ++k) {
                            a += p[k] * w[k + f];
                            b += p[k] * w[k + f + 4];
                            c += *(SECOND + k) * w[k + f];
                            d += *(SECOND + k) * w[k + f + 4];
                        }
#endif
                    p += BLOCK;
#if !FLAT
                    q += BLOCK;
#endif
                    w += 2 * BLOCK;
                }
#endif
#if REST
                for (int k = 0; k < REST; ++k, w += 2) {
                    a += p[k] * w[0];
                    b += p[k] * w[1];
                    c += *(SECOND + k) * w[0];
                    d += *(SECOND + k) * w[1];
                }
#endif
#if TALL
                if (ky + 1 < KERNEL_H) {
                    p += step[0] + REST;
                    q += step[1] + REST;
                }
            }
#endif
            const int32_t m = multiplier[o * EACH];
            a = REQUANTISE(a * FACTOR, m, Y_ZERO);
            c = REQUANTISE(c * FACTOR, m, Y_ZERO);
            y[o] = FINISHED(a);
            z[o] = FINISHED(c);
#if ODD
            if (o + 1 == OUT_C)
                break;
#endif
            const int32_t s = multiplier[(o + 1) * EACH];
            b = REQUANTISE(b * FACTOR, s, Y_ZERO);
            d = REQUANTISE(d * FACTOR, s, Y_ZERO);
            y[o + 1] = FINISHED(b);
            z[o + 1] = FINISHED(d);
        }
#if FLAT
        x += 2 * IN_C;
        y += 2 * OUT_C;
    }
#else
        y += count * OUT_C;
    }
#if BATCHED
    }
#endif
#endif
/* end */
}
