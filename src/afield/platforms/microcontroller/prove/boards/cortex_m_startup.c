/* Start-up code for Cortex-M0 to M55 on qemu's mps2 and mps3 boards: memory, FPU, main, and text by semihosting. */
#include <stddef.h>
#include <stdint.h>
extern uint32_t __stack_top, __data_start, __data_end, __data_load, __bss_start, __bss_end;
extern int main(void);
void Reset_Handler(void);
__attribute__((noreturn)) void board_exit(int code);

static long semihosting(long operation, void *argument)
{
    register long r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

__attribute__((noreturn)) void board_exit(int code)
{
    volatile uint32_t block[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
    semihosting(0x20, (void *)block);                        /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}

void board_puts(const char *text) { semihosting(0x04, (void *)text); }

static void fault(void)
{
    board_puts("FAULT\n");
    board_exit(99);
}

__attribute__((section(".vectors"), used)) const void *vectors[16] = {
    &__stack_top, (void *)Reset_Handler, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault, 0, 0,
    0, 0, (void *)fault, (void *)fault, 0, (void *)fault, (void *)fault};

void Reset_Handler(void)
{
    *(volatile uint32_t *)0xE000ED88 |= (0xFu << 20); /* CPACR: FPU on, harmless where there is none */
    __asm__ volatile("dsb\n isb");
    for (uint32_t *to = &__data_start, *from = &__data_load; to < &__data_end;)
        *to++ = *from++;
    for (uint32_t *to = &__bss_start; to < &__bss_end;)
        *to++ = 0;
    board_exit(main());
}

