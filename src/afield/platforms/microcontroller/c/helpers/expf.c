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
    const float r = (a - n * 0.693359375f) + n * 0.00021219444f;
    float p = 0.00019917871f; /* fitted to (exp(r) - 1 - r) / r / r */
    p = p * r + 0.0013946117f;
    p = p * r + 0.008333266f;
    p = p * r + 0.04166627f;
    p = p * r + 0.16666667f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    /* in two factors, so that results below the least normal number come out too */
    const uint32_t bits[2] = {(uint32_t)(k / 2 + 127) << 23, (uint32_t)(k - k / 2 + 127) << 23};
    float factors[2];
    memcpy(factors, bits, sizeof factors);
    return p * factors[0] * factors[1];
}
/* end */
float expf_on(float a) { return NAME(a); }
