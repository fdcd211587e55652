/* A number cut to the range of uint8: one instruction where there is one. */
#include <stdint.h>
#define NAME own_saturate_uint8
int32_t saturate_uint8_on(int32_t a);
/* begin */
/* a cut to 0 to 255 */
static inline int32_t NAME(int32_t a)
{
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
    int32_t result;
    __asm__("usat %0, #8, %1" : "=r"(result) : "r"(a));
    return result;
#else
    return a < 0 ? 0 : a > 255 ? 255 : a;
#endif
}
/* end */
int32_t saturate_uint8_on(int32_t a) { return NAME(a); }
