// Threads that live for one call, and share work by claiming it.
//
// A job is a number of ticks (a tick is a step of training, or a block of validation rows); a tick
// goes through the same phases, and a phase has chunks that may run in any order and on any thread.
// The next phase begins when all chunks of the present one are done. No thread has chunks that are
// its alone: it takes its own first (so that weights stay in the cache of one core) and then those
// of others, and a thread that the system does not run holds up nobody unless it stopped within a
// chunk. A thread without work spins for a moment, then sleeps.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <pthread.h>
#endif

namespace {

#if defined(_WIN32)
struct Waiting {
  SRWLOCK lock = SRWLOCK_INIT;
  CONDITION_VARIABLE ready = CONDITION_VARIABLE_INIT;
  void enter() { AcquireSRWLockExclusive(&lock); }
  void leave() { ReleaseSRWLockExclusive(&lock); }
  void wait() { SleepConditionVariableSRW(&ready, &lock, INFINITE, 0); }
  void wake() { WakeAllConditionVariable(&ready); }
};
typedef HANDLE Thread;
#else
struct Waiting {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
  void enter() { pthread_mutex_lock(&lock); }
  void leave() { pthread_mutex_unlock(&lock); }
  void wait() { pthread_cond_wait(&ready, &lock); }
  void wake() { pthread_cond_broadcast(&ready); }
};
typedef pthread_t Thread;
#endif

static inline void spin() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

constexpr int MOST_PHASES = 256, MOST_THREADS = 64, SPINS = 3000, LINE = 8;

typedef void (*Chunk)(void* context, long tick, int phase, int chunk);

struct Job {
  Chunk run; void* context;
  int n_phases; const int* chunks;  // of each phase, at most 65,535
  long ticks;
};

// A job with its own memory: a thread that is late may look at it when the caller's is gone.
struct OwnJob {
  Chunk run; void* context;
  int n_phases; int chunks[MOST_PHASES];
  long ticks;
  int64_t per_tick;         // chunks of a tick
  uint64_t first;           // number of its first tick; ticks of all jobs are counted from 1
  int64_t done, number;     // chunks done before it, and which job it is
};

class Team {
 public:
  // Threads that could not be started are done without.
  explicit Team(int threads) : n_(threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads) {
    if (n_ == 1) return;
    memset(&job_, 0, sizeof job_);
    job_.first = 1;
    words_ = (uint64_t*)calloc((size_t)MOST_PHASES * n_ * LINE, sizeof(uint64_t));
    if (!words_) return;
    for (int t = 1; t < n_; t++) {
      start_[t] = {this, t};
      if (!start(t)) break;
      started_ = t;
    }
  }
  ~Team() {
    if (n_ == 1) return;
    __atomic_store_n(&quit_, 1, __ATOMIC_SEQ_CST);
    notify();
    for (int t = 1; t <= started_; t++) join(t);
    free(words_);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  int size() const { return n_; }

  // Runs a job; this thread works too. Returns when all of it is done.
  void run(const Job& job) {
    if (n_ == 1 || started_ == 0) {
      for (long i = 0; i < job.ticks; i++)
        for (int p = 0; p < job.n_phases; p++)
          for (int c = 0; c < job.chunks[p]; c++) job.run(job.context, i, p, c);
      return;
    }
    waiting_.enter();
    job_.first += (uint64_t)job_.ticks;
    job_.run = job.run, job_.context = job.context, job_.n_phases = job.n_phases, job_.ticks = job.ticks;
    job_.done = __atomic_load_n(&done_, __ATOMIC_SEQ_CST);
    job_.per_tick = 0;
    for (int p = 0; p < job.n_phases; p++) job_.per_tick += job_.chunks[p] = job.chunks[p];
    job_.number = __atomic_add_fetch(&published_, 1, __ATOMIC_SEQ_CST);
    waiting_.wake();
    waiting_.leave();
    work(0);
  }

 private:
  struct Start { Team* team; int number; };

  // A word for each phase and thread, on a cache line of its own.
  uint64_t& word(int phase, int thread) { return words_[((long)phase * n_ + thread) * LINE]; }

  // Takes a chunk of a phase: the thread's own first. -1 when none is left.
  // A word holds the tick, and how many of a thread's chunks have been taken in it.
  int claim(uint64_t tick, int phase, int chunks, int thread) {
    for (int k = 0; k < n_; k++) {
      int of = thread + k < n_ ? thread + k : thread + k - n_;
      int begin = (int)((long)chunks * of / n_), count = (int)((long)chunks * (of + 1) / n_) - begin;
      uint64_t& w = word(phase, of);
      uint64_t seen = __atomic_load_n(&w, __ATOMIC_ACQUIRE);
      for (;;) {
        uint64_t at = seen >> 16;
        int taken = at == tick ? (int)(seen & 0xffff) : 0;
        if (at > tick) return -1;  // all of this phase is long done
        if (taken >= count) break;
        if (__atomic_compare_exchange_n(&w, &seen, tick << 16 | (uint64_t)(taken + 1), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
          return begin + taken;
      }
    }
    return -1;
  }

  // Works on the present job to its end; returns its number.
  int64_t work(int thread) {
    OwnJob job;
    waiting_.enter();
    job.n_phases = job_.n_phases;
    memcpy(job.chunks, job_.chunks, (size_t)job.n_phases * sizeof(int));
    job.run = job_.run, job.context = job_.context, job.ticks = job_.ticks, job.per_tick = job_.per_tick;
    job.first = job_.first, job.done = job_.done, job.number = job_.number;
    waiting_.leave();
    for (long i = 0; i < job.ticks; i++) {
      int64_t until = job.done + i * job.per_tick;
      for (int p = 0; p < job.n_phases; p++) {
        until += job.chunks[p];
        for (int c; (c = claim(job.first + (uint64_t)i, p, job.chunks[p], thread)) >= 0;) {
          job.run(job.context, i, p, c);
          int64_t now = __atomic_add_fetch(&done_, 1, __ATOMIC_SEQ_CST);
          if (now == until && __atomic_load_n(&sleepers_, __ATOMIC_SEQ_CST)) notify();
        }
        wait_for(until);
      }
    }
    return job.number;
  }

  // Waits until so many chunks are done.
  void wait_for(int64_t until) {
    for (int i = 0; i < SPINS; i++) {
      if (__atomic_load_n(&done_, __ATOMIC_ACQUIRE) >= until) return;
      spin();
    }
    enter_sleep();
    while (__atomic_load_n(&done_, __ATOMIC_SEQ_CST) < until) waiting_.wait();
    leave_sleep();
  }
  void enter_sleep() {
    waiting_.enter();
    __atomic_add_fetch(&sleepers_, 1, __ATOMIC_SEQ_CST);
  }
  void leave_sleep() {
    __atomic_sub_fetch(&sleepers_, 1, __ATOMIC_SEQ_CST);
    waiting_.leave();
  }
  void notify() {
    waiting_.enter();
    waiting_.wake();
    waiting_.leave();
  }

  void serve(int thread) {
    for (int64_t seen = 0;;) {
      for (int i = 0; i < SPINS && __atomic_load_n(&published_, __ATOMIC_ACQUIRE) == seen; i++) {
        if (__atomic_load_n(&quit_, __ATOMIC_ACQUIRE)) return;
        spin();
      }
      enter_sleep();
      while (__atomic_load_n(&published_, __ATOMIC_SEQ_CST) == seen && !__atomic_load_n(&quit_, __ATOMIC_SEQ_CST))
        waiting_.wait();
      leave_sleep();
      if (__atomic_load_n(&quit_, __ATOMIC_SEQ_CST)) return;
      seen = work(thread);
    }
  }
#if defined(_WIN32)
  static DWORD WINAPI begin(void* start) {
    Start* s = (Start*)start;
    s->team->serve(s->number);
    return 0;
  }
  bool start(int t) { return (threads_[t] = CreateThread(nullptr, 0, begin, &start_[t], 0, nullptr)) != nullptr; }
  void join(int t) { WaitForSingleObject(threads_[t], INFINITE), CloseHandle(threads_[t]); }
#else
  static void* begin(void* start) {
    Start* s = (Start*)start;
    s->team->serve(s->number);
    return nullptr;
  }
  bool start(int t) { return pthread_create(&threads_[t], nullptr, begin, &start_[t]) == 0; }
  void join(int t) { pthread_join(threads_[t], nullptr); }
#endif

  int n_, started_ = 0;
  Thread threads_[MOST_THREADS];
  Start start_[MOST_THREADS];
  Waiting waiting_;
  OwnJob job_;
  alignas(64) int64_t published_ = 0;
  alignas(64) int64_t done_ = 0;
  alignas(64) int sleepers_ = 0;
  int quit_ = 0;
  uint64_t* words_ = nullptr;
};

}  // namespace
