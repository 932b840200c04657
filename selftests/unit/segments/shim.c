// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, time, locks and deferred work of a kernel that is a process.
 *
 * ASan knows the bounds of each object and its end.
 * Locks do not lock, but notice what would wait for ever. Time passes when it is told to.
 */
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "shim.h"

void shim_broken(const char *what, const char *file, int line)
{
	dprintf(2, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* Where the stubs of what is not here end, see Makefile. */
void shim_missing(const char *name)
{
	dprintf(2, "the module called %s(), which the shim does not have\n", name);
	abort();
}

/* --- one processor, one task ----------------------------------------------------------- */

int __preempt_count = PREEMPT_ENABLED;
int cpu_number, numa_node;
unsigned long this_cpu_off;
unsigned long __per_cpu_offset[NR_CPUS];
unsigned int nr_cpu_ids = 1;
struct cpumask __cpu_possible_mask = { { 1 } }, __cpu_online_mask = { { 1 } };
nodemask_t node_states[NR_NODE_STATES] = { [0 ... NR_NODE_STATES - 1] = { { 1 } } };

static struct signal_struct shim_signal;
static struct task_struct shim_task = { .signal = &shim_signal };
struct task_struct *current_task = &shim_task;
struct module __this_module;
struct user_namespace init_user_ns;

asm(".text\n"
	"shim_no_flags: xor %eax, %eax\n"
	"ret\n");

/* local_irq_save() and its like are calls through here. */
struct paravirt_patch_template pv_ops = {
	.irq.save_fl.func	= shim_no_flags,
	.irq.irq_disable.func	= shim_no_flags,
	.irq.irq_enable.func	= shim_no_flags,
};

void __percpu *__alloc_percpu(size_t size, size_t align)
{
	return kzalloc(size, GFP_KERNEL);
}

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	return kzalloc(size, gfp);
}

void free_percpu(void __percpu *p)
{
	kfree(p);
}

bool try_module_get(struct module *module)
{
	return true;
}

void module_put(struct module *module)
{
}

int _printk(const char *fmt, ...)
{
	return 0;
}

/* WARN(): a bug. */
void __warn_printk(const char *fmt, ...)
{
	dprintf(2, "WARN: %s\n", fmt);
	abort();
}

void dump_stack(void)
{
}

bool capable(int cap)
{
	return true;
}

bool ns_capable(struct user_namespace *ns, int cap)
{
	return true;
}

kuid_t make_kuid(struct user_namespace *from, uid_t uid)
{
	return KUIDT_INIT(uid);
}

kgid_t make_kgid(struct user_namespace *from, gid_t gid)
{
	return KGIDT_INIT(gid);
}

uid_t from_kuid_munged(struct user_namespace *to, kuid_t uid)
{
	return uid.val;
}

/* --- memory ---------------------------------------------------------------------------- */

long shim_objects;
int shim_fail_after;
struct kmem_cache *kmalloc_caches[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1];
struct static_key_true init_on_alloc;	/* off */
atomic_long_t _totalram_pages = ATOMIC_INIT(65536);

struct shim_cache {
	unsigned int size;
	slab_flags_t flags;
	void (*ctor)(void *obj);
};

static bool shim_fails(gfp_t gfp)
{
	if (likely(!shim_fail_after) || (gfp & __GFP_NOFAIL))
		return false;
	return !--shim_fail_after;
}

/*
 * The heap: objects lie one behind the other, with gaps, and nothing is used again before an
 * execution has given all of it back and SHIM_AGAIN bytes were used: so use after free is
 * always seen. ASan's shadow is written here, with what its own allocator would write, but
 * that one's bookkeeping took a quarter of the time. SEGMENTS_MALLOC=1 has it instead: with
 * ASAN_OPTIONS=malloc_context_size=20 it can say who allocated an object and who freed it.
 */
#define SHIM_HEAP	(64 << 20)
#define SHIM_AGAIN	(1 << 20)
#define SHIM_GAP	64		/* at least, what is in front of an object included */
#define SHIM_LIVE	0x11fe0b1ec7000000ULL
#define SHIM_FREED	0xdead0b1ec7000000ULL
#define SHIM_SHADOW_GAP		0xfafafafafafafafaULL
#define SHIM_SHADOW_FREED	0xfdfdfdfdfdfdfdfdULL

/* In the gap in front of it. */
struct shim_object {
	u64 state;
	u64 size;
};

static u8 shim_heap[SHIM_HEAP] __aligned(64);
static u8 *shim_heap_begin = shim_heap, *shim_heap_top = shim_heap;
static long shim_heap_objects;		/* from shim_heap_begin on */
static bool shim_malloc;
static size_t shim_shadow_offset;

/* memset() of memory that ASan is not asked about. */
static void shim_fill(void *p, u8 byte, size_t n)
{
	asm volatile("rep stosb" : "+D" (p), "+c" (n) : "a" (byte) : "memory");
}

static void *shim_shadow(const void *p)
{
	return (void *)(((unsigned long)p >> 3) + shim_shadow_offset);
}

/* Each byte of the shadow stands for 8; a store may reach into the gap behind the object. */
static __no_sanitize_address void shim_open_object(const void *p, size_t size)
{
	volatile u64 *shadow = shim_shadow(p);
	unsigned int shift;
	u64 last;

	for (; size >= 64; size -= 64)
		*shadow++ = 0;
	shift = size & ~7;
	last = SHIM_SHADOW_GAP << shift;
	if (size & 7)
		last = (last & ~(0xffULL << shift)) | (u64)(size & 7) << shift;
	*shadow = last;
}

static __no_sanitize_address void shim_close_object(const void *p, size_t size)
{
	volatile u64 *shadow = shim_shadow(p);
	size_t i;

	for (i = 0; i < DIV_ROUND_UP(size, 64); i++)
		shadow[i] = SHIM_SHADOW_FREED;
}

static bool shim_in_heap(const void *p)
{
	return (u8 *)p >= shim_heap && (u8 *)p < shim_heap + SHIM_HEAP;
}

static __no_sanitize_address void *shim_heap_alloc(size_t size)
{
	size_t gap = ALIGN(clamp_t(size_t, size / 4, SHIM_GAP, 1024), 16);
	struct shim_object *object;
	u8 *p = shim_heap_top + gap;

	if (shim_malloc || size > SHIM_HEAP || p + size + 2 * SHIM_GAP > shim_heap + SHIM_HEAP)
		return malloc(size);
	object = (struct shim_object *)p - 1;
	object->state = SHIM_LIVE;
	object->size = size;
	shim_open_object(p, size);
	shim_heap_top = PTR_ALIGN(p + size, 16);
	shim_heap_objects++;
	return p;
}

static __no_sanitize_address void shim_heap_free(void *p)
{
	struct shim_object *object = (struct shim_object *)p - 1;

	if (!shim_in_heap(p)) {
		free(p);
		return;
	}
	/* Else freed twice, or not an object's beginning. */
	HOLDS(object->state == SHIM_LIVE);
	object->state = SHIM_FREED;
	shim_close_object(p, object->size);
	if ((u8 *)p >= shim_heap_begin)
		shim_heap_objects--;
}

static __no_sanitize_address size_t shim_heap_size(const void *p)
{
	return shim_in_heap(p) ? ((struct shim_object *)p)[-1].size : malloc_usable_size(p);
}

static void shim_heap_init(void)
{
	size_t scale;

	__asan_get_shadow_mapping(&scale, &shim_shadow_offset);
	HOLDS(scale == 3);
	shim_malloc = getenv("SEGMENTS_MALLOC");
	shim_fill(shim_shadow(shim_heap), SHIM_SHADOW_GAP & 0xff, SHIM_HEAP / 8);
}

/* What is there now, stays. */
void shim_settled(void)
{
	shim_heap_begin = shim_heap_top;
	shim_heap_objects = 0;
}

static void *shim_alloc(size_t size, gfp_t gfp)
{
	void *p;

	if (shim_fails(gfp))
		return NULL;
	p = shim_heap_alloc(size);
	/* What nobody has written is never zero by chance. */
	shim_fill(p, gfp & __GFP_ZERO ? 0 : 0xbe, size);
	shim_objects++;
	return p;
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	return shim_alloc(size, gfp);
}

void *kmalloc_trace(struct kmem_cache *s, gfp_t gfp, size_t size)
{
	return shim_alloc(size, gfp);
}

void *__kmalloc_node_track_caller(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	return shim_alloc(size, gfp);
}

void *kvmalloc_node(size_t size, gfp_t gfp, int node)
{
	return shim_alloc(size, gfp);
}

bool gfp_pfmemalloc_allowed(gfp_t gfp)
{
	return false;
}

size_t ksize(const void *p)
{
	return shim_heap_size(p);
}

size_t kmalloc_size_roundup(size_t size)
{
	return size;
}

void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = shim_alloc(len, gfp);

	if (p)
		memcpy(p, src, len);
	return p;
}

unsigned long *bitmap_zalloc(unsigned int bits, gfp_t gfp)
{
	return kcalloc(BITS_TO_LONGS(bits), sizeof(unsigned long), gfp);
}

void bitmap_free(const unsigned long *bitmap)
{
	kfree(bitmap);
}

void kfree(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return;
	shim_objects--;
	shim_heap_free((void *)p);
}

void kvfree(const void *p)
{
	kfree(p);
}

void kfree_sensitive(const void *p)
{
	kfree(p);
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     slab_flags_t flags, void (*ctor)(void *))
{
	struct shim_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL);

	cache->size = size;
	cache->flags = flags;
	cache->ctor = ctor;
	return (struct kmem_cache *)cache;
}

struct kmem_cache *kmem_cache_create_usercopy(const char *name, unsigned int size,
					      unsigned int align, slab_flags_t flags,
					      unsigned int useroffset, unsigned int usersize,
					      void (*ctor)(void *))
{
	return kmem_cache_create(name, size, align, flags, ctor);
}

void kmem_cache_destroy(struct kmem_cache *s)
{
	kfree(s);
}

/* In front of each object of a cache, for its way to the end of a grace period. */
struct shim_header {
	struct rcu_head rcu;
	struct shim_cache *cache;
	unsigned long pad;
};

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct shim_cache *cache = (struct shim_cache *)s;
	bool rcu = cache->flags & SLAB_TYPESAFE_BY_RCU;
	struct shim_header *head;
	void *p;

	if (!rcu) {
		p = shim_alloc(cache->size, gfp);
	} else {
		head = shim_alloc(sizeof(*head) + cache->size, gfp);
		p = head ? head + 1 : NULL;
	}
	if (p && cache->ctor)
		cache->ctor(p);
	return p;
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	return kmem_cache_alloc(s, gfp);
}

static void shim_free_rcu(struct rcu_head *rcu)
{
	kfree(rcu);
}

void kmem_cache_free(struct kmem_cache *s, void *p)
{
	struct shim_cache *cache = (struct shim_cache *)s;
	struct shim_header *head;

	if (!(cache->flags & SLAB_TYPESAFE_BY_RCU)) {
		kfree(p);
		return;
	}
	head = (struct shim_header *)p - 1;
	call_rcu(&head->rcu, shim_free_rcu);
}

int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **p)
{
	size_t i;

	for (i = 0; i < n; i++) {
		p[i] = kmem_cache_alloc(s, gfp);
		if (!p[i])
			break;
	}
	return i;
}

void kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **p)
{
	while (n)
		kmem_cache_free(s, p[--n]);
}

/* --- pages ----------------------------------------------------------------------------- */

#define SHIM_PAGES	4096

static u8 shim_memory[SHIM_PAGES][PAGE_SIZE] __aligned(PAGE_SIZE);
static struct page shim_pages[SHIM_PAGES];
static struct page *shim_free_pages[SHIM_PAGES];
static unsigned int shim_nr_free;

/* page_address() is computed with these: the first page frame has number 0. */
unsigned long page_offset_base = (unsigned long)shim_memory;
unsigned long vmemmap_base = (unsigned long)shim_pages;
unsigned long phys_base;

static void shim_open_page(void *p, unsigned int from)
{
	shim_fill(shim_shadow(p) + from / 8, 0, (PAGE_SIZE - from) / 8 + !!(from & 7));
}

static void shim_close_page(void *p)
{
	shim_fill(shim_shadow(p), SHIM_SHADOW_FREED & 0xff, PAGE_SIZE / 8);
}

static void shim_pages_init(void)
{
	int i;

	for (i = SHIM_PAGES - 1; i >= 0; i--) {
		shim_free_pages[shim_nr_free++] = &shim_pages[i];
		shim_close_page(shim_memory[i]);
	}
}

static struct page *shim_get_page(unsigned int from)
{
	struct page *page;

	HOLDS(shim_nr_free);
	page = shim_free_pages[--shim_nr_free];
	memset(page, 0, sizeof(*page));
	set_page_count(page, 1);
	shim_open_page(page_address(page), from);
	shim_objects++;
	return page;
}

struct page *__alloc_pages(gfp_t gfp, unsigned int order, int nid, nodemask_t *mask)
{
	struct page *page;

	/* Larger ones nobody relies on. */
	if (order || shim_fails(gfp))
		return NULL;
	page = shim_get_page(0);
	shim_fill(page_address(page), gfp & __GFP_ZERO ? 0 : 0xbe, PAGE_SIZE);
	return page;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return __alloc_pages(gfp, order, 0, NULL);
}

/* A page of which what is before @from may not be read, and the rest is the caller's to write. */
struct page *shim_page(unsigned int from)
{
	return shim_get_page(from);
}

void __folio_put(struct folio *folio)
{
	shim_close_page(page_address(&folio->page));
	shim_free_pages[shim_nr_free++] = &folio->page;
	shim_objects--;
}

int PageHeadHuge(struct page *page)
{
	return 0;
}

/* --- locks ----------------------------------------------------------------------------- */

static int shim_locks;

static void shim_lock(raw_spinlock_t *lock)
{
	/* Who has it, is us: that would be for ever. */
	HOLDS(!atomic_read(&lock->raw_lock.val));
	atomic_set(&lock->raw_lock.val, 1);
	shim_locks++;
	preempt_disable();
}

static void shim_unlock(raw_spinlock_t *lock)
{
	HOLDS(atomic_read(&lock->raw_lock.val) == 1);
	atomic_set(&lock->raw_lock.val, 0);
	shim_locks--;
	preempt_enable();
}

void _raw_spin_lock(raw_spinlock_t *lock)
{
	shim_lock(lock);
}

void _raw_spin_unlock(raw_spinlock_t *lock)
{
	shim_unlock(lock);
}

void _raw_spin_lock_bh(raw_spinlock_t *lock)
{
	local_bh_disable();
	shim_lock(lock);
}

void _raw_spin_unlock_bh(raw_spinlock_t *lock)
{
	shim_unlock(lock);
	local_bh_enable();
}

unsigned long _raw_spin_lock_irqsave(raw_spinlock_t *lock)
{
	shim_lock(lock);
	return 0;
}

void _raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)
{
	shim_unlock(lock);
}

static void shim_rw_lock(rwlock_t *lock, int who)
{
	HOLDS(!atomic_read(&lock->raw_lock.cnts));
	atomic_set(&lock->raw_lock.cnts, who);
	shim_locks++;
}

static void shim_rw_unlock(rwlock_t *lock, int who)
{
	HOLDS(atomic_read(&lock->raw_lock.cnts) == who);
	atomic_set(&lock->raw_lock.cnts, 0);
	shim_locks--;
}

void _raw_read_lock(rwlock_t *lock)
{
	shim_rw_lock(lock, 1);
}

void _raw_read_unlock(rwlock_t *lock)
{
	shim_rw_unlock(lock, 1);
}

void _raw_read_lock_bh(rwlock_t *lock)
{
	local_bh_disable();
	shim_rw_lock(lock, 1);
}

void _raw_read_unlock_bh(rwlock_t *lock)
{
	shim_rw_unlock(lock, 1);
	local_bh_enable();
}

void _raw_write_lock_bh(rwlock_t *lock)
{
	local_bh_disable();
	shim_rw_lock(lock, 2);
}

void _raw_write_unlock_bh(rwlock_t *lock)
{
	shim_rw_unlock(lock, 2);
	local_bh_enable();
}

void __mutex_init(struct mutex *lock, const char *name, struct lock_class_key *key)
{
	atomic_long_set(&lock->owner, 0);
}

void mutex_lock(struct mutex *lock)
{
	HOLDS(!atomic_long_read(&lock->owner));
	atomic_long_set(&lock->owner, 1);
	shim_locks++;
}

void mutex_unlock(struct mutex *lock)
{
	HOLDS(atomic_long_read(&lock->owner));
	atomic_long_set(&lock->owner, 0);
	shim_locks--;
}

void down_read(struct rw_semaphore *sem)
{
}

void up_read(struct rw_semaphore *sem)
{
}

/* Softirqs that waited for this are ours to run later: shim_grace_period(). */
void __local_bh_enable_ip(unsigned long ip, unsigned int cnt)
{
	HOLDS((preempt_count() & SOFTIRQ_MASK) >= (cnt & SOFTIRQ_MASK));
	__preempt_count_sub(cnt);
}

static int shim_rcu_readers;

void __rcu_read_lock(void)
{
	shim_rcu_readers++;
}

void __rcu_read_unlock(void)
{
	HOLDS(shim_rcu_readers-- > 0);
}

void shim_unlocked(void)
{
	HOLDS(!shim_locks && !preempt_count() && !shim_rcu_readers);
}

/* --- later ----------------------------------------------------------------------------- */

static struct rcu_head *shim_rcu, **shim_rcu_tail = &shim_rcu;
static struct tasklet_struct *shim_tasklets;
static LIST_HEAD(shim_works);
static struct workqueue_struct { int unused; } shim_wq;
struct workqueue_struct *system_wq = &shim_wq;

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	head->next = NULL;
	*shim_rcu_tail = head;
	shim_rcu_tail = (struct rcu_head **)&head->next;
}

/* kfree_rcu(): func is where in its object @head is; without @head, the object. */
void kvfree_call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	HOLDS(head);
	call_rcu(head, func);
}

static bool shim_run_rcu(void)
{
	struct rcu_head *head = shim_rcu, *next;

	if (!head)
		return false;
	shim_rcu = NULL;
	shim_rcu_tail = &shim_rcu;
	local_bh_disable();
	for (; head; head = next) {
		next = (struct rcu_head *)head->next;
		if ((unsigned long)head->func < 4096)
			kfree((void *)head - (unsigned long)head->func);
		else
			head->func(head);
	}
	local_bh_enable();
	return true;
}

void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *))
{
	memset(t, 0, sizeof(*t));
	t->callback = callback;
	t->use_callback = true;
}

void __tasklet_schedule(struct tasklet_struct *t)
{
	t->next = shim_tasklets;
	shim_tasklets = t;
}

void tasklet_kill(struct tasklet_struct *t)
{
}

static bool shim_run_tasklets(void)
{
	struct tasklet_struct *t = shim_tasklets;

	if (!t)
		return false;
	shim_tasklets = t->next;
	clear_bit(TASKLET_STATE_SCHED, &t->state);
	local_bh_disable();
	t->callback(t);
	local_bh_enable();
	return true;
}

bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)
{
	if (test_and_set_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(work)))
		return false;
	list_add_tail(&work->entry, &shim_works);
	return true;
}

static bool shim_run_work(void)
{
	struct work_struct *work;

	if (list_empty(&shim_works))
		return false;
	work = list_first_entry(&shim_works, struct work_struct, entry);
	list_del_init(&work->entry);
	clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(work));
	work->func(work);
	return true;
}

bool cancel_work_sync(struct work_struct *work)
{
	if (!test_and_clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(work)))
		return false;
	list_del_init(&work->entry);
	return true;
}

void delayed_work_timer_fn(struct timer_list *t)
{
	struct delayed_work *dwork = from_timer(dwork, t, timer);

	clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&dwork->work));
	queue_work_on(0, system_wq, &dwork->work);
}

bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			   unsigned long delay)
{
	if (test_and_set_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&dwork->work)))
		return false;
	mod_timer(&dwork->timer, jiffies + delay);
	return true;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	if (del_timer(&dwork->timer)) {
		clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&dwork->work));
		return true;
	}
	return cancel_work_sync(&dwork->work);
}

bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			 unsigned long delay)
{
	bool pending = cancel_delayed_work(dwork);

	queue_delayed_work_on(cpu, wq, dwork, delay);
	return pending;
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	return cancel_delayed_work(dwork);
}

void shim_grace_period(void)
{
	while (shim_run_tasklets() || shim_run_work() || shim_run_rcu())
		;
}

void synchronize_rcu(void)
{
	HOLDS(!shim_rcu_readers);
	while (shim_run_rcu())
		;
}

void synchronize_net(void)
{
	synchronize_rcu();
}

void rcu_barrier(void)
{
	synchronize_rcu();
}

/* --- time ------------------------------------------------------------------------------ */

#define SHIM_START	(1000ULL * NSEC_PER_SEC)
#define SHIM_EPOCH	1700000000		/* the wall clock then, s */

static u64 shim_now = SHIM_START;
bool shim_verbose;
static HLIST_HEAD(shim_timers);
static struct hrtimer *shim_hrtimers[64];
static unsigned int shim_nr_hrtimers;
static struct hrtimer_clock_base shim_clock_base;

/* 300 s before it wraps, as in a kernel. */
#define SHIM_JIFFIES	((unsigned long)(unsigned int)(-300 * HZ))
unsigned long volatile jiffies = SHIM_JIFFIES;

static void shim_set_time(u64 ns)
{
	shim_now = ns;
	jiffies = SHIM_JIFFIES + div_u64(ns - SHIM_START, NSEC_PER_SEC / HZ);
}

ktime_t ktime_get(void)
{
	return shim_now;
}

ktime_t ktime_get_with_offset(enum tk_offsets offs)
{
	return shim_now + SHIM_EPOCH * NSEC_PER_SEC;
}

time64_t ktime_get_seconds(void)
{
	return div_u64(shim_now, NSEC_PER_SEC);
}

void ktime_get_real_ts64(struct timespec64 *ts)
{
	ts->tv_sec = SHIM_EPOCH + div_u64(shim_now, NSEC_PER_SEC);
	ts->tv_nsec = shim_now % NSEC_PER_SEC;
}

unsigned int jiffies_to_msecs(const unsigned long j)
{
	return j * (MSEC_PER_SEC / HZ);
}

unsigned int jiffies_to_usecs(const unsigned long j)
{
	return j * (USEC_PER_SEC / HZ);
}

unsigned long __msecs_to_jiffies(const unsigned int ms)
{
	return (int)ms < 0 ? MAX_JIFFY_OFFSET : DIV_ROUND_UP(ms, MSEC_PER_SEC / HZ);
}

unsigned long __usecs_to_jiffies(const unsigned int us)
{
	return DIV_ROUND_UP(us, USEC_PER_SEC / HZ);
}

unsigned long nsecs_to_jiffies(u64 ns)
{
	return div_u64(ns, NSEC_PER_SEC / HZ);
}

clock_t jiffies_to_clock_t(unsigned long j)
{
	return j * USER_HZ / HZ;
}

void init_timer_key(struct timer_list *t, void (*func)(struct timer_list *), unsigned int flags,
		    const char *name, struct lock_class_key *key)
{
	t->entry.pprev = NULL;
	t->function = func;
	t->flags = flags;
}

int timer_delete(struct timer_list *t)
{
	if (!timer_pending(t))
		return 0;
	hlist_del(&t->entry);
	t->entry.pprev = NULL;
	return 1;
}

int timer_delete_sync(struct timer_list *t)
{
	return timer_delete(t);
}

int mod_timer(struct timer_list *t, unsigned long expires)
{
	int pending = timer_delete(t);

	t->expires = expires;
	hlist_add_head(&t->entry, &shim_timers);
	return pending;
}

int mod_timer_pending(struct timer_list *t, unsigned long expires)
{
	return timer_pending(t) ? mod_timer(t, expires) : 0;
}

static ktime_t shim_clock(void)
{
	return shim_now;
}

void hrtimer_init(struct hrtimer *t, clockid_t clock, enum hrtimer_mode mode)
{
	memset(t, 0, sizeof(*t));
	t->base = &shim_clock_base;
	shim_clock_base.get_time = shim_clock;
}

static void shim_hrtimer_remove(struct hrtimer *t)
{
	unsigned int i;

	for (i = 0; shim_hrtimers[i] != t; i++)
		HOLDS(i < shim_nr_hrtimers);
	shim_hrtimers[i] = shim_hrtimers[--shim_nr_hrtimers];
	t->state = HRTIMER_STATE_INACTIVE;
}

int hrtimer_try_to_cancel(struct hrtimer *t)
{
	if (!hrtimer_is_queued(t))
		return 0;
	shim_hrtimer_remove(t);
	return 1;
}

void hrtimer_start_range_ns(struct hrtimer *t, ktime_t when, u64 slack,
			    const enum hrtimer_mode mode)
{
	hrtimer_try_to_cancel(t);
	if (mode & HRTIMER_MODE_REL)
		when += shim_now;
	hrtimer_set_expires(t, when);
	HOLDS(shim_nr_hrtimers < ARRAY_SIZE(shim_hrtimers));
	shim_hrtimers[shim_nr_hrtimers++] = t;
	t->state = HRTIMER_STATE_ENQUEUED;
}

static struct timer_list *shim_first_timer(void)
{
	struct timer_list *t, *first = NULL;

	hlist_for_each_entry(t, &shim_timers, entry) {
		if (!first || time_before(t->expires, first->expires))
			first = t;
	}
	return first;
}

static struct hrtimer *shim_first_hrtimer(void)
{
	struct hrtimer *first = NULL;
	unsigned int i;

	for (i = 0; i < shim_nr_hrtimers; i++) {
		if (!first || hrtimer_get_expires(shim_hrtimers[i]) < hrtimer_get_expires(first))
			first = shim_hrtimers[i];
	}
	return first;
}

/* Like those of the timer wheel it fires when its jiffy is over. */
static u64 shim_timer_ns(const struct timer_list *t)
{
	long in = t->expires + 1 - SHIM_JIFFIES;

	return in < 0 ? 0 : SHIM_START + in * (NSEC_PER_SEC / HZ);
}

/* Run the first timer that is due until @end. */
static bool shim_run_timer(u64 end)
{
	struct timer_list *t = shim_first_timer();
	struct hrtimer *hr = shim_first_hrtimer();
	u64 t_ns = t ? shim_timer_ns(t) : U64_MAX;
	u64 hr_ns = hr ? hrtimer_get_expires(hr) : U64_MAX;

	if (min(t_ns, hr_ns) > end || (!t && !hr))
		return false;
	/* Never to the ns: a clock of microseconds shall have gone on. */
	shim_set_time(max(shim_now, roundup(min(t_ns, hr_ns), NSEC_PER_USEC)));
	if (shim_verbose)
		dprintf(2, "%llu us: timer %p\n", shim_now / NSEC_PER_USEC,
			hr_ns < t_ns ? (void *)hr->function : (void *)t->function);
	local_bh_disable();
	if (hr_ns < t_ns) {
		shim_hrtimer_remove(hr);
		HOLDS(hr->function(hr) == HRTIMER_NORESTART);
	} else {
		timer_delete(t);
		t->function(t);
	}
	local_bh_enable();
	shim_grace_period();
	return true;
}

void shim_sleep(u64 ns)
{
	u64 end = shim_now + ns;

	while (shim_run_timer(end))
		;
	shim_set_time(max(shim_now, end));
}

bool shim_sleep_until_timer(void)
{
	return shim_run_timer(U64_MAX);
}

/* --- random numbers -------------------------------------------------------------------- */

static u64 shim_random = 1;

u32 get_random_u32(void)
{
	shim_random ^= shim_random << 13;
	shim_random ^= shim_random >> 7;
	shim_random ^= shim_random << 17;
	return shim_random >> 32;
}

u16 get_random_u16(void)
{
	return get_random_u32();
}

u8 get_random_u8(void)
{
	return get_random_u32();
}

u32 __get_random_u32_below(u32 ceil)
{
	return ((u64)get_random_u32() * ceil) >> 32;
}

void get_random_bytes(void *buf, size_t len)
{
	u8 *p = buf;

	while (len--)
		*p++ = get_random_u32();
}

int wait_for_random_bytes(void)
{
	return 0;
}

/* --- all of it ------------------------------------------------------------------------- */

void shim_init(void)
{
	shim_heap_init();
	shim_pages_init();
}

void shim_restart(u64 seed)
{
	HOLDS(hlist_empty(&shim_timers) && !shim_nr_hrtimers);
	shim_set_time(SHIM_START);
	shim_random = seed * 0x9e3779b97f4a7c15ULL + 1;
	shim_fail_after = 0;
	if (!shim_heap_objects && shim_heap_top - shim_heap_begin > SHIM_AGAIN)
		shim_heap_top = shim_heap_begin;
}

/* --- small things of lib/ -------------------------------------------------------------- */

unsigned long __sw_hweight64(u64 w)
{
	return __builtin_popcountll(w);
}

unsigned int __bitmap_weight(const unsigned long *bitmap, unsigned int bits)
{
	unsigned int n = 0, bit;

	for_each_set_bit(bit, bitmap, bits)
		n++;
	return n;
}

unsigned long __crypto_memneq(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size);
}

void *memchr_inv(const void *start, int c, size_t n)
{
	const u8 *p = start;

	for (; n--; p++) {
		if (*p != (u8)c)
			return (void *)p;
	}
	return NULL;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size);

	if (!size)
		return -E2BIG;
	memcpy(to, from, min(len + 1, size));
	to[size - 1] = 0;
	return len < size ? len : -E2BIG;
}

char *skip_spaces(const char *s)
{
	while (*s == ' ')
		s++;
	return (char *)s;
}

struct timespec64 ns_to_timespec64(s64 ns)
{
	return (struct timespec64){ div_u64(ns, NSEC_PER_SEC), ns % NSEC_PER_SEC };
}
