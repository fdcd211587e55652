/* Ranks of codes, looked up. */
#include <stdint.h>
#define ROM
#define X x
#define COLUMN(a) column[a]
#define FIRST(a) first[a]
#define TABLE table
#define BASE 0
#define COUNT 3
void rank_codes(const uint8_t *x, const uint8_t *column, const uint16_t *first, const uint8_t *table, uint8_t *rank);
void rank_codes(const uint8_t *x, const uint8_t *column, const uint16_t *first, const uint8_t *table, uint8_t *rank)
{
/* begin */
    for (int f = 0; f < COUNT; ++f)
        rank[BASE + f] = TABLE[FIRST(f) + X[COLUMN(f)]];
/* end */
}
