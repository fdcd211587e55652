/* The remainder that has the sign of the divisor. */
#include <math.h>
#define NAME own_floor_modf
float floor_modf_on(float a, float b);
/* begin */
/* a modulo b, with the sign of b */
static float NAME(float a, float b)
{
    const float r = fmodf(a, b);
    if (r == 0.0f)
        return copysignf(0.0f, b);
    return (r < 0.0f) != (b < 0.0f) ? r + b : r;
}
/* end */
float floor_modf_on(float a, float b) { return NAME(a, b); }
