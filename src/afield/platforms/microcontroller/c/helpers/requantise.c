/* A 32-bit sum times a multiplier of 32 bits behind the point, rounded once, halves up, plus the zero point. */
#include <stdint.h>
#define NAME own_requantise
int32_t requantise_on(int32_t a, int32_t multiplier, int32_t zero);
/* begin */
/* zero + floor((sum * multiplier + 2^31) / 2^32) */
static inline int32_t NAME(int32_t sum, int32_t multiplier, int32_t zero)
{
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(sum), "r"(multiplier), "r"(zero));
    return result;
#else
    return zero + (int32_t)(((int64_t)sum * multiplier + INT64_C(0x80000000)) >> 32);
#endif
}
/* end */
int32_t requantise_on(int32_t a, int32_t multiplier, int32_t zero) { return NAME(a, multiplier, zero); }
