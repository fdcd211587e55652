/* Stands for math.h's logf: within 1 unit in the last place, the same bits on every device, no errno and so no RAM. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#define NAME own_logf
float logf_on(float a);
/* begin */
/* natural logarithm: a = 2 to the power of k times m, with m near 1, and a polynomial in m - 1 */
static float NAME(float a)
{
    if (!(a > 0.0f))
        return a == 0.0f ? -INFINITY : NAN;
    if (isinf(a))
        return a;
    int k = 0;
    if (a < 1.17549435e-38f) { /* below the least normal number */
        a *= 16777216.0f;
        k = -24;
    }
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    k += (int)(bits >> 23) - 127;
    bits = (bits & 0x7FFFFFu) | 0x3F800000u;
    float m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.41421356f) {
        m *= 0.5f;
        ++k;
    }
    const float f = m - 1.0f, n = (float)k;
    float p = -0.07857311f; /* fitted to (log(1 + f) - f + f * f / 2) / f / f / f */
    p = p * f + 0.12880962f;
    p = p * f - 0.13129237f;
    p = p * f + 0.1418131f;
    p = p * f - 0.1662452f;
    p = p * f + 0.2000228f;
    p = p * f - 0.2500081f;
    p = p * f + 0.33333316f;
    const float small = f * f * (f * p - 0.5f) - n * 0.00021219444f;
    return n * 0.693359375f + (f + small);
}
/* end */
float logf_on(float a) { return NAME(a); }
