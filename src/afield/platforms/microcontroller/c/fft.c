/* Fast Fourier transform in place, for lengths that are powers of two: LENGTH complex numbers in re and im. */
#define ROM
#define LENGTH 8
#define SIGN -
void fft(float *re, float *im, const float *cosines, const float *sines);
void fft(float *re, float *im, const float *cosines, const float *sines)
{
/* begin */
    for (int i = 1, j = 0; i < LENGTH; ++i) { /* to bit-reversed order */
        int bit = LENGTH >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const float r = re[i], m = im[i];
            re[i] = re[j];
            im[i] = im[j];
            re[j] = r;
            im[j] = m;
        }
    }
    for (int half = 1; half < LENGTH; half <<= 1) {
        const int step = LENGTH / 2 / half;
        for (int start = 0; start < LENGTH; start += 2 * half) {
            for (int k = 0; k < half; ++k) {
                const int a = start + k, b = a + half;
                const float c = cosines[k * step], s = SIGN sines[k * step];
                const float r = re[b] * c - im[b] * s, m = re[b] * s + im[b] * c;
                re[b] = re[a] - r;
                im[b] = im[a] - m;
                re[a] += r;
                im[a] += m;
            }
        }
    }
/* end */
}
