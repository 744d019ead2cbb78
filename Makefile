# uvn: one non-recursive Makefile.
#
#	make			./uvn
#	make test		all tests; "check" is the same
#	make demo		replay a recorded trace, draw the figures: demo/
#	make paper		from the sample traces to all figures: paper/
#	make bench		speed, against fio, and libCacheSim if CACHESIM names it
#	make coverage		what of pager/ and traces/ the tests reach
#	make soak		the long tests: 10 000 random traces, storms of threads
#	make fuzz		libFuzzer on readers, importers, options, pager
#	make lint		layers, selfinclude, format, manlint, tidy, cppcheck
#	make docs		generated parts of the manual; they are committed
#	make install		PREFIX=/usr/local, DESTDIR=
#	make clean
#
#	make SAN=address,undefined test		under sanitizers; SAN=thread
#	make CC=clang-14 O=3 COV=1 WERROR=1 V=1	another compiler, optimisation,
#						coverage, errors, commands shown
#
# Objects lie in out/COMPILER-OPTIMISATION-SANITIZER/, so that builds of
# different kinds live side by side.  What a target needs from Debian is
# installed first by scripts/bootstrap, or named if that needs root; done once
# per tree.

CC	= gcc
O	= 3
SAN	=
COV	=
FUZZ	=
V	=
PREFIX	= /usr/local
DESTDIR	=

include warnings.mk

Q	:= $(if $(V),,@)
comma	:= ,
B	:= out/$(notdir $(CC))-O$(O)$(if $(SAN),-$(subst $(comma),+,$(SAN)))$(if $(COV),-cov)$(if $(FUZZ),-fuzz)

CSTD	:= -std=c11 -D_GNU_SOURCE -I. -fno-strict-aliasing
CFLAGS	:= -O$(O) -g -fno-omit-frame-pointer
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
COVFLAGS := $(if $(COV),--coverage \
    -include tests/coverage.h) $(if $(FUZZ),-fsanitize=fuzzer-no-link)
ALLFLAGS := $(CSTD) $(CFLAGS) $(SANFLAGS) $(COVFLAGS) $(WARN) -pthread
LIBS	:= -lsqlite3 -lzstd -lxxhash -ljansson -lpfm -luring -lm -pthread

# The library that uvn record loads into programs: neither sanitizers nor
# coverage belong there.  -fexceptions: threads are cancelled through it.
# -fcf-protection: a vfork(2) that returns twice does not suit shadow stacks.
SOFLAGS	:= $(CSTD) -O2 -g -fPIC -fvisibility=hidden -ftls-model=initial-exec \
    -fexceptions -fcf-protection=none -fno-omit-frame-pointer \
    -U_FORTIFY_SOURCE $(WARN)

layers	:= base pager traces analysis replay
src	:= $(sort $(wildcard $(addsuffix /*.c,$(layers))))
libsrc	:= $(filter-out replay/main.c,$(src))
# It knows the registers of one machine; elsewhere it is empty.
sosrc	:= $(if $(filter x86_64,$(shell uname -m)),\
    $(sort $(wildcard traces/preload/*.c)))
# The pager once more, for threads: pager/uvm_lock.h.  Tables and backends are
# the same for both.
mpsrc	:= $(sort $(filter-out pager/backend_% pager/uvm_param.c \
    pager/uvm_stat.c,$(wildcard pager/*.c)) $(wildcard pager/mp/*.c))
# With it the engine: what engine.c and its kin are but for engine_run_threads
# is theirs alone, so that both can be linked together.
mprunsrc := $(sort $(wildcard replay/engine*.c replay/mp/*.c))
# A test program a tests/FOLDER/t_SUBJECT.c; the other .c there are its helpers.
testsrc	:= $(sort $(wildcard tests/*/t_*.c))
# A program tests/programs/NAME.c, for tests to record.
progsrc	:= $(sort $(wildcard tests/programs/*.c))
# What libFuzzer calls; it brings its own main().
fuzzsrc	:= $(wildcard tests/fuzz/libfuzzer.c)
# What scripts/bench runs: programs of uvn's own code.
benchsrc := $(wildcard tests/bench/*.c)
helpsrc	:= $(sort $(filter-out $(testsrc) $(progsrc) $(fuzzsrc) $(benchsrc),\
    $(wildcard tests/*/*.c)))
clisrc	:= $(sort $(filter-out %/lib.sh,$(wildcard tests/cli/*.sh)))
hdr	:= $(sort $(wildcard $(addsuffix /*.h,$(layers)) traces/preload/*.h \
    pager/mp/*.h replay/mp/*.h \
    tests/*.h tests/*/*.h))
mponly	:= $(sort $(wildcard pager/mp/*.c replay/mp/*.c))
allsrc	:= $(src) $(mponly) $(sosrc) $(testsrc) $(helpsrc) $(fuzzsrc) $(progsrc) \
    $(benchsrc)
manuals	:= $(sort $(wildcard docs/man/*.[1-9]))

obj	:= $(src:%.c=$B/%.o)
soobj	:= $(sosrc:%.c=$B/%.o)
libobj	:= $(libsrc:%.c=$B/%.o)
helpobj	:= $(helpsrc:%.c=$B/%.o)
mpobj	:= $(mpsrc:%.c=$B/threads/%.o)
mprunobj := $(mprunsrc:%.c=$B/threads/%.o)
testobj	:= $(testsrc:%.c=$B/%.o)
testbin	:= $(testsrc:%.c=$B/%)
progbin	:= $(progsrc:%.c=$B/%)
fuzzobj	:= $(fuzzsrc:%.c=$B/%.o)
benchbin := $(benchsrc:%.c=$B/%)

.PHONY: all test check coverage demo paper bench soak soak-threads fuzz lint layers selfinclude format tidy \
    cppcheck manlint docs install clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: uvn

# ---- what is needed from Debian ----

out/.deps-%: scripts/bootstrap
	$(Q)./scripts/bootstrap --group $*
	$(Q)mkdir -p $(@D) && touch $@

# One apt at a time.
out/.deps-test: | out/.deps-build
out/.deps-lint: | out/.deps-test

# ---- program ----

uvn: $B/uvn FORCE
	$(Q)cmp -s $< $@ || { cp -f $< $@.tmp && mv -f $@.tmp $@; }

$B/threads.o: $(mpobj) $(mprunobj)
	@echo "  LD      $@"
	$(Q)$(if $^,ld -r -o $@.all $^ && objcopy \
	    --keep-global-symbol=engine_run_threads $@.all $@ && \
	    rm $@.all,mkdir -p $(@D) && : >$@) # of a tree without a pager, nothing

$B/uvn: $(obj) $B/threads.o
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $^ $(LIBS)

# Appended, not replaced: folders may have files of the same name.
$B/libuvn.a: $(libobj) $B/threads.o
	$(Q)rm -f $@ && ar qcs $@ $^

$B/libuvm-mp.a: $(mpobj) $B/threads/replay/mp/depend.o
	$(Q)rm -f $@ && ar qcs $@ $^

$B/libtest.a: $(helpobj)
	$(Q)rm -f $@ && ar qcs $@ $^

# Other flags make other objects.
$B/.flags: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(CC) $(ALLFLAGS) $(SOFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALLFLAGS) $(SOFLAGS)' >$@

# The commit, for the rows of runs.
$B/.revision: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)git describe --always --dirty --abbrev=12 2>/dev/null >$@.new || :
	$(Q)cmp -s $@.new $@ || cp $@.new $@
$B/replay/host.o: $B/.revision
$B/replay/host.o: ALSO = -DUVN_REVISION='"$(file <$B/.revision)"'

$(obj) $(soobj) $(mpobj) $(mprunobj): | out/.deps-build
$(testobj) $(helpobj) $(fuzzobj): | out/.deps-test
# What sources embed (.incbin); the compiler does not tell make of it.
$(filter $B/analysis/%,$(obj)): $(wildcard analysis/*.gp analysis/*.sql \
    analysis/*.css analysis/*.js analysis/*/*.gp analysis/*/*.sql)
$B/traces/ring_embed.o: $B/traces/preload.so
$B/traces/ring_embed.o: ALSO = -Wa,-I$B

$B/traces/preload.so: $(soobj)
	@echo "  LD      $@"
	$(Q)$(if $^,$(CC) $(SOFLAGS) -shared -s -z defs -z now -o $@ $^,: >$@)

$(soobj): $B/%.o: %.c $B/.flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(SOFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$B/%.o: %.c $B/.flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALLFLAGS) $(ALSO) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$B/threads/%.o: %.c $B/.flags
	@mkdir -p $(@D)
	@echo "  CC      $< (threads)"
	$(Q)$(CC) $(ALLFLAGS) -DUVM_MP -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

-include $(mpobj:.o=.d) $(mprunobj:.o=.d)
-include $(obj:.o=.d) $(soobj:.o=.d) $(helpobj:.o=.d) $(testobj:.o=.d) \
    $(fuzzobj:.o=.d) $(progbin:%=%.d)

# ---- tests ----

$B/tests/%: $B/tests/%.o $B/libtest.a $B/libuvn.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $^ -lcmocka $(LIBS)

# Tests of the pager for threads.
$(filter $B/tests/mp/%,$(testobj) $(helpobj)): ALSO = -DUVM_MP
$B/tests/mp/%: $B/tests/mp/%.o $B/libuvm-mp.a $B/libtest.a $B/libuvn.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $^ -lcmocka $(LIBS)

$B/tests/traces/t_preload: | $(progbin)

# Programs to be recorded are as their users would build them.
$(progbin): $B/%: %.c $B/.flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CSTD) $(CFLAGS) $(WARN) -pthread -MMD -MP -MF $@.d -o $@ $< \
	    $(PROGLIBS)
$B/tests/programs/store_lmdb: PROGLIBS = -llmdb
$B/tests/programs/store_tokyo: PROGLIBS = -ltokyocabinet
# Not a program: a library for LD_PRELOAD.
$B/tests/programs/nomem: PROGLIBS = -shared -fPIC
$(progbin): | out/.deps-test

# The program with it linked in, for AddressSanitizer to tell of leaks.
nomem	:= $(if $(findstring address,$(SAN)),$B/tests/uvn-nomem)
$B/tests/uvn-nomem: tests/programs/nomem.c $(obj) $B/threads.o
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -DNOMEM_WRAP $(addprefix -Wl$(comma)--wrap=, \
	    malloc calloc realloc reallocarray aligned_alloc posix_memalign \
	    strdup strndup mmap mmap64 fork pthread_create) -o $@ $^ $(LIBS)

test check: $B/uvn $(testbin) $(progbin) $(nomem) | out/.deps-test
	$(Q)UVN='$(CURDIR)/$B/uvn' ./scripts/run-tests $(testbin) $(clisrc)

# What of pager/ and traces/ the suite reaches; fails below the goals of
# scripts/coverage.  Counts of an earlier run are forgotten.
coverage: | out/.deps-test
	$(Q)find out/$(notdir $(CC))-O1-cov -name '*.gcda' -delete 2>/dev/null || :
	$(Q)NOMEM_SAMPLES=$${NOMEM_SAMPLES:-40} $(MAKE) O=1 COV=1 test
	$(Q)./scripts/coverage out/$(notdir $(CC))-O1-cov

# Threads under each sanitizer, too: it sees what asserts do not.
soak: $B/tests/mp/t_stress $B/tests/model/t_random
	$(Q)B='$B' ./scripts/soak
	$(Q)$(MAKE) SAN=address,undefined soak-threads
	$(Q)$(MAKE) SAN=thread soak-threads

soak-threads: $B/tests/mp/t_stress
	$(Q)B='$B' ./scripts/soak mp/t_stress

# One program for all targets: UVN_FUZZ in the environment says which.
$B/fuzz: $(fuzzobj) $B/libtest.a $B/libuvn.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -fsanitize=fuzzer -o $@ $^ -lcmocka $(LIBS)

# FUZZ_SECONDS of each target, FUZZ_JOBS at a time; FUZZ_TARGETS="csv pager".
FUZZ_SECONDS = 600
FUZZ_JOBS = 1
FUZZ_TARGETS =
fuzz: | out/.deps-lint
	$(Q)$(MAKE) CC=clang-14 O=1 SAN=address,undefined FUZZ=1 \
	    out/clang-14-O1-address+undefined-fuzz/fuzz
	$(Q)FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_JOBS='$(FUZZ_JOBS)' \
	    ./scripts/fuzz out/clang-14-O1-address+undefined-fuzz/fuzz \
	    $(FUZZ_TARGETS)

demo: uvn
	$(Q)./scripts/demo

paper: uvn
	$(Q)./scripts/paper

# fio is what it compares with; the rest is measured without it, too.
$(benchbin): $B/%: %.c $B/libuvn.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALLFLAGS) -o $@ $< $B/libuvn.a $(LIBS)

bench: uvn $(benchbin)
	-$(Q)./scripts/bootstrap --group bench
	$(Q)DECODE='$B/tests/bench/decode' ./scripts/bench

# ---- static checks: one stamp a file, so that make -j spreads them ----

lint: layers selfinclude format manlint tidy cppcheck

layers:
	$(Q)./scripts/layers.sh

# Each header compiles by itself.
selfinclude: $(hdr:%=$B/%.self)
$B/%.self: % $B/.flags | out/.deps-test
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\ntypedef int selfinclude;\n' $< | \
	    $(CC) $(ALLFLAGS) $(if $(findstring /mp/,$<),-DUVM_MP) -Werror \
	    -MMD -MP -MT $@ -MF $@.d -fsyntax-only -x c -
	$(Q)touch $@
-include $(hdr:%=$B/%.self.d)

format: | out/.deps-lint
	$(Q)clang-format-14 --dry-run -Werror $(allsrc) $(hdr)

# clang-tidy 14 calls every va_list uninitialised when given several files.
tidy: $(allsrc:%=out/tidy/%.ok)
tidyconf := $(wildcard .clang-tidy */.clang-tidy */*/.clang-tidy)
out/tidy/%.ok: % $(hdr) $(tidyconf) | out/.deps-lint
	@mkdir -p $(@D)
	@echo "  TIDY    $<"
	$(Q)clang-tidy-14 --quiet $< -- $(CSTD) \
	    $(if $(findstring /mp/,$<),-DUVM_MP) 2>$@.err || \
	    { cat $@.err; exit 1; }
	$(Q)touch $@

# What is compiled for threads too is checked so, too.
cppcheck: | out/.deps-lint
	$(Q)$(CPPCHECK) $(src) $(sosrc)
	$(Q)$(CPPCHECK) -DUVM_MP $(mpsrc) $(mprunsrc)
CPPCHECK = cppcheck --quiet --std=c11 --language=c --library=posix \
    --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem \
    --suppressions-list=scripts/cppcheck.suppress --error-exitcode=1 \
    -j $$(nproc) -I. -D_GNU_SOURCE -D__x86_64__

manlint: | out/.deps-test
	$(Q)mandoc -T lint -W warning $(manuals)

# ---- manual, installation ----

docs: uvn
	$(Q)./scripts/docs

install: uvn
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 uvn '$(DESTDIR)$(PREFIX)/bin/uvn'
	install -d '$(DESTDIR)$(PREFIX)/share/uvn'
	install -m 644 scripts/page-faults.bt '$(DESTDIR)$(PREFIX)/share/uvn/'
	$(Q)for page in $(manuals); do \
		dir='$(DESTDIR)$(PREFIX)/share/man/man'$${page##*.}; \
		install -d "$$dir" && install -m 644 $$page "$$dir/" || exit; \
	done

clean:
	rm -rf out uvn demo paper
