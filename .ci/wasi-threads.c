// Threads, and a thread-safe malloc, for zig's libc for WASI, which supports only one thread. .ci/toolchain makes the libc
// of wasm32-wasip1-threads from both. Rust's own distribution has that libc, and Debian's does not. This file has only the
// functions that Rust's standard library and napi need. The host starts threads:
// https://github.com/WebAssembly/wasi-threads
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536
#define ALIGNMENT 16

// 1. Memory, in blocks of 32, 64, 128 ... bytes. Freed blocks are kept by size and never returned to the host.

struct head {
  struct head *block; // start of the block; differs from its head if the alignment is larger
  size_t bits;        // the block has 1 << bits bytes
  size_t room;        // bytes for the caller
};

static struct head *freed[32];
static uintptr_t next, limit;
static atomic_flag taken = ATOMIC_FLAG_INIT;
extern char __heap_base;

static struct head *fresh(size_t size) {
  if (!next) {
    next = ((uintptr_t)&__heap_base + ALIGNMENT - 1) & -ALIGNMENT;
    limit = __builtin_wasm_memory_size(0) * PAGE;
  }
  if (size > limit - next) {
    size_t pages = size / PAGE + 1;
    size_t old = __builtin_wasm_memory_grow(0, pages);
    if (old == SIZE_MAX) return 0;
    if (old * PAGE != limit) next = old * PAGE; // other code has grown the memory meanwhile
    limit = (old + pages) * PAGE;
  }
  struct head *block = (struct head *)next;
  next += size;
  return block;
}

void *aligned_alloc(size_t alignment, size_t room) {
  size_t before = alignment > ALIGNMENT ? alignment : ALIGNMENT, bits = 5;
  if (room > PTRDIFF_MAX - before) goto full;
  while (((size_t)1 << bits) < room + before) bits++;
  while (atomic_flag_test_and_set(&taken)) {}
  struct head *block = freed[bits];
  if (block) freed[bits] = block->block;
  else block = fresh((size_t)1 << bits);
  atomic_flag_clear(&taken);
  if (!block) goto full;
  char *given = (char *)(((uintptr_t)block + before) & -before);
  ((struct head *)(given - ALIGNMENT))[0] = (struct head){block, bits, ((size_t)1 << bits) - (given - (char *)block)};
  return given;
full:
  errno = ENOMEM;
  return 0;
}

void free(void *given) {
  if (!given) return;
  struct head head = *(struct head *)((char *)given - ALIGNMENT);
  while (atomic_flag_test_and_set(&taken)) {}
  head.block->block = freed[head.bits];
  freed[head.bits] = head.block;
  atomic_flag_clear(&taken);
}

void *malloc(size_t room) { return aligned_alloc(ALIGNMENT, room); }

void *calloc(size_t count, size_t size) {
  size_t room;
  if (__builtin_mul_overflow(count, size, &room)) room = SIZE_MAX;
  void *given = malloc(room);
  return given ? memset(given, 0, room) : 0;
}

void *realloc(void *old, size_t room) {
  size_t held = old ? ((struct head *)((char *)old - ALIGNMENT))->room : 0;
  if (old && room <= held) return old;
  void *given = malloc(room);
  if (!given) return 0;
  if (old) memcpy(given, old, held);
  free(old);
  return given;
}

int posix_memalign(void **given, size_t alignment, size_t room) {
  return (*given = aligned_alloc(alignment, room)) ? 0 : ENOMEM;
}

// 2. Thread-local values, and their destructors at the end of a thread.

static void (*destructors[PTHREAD_KEYS_MAX])(void *);
static _Atomic unsigned keys;
static _Thread_local void *values[PTHREAD_KEYS_MAX];

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
  if ((*key = keys++) >= PTHREAD_KEYS_MAX) return EAGAIN;
  destructors[*key] = destructor;
  return 0;
}

int pthread_key_delete(pthread_key_t key) {
  destructors[key] = 0; // the key is not reused
  return 0;
}

void *pthread_getspecific(pthread_key_t key) { return values[key]; }

int pthread_setspecific(pthread_key_t key, const void *value) {
  values[key] = (void *)value;
  return 0;
}

static void destroy_values(void) {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
    for (unsigned key = 0; key < keys && key < PTHREAD_KEYS_MAX; key++) {
      void *value = values[key];
      values[key] = 0;
      if (value && destructors[key]) destructors[key](value);
    }
  }
}

// 3. Threads. One block has a thread's data, its thread-local variables, and its stack, which grows down to them.

enum { RUNNING, ENDED, DETACHED };

struct __pthread {
  char *stack, *variables; // wasi_thread_start reads these two
  void *(*start)(void *);
  void *argument, *result;
  int number; // emnapi reads it here
  _Atomic int state;
};

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int thread_spawn(struct __pthread *thread);

__asm__(".globaltype __stack_pointer, i32\n"
        ".functype __wasm_init_tls (i32) -> ()\n"
        ".functype run_thread (i32) -> ()\n"
        ".globl wasi_thread_start\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "i32.load 4\n"
        "call __wasm_init_tls\n"
        "local.get 1\n"
        "call run_thread\n"
        "end_function\n");

__attribute__((used)) void run_thread(struct __pthread *thread) {
  static _Atomic(void *) buried;
  thread->result = thread->start(thread->argument);
  destroy_values();
  // pthread_join frees the block. A detached thread's block has the stack of this function, so the next such thread
  // frees it.
  if (atomic_exchange(&thread->state, ENDED) == DETACHED) free(atomic_exchange(&buried, thread));
  else __builtin_wasm_memory_atomic_notify((int *)&thread->state, 1);
}

int pthread_create(pthread_t *made, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  size_t stack = 1 << 20, alignment = __builtin_wasm_tls_align(), variables = __builtin_wasm_tls_size();
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes) pthread_attr_getstacksize(attributes, &stack), pthread_attr_getdetachstate(attributes, &detached);
  if (alignment < ALIGNMENT) alignment = ALIGNMENT;
  size_t before = (sizeof(struct __pthread) + alignment - 1) & -alignment;
  size_t room = (before + variables + stack + ALIGNMENT - 1) & -ALIGNMENT;
  struct __pthread *thread = aligned_alloc(alignment, room);
  if (!thread) return EAGAIN;
  *thread = (struct __pthread){(char *)thread + room, (char *)thread + before, start, argument, 0, 0, RUNNING};
  int number = thread_spawn(thread);
  if (number <= 0) {
    free(thread);
    return EAGAIN;
  }
  thread->number = number;
  *made = thread;
  if (detached == PTHREAD_CREATE_DETACHED) pthread_detach(thread);
  return 0;
}

// Not inlined: in the loop, Node 20 sometimes read RUNNING again after it was woken, although memory had ENDED.
__attribute__((noinline)) static void wait_for(struct __pthread *thread) {
  __builtin_wasm_memory_atomic_wait32((int *)&thread->state, RUNNING, -1);
}

int pthread_join(pthread_t thread, void **result) {
  while (thread->state == RUNNING) wait_for(thread);
  if (result) *result = thread->result;
  free(thread);
  return 0;
}

int pthread_detach(pthread_t thread) {
  if (atomic_exchange(&thread->state, DETACHED) == ENDED) free(thread);
  return 0;
}
