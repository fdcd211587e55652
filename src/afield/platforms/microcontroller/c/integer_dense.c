/* Rows of bytes times a constant matrix, four outputs at a time. Weights: [OUTS / 4][INS / 4][4 outputs][4], each four
 * outputs followed by [INS % 4][4 outputs]; then [OUTS % 4][INS]. Bias has the zero point times the weights in it. */
#include <stdint.h>
#include <string.h>
#define ROM
#define T int8_t
#define OUT_T int8_t
#define ROWS 2
#define MANY 1
#define INS 6
#define FOURS 4
#define WIDE 0
#define BYTES(a) (a)
#define SIXTEENS 0
#define INS_REST 2
#define OUTS 5
#define OUTS_WHOLE 4
#define OUTS_REST 1
#define EACH 1
#define FACTOR 1
#define Y_ZERO 0
#define FINISHED(a) ((int8_t)(a))
#define REQUANTISE(a, m, z) ((int32_t)(((int64_t)(a) * (m)) >> 32) + (z))
#define EVEN(a) (a)
#define UNEVEN(a) (a)
#define SIGNED_EVEN(a) (a)
#define SIGNED_UNEVEN(a) (a)
#define SMLAD(a, b, c) ((c) + (int32_t)((a) * (b)))
void integer_dense(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, OUT_T *y);
void integer_dense(const T *x, const int8_t *weights, const int32_t *bias, const int32_t *multiplier, OUT_T *y)
{
/* begin */
#if MANY
    for (int n = 0; n < ROWS; ++n, x += INS) {
#endif
    const ROM int8_t *w = weights;
    int o = 0;
#if OUTS_WHOLE
    for (; o < OUTS_WHOLE; o += 4) {
        int32_t a = bias[o], b = bias[o + 1], c = bias[o + 2], d = bias[o + 3];
        const T *p = x;
#if FOURS
#if WIDE
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
        for (int k = 0; k < SIXTEENS; k += 16) { /* words of the four outputs lie in turn */
            const int32x4x4_t all = vld4q_s32((const int32_t *)(const void *)w);
            const int8x16_t u = vldrbq_s8(p);
            a = vmladavaq_s8(a, u, BYTES(all.val[0]));
            b = vmladavaq_s8(b, u, BYTES(all.val[1]));
            c = vmladavaq_s8(c, u, BYTES(all.val[2]));
            d = vmladavaq_s8(d, u, BYTES(all.val[3]));
            p += 16;
            w += 64;
        }
#endif
#endif
        while (p != x + FOURS) {
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
            uint32_t u, g, h, i, j;
            memcpy(&u, p, 4);
            memcpy(&g, w, 4);
            memcpy(&h, w + 4, 4);
            memcpy(&i, w + 8, 4);
            memcpy(&j, w + 12, 4);
            const uint32_t u0 = EVEN(u), u1 = UNEVEN(u);
            a = SMLAD(u0, SIGNED_EVEN(g), a);
            a = SMLAD(u1, SIGNED_UNEVEN(g), a);
            b = SMLAD(u0, SIGNED_EVEN(h), b);
            b = SMLAD(u1, SIGNED_UNEVEN(h), b);
            c = SMLAD(u0, SIGNED_EVEN(i), c);
            c = SMLAD(u1, SIGNED_UNEVEN(i), c);
            d = SMLAD(u0, SIGNED_EVEN(j), d);
            d = SMLAD(u1, SIGNED_UNEVEN(j), d);
#else
            for (int k = 0; k < 4; ++k) {
                a += p[k] * w[k];
                b += p[k] * w[k + 4];
                c += p[k] * w[k + 8];
                d += p[k] * w[k + 12];
            }
#endif
            p += 4;
            w += 16;
        }
#endif
#if INS_REST
        for (; p != x + INS; ++p, w += 4) {
            a += *p * w[0];
            b += *p * w[1];
            c += *p * w[2];
            d += *p * w[3];
        }
#endif
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
#if OUTS_REST
    for (; o < OUTS; ++o) {
        int32_t a = bias[o];
        for (int k = 0; k < INS; ++k)
            a += x[k] * *w++;
        const int32_t m = multiplier[o * EACH];
        a = REQUANTISE(a * FACTOR, m, Y_ZERO);
        *y++ = FINISHED(a);
    }
#endif
#if MANY
    }
#endif
/* end */
}
