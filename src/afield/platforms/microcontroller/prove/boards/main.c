/* Runs a network on rows that lie in flash, and prints its answers as hexadecimal lines and the deepest stack.
 * vectors.h defines ROWS, INPUT_BYTES, OUTPUT_BYTES and rows. */
#include <stdint.h>
#include "vectors.h"

void board_puts(const char *text);
extern void entry(const unsigned char *in, unsigned char *out);
extern uint32_t __stack_top, __bss_end;

__attribute__((noinline)) void bench_start(void) { __asm__ volatile(""); }
__attribute__((noinline)) void bench_stop(void) { __asm__ volatile(""); }

static uint64_t in[INPUT_BYTES / 8 + 1], out[OUTPUT_BYTES / 8 + 1];

#define PAINTED 32768u
static uint32_t *lowest(void)
{
    const uintptr_t data = (uintptr_t)&__bss_end, low = (uintptr_t)&__stack_top - PAINTED;
    return (uint32_t *)(low > data && low < (uintptr_t)&__stack_top ? low : data);
}

/* Inlined, so that nothing of its own lies below the stack pointer. */
__attribute__((always_inline)) static inline uint32_t *paint(void)
{
    uint32_t *low = lowest(), *now;
#if defined(__riscv)
    __asm__ volatile("mv %0, sp" : "=r"(now));
#else
    __asm__ volatile("mov %0, sp" : "=r"(now));
#endif
    for (uint32_t *at = low; at < now; ++at)
        *at = 0xDEADBEEFu;
    return now;
}

static uint32_t depth(const uint32_t *from)
{
    const uint32_t *at = lowest();
    while (*at == 0xDEADBEEFu)
        ++at;
    return (uint32_t)((uintptr_t)from - (uintptr_t)at);
}

static void number(const char *name, uint32_t value)
{
    char text[12];
    int at = 11;
    text[at] = 0;
    do
        text[--at] = (char)('0' + value % 10u);
    while (value /= 10u);
    board_puts(name);
    board_puts(text + at);
    board_puts("\n");
}

static void hexadecimal(const unsigned char *data, long count)
{
    static const char digits[] = "0123456789abcdef";
    char line[4 + 64 + 2] = "OUT ";
    for (long i = 0; i < count; i += 32) {
        int n = 4;
        for (long k = i; k < i + 32 && k < count; ++k) {
            line[n++] = digits[data[k] >> 4];
            line[n++] = digits[data[k] & 15];
        }
        line[n++] = '\n';
        line[n] = 0;
        board_puts(line);
    }
}

int main(void)
{
    for (int row = 0; row < ROWS; ++row) {
        for (long i = 0; i < INPUT_BYTES; ++i)
            ((unsigned char *)in)[i] = rows[row][i];
        const uint32_t *const sp = paint();
        bench_start();
        entry((const unsigned char *)in, (unsigned char *)out);
        bench_stop();
        if (row == 0)
            number("STACK ", depth(sp));
        hexadecimal((const unsigned char *)out, OUTPUT_BYTES);
    }
    return 0;
}
