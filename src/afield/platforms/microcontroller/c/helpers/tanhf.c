/* Stands for math.h's tanhf: within 2 units in the last place, the same bits on every device. */
#include <math.h>
#define NAME own_tanhf
float tanhf_on(float a);
/* begin */
/* hyperbolic tangent: a polynomial near zero, exponentials beyond */
static float NAME(float a)
{
    const float b = a < 0.0f ? -a : a;
    if (b < 0.625f) {
        const float z = a * a;
        float p = -0.005717037f; /* fitted to (tanh(a) / a - 1) / z */
        p = p * z + 0.020650579f;
        p = p * z - 0.053743497f;
        p = p * z + 0.13331491f;
        p = p * z - 0.33333284f;
        return a + a * z * p;
    }
    const float t = 1.0f - 2.0f / (expf(2.0f * b) + 1.0f);
    return a < 0.0f ? -t : t;
}
/* end */
float tanhf_on(float a) { return NAME(a); }
