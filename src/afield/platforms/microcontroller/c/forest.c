/* Trees whose nodes are words: limit, feature, and the links taken when the feature's rank is above the limit or not.
 * Links count the nodes of the tree, then its leaves. */
#include <stdint.h>
#define ROM
#define TARGETS 2
#define TREES count[k]
#define NODES *size++
#define LIMIT_SHIFT 24
#define FEATURE(a) ((a) >> 16 & 0xFFu)
#define LINK_BITS 8
#define LINK_MASK 0xFFu
#define LINKED 0
#define LEAF float
#define FINISHED(a) (a)
void forest(const uint8_t *rank, const uint32_t *nodes, const float *leaves, const uint8_t *size, const uint16_t *count, const float *bias, float *y);
void forest(const uint8_t *rank, const uint32_t *nodes, const float *leaves, const uint8_t *size, const uint16_t *count, const float *bias, float *y)
{
/* begin */
    const ROM uint32_t *tree = nodes;
    const ROM LEAF *leaf = leaves;
    for (int k = 0; k < TARGETS; ++k) {
        SUM sum = 0;
        for (int t = TREES; t > 0; --t) {
            const uint32_t nodes_here = NODES;
            uint32_t at = 0;
            do {
                const uint32_t node = tree[at];
                const uint32_t links = LINKS;
                at = (rank[FEATURE(node)] > node >> LIMIT_SHIFT ? links >> LINK_BITS : links) & LINK_MASK;
            } while (at < nodes_here);
            sum += leaf[at - nodes_here];
            tree += nodes_here;
            leaf += nodes_here + 1u;
        }
        y[k] = bias[k] + FINISHED(sum);
    }
/* end */
}
