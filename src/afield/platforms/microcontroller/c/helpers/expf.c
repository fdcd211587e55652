/* Stands for math.h's expf: within 1 unit in the last place, the same bits on every device, no errno and so no RAM. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#define NAME own_expf
float expf_on(float a);
/* begin */
/* e to the power of a: a = k * ln 2 + r, a polynomial in r, and 2 to the power of k put into the exponent's bits. */
static float NAME(float a)
{
    if (!(a < 88.72284f))
        return a != a ? a : INFINITY;
    if (a < -103.97208f)
        return 0.0f;
    const int k = (int)(a * 1.44269504f + (a < 0.0f ? -0.5f : 0.5f));
    const float n = (float)k;
    const float r = (a - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    /* in two factors, so that results below the least normal number come out too */
    const uint32_t bits[2] = {(uint32_t)(k / 2 + 127) << 23, (uint32_t)(k - k / 2 + 127) << 23};
    float factors[2];
    memcpy(factors, bits, sizeof factors);
    return p * factors[0] * factors[1];
}
/* end */
float expf_on(float a) { return NAME(a); }
