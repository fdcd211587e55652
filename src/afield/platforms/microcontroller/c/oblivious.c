/* Oblivious trees: the answers of a tree's levels are the bits of its leaf's number, the highest first. */
#include <stdint.h>
#define ROM
#define WORD uint16_t
#define TARGETS 2
#define WIDTH 1
#define MANY 0
#define TREES(a) count[a]
#define DEPTH(a) depth[a]
#define SHIFT 4
#define MASK 0xFu
void oblivious(const uint8_t *rank, const uint16_t *words, const float *leaves, const uint8_t *depth,
               const uint16_t *count, const float *bias, float *y);
void oblivious(const uint8_t *rank, const uint16_t *words, const float *leaves, const uint8_t *depth,
               const uint16_t *count, const float *bias, float *y)
{
/* begin */
    const ROM WORD *question = words;
    const ROM float *leaf = leaves;
    int t = 0;
    for (int k = 0; k < TARGETS; ++k) {
#if MANY
        for (int o = 0; o < WIDTH; ++o)
            y[k * WIDTH + o] = bias[k * WIDTH + o];
#else
        float sum = bias[k];
#endif
        for (const int end = t + TREES(k); t < end; ++t) {
            const ROM WORD *const stop = question + DEPTH(t);
            uint32_t number = 0;
            do {
                const uint32_t word = *question++;
                number = number << 1 | (rank[word & MASK] > word >> SHIFT ? 1u : 0u);
            } while (question < stop);
#if MANY
            for (int o = 0; o < WIDTH; ++o)
                y[k * WIDTH + o] += leaf[number * WIDTH + (uint32_t)o];
            leaf += WIDTH << DEPTH(t);
#else
            sum += leaf[number];
            leaf += 1u << DEPTH(t);
#endif
        }
#if !MANY
        y[k] = sum;
#endif
    }
/* end */
}
