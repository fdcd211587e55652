/* Ranks of numbers: how many thresholds of a feature lie below its value. Floats are compared as integers of the same
 * order, so no floating-point unit is needed: -0 and 0 both lie at or below the threshold 0. */
#include <stdint.h>
#include <string.h>
#define ROM
#define X x
#define KEYS keys
#define COLUMN(a) column[a]
#define SIZE(a) size[a]
#define BASE 0
#define COUNT 3
#define MISSING_YES 1
#define SOME_YES 1
#define TYPE uint8_t
#define KEY int32_t
#define MOST INT32_MAX
#define INFINITE 0x7F800000
void rank_numbers(const float *x, const int32_t *keys, const uint8_t *column, const uint8_t *size, uint8_t *rank);
void rank_numbers(const float *x, const int32_t *keys, const uint8_t *column, const uint8_t *size, uint8_t *rank)
{
/* begin */
    {
        const ROM KEY *next = KEYS;
        for (int f = 0; f < COUNT; ++f) {
            const ROM KEY *const first = next;
            const ROM KEY *below = first;
            int count = (int)SIZE(f);
            KEY key;
            memcpy(&key, X + COLUMN(f), sizeof key);
            if (key < 0)
                key ^= MOST;
            next = first + count;
            if (key > INFINITE || key < -1 - INFINITE) { /* not a number */
#if SOME_YES
                rank[BASE + f] = (TYPE)(f < MISSING_YES ? 0 : count);
#else
                rank[BASE + f] = (TYPE)count;
#endif
                continue;
            }
            while (count > 1) {
                const int half = count >> 1;
                below = below[half - 1] < key ? below + half : below;
                count -= half;
            }
            rank[BASE + f] = (TYPE)(below - first + (*below < key ? 1 : 0));
        }
    }
/* end */
}
