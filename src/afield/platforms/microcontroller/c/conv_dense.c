/* Convolution over all channels, channels last, without dilation. Weights are packed by four outputs:
 * [OUT_C / 4][KERNEL_H][KERNEL_W][IN_C][4]. Two neighbouring pixels that hold the whole kernel share each weight loaded. */
#define ROM
#define BATCHED 1
#define BATCH 2
#define IN_H 4
#define IN_W 4
#define IN_C 3
#define OUT_H 4
#define OUT_W 4
#define OUT_C 6
#define OUT_C_WHOLE 4
#define REST 2
#define KERNEL_H 3
#define KERNEL_W 3
#define STRIDE_H 1
#define STRIDE_W 1
#define PAD_TOP 1
#define PAD_LEFT 1
#define PAIRED 1
#define FINISHED(a) ((a) < 0 ? 0.0f : (a))
void conv_dense(const float *x, const float *weights, const float *bias, float *y);
void conv_dense(const float *x, const float *weights, const float *bias, float *y)
{
/* begin */
#if BATCHED
    for (int n = 0; n < BATCH; ++n, x += IN_H * IN_W * IN_C) {
#endif
    for (int oy = 0; oy < OUT_H; ++oy) {
        const int iy = oy * STRIDE_H - PAD_TOP;
        const int top = iy < 0 ? -iy : 0;
        const int bottom = IN_H - iy < KERNEL_H ? IN_H - iy : KERNEL_H;
        int ox = 0;
        while (ox < OUT_W) {
            const int ix = ox * STRIDE_W - PAD_LEFT;
            const int left = ix < 0 ? -ix : 0;
            const int right = IN_W - ix < KERNEL_W ? IN_W - ix : KERNEL_W;
            const int span = (right - left) * IN_C;
            const float *const start = x + ((iy + top) * IN_W + ix + left) * IN_C;
            const ROM float *block = weights + (top * KERNEL_W + left) * IN_C * 4;
            int o = 0;
#if PAIRED
            if (left == 0 && ix + STRIDE_W + KERNEL_W <= IN_W && ox + 1 < OUT_W) {
                for (; o < OUT_C_WHOLE; o += 4) {
                    float a0 = bias[o], a1 = bias[o + 1], a2 = bias[o + 2], a3 = bias[o + 3];
                    float b0 = a0, b1 = a1, b2 = a2, b3 = a3;
                    const float *row = start;
                    const ROM float *wrow = block;
                    for (int ky = top; ky < bottom; ++ky) {
                        const float *p = row;
                        const ROM float *w = wrow;
                        for (int k = 0; k < KERNEL_W * IN_C; ++k) {
                            const float u = p[0], v = p[STRIDE_W * IN_C];
                            const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
                            a0 += u * w0;
                            a1 += u * w1;
                            a2 += u * w2;
                            a3 += u * w3;
                            b0 += v * w0;
                            b1 += v * w1;
                            b2 += v * w2;
                            b3 += v * w3;
                            ++p;
                            w += 4;
                        }
                        row += IN_W * IN_C;
                        wrow += KERNEL_W * IN_C * 4;
                    }
                    y[o] = FINISHED(a0);
                    y[o + 1] = FINISHED(a1);
                    y[o + 2] = FINISHED(a2);
                    y[o + 3] = FINISHED(a3);
                    y[o + OUT_C] = FINISHED(b0);
                    y[o + OUT_C + 1] = FINISHED(b1);
                    y[o + OUT_C + 2] = FINISHED(b2);
                    y[o + OUT_C + 3] = FINISHED(b3);
                    block += KERNEL_H * KERNEL_W * IN_C * 4;
                }
#if REST
                float a[REST], b[REST];
                for (int i = 0; i < REST; ++i)
                    a[i] = b[i] = bias[o + i];
                for (int ky = top; ky < bottom; ++ky) {
                    const float *p = start + (ky - top) * IN_W * IN_C;
                    const ROM float *w = block + (ky - top) * KERNEL_W * IN_C * 4;
                    for (int k = 0; k < KERNEL_W * IN_C; ++k, w += 4) {
                        for (int i = 0; i < REST; ++i) {
                            a[i] += p[k] * w[i];
                            b[i] += p[k + STRIDE_W * IN_C] * w[i];
                        }
                    }
                }
                for (int i = 0; i < REST; ++i) {
                    y[o + i] = FINISHED(a[i]);
                    y[o + OUT_C + i] = FINISHED(b[i]);
                }
#endif
                y += 2 * OUT_C;
                ox += 2;
                continue;
            }
#endif
            for (; o < OUT_C_WHOLE; o += 4) {
                float a0 = bias[o], a1 = bias[o + 1], a2 = bias[o + 2], a3 = bias[o + 3];
                const float *row = start;
                const ROM float *wrow = block;
                for (int ky = top; ky < bottom; ++ky) {
                    const float *p = row;
                    const ROM float *w = wrow;
                    for (int k = 0; k < span; ++k) {
                        const float u = *p++;
                        a0 += u * w[0];
                        a1 += u * w[1];
                        a2 += u * w[2];
                        a3 += u * w[3];
                        w += 4;
                    }
                    row += IN_W * IN_C;
                    wrow += KERNEL_W * IN_C * 4;
                }
                y[o] = FINISHED(a0);
                y[o + 1] = FINISHED(a1);
                y[o + 2] = FINISHED(a2);
                y[o + 3] = FINISHED(a3);
                block += KERNEL_H * KERNEL_W * IN_C * 4;
            }
#if REST
            float r[REST];
            for (int i = 0; i < REST; ++i)
                r[i] = bias[o + i];
            for (int ky = top; ky < bottom; ++ky) {
                const float *p = start + (ky - top) * IN_W * IN_C;
                const ROM float *w = block + (ky - top) * KERNEL_W * IN_C * 4;
                for (int k = 0; k < span; ++k, w += 4)
                    for (int i = 0; i < REST; ++i)
                        r[i] += p[k] * w[i];
            }
            for (int i = 0; i < REST; ++i)
                y[o + i] = FINISHED(r[i]);
#endif
            y += OUT_C;
            ++ox;
        }
    }
#if BATCHED
    }
#endif
/* end */
}
