/* SPDX-License-Identifier: GPL-2.0 */
/* What tbcount.c uses of QEMU's TCG plugin interface; Debian ships no header of it. */
#ifndef _TCPX_BENCH_PLUGIN_H
#define _TCPX_BENCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t plugin_id;
struct plugin_tb;
struct plugin_insn;
enum { CB_NO_REGS };		/* the callback reads no registers */
enum { INLINE_ADD_U64 };

typedef void (*plugin_tb_cb)(plugin_id id, struct plugin_tb *tb);
typedef void (*plugin_exec_cb)(unsigned int cpu, void *arg);
typedef void (*plugin_exit_cb)(plugin_id id, void *arg);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, plugin_tb_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct plugin_tb *tb, int op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct plugin_insn *insn, plugin_exec_cb cb,
					    int flags, void *arg);
void qemu_plugin_register_atexit_cb(plugin_id id, plugin_exit_cb cb, void *arg);
size_t qemu_plugin_tb_n_insns(const struct plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct plugin_tb *tb);
struct plugin_insn *qemu_plugin_tb_get_insn(const struct plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct plugin_insn *insn);

/* What the plugin offers: the version it is made for, and how it begins. */
extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

#endif /* _TCPX_BENCH_PLUGIN_H */
