/* Depthwise convolution, channels last: each channel by itself. Weights: [KERNEL_H][KERNEL_W][CHANNELS]. */
#define ROM
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
#define FINISHED(a) ((a) < 0 ? 0.0f : (a))
void conv_depthwise(const float *x, const float *weights, const float *bias, float *y);
void conv_depthwise(const float *x, const float *weights, const float *bias, float *y)
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
            const float *const start = x + ((iy + top) * IN_W + ix + left) * CHANNELS;
            const ROM float *const first = weights + (top * KERNEL_W + left) * CHANNELS;
            int c = 0;
#if WHOLE
            for (; c < WHOLE; c += 4) { /* four channels share the walk over the window */
                float a0 = bias[c], a1 = bias[c + 1], a2 = bias[c + 2], a3 = bias[c + 3];
                const float *row = start + c;
                const ROM float *wrow = first + c;
                for (int ky = top; ky < bottom; ++ky) {
                    const float *p = row;
                    const ROM float *w = wrow;
                    for (int kx = left; kx < right; ++kx) {
                        a0 += p[0] * w[0];
                        a1 += p[1] * w[1];
                        a2 += p[2] * w[2];
                        a3 += p[3] * w[3];
                        p += CHANNELS;
                        w += CHANNELS;
                    }
                    row += IN_W * CHANNELS;
                    wrow += KERNEL_W * CHANNELS;
                }
                *y++ = FINISHED(a0);
                *y++ = FINISHED(a1);
                *y++ = FINISHED(a2);
                *y++ = FINISHED(a3);
            }
#endif
#if REST
            for (; c < CHANNELS; ++c) {
                float a = bias[c];
                const float *row = start + c;
                const ROM float *wrow = first + c;
                for (int ky = top; ky < bottom; ++ky) {
                    const float *p = row;
                    const ROM float *w = wrow;
                    for (int kx = left; kx < right; ++kx) {
                        a += *p * *w;
                        p += CHANNELS;
                        w += CHANNELS;
                    }
                    row += IN_W * CHANNELS;
                    wrow += KERNEL_W * CHANNELS;
                }
                *y++ = FINISHED(a);
            }
#endif
        }
    }
/* end */
}
