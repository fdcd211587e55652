/* Bytes 1 and 3 of a word as unsigned halves. An instruction of Cortex-M's DSP extension; elsewhere kernels do not call it. */
#include <stdint.h>
#define NAME own_uxtb16_odd
int uxtb16_odd_on(void);
/* begin */
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
/* Bytes 1 and 3 of a word as unsigned halves. */
static inline uint32_t NAME(uint32_t word)
{
    uint32_t result;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}
#endif
/* end */
int uxtb16_odd_on(void) { return 0; }
