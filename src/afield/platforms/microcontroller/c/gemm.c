/* Rows times a constant matrix, four outputs at a time. Weights are packed [OUTS / 4][INS][4]. */
#define ROM
#define ROWS 2
#define INS 5
#define OUTS_WHOLE 4
#define REST 2
#define MANY 1
#define FINISHED(a) ((a) < 0 ? 0.0f : (a))
void gemm(const float *x, const float *weights, const float *bias, float *y);
void gemm(const float *x, const float *weights, const float *bias, float *y)
{
/* begin */
#if MANY
    for (int n = 0; n < ROWS; ++n, x += INS) {
#endif
    const ROM float *w = weights;
    int o = 0;
    for (; o < OUTS_WHOLE; o += 4) {
        float a0 = bias[o], a1 = bias[o + 1], a2 = bias[o + 2], a3 = bias[o + 3];
        for (int k = 0; k < INS; ++k) {
            const float u = x[k];
            a0 += u * w[0];
            a1 += u * w[1];
            a2 += u * w[2];
            a3 += u * w[3];
            w += 4;
        }
        *y++ = FINISHED(a0);
        *y++ = FINISHED(a1);
        *y++ = FINISHED(a2);
        *y++ = FINISHED(a3);
    }
#if REST
    float r[REST];
    for (int i = 0; i < REST; ++i)
        r[i] = bias[o + i];
    for (int k = 0; k < INS; ++k, w += 4)
        for (int i = 0; i < REST; ++i)
            r[i] += x[k] * w[i];
    for (int i = 0; i < REST; ++i)
        *y++ = FINISHED(r[i]);
#endif
#if MANY
    }
#endif
/* end */
}
