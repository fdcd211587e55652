/* Runs one of several networks on the host: `program INDEX` reads rows of inputs from standard input and writes rows of
 * outputs. Every buffer is allocated by itself and in its exact size, so that a sanitiser sees each byte beyond it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    void (*run)(void **inputs, void **outputs, void *memory);
    int input_count, output_count;
    const long *input_bytes, *output_bytes;
    long arena_bytes;
} entry;

extern const entry entries[];

static void *block(long bytes)
{
    void *made = malloc(bytes ? (size_t)bytes : 1u);
    if (!made)
        exit(2);
    memset(made, 0xA5, bytes ? (size_t)bytes : 1u); /* nothing may rely on what was there */
    return made;
}

int main(int argc, char **argv)
{
    const entry *one = &entries[argc > 1 ? atoi(argv[1]) : 0];
    void *inputs[1024], *outputs[1024];
    void *memory = block(one->arena_bytes);
    for (int i = 0; i < one->input_count; ++i)
        inputs[i] = block(one->input_bytes[i]);
    for (int i = 0; i < one->output_count; ++i)
        outputs[i] = block(one->output_bytes[i]);
    long fed = 0;
    for (int i = 0; i < one->input_count; ++i)
        fed += one->input_bytes[i];
    for (;;) {
        for (int i = 0; i < one->input_count; ++i)
            if (one->input_bytes[i] && fread(inputs[i], (size_t)one->input_bytes[i], 1, stdin) != 1)
                goto done;
        if (fed == 0 && fgetc(stdin) == EOF) /* a byte for each run without inputs */
            goto done;
        one->run(inputs, outputs, memory);
        for (int i = 0; i < one->output_count; ++i)
            fwrite(outputs[i], 1, (size_t)one->output_bytes[i], stdout);
        for (int i = 0; i < one->output_count; ++i)
            memset(outputs[i], 0xA5, (size_t)one->output_bytes[i]);
        memset(memory, 0x5A, (size_t)one->arena_bytes);
    }
done:
    for (int i = 0; i < one->input_count; ++i)
        free(inputs[i]);
    for (int i = 0; i < one->output_count; ++i)
        free(outputs[i]);
    free(memory);
    return 0;
}
