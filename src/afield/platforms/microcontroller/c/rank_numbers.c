/* Ranks of numbers: how many thresholds of a feature lie below its value. Floats are compared as integers of the same
 * order, so no floating-point unit is needed; -0 and 0 both lie below the threshold 0 or at it. */
#include <stdint.h>
#include <string.h>
#define ROM
#define COUNT 3
#define MISSING_FIRST 1
#define MARKED 1
#define FLAT 0
void rank_numbers(const float *x, const int32_t *thresholds, const uint8_t *column, const uint8_t *size, uint8_t *rank);
void rank_numbers(const float *x, const int32_t *thresholds, const uint8_t *column, const uint8_t *size, uint8_t *rank)
{
/* begin */
    const ROM int32_t *below = thresholds;
    for (int f = 0; f < COUNT; ++f) {
        const ROM int32_t *const first = below;
        int count = size[f];
        int32_t key;
#if FLAT
        memcpy(&key, x + f, sizeof key);
#else
        memcpy(&key, x + column[f], sizeof key);
#endif
        if (key < 0)
            key ^= INT32_MAX;
        if (key > 0x7F800000 || key < -0x7F800001) {
#if MISSING_FIRST
            count = f < MISSING_FIRST ? 0 : count;
#endif
            rank[f] = (TYPE)count;
            below = first + size[f];
            continue;
        }
        while (count > 1) {
            const int half = count >> 1;
            below = below[half - 1] < key ? below + half : below;
            count -= half;
        }
        rank[f] = (TYPE)(below - first + (*below < key ? 1 : 0));
        below = first + size[f];
    }
/* end */
}
