/* As forest.c, for leaves that hold a number for each output. */
#include <stdint.h>
#define ROM
#define TARGETS 2
#define WIDTH 3
#define TREES(a) count[a]
#define NODES(a) size[a]
#define LIMIT_SHIFT 24
#define FEATURE_SHIFT 16
#define FEATURE_MASK 0xFFu
#define LINK_BITS 8
#define LINK_MASK 0xFFu
#define LINKED 0
void forest(const uint8_t *rank, const uint32_t *words, const uint32_t *links, const float *leaves, const uint8_t *size,
            const uint16_t *count, const float *bias, float *y);
void forest(const uint8_t *rank, const uint32_t *words, const uint32_t *links, const float *leaves, const uint8_t *size,
            const uint16_t *count, const float *bias, float *y)
{
/* begin */
    const ROM uint32_t *tree = words;
#if LINKED
    const ROM uint32_t *link = links;
#endif
    const ROM float *leaf = leaves;
    int t = 0;
    for (int k = 0; k < TARGETS; ++k, y += WIDTH, bias += WIDTH) {
        for (int o = 0; o < WIDTH; ++o)
            y[o] = bias[o];
        for (const int end = t + TREES(k); t < end; ++t) {
            const uint32_t nodes = NODES(t);
            uint32_t at = 0;
            do {
                const uint32_t node = tree[at];
#if LINKED
                const uint32_t next = link[at];
#else
                const uint32_t next = node;
#endif
                at = (rank[node >> FEATURE_SHIFT & FEATURE_MASK] > node >> LIMIT_SHIFT ? next >> LINK_BITS : next) & LINK_MASK;
            } while (at < nodes);
            const ROM float *const here = leaf + (at - nodes) * WIDTH;
            for (int o = 0; o < WIDTH; ++o)
                y[o] += here[o];
            tree += nodes;
#if LINKED
            link += nodes;
#endif
            leaf += (nodes + 1u) * WIDTH;
        }
    }
/* end */
}
