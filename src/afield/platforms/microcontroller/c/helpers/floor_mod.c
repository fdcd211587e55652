/* The remainder that has the sign of the divisor. */
#include <math.h>
#define NAME own_floor_mod
double floor_mod_on(double a, double b);
/* begin */
/* a modulo b, with the sign of b */
static double NAME(double a, double b)
{
    const double r = fmod(a, b);
    if (r == 0.0)
        return copysign(0.0, b);
    return (r < 0.0) != (b < 0.0) ? r + b : r;
}
/* end */
double floor_mod_on(double a, double b) { return NAME(a, b); }
