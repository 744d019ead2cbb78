#include "traces/ring.h"

/* The assembler finds it where make builds it: -Wa,-I in the Makefile. */
__asm__(".section .rodata\n"
	".balign 8\n"
	".global record_preload_so\n"
	".type record_preload_so, %object\n"
	"record_preload_so: .incbin \"traces/preload.so\"\n"
	".size record_preload_so, . - record_preload_so\n"
	"1:\n"
	".balign 8\n"
	".global record_preload_so_size\n"
	".type record_preload_so_size, %object\n"
	"record_preload_so_size: .quad 1b - record_preload_so\n"
	".size record_preload_so_size, 8\n"
	".previous\n");
