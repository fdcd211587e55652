/* Depthwise convolution of bytes, channels last, four channels at a time. Weights: [KERNEL_H][KERNEL_W][CHANNELS].
 * The zero point is taken off each input on the way, so that taps outside the image are left out. */
#include <stdint.h>
#include <string.h>
#define ROM
#define T int8_t
#define OUT_T int8_t
#define BATCHED 1
#define BATCH 2
#define IN_H 4
#define IN_W 4
#define CHANNELS 6
#define WHOLE 4
#define REST 2
#define OUT_H 4
#define OUT_W 4
#define KERNEL_H 3
#define KERNEL_W 3
#define STRIDE_H 1
#define STRIDE_W 1
#define PAD_TOP 1
#define PAD_LEFT 1
#define WIDE 0
#define LOW -128
#define HIGH 127
#define X_ZERO 3
#define OFFSETS UINT32_C(0)
#define EACH 1
#define FACTOR 1
#define Y_ZERO 0
#define FINISHED(a) ((int8_t)(a))
#define REQUANTISE(a, m, z) ((int32_t)(((int64_t)(a) * (m)) >> 32) + (z))
#define ADD_EVEN(a, b) ((a) + (b))
#define ADD_UNEVEN(a, b) ((a) + (b))
#define SIGNED_EVEN(a) (a)
#define SIGNED_UNEVEN(a) (a)
#define SMLABB(a, b, c) ((c) + (int32_t)((a) * (b)))
#define SMLATT(a, b, c) ((c) + (int32_t)((a) * (b)))
void integer_depthwise(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, OUT_T *y);
void integer_depthwise(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, OUT_T *y)
{
/* begin */
#if BATCHED
    for (int n = 0; n < BATCH; ++n, x += IN_H * IN_W * CHANNELS)
#endif
    for (int oy = 0; oy < OUT_H; ++oy) {
        const int iy = oy * STRIDE_H - PAD_TOP;
        const int top = iy < 0 ? -iy : 0;
        const int bottom = IN_H - iy < KERNEL_H ? IN_H - iy : KERNEL_H;
        for (int ox = 0; ox < OUT_W; ++ox) {
            const int ix = ox * STRIDE_W - PAD_LEFT;
            const int left = ix < 0 ? -ix : 0;
            const int right = IN_W - ix < KERNEL_W ? IN_W - ix : KERNEL_W;
            const T *const start = x + ((iy + top) * IN_W + ix + left) * CHANNELS;
            const ROM int8_t *const first = weights + (top * KERNEL_W + left) * CHANNELS;
            const int taps = right - left;
            int o = 0;
#if WIDE
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
            for (; o < WHOLE; o += 4) {
                int32x4_t sums = vldrwq_s32(bias + o);
                const T *p = start + o;
                const ROM int8_t *w = first + o;
                for (int ky = top; ky < bottom; ++ky) {
                    for (int kx = taps; kx > 0; --kx) {
                        const int32x4_t u = vsubq_n_s32(vldrbq_s32(p), X_ZERO);
                        sums = vaddq_s32(sums, vmulq_s32(u, vldrbq_s32(w)));
                        p += CHANNELS;
                        w += CHANNELS;
                    }
                    p += (IN_W - taps) * CHANNELS;
                    w += (KERNEL_W - taps) * CHANNELS;
                }
#if EACH
                const int32x4_t m = vldrwq_s32(multiplier + o);
#else
                const int32x4_t m = vdupq_n_s32(multiplier[0]);
#endif
                sums = vaddq_n_s32(vrmulhq_s32(vmulq_n_s32(sums, FACTOR), m), Y_ZERO);
                vstrbq_s32(y, vminq_s32(vmaxq_s32(sums, vdupq_n_s32(LOW)), vdupq_n_s32(HIGH)));
                y += 4;
            }
#endif
#endif
#if WHOLE
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
            const int inside = taps == KERNEL_W && bottom - top == KERNEL_H;
#endif
            for (; o < WHOLE; o += 4) {
                int32_t a = bias[o], b = bias[o + 1], c = bias[o + 2], d = bias[o + 3];
                const T *p = start + o;
                const ROM int8_t *w = first + o;
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
                if (inside) {
#pragma GCC unroll KERNEL_H
                    for (int ky = 0; ky < KERNEL_H; ++ky) {
#pragma GCC unroll KERNEL_W
                        for (int kx = 0; kx < KERNEL_W; ++kx) {
                            uint32_t u, g;
                            memcpy(&u, p + (ky * IN_W + kx) * CHANNELS, 4);
                            memcpy(&g, w + (ky * KERNEL_W + kx) * CHANNELS, 4);
                            const uint32_t u0 = ADD_EVEN(OFFSETS, u), u1 = ADD_UNEVEN(OFFSETS, u);
                            const uint32_t g0 = SIGNED_EVEN(g), g1 = SIGNED_UNEVEN(g);
                            a = SMLABB(u0, g0, a);
                            b = SMLABB(u1, g1, b);
                            c = SMLATT(u0, g0, c);
                            d = SMLATT(u1, g1, d);
                            __asm__ volatile(""); /* turns that are mixed want more registers than there are */
                        }
                    }
                } else
#endif
                for (int ky = top; ky < bottom; ++ky) {
                    for (int kx = taps; kx > 0; --kx) {
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
                        uint32_t u, g;
                        memcpy(&u, p, 4);
                        memcpy(&g, w, 4);
                        const uint32_t u0 = ADD_EVEN(OFFSETS, u), u1 = ADD_UNEVEN(OFFSETS, u);
                        const uint32_t g0 = SIGNED_EVEN(g), g1 = SIGNED_UNEVEN(g);
                        a = SMLABB(u0, g0, a);
                        b = SMLABB(u1, g1, b);
                        c = SMLATT(u0, g0, c);
                        d = SMLATT(u1, g1, d);
#else
                        a += (int32_t)(p[0] - (X_ZERO)) * w[0];
                        b += (int32_t)(p[1] - (X_ZERO)) * w[1];
                        c += (int32_t)(p[2] - (X_ZERO)) * w[2];
                        d += (int32_t)(p[3] - (X_ZERO)) * w[3];
#endif
                        p += CHANNELS;
                        w += CHANNELS;
                    }
                    p += (IN_W - taps) * CHANNELS;
                    w += (KERNEL_W - taps) * CHANNELS;
                }
                const int32_t m0 = multiplier[o * EACH];
                a = REQUANTISE(a * FACTOR, m0, Y_ZERO);
                *y++ = FINISHED(a);
                const int32_t m1 = multiplier[(o + 1) * EACH];
                b = REQUANTISE(b * FACTOR, m1, Y_ZERO);
                *y++ = FINISHED(b);
                const int32_t m2 = multiplier[(o + 2) * EACH];
                c = REQUANTISE(c * FACTOR, m2, Y_ZERO);
                *y++ = FINISHED(c);
                const int32_t m3 = multiplier[(o + 3) * EACH];
                d = REQUANTISE(d * FACTOR, m3, Y_ZERO);
                *y++ = FINISHED(d);
            }
#endif
#if REST
            for (; o < CHANNELS; ++o) {
                int32_t a = bias[o];
                const T *p = start + o;
                const ROM int8_t *w = first + o;
                for (int ky = top; ky < bottom; ++ky) {
                    for (int kx = taps; kx > 0; --kx) {
                        a += (int32_t)(*p - (X_ZERO)) * *w;
                        p += CHANNELS;
                        w += CHANNELS;
                    }
                    p += (IN_W - taps) * CHANNELS;
                    w += (KERNEL_W - taps) * CHANNELS;
                }
                const int32_t m = multiplier[o * EACH];
                a = REQUANTISE(a * FACTOR, m, Y_ZERO);
                *y++ = FINISHED(a);
            }
#endif
        }
    }
/* end */
}
