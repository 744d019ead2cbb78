/*
 * preload_so.c: the library that uvn record loads into programs, as bytes.  It
 * is built before this file is; PRELOAD_SO is where.
 */
#include <stdint.h>

extern const uint8_t preload_so[], preload_so_end[];

__asm__(".section .rodata\n"
	".balign 16\n"
	".global preload_so\n"
	".type preload_so, %object\n"
	"preload_so:\n"
	".incbin \"" PRELOAD_SO "\"\n"
	".global preload_so_end\n"
	"preload_so_end:\n"
	".previous\n");
