/* A number cut to the range of int8: one instruction where there is one. */
#include <stdint.h>
#define NAME own_saturate_int8
int32_t saturate_int8_on(int32_t a);
/* begin */
/* a cut to -128 to 127 */
static inline int32_t NAME(int32_t a)
{
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(a));
    return result;
#else
    return a < -128 ? -128 : a > 127 ? 127 : a;
#endif
}
/* end */
int32_t saturate_int8_on(int32_t a) { return NAME(a); }
