/* Bytes of a vector of words. With it come the intrinsics of Helium, the vectors of Cortex-M55 and above. */
#define NAME own_mve_bytes
int mve_bytes_on(void);
/* begin */
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)
#include <arm_mve.h>
/* Bytes of a vector of words. */
static inline int8x16_t NAME(int32x4_t words) { return vreinterpretq_s8_s32(words); }
#endif
/* end */
int mve_bytes_on(void) { return 0; }
