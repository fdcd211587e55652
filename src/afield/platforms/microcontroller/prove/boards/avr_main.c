/* Answers rows on an AVR for ever. The emulator writes each row into bench_in, reads bench_out, and ends the program. */
#include "vectors.h"

extern void entry(const unsigned char *in, unsigned char *out);
void bench_start(void);
void bench_stop(void);

__attribute__((noinline)) void bench_start(void) { __asm__ volatile(""); }
__attribute__((noinline)) void bench_stop(void) { __asm__ volatile(""); }

unsigned char bench_in[INPUT_BYTES + 1], bench_out[OUTPUT_BYTES + 1];

int main(void)
{
    for (;;) {
        bench_start();
        entry(bench_in, bench_out);
        bench_stop();
    }
}
