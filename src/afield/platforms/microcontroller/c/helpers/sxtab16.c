/* Bytes 0 and 2 of a word as signed halves, each added to a half. An instruction of Cortex-M's DSP extension; elsewhere kernels do not call it. */
#include <stdint.h>
#define NAME own_sxtab16
int sxtab16_on(void);
/* begin */
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
/* Bytes 0 and 2 of a word as signed halves, each added to a half. */
static inline uint32_t NAME(uint32_t add, uint32_t word)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(add), "r"(word));
    return result;
}
#endif
/* end */
int sxtab16_on(void) { return 0; }
