# uvn: one non-recursive Makefile.
#
#	make			./uvn
#	make demo		the main job on a sample trace
#	make test		all tests
#	make bench		speed, against peers
#	make SAN=address,undefined test	the same under sanitizers; SAN=thread
#	make lint		layers, includes, tidy, cppcheck, format
#
# Objects lie in out/COMPILER-OPTIMISATION-SANITIZER/, so that builds of
# different kinds live side by side.  V=1 shows commands, WERROR=1 is CI.

CC	= gcc
O	= 2
SAN	=
V	=
PREFIX	= /usr/local
DESTDIR	=

include warnings.mk

Q	:= $(if $(V),,@)
comma	:= ,
B	:= out/$(notdir $(CC))-O$(O)$(if $(SAN),-$(subst $(comma),+,$(SAN)))$(if $(COV),-cov)

CSTD	:= -std=c11 -D_GNU_SOURCE -I. -fno-strict-aliasing
CFLAGS	:= -O$(O) -g -fno-omit-frame-pointer
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
COVFLAGS := $(if $(COV),--coverage)
ALLFLAGS := $(CSTD) $(CFLAGS) $(SANFLAGS) $(COVFLAGS) $(WARN) -pthread
LIBS	:= -lsqlite3 -lzstd -lxxhash -ljansson -lm -pthread

layers	:= base pager traces analysis replay
src	:= $(sort $(wildcard $(addsuffix /*.c,$(layers))))
libsrc	:= $(filter-out replay/main.c,$(src))
# A test program a tests/FOLDER/t_SUBJECT.c; the other .c there are its helpers.
testsrc	:= $(sort $(wildcard tests/*/t_*.c))
helpsrc	:= $(sort $(filter-out $(testsrc),$(wildcard tests/*/*.c)))
clisrc	:= $(sort $(wildcard tests/cli/*.sh))
hdr	:= $(sort $(wildcard $(addsuffix /*.h,$(layers)) tests/*.h tests/*/*.h))

obj	:= $(src:%.c=$B/%.o)
libobj	:= $(libsrc:%.c=$B/%.o)
helpobj	:= $(helpsrc:%.c=$B/%.o)
testbin	:= $(testsrc:%.c=$B/%)

.PHONY: all test check cli demo bench soak lint layers selfinclude tidy \
    cppcheck format docs clean install deps
.SECONDARY:
all: uvn

# What is missing is installed by scripts/bootstrap, or named if that needs
# root; done once and remembered per tree.
out/.deps: scripts/bootstrap
	$(Q)./scripts/bootstrap
	$(Q)mkdir -p out && touch $@

$(obj) $(helpobj) $(testsrc:%.c=$B/%.o): | out/.deps

$B/uvn: $(obj)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $^ $(LIBS)

uvn: $B/uvn
	$(Q)cp -f $< $@.tmp && mv -f $@.tmp $@

$B/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALLFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$B/libuvn.a: $(libobj)
	$(Q)rm -f $@ && ar rcs $@ $^

$B/tests/%: $B/tests/%.o $(helpobj) $B/libuvn.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $< $(helpobj) $B/libuvn.a -lcmocka $(LIBS)

-include $(obj:.o=.d) $(helpobj:.o=.d) $(testsrc:%.c=$B/%.d)

test check: uvn $B/uvn $(testbin)
	$(Q)UVN=$(CURDIR)/$B/uvn ./scripts/run-tests $(testbin) $(clisrc)

clean:
	rm -rf out uvn
