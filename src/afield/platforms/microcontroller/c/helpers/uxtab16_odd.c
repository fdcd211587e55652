/* Bytes 1 and 3 of a word as unsigned halves, each added to a half. An instruction of Cortex-M's DSP extension; elsewhere kernels do not call it. */
#include <stdint.h>
#define NAME own_uxtab16_odd
int uxtab16_odd_on(void);
/* begin */
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
/* Bytes 1 and 3 of a word as unsigned halves, each added to a half. */
static inline uint32_t NAME(uint32_t add, uint32_t word)
{
    uint32_t result;
    __asm__("uxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(add), "r"(word));
    return result;
}
#endif
/* end */
int uxtab16_odd_on(void) { return 0; }
