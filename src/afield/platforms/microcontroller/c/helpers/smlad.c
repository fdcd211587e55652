/* Products of the low and of the high halves, added to a sum. An instruction of Cortex-M's DSP extension; elsewhere kernels do not call it. */
#include <stdint.h>
#define NAME own_smlad
int smlad_on(void);
/* begin */
#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
/* Products of the low and of the high halves, added to a sum. */
static inline int32_t NAME(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}
#endif
/* end */
int smlad_on(void) { return 0; }
