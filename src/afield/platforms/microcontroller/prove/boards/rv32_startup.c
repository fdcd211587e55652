/* Start-up code for RV32 on qemu's virt board: stack, global and thread pointer, memory, main, and text by semihosting. */
#include <stddef.h>
#include <stdint.h>
extern uint32_t __bss_start, __bss_end;
extern int main(void);
void _start(void);
void board_start(void);
__attribute__((noreturn)) void board_exit(int code);

static long semihosting(long operation, void *argument)
{
    register long a0 __asm__("a0") = operation;
    register void *a1 __asm__("a1") = argument;
    /* three instructions of four bytes in one page, as the specification of semihosting asks for */
    __asm__ volatile(".option push\n .option norvc\n .balign 16\n"
                     " slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

__attribute__((noreturn)) void board_exit(int code)
{
    volatile uint32_t block[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
    semihosting(0x20, (void *)block);                        /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}

void board_puts(const char *text) { semihosting(0x04, (void *)text); }

__attribute__((aligned(4))) static void fault(void)
{
    board_puts("FAULT\n");
    board_exit(99);
}

__attribute__((used)) void board_start(void)
{
    __asm__ volatile(".option push\n .option arch, +zicsr\n csrw mtvec, %0\n .option pop" : : "r"(fault));
    for (uint32_t *to = &__bss_start; to < &__bss_end;)
        *to++ = 0;
    board_exit(main());
}

__attribute__((naked, section(".init"), used)) void _start(void)
{
    __asm__ volatile(".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
                     "la sp, __stack_top\n"
                     "la tp, __thread_start\n" /* the library's errno */
                     "call board_start\n");
}
