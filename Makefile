# Portcullis: one Makefile, explicit lists, everything built under build/.
#
#   make            the kernel image and the host programs (the model with sanitizers, acpi-dump)
#   make fast       the model without sanitizers, and its benchmark
#   make usb        the image of the USB stick, build/portcullis.img; SIGN_KEY= SIGN_CERT= sign it
#   make firmware-check  what else the image must do, with OVMF: Secure Boot, start over the network (about two minutes)
#   make survival-check  the report outlives crashes, hangs, resets and the loss of RAM, in QEMU (about three minutes)
#   make xen-iso    an ISO for a Xen host, build/portcullis-xen.iso; XEN= takes one's own hypervisor
#   make check      unit tests and the QEMU platforms, last line "N passed, N failed, N skipped"
#   make V=1        shows the commands

# Nothing here is made by a rule that is built into make, and looking for one is most of what make does.
MAKEFLAGS += -rR

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
B := build

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
NASM ?= nasm
PYTHON ?= /usr/bin/python3

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wcast-align -Wstrict-prototypes -Werror
# gcc would put the tests of a file into the plan in reverse; clang keeps their order by itself.
KEEP_ORDER := $(if $(findstring clang,$(shell $(CC) --version)),,-fno-toplevel-reorder)
COMMON := -std=gnu11 -g -I. -I$(B) -fno-strict-aliasing -fno-common -MMD -MP $(WARN)
PLAIN_LOOPS := $(if $(KEEP_ORDER),-fno-tree-loop-distribute-patterns)
KCFLAGS := $(COMMON) $(KEEP_ORDER) -isystem kernel/freestanding -O2 -ffreestanding -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none
HCFLAGS := $(COMMON) $(KEEP_ORDER) -O0 -D_GNU_SOURCE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# The same host program without sanitizers, for speed.
FCFLAGS := $(COMMON) $(KEEP_ORDER) -O2 -D_GNU_SOURCE

# ---- sources ----

# Both worlds: no hardware, no libc beyond string functions.
SHARED_SRC := \
	boot/names.c \
	kernel/status.c \
	kernel/printf.c \
	kernel/prng.c \
	kernel/cmdline.c \
	kernel/glob.c \
	kernel/page_pool.c \
	kernel/serial_table.c \
	kernel/nv_record.c \
	kernel/run_log.c \
	kernel/report_reader.c \
	kernel/report_stream.c \
	kernel/run_report.c \
	kernel/screen/font.c \
	kernel/screen/qr.c \
	kernel/screen/replay.c \
	kernel/screen/surface.c \
	kernel/screen/view.c

# Metal only.
KERNEL_SRC := \
	boot/handover_info.c \
	boot/pvh_info.c \
	kernel/machine_check.c \
	kernel/main.c \
	kernel/string.c \
	kernel/console.c \
	kernel/memory.c \
	kernel/paging.c \
	kernel/cpu.c \
	kernel/efi_runtime.c \
	kernel/entropy.c \
	kernel/exceptions.c \
	kernel/linear.c \
	kernel/follow.c \
	kernel/nvram.c \
	kernel/guard.c \
	kernel/apic.c \
	kernel/time.c \
	kernel/uart.c \
	kernel/acpi.c \
	kernel/metal.c \
	kernel/power.c \
	kernel/screen/screen.c \
	kernel/watchdog.c \
	xen/console.c \
	xen/guest.c \
	xen/store.c
KERNEL_ASM := \
	boot/handover.asm \
	boot/pvh.asm \
	kernel/vectors.asm \
	tests/xen/registers.asm \
	xen/calls.asm

# drivers-pci: both worlds.
PCI_SRC := \
	drivers-pci/assign.c \
	drivers-pci/bar.c \
	drivers-pci/caps.c \
	drivers-pci/deny.c \
	drivers-pci/engine.c \
	drivers-pci/enumerate.c \
	drivers-pci/errors.c \
	drivers-pci/hest.c \
	drivers-pci/msi.c \
	drivers-pci/pci.c
ENGINE_SRC := \
	drivers-pci/engines/ahci.c \
	drivers-pci/engines/e1000e.c \
	drivers-pci/engines/edu.c \
	drivers-pci/engines/hda.c \
	drivers-pci/engines/igb.c \
	drivers-pci/engines/iommu_testdev.c \
	drivers-pci/engines/model_device.c \
	drivers-pci/engines/nic.c \
	drivers-pci/engines/nvme.c \
	drivers-pci/engines/nvme_direct.c \
	drivers-pci/engines/nvme_mail.c \
	drivers-pci/engines/nvme_queue.c \
	drivers-pci/engines/virtio_blk.c \
	drivers-pci/engines/xhci.c

# drivers-iommu: both worlds.
ACPI_SRC := \
	drivers-iommu/acpi/cursor.c \
	drivers-iommu/acpi/dmar.c \
	drivers-iommu/acpi/ivrs.c \
	drivers-iommu/acpi/ivrs_lookup.c \
	drivers-iommu/acpi/scope.c
IOMMU_SRC := \
	drivers-iommu/core.c \
	drivers-iommu/domain.c \
	drivers-iommu/ring.c \
	drivers-iommu/amdvi/caps.c \
	drivers-iommu/amdvi/cmd.c \
	drivers-iommu/amdvi/cmdbuf.c \
	drivers-iommu/amdvi/devtab.c \
	drivers-iommu/amdvi/gcr3.c \
	drivers-iommu/amdvi/iommu.c \
	drivers-iommu/amdvi/log.c \
	drivers-iommu/amdvi/ops_v1.c \
	drivers-iommu/amdvi/ops_v2.c \
	drivers-iommu/amdvi/tables.c \
	drivers-iommu/amdvi/unit.c \
	drivers-iommu/pviommu/calls.c \
	drivers-iommu/pviommu/iommu.c \
	drivers-iommu/pviommu/probe.c \
	drivers-iommu/pgtable/amd_v1.c \
	drivers-iommu/pgtable/amd_v2.c \
	drivers-iommu/pgtable/map.c \
	drivers-iommu/pgtable/pgtable.c \
	drivers-iommu/pgtable/unmap.c \
	drivers-iommu/pgtable/vtd_fs.c \
	drivers-iommu/pgtable/vtd_ss.c \
	drivers-iommu/pgtable/x86.c \
	drivers-iommu/vtd/caps.c \
	drivers-iommu/vtd/desc.c \
	drivers-iommu/vtd/dirs.c \
	drivers-iommu/vtd/fault.c \
	drivers-iommu/vtd/handover.c \
	drivers-iommu/vtd/invalidate.c \
	drivers-iommu/vtd/iommu.c \
	drivers-iommu/vtd/ops.c \
	drivers-iommu/vtd/ops_legacy.c \
	drivers-iommu/vtd/ops_scalable.c \
	drivers-iommu/vtd/queue.c \
	drivers-iommu/vtd/rbi.c \
	drivers-iommu/vtd/reason.c \
	drivers-iommu/vtd/tables.c \
	drivers-iommu/vtd/unit.c

# The hypervisor's side of PV-IOMMU: both worlds.
REFERENCE_SRC := \
	xen/reference/call.c \
	xen/reference/check.c \
	xen/reference/context.c \
	xen/reference/device.c \
	xen/reference/domain.c \
	xen/reference/extents.c \
	xen/reference/nested.c \
	xen/reference/page.c \
	xen/reference/pages.c \
	xen/reference/reference.c \
	xen/reference/rules.c \
	xen/reference/structures.c \
	xen/reference/tagged.c
BOTH_ASM := \
	xen/reference/stubs.asm

# model: both worlds.
MODEL_SRC := \
	model/cache.c \
	model/config_space.c \
	model/device.c \
	model/device_tlb.c \
	model/dmar_table.c \
	model/fabric.c \
	model/ivrs_table.c \
	model/table_bytes.c \
	model/world.c \
	model/amdvi/cache.c \
	model/amdvi/capability.c \
	model/amdvi/command.c \
	model/amdvi/config.c \
	model/amdvi/device_table.c \
	model/amdvi/event.c \
	model/amdvi/guest_table.c \
	model/amdvi/host_table.c \
	model/amdvi/interrupt.c \
	model/amdvi/log.c \
	model/amdvi/page_request.c \
	model/amdvi/regs.c \
	model/amdvi/signal.c \
	model/amdvi/translate.c \
	model/amdvi/unit.c \
	model/vtd/ats.c \
	model/vtd/cache.c \
	model/vtd/command.c \
	model/vtd/config.c \
	model/vtd/descriptor.c \
	model/vtd/event.c \
	model/vtd/fault.c \
	model/vtd/first_stage.c \
	model/vtd/interrupt.c \
	model/vtd/invalidation.c \
	model/vtd/nested.c \
	model/vtd/page_request.c \
	model/vtd/pasid.c \
	model/vtd/pmr.c \
	model/vtd/regs.c \
	model/vtd/root_context.c \
	model/vtd/second_stage.c \
	model/vtd/translate.c \
	model/vtd/unit.c \
	model/vtd/virtual_command.c

# The harness (runner, report, vocabulary) and the tests: both worlds.
HARNESS_SRC := \
	tests/model_machine.c \
	tests/harness/runner.c \
	tests/harness/select.c \
	tests/harness/report.c \
	tests/harness/vocabulary.c \
	tests/harness/dma.c \
	tests/harness/bench.c \
	tests/harness/amdvi_backends.c \
	tests/harness/amdvi_bench.c \
	tests/harness/pviommu_bench.c \
	tests/pviommu/hostile.c \
	tests/harness/vtd_backends.c \
	tests/harness/vtd_bench.c \
	tests/acpi/craft.c \
	tests/acpi/small_machine.c
# By folder, so that a new test is one new file.
TESTS_SRC := $(filter-out $(HARNESS_SRC),$(sort $(wildcard tests/*.c tests/acpi/*.c tests/amdvi/*.c tests/dma/*.c tests/fuzz/*.c tests/fuzz/*/*.c tests/pci/*.c tests/pviommu/*.c tests/survey/*.c tests/vtd/*.c)))
# Of guests of Xen: metal only.
XEN_TESTS_SRC := $(sort $(wildcard tests/xen/*.c))

# Hosted only: the seam in an ordinary process.
HOSTED_SRC := \
	tests/host/hal_hosted.c \
	tests/host/linear_hosted.c \
	tests/host/acpi/walk.c \
	tests/host/model/rig.c \
	tests/host/model_amdvi/rig.c \
	tests/host/pci/fake.c \
	tests/host/vtd/fake.c \
	tests/host/vtd/model_unit.c

# The EFI application: what needs no firmware is built for the host's tests, too.
EFI_PURE_SRC := \
	boot/efi/config.c \
	boot/efi/folder.c \
	boot/efi/image.c \
	boot/efi/memory_map.c \
	boot/efi/path.c \
	boot/efi/smbios.c
EFI_SRC := $(EFI_PURE_SRC) \
	boot/names.c \
	boot/efi/collect.c \
	boot/efi/files.c \
	boot/efi/firmware.c \
	boot/efi/handover.c \
	boot/efi/http.c \
	boot/efi/kept.c \
	boot/efi/main.c \
	boot/efi/record.c \
	boot/efi/say.c \
	boot/efi/screen.c \
	kernel/cmdline.c \
	kernel/nv_record.c \
	kernel/printf.c \
	kernel/report_reader.c \
	kernel/report_stream.c \
	kernel/run_log.c \
	kernel/run_report.c \
	kernel/screen/font.c \
	kernel/screen/qr.c \
	kernel/screen/replay.c \
	kernel/screen/surface.c \
	kernel/screen/view.c \
	kernel/string.c

# Host unit tests: one program for each line, from its one source, linked with the hosted world.
UNIT_TESTS := \
	tests/host/amdvi/entries.c \
	tests/host/acpi/cursor.c \
	tests/host/acpi/dmar.c \
	tests/host/acpi/ivrs.c \
	tests/host/acpi/scope.c \
	tests/host/efi/folder.c \
	tests/host/efi/image.c \
	tests/host/efi/memory_map.c \
	tests/host/efi/smbios.c \
	tests/host/efi/texts.c \
	tests/host/harness/keeps.c \
	tests/host/kernel/cmdline.c \
	tests/host/kernel/nv_record.c \
	tests/host/kernel/page_pool.c \
	tests/host/kernel/printf.c \
	tests/host/kernel/prng.c \
	tests/host/kernel/serial_table.c \
	tests/host/kernel/run_log.c \
	tests/host/kernel/qr.c \
	tests/host/kernel/run_report.c \
	tests/host/kernel/screen.c \
	tests/host/model/caches.c \
	tests/host/model/fabric.c \
	tests/host/model/interrupt.c \
	tests/host/model/legacy.c \
	tests/host/model_amdvi/caches.c \
	tests/host/model_amdvi/commands.c \
	tests/host/model_amdvi/guest.c \
	tests/host/model_amdvi/interrupt.c \
	tests/host/model_amdvi/random.c \
	tests/host/model_amdvi/walk.c \
	tests/host/pci/bars.c \
	tests/host/pci/caps.c \
	tests/host/pci/command.c \
	tests/host/pci/engines.c \
	tests/host/pci/enumerate.c \
	tests/host/pci/manners.c \
	tests/host/pci/msi.c \
	tests/host/model/queue.c \
	tests/host/model/random.c \
	tests/host/model/registers.c \
	tests/host/model/scalable.c \
	tests/host/pviommu/abi.c \
	tests/host/pviommu/fuzz_calls.c \
	tests/host/pgtable/engine.c \
	tests/host/pgtable/golden.c \
	tests/host/pgtable/random.c \
	tests/host/vtd/against_model.c \
	tests/host/vtd/entries.c \
	tests/host/vtd/ops.c \
	tests/host/vtd/unit.c

# Host tests that drive a program from outside: scripts that print TAP.
HOST_SCRIPTS := \
	tests/host/acpi/dump.py \
	tests/host/check_only.py

# Fuzzers (clang, libFuzzer): one program for each source.
FUZZERS := \
	tests/host/fuzz/fuzz_cmdline.c \
	tests/host/fuzz/fuzz_dmar.c \
	tests/host/fuzz/fuzz_firmware.c \
	tests/host/fuzz/fuzz_ivrs.c \
	tests/host/fuzz/fuzz_run_log.c \
	tests/host/fuzz/fuzz_vtd_model.c

# Programs for the host: their own sources and the parsers.
ACPI_DUMP_SRC := \
	tools/acpi-dump/dump_json.c \
	tools/acpi-dump/dump_text.c \
	tools/acpi-dump/json.c \
	tools/acpi-dump/main.c
HOST_PROGRAMS := $(B)/host/acpi-dump $(B)/host/portcullis-model
# Without sanitizers, for who measures or needs many runs.
FAST_PROGRAMS := $(B)/fast/portcullis-model $(B)/fast/model-speed

# ---- kernel image ----

BOTH_SRC := $(SHARED_SRC) $(PCI_SRC) $(ENGINE_SRC) $(ACPI_SRC) $(IOMMU_SRC) $(REFERENCE_SRC) $(MODEL_SRC) $(HARNESS_SRC)
KOBJ := $(patsubst %.asm,$(B)/kernel/%.o,$(KERNEL_ASM) $(BOTH_ASM)) \
	$(patsubst %.c,$(B)/kernel/%.o,$(KERNEL_SRC) $(BOTH_SRC) $(TESTS_SRC) $(XEN_TESTS_SRC)) $(B)/kernel/gen/catalogue.o

.DEFAULT_GOAL := all
.PHONY: all kernel usb xen-iso xen-iso-check firmware-check survival-check host fast check coverage mutants print-fast clean headers lint fuzz-short FORCE

all: kernel $(HOST_PROGRAMS)
kernel: $(B)/portcullis.elf

say = @printf '  %-7s %s\n' $(1) $(2)

# What is booted carries neither symbols nor debug information; debuggers take the other file.
$(B)/portcullis.elf: $(B)/portcullis.debug.elf
	$(Q)objcopy --strip-all $< $@

$(B)/portcullis.debug.elf: $(KOBJ) linker.ld
	$(call say,LD,$@)
	$(Q)ld -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T linker.ld \
		-o $@ $(KOBJ)

$(B)/kernel/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -c $< -o $@

$(B)/kernel/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KCFLAGS) -c $< -o $@

$(B)/kernel/kernel/string.o: KCFLAGS += $(PLAIN_LOOPS)

$(B)/kernel/%.o: %.asm
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -g -F dwarf -MD $(@:.o=.d) -o $@ $<

# ---- the USB image ----

# GNU-EFI's start-up code, linker script and headers; none of its library. The image relocates itself.
EFI_LIB ?= /usr/lib
EFI_INCLUDE ?= /usr/include/efi
EFI_HEADERS := -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64 -DGNU_EFI_USE_MS_ABI
EFI_CFLAGS := $(filter-out -mcmodel=kernel -fno-pic -fno-pie -fno-omit-frame-pointer,$(KCFLAGS)) $(EFI_HEADERS) \
	-fpic -fshort-wchar -fno-jump-tables
EFI_OBJ := $(patsubst %.c,$(B)/efi/%.o,$(EFI_SRC)) $(B)/efi/kernel.o
EFI_LINK := ld -m elf_x86_64 -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --no-undefined \
	--no-warn-rwx-segments -T $(EFI_LIB)/elf_x86_64_efi.lds
EFI_SECTIONS := .text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

$(B)/efi/%.o: %.c
	$(call say,EFICC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EFI_CFLAGS) -c $< -o $@

$(B)/efi/kernel/string.o: KCFLAGS += $(PLAIN_LOOPS)
$(B)/efi/boot/efi/main.o: $(B)/gen/version.h

$(B)/gen/font.psf: tools/font.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/font.py $@

$(B)/efi/kernel.o: boot/efi/kernel.asm $(B)/portcullis.elf $(B)/gen/font.psf
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -I $(B)/ -o $@ $<

$(B)/efi/application.so: $(EFI_OBJ)
	$(call say,LD,$@)
	$(Q)$(EFI_LINK) -o $@ $(EFI_LIB)/crt0-efi-x86_64.o $(EFI_OBJ) $(EFI_LIB)/libgnuefi.a

$(B)/BOOTX64.EFI: $(B)/efi/application.so $(B)/efi/signed-by
	$(call say,EFI,$@)
	$(Q)objcopy $(addprefix -j ,$(EFI_SECTIONS)) --target efi-app-x86_64 --subsystem=10 $< $@.unsigned
	$(Q)if [ -n "$(SIGN_KEY)" ]; then sbsign --key "$(SIGN_KEY)" --cert "$(SIGN_CERT)" --output $@ $@.unsigned; \
		else mv $@.unsigned $@; fi

# For firmware-check: leaves x2APIC and five levels of page tables on, then starts the application.
HOSTILE_OBJ := $(patsubst %,$(B)/efi/%.o,tests/efi/hostile tests/efi/five_levels boot/efi/say kernel/printf kernel/string)

$(B)/efi/%.o: %.asm
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -MD $(@:.o=.d) -o $@ $<

$(B)/efi/hostile.so: $(HOSTILE_OBJ)
	$(Q)$(EFI_LINK) -o $@ $(EFI_LIB)/crt0-efi-x86_64.o $(HOSTILE_OBJ) $(EFI_LIB)/libgnuefi.a

$(B)/HOSTILE.EFI: $(B)/efi/hostile.so
	$(Q)objcopy $(addprefix -j ,$(EFI_SECTIONS)) --target efi-app-x86_64 --subsystem=10 $< $@

# For Secure Boot: make usb SIGN_KEY=my.key SIGN_CERT=my.crt. Another key, or none, makes another file.
SIGN_KEY ?=
SIGN_CERT ?=
$(B)/efi/signed-by: FORCE
	@mkdir -p $(@D)
	@echo '$(SIGN_KEY) $(SIGN_CERT)' | cmp -s - $@ || echo '$(SIGN_KEY) $(SIGN_CERT)' > $@

$(B)/portcullis.img: tools/usb_image.py $(B)/BOOTX64.EFI $(wildcard boot/efi/stick/*) LICENSE
	$(call say,IMAGE,$@)
	$(Q)$(PYTHON) tools/usb_image.py $@ $(B)/BOOTX64.EFI

# Size and time, Secure Boot, the network, odd processor states: what the platforms usb and usb-amd do not show. With
# QEMU=10.0 or a path, another QEMU (x2APIC is in software emulation from 9.0 on).
firmware-check:
	$(Q)./tools/setup.sh run qemu usb ovmf sign
	$(Q)$(MAKE) --no-print-directory $(B)/portcullis.img $(B)/HOSTILE.EFI
	$(Q)$(PYTHON) -X pycache_prefix=$(B)/pycache tools/firmware_check.py $(QEMU)

# The report outlives what tests do to a machine, and the loss of its RAM: in QEMU with OVMF.
survival-check:
	$(Q)./tools/setup.sh run qemu usb ovmf
	$(Q)$(MAKE) --no-print-directory $(B)/portcullis.img
	$(Q)$(PYTHON) -X pycache_prefix=$(B)/pycache tools/survival_check.py

# The image of the stick. Sets up what is missing before it builds.
usb:
	$(Q)./tools/setup.sh run usb $(if $(SIGN_KEY),sign)
	$(Q)$(MAKE) --no-print-directory $(B)/portcullis.img
	@echo 'Write it to a stick, /dev/sdX being the whole stick: sudo dd if=$(B)/portcullis.img of=/dev/sdX bs=1M conv=fsync'

# The ISO for a Xen host: Xen with the kernel as its dom0, and settings of guests. XEN= takes one's own hypervisor, WORDS=
# goes to the kernel, COM1= to Xen's serial line.
XEN ?=
WORDS ?=
COM1 ?=
xen-iso:
	$(Q)./tools/setup.sh run
	$(Q)$(MAKE) --no-print-directory $(B)/portcullis.elf
	$(Q)$(PYTHON) -X pycache_prefix=$(B)/pycache tools/xen_iso.py $(B)/portcullis-xen.iso $(B)/portcullis.elf \
		--xen "$(XEN)" --words "$(WORDS)" --com1 "$(COM1)"

# The same with a serial line that never waits, started in QEMU from BIOS and from UEFI.
xen-iso-check:
	$(Q)./tools/setup.sh run qemu ovmf
	$(Q)$(MAKE) --no-print-directory xen-iso XEN="$(XEN)" WORDS="$(WORDS)" COM1=,0x3f8,-1
	$(Q)$(PYTHON) -X pycache_prefix=$(B)/pycache tools/xen_iso_check.py $(B)/portcullis-xen.iso

# ---- generated ----

REQUIREMENTS := $(wildcard docs/requirements/*.tsv)

$(B)/gen/version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define PORTCULLIS_VERSION "$(VERSION)"' | cmp -s - $@ || \
		echo '#define PORTCULLIS_VERSION "$(VERSION)"' > $@

$(B)/gen/catalogue.c: tools/catalogue.py $(REQUIREMENTS)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/catalogue.py --emit-c $@ $(REQUIREMENTS)

$(B)/kernel/kernel/main.o $(B)/kernel/kernel/follow.o $(B)/host/obj/tests/host/portcullis_model.o $(B)/fast/obj/tests/host/portcullis_model.o: \
	$(B)/gen/version.h

# ---- hosted: the same files, with sanitizers (build/host) and without (build/fast) ----

HOBJ := $(patsubst %.c,$(B)/host/obj/%.o,$(BOTH_SRC) $(HOSTED_SRC) $(EFI_PURE_SRC)) \
	$(patsubst %.asm,$(B)/host/obj/%.o,$(BOTH_ASM)) $(B)/host/obj/gen/catalogue.o
UNIT_BIN := $(patsubst tests/host/%.c,$(B)/host/tests/%,$(UNIT_TESTS))

host: $(UNIT_BIN) $(HOST_PROGRAMS)
fast: $(FAST_PROGRAMS)

$(B)/host/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HCFLAGS) -c $< -o $@

$(B)/host/obj/%.o: %.c
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HCFLAGS) -c $< -o $@

define assemble_hosted
$(B)/$(1)/obj/%.o: %.asm
	$$(call say,NASM,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(NASM) -f elf64 -g -F dwarf -MD $$(@:.o=.d) -o $$@ $$<
endef
$(foreach world,host fast fuzz,$(eval $(call assemble_hosted,$(world))))

$(B)/host/libworld.a: $(HOBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar qcs $@ $(HOBJ)

$(UNIT_BIN): $(B)/host/tests/%: $(B)/host/obj/tests/host/%.o $(B)/host/libworld.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HCFLAGS) -o $@ $< $(B)/host/libworld.a

$(B)/host/acpi-dump: $(patsubst %.c,$(B)/host/obj/%.o,$(ACPI_DUMP_SRC)) $(B)/host/libworld.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(HCFLAGS) -o $@ $^

# The whole suite as a process. Objects, not the archive: tests and engines are found by their sections.
MODEL_MAIN := tests/host/portcullis_model.c tests/host/hal_hosted.c tests/host/linear_hosted.c $(BOTH_SRC) $(TESTS_SRC)

$(B)/host/portcullis-model: $(patsubst %.c,$(B)/host/obj/%.o,$(MODEL_MAIN)) $(patsubst %.asm,$(B)/host/obj/%.o,$(BOTH_ASM)) \
		$(B)/host/obj/gen/catalogue.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(HCFLAGS) -o $@ $^

# What is asked for speed: the model itself.
$(B)/fast/obj/model/%.o: FCFLAGS += -O3

$(B)/fast/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FCFLAGS) -c $< -o $@

$(B)/fast/obj/%.o: %.c
	$(call say,FASTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FCFLAGS) -c $< -o $@

$(B)/fast/portcullis-model: $(patsubst %.c,$(B)/fast/obj/%.o,$(MODEL_MAIN)) $(patsubst %.asm,$(B)/fast/obj/%.o,$(BOTH_ASM)) \
		$(B)/fast/obj/gen/catalogue.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(FCFLAGS) -o $@ $^

$(B)/fast/libworld.a: $(patsubst %.c,$(B)/fast/obj/%.o,$(BOTH_SRC) $(HOSTED_SRC)) \
		$(patsubst %.asm,$(B)/fast/obj/%.o,$(BOTH_ASM)) $(B)/fast/obj/gen/catalogue.o
	@rm -f $@
	$(Q)ar qcs $@ $^

$(B)/fast/model-speed: $(B)/fast/obj/tests/host/model/speed.o $(B)/fast/libworld.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(FCFLAGS) -o $@ $^

# ---- fuzzers: built and run by fuzz-short alone ----

ZCFLAGS := $(COMMON) -O1 -D_GNU_SOURCE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
ZOBJ := $(patsubst %.c,$(B)/fuzz/obj/%.o,$(BOTH_SRC) $(HOSTED_SRC) $(EFI_PURE_SRC)) \
	$(patsubst %.asm,$(B)/fuzz/obj/%.o,$(BOTH_ASM))
FUZZ_BIN := $(patsubst tests/host/fuzz/%.c,$(B)/fuzz/%,$(FUZZERS))
# Seconds for all fuzzers together.
FUZZ_SECONDS ?= 8

$(B)/fuzz/obj/%.o: %.c
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(ZCFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(B)/fuzz/libworld.a: $(ZOBJ)
	@rm -f $@
	$(Q)ar qcs $@ $(ZOBJ)

$(FUZZ_BIN): $(B)/fuzz/%: $(B)/fuzz/obj/tests/host/fuzz/%.o $(B)/fuzz/libworld.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(ZCFLAGS) -fsanitize=fuzzer -o $@ $^

$(B)/fuzz/seeds: $(B)/host/obj/tests/host/fuzz/seeds.o $(B)/host/libworld.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HCFLAGS) -o $@ $^

# A finding ends make with an error and leaves the input beside the fuzzer. What was learnt is kept for the next time.
fuzz-short: $(FUZZ_BIN) $(B)/fuzz/seeds
	@mkdir -p $(patsubst %,$(B)/fuzz/seed/%,$(notdir $(FUZZ_BIN))) $(patsubst %,$(B)/fuzz/corpus/%,$(notdir $(FUZZ_BIN)))
	$(Q)$(B)/fuzz/seeds $(B)/fuzz/seed
	$(Q)set -e; each=$$(( $(FUZZ_SECONDS) / $(words $(FUZZ_BIN)) )); [ $$each -gt 0 ] || each=1; \
		for f in $(notdir $(FUZZ_BIN)); do \
			echo "  FUZZ    $$f, $$each s"; \
			$(B)/fuzz/$$f -max_total_time=$$each -max_len=1024 -timeout=5 -artifact_prefix=$(B)/fuzz/$$f- \
				$(B)/fuzz/corpus/$$f $(B)/fuzz/seed/$$f 2> $(B)/fuzz/$$f.log || { cat $(B)/fuzz/$$f.log; exit 1; }; \
			tail -1 $(B)/fuzz/$$f.log; \
		done

# ---- checks ----

# Sets up what is missing before it builds, so it depends on nothing here.
check:
	$(Q)V=$(V) ./tools/check.sh $(UNIT_BIN) $(HOST_SCRIPTS)

# How much of a folder the hosted suite holds: make mutants OF=drivers-iommu COUNT=100
OF ?= model/vtd
COUNT ?= 300
SEED ?= 1
mutants: $(FAST_PROGRAMS)
	$(Q)$(PYTHON) tools/mutants.py --count $(COUNT) --seed $(SEED) $(OF)

# For tools/mutants.py: how the suite is compiled, and from what.
print-fast:
	@echo $(CC) $(filter-out -MMD -MP -g,$(FCFLAGS))
	@echo $(patsubst %.c,$(B)/fast/obj/%.o,$(MODEL_MAIN)) $(patsubst %.asm,$(B)/fast/obj/%.o,$(BOTH_ASM)) \
		$(B)/fast/obj/gen/catalogue.o

coverage:
	$(Q)$(PYTHON) tools/catalogue.py --coverage $(REQUIREMENTS)

# Each header compiles alone.
headers:
	$(Q)set -e; for h in $$(git ls-files '*.h'); do \
		$(CC) $(COMMON) $(EFI_HEADERS) -MF /dev/null -fsyntax-only -x c $$h; done

# What the other compiler and the shells' checker see.
lint: $(B)/gen/version.h
	$(Q)bad=0; for c in $$(git ls-files '*.c'); do \
		case $$c in boot/efi/* | tests/efi/*) efi='$(EFI_HEADERS) -fshort-wchar' ;; *) efi='' ;; esac; \
		$(CLANG) $(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE $$efi -fsyntax-only $$c || bad=1; done; exit $$bad
	$(Q)if command -v shellcheck >/dev/null; then shellcheck run.sh tools/*.sh .ci/run; fi
	$(Q)$(PYTHON) -X pycache_prefix=$(B)/pycache -m compileall -q tools tests

clean:
	$(Q)rm -rf $(B)

FORCE:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
