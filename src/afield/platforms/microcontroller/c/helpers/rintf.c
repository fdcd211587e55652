/* Rounding that every C library has: adding 2^23 leaves no bits behind the point. */
#define NAME own_rintf
float rintf_on(float a);
/* begin */
/* the nearest whole number, halves to the even one */
static float NAME(float a)
{
    const float most = 8388608.0f;
    const float size = a < 0.0f ? -a : a;
    if (!(size < most))
        return a;
    float r = size + most;
    r = r - most;
    return a < 0.0f ? -r : r;
}
/* end */
float rintf_on(float a) { return NAME(a); }
