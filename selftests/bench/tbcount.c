// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU (its TCG plugin interface, version 1): how many guest instructions are
 * executed where. Counts by translation block and by phase; the bench program changes the
 * phase by executing a long no-op with a magic displacement (MARK in ends.c). At the end
 * writes "phase address executions instructions" lines to the file out=.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

int qemu_plugin_version = 1;

#define PHASES	4	/* 0 is what nobody asked for */

/**
 * struct block - a translation block; one of other length at its place is another
 * @next: in its hash chain
 * @vaddr: where it starts
 * @insns: how long it is
 * @runs: how often it ran; the translated code counts
 * @seen: @runs when the present phase began
 * @total: runs by phase
 */
struct block {
	struct block	*next;
	uint64_t	vaddr;
	uint64_t	insns;
	uint64_t	runs;
	uint64_t	seen;
	uint64_t	total[PHASES];
};

static struct block *table[1 << 16];
static unsigned int phase;
static FILE *out;

static struct block *block_of(uint64_t vaddr, uint64_t insns)
{
	struct block **head = &table[(vaddr * 0x9e3779b97f4a7c15ull) >> 48], *b;

	for (b = *head; b; b = b->next)
		if (b->vaddr == vaddr && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->vaddr = vaddr;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static void close_phase(void)
{
	struct block *b;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (b = table[i]; b; b = b->next) {
			b->total[phase] += b->runs - b->seen;
			b->seen = b->runs;
		}
	}
}

static void mark(unsigned int cpu, void *arg)
{
	(void)cpu;
	close_phase();
	phase = (uintptr_t)arg;
}

static void translated(plugin_id id, struct plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct block *b = block_of(qemu_plugin_tb_vaddr(tb), n);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->runs, 1);
	for (i = 0; i < n; i++) {
		struct plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *code = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) == 7 && !memcmp(code, "\x0f\x1f\x80", 3) &&
		    !memcmp(code + 4, "PCT", 3) && code[3] < PHASES)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, CB_NO_REGS,
							       (void *)(uintptr_t)code[3]);
	}
}

static void at_exit(plugin_id id, void *arg)
{
	struct block *b;
	size_t i, p;

	(void)id;
	(void)arg;
	close_phase();
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (b = table[i]; b; b = b->next)
			for (p = 1; p < PHASES; p++)
				if (b->total[p])
					fprintf(out, "%zu %016llx %llu %llu\n", p,
						(unsigned long long)b->vaddr,
						(unsigned long long)b->total[p],
						(unsigned long long)(b->total[p] * b->insns));
	fclose(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "tbcount: takes out=FILE\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
