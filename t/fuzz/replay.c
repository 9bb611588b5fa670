/*
 * Gives each file that is named to the target, for a compiler without
 * libFuzzer.  Each is copied to memory of its size, so that a sanitizer sees
 * any read beyond it.
 */

#include "fuzz.h"


int
main(int argc, char **argv)
{
    int    i;
    long   size;
    FILE  *in;
    void  *data;

    for (i = 1; i < argc; i++) {
        in = fopen(argv[i], "rb");

        if (in == NULL || fseek(in, 0, SEEK_END) != 0
            || (size = ftell(in)) < 0)
        {
            printf("Bail out!  cannot read %s\n", argv[i]);
            return 1;
        }

        rewind(in);
        data = malloc(size == 0 ? 1 : (size_t) size);

        fuzz_assert(data != NULL
                    && fread(data, 1, (size_t) size, in) == (size_t) size);

        (void) LLVMFuzzerTestOneInput(data, (size_t) size);

        free(data);
        fclose(in);
        printf("ok %d - %s\n", i, argv[i]);
    }

    printf("1..%d\n", argc - 1);

    return 0;
}
