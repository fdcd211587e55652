/* A 32-bit sum times a multiplier of 32 bits behind the point, rounded once, halves to even, plus the zero point. */
#include <stdint.h>
#define NAME own_requantise_even
int32_t requantise_even_on(int32_t a, int32_t multiplier, int32_t zero);
/* begin */
/* zero + sum * multiplier / 2^32, rounded; halves to even */
static int32_t NAME(int32_t sum, int32_t multiplier, int32_t zero)
{
    const int64_t product = (int64_t)sum * multiplier + INT64_C(0x80000000);
    const int32_t whole = (int32_t)(product >> 32);
    return zero + ((uint32_t)product == 0u ? whole & ~1 : whole);
}
/* end */
int32_t requantise_even_on(int32_t a, int32_t multiplier, int32_t zero) { return NAME(a, multiplier, zero); }
