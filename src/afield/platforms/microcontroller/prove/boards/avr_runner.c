/* Runs a program for an AVR in simavr, row by row, and prints what main.c prints on other boards.
 * avr_runner CHIP HERTZ PROGRAM ROWS START STOP IN IN_BYTES OUT OUT_BYTES LOW: addresses as nm prints them, in
 * hexadecimal; LOW is where static data end. Prints instructions and cycles between START and STOP for each row, the
 * answers, and the deepest stack. */
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_SPACE 0x800000ul
#define INSTRUCTIONS 4000000000ull

int main(int argc, char **argv)
{
    if (argc != 12)
        return 2;
    elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    if (elf_read_firmware(argv[3], &firmware))
        return 3;
    strcpy(firmware.mmcu, argv[1]);
    firmware.frequency = (uint32_t)strtoul(argv[2], 0, 10);
    avr_t *avr = avr_make_mcu_by_name(firmware.mmcu);
    FILE *rows = fopen(argv[4], "rb");
    if (!avr || !rows)
        return 4;
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->log = LOG_ERROR;
    const avr_flashaddr_t start = strtoul(argv[5], 0, 16), stop = strtoul(argv[6], 0, 16);
    uint8_t *in = avr->data + (strtoul(argv[7], 0, 16) & ~RAM_SPACE);
    uint8_t *out = avr->data + (strtoul(argv[9], 0, 16) & ~RAM_SPACE);
    const size_t in_bytes = strtoul(argv[8], 0, 10), out_bytes = strtoul(argv[10], 0, 10);
    const unsigned low = (unsigned)(strtoul(argv[11], 0, 16) & ~RAM_SPACE);
    unsigned long long executed = 0, from = 0, total = 0;
    avr_cycle_count_t cycles = 0;
    unsigned top = 0, deepest = 0, run = 0, inside = 0, stack = 0;
    for (;;) {
        if (avr->pc == start && !inside) {
            if (fread(in, 1, in_bytes, rows) != in_bytes)
                break;
            inside = 1;
            from = executed;
            cycles = avr->cycle;
            top = deepest = avr->data[R_SPL] | avr->data[R_SPH] << 8;
        }
        if (avr->pc == stop && inside) {
            inside = 0;
            fprintf(stderr, "INSN run=%u count=%llu cycles=%llu\n", run++, executed - from,
                    (unsigned long long)(avr->cycle - cycles));
            fprintf(stderr, "OUT ");
            for (size_t i = 0; i < out_bytes; ++i)
                fprintf(stderr, "%02x", out[i]);
            fprintf(stderr, "\n");
            stack = top - deepest > stack ? top - deepest : stack;
        }
        const int state = avr_run(avr);
        ++executed;
        const unsigned now = avr->data[R_SPL] | avr->data[R_SPH] << 8;
        if (inside && now < deepest)
            deepest = now;
        if (inside && now < low) {
            fprintf(stderr, "the stack reaches the static data: %u below %u\n", now, low);
            return 5;
        }
        if (state == cpu_Done || state == cpu_Crashed || ++total > INSTRUCTIONS) {
            fprintf(stderr, "the chip stopped in state %d at %#x after %llu instructions\n", state, (unsigned)avr->pc, total);
            return 6;
        }
    }
    fprintf(stderr, "STACK %u\n", stack);
    return 0;
}
