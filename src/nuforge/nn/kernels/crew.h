// Threads that share the blocks of a task. Which thread takes a block never changes the result.

#pragma once

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace nuforge {

// Threads that wait for work, made once: to make them for each call would take longer than small calls. After a task
// they look out for the next for a while before they sleep, since to wake a thread takes longer than small calls too;
// while they look out they give way to whoever wants their core.
class Crew {
 public:
  explicit Crew(int others) : process_(getpid()) {
    for (int t = 0; t < others; ++t) std::thread([this] { serve(); }).detach();
  }

  // The crew of this process: a forked child has none of its parent's threads.
  static Crew& of(int others) {
    static std::mutex making;
    static Crew* crew = nullptr;
    static int size = 0;
    std::lock_guard<std::mutex> lock(making);
    if (crew == nullptr || crew->process_ != getpid() || size < others) {
      crew = new Crew(others);  // an outgrown crew sleeps on: it may be needed by no one, and costs nothing
      size = others;
    }
    return *crew;
  }

  void run(int others, const std::function<void()>& work) {
    std::lock_guard<std::mutex> alone(calling_);
    work_ = &work;
    state_ = ((state_ >> CALL) + 1) << CALL | static_cast<uint64_t>(others) << OPEN;
    if (sleeping_ > 0) {
      { std::lock_guard<std::mutex> lock(mutex_); }  // who is about to sleep sleeps now, and hears
      begin_.notify_all();
    }
    work();
    state_ &= ~(PLACES << OPEN);
    while (state_ & PLACES) sched_yield();
  }

 private:
  // The number of the call, how many may still join it and how many are at work, in one word.
  static constexpr int CALL = 32, OPEN = 16;
  static constexpr uint64_t PLACES = 0xffff;
  static constexpr std::chrono::microseconds LOOK_OUT{200};

  static bool open(uint64_t state, uint64_t seen) { return state >> CALL != seen && (state >> OPEN & PLACES); }

  void serve() {
    for (uint64_t seen = 0;;) {
      uint64_t state = next(seen);
      if (!open(state, seen) || !state_.compare_exchange_weak(state, state - (uint64_t{1} << OPEN) + 1)) continue;
      seen = state >> CALL;
      (*work_)();
      --state_;
    }
  }

  // The state once there is a call that was not seen.
  uint64_t next(uint64_t seen) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < LOOK_OUT) {
      const uint64_t state = state_;
      if (open(state, seen)) return state;
      sched_yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    ++sleeping_;
    begin_.wait(lock, [&] { return open(state_, seen); });
    --sleeping_;
    return state_;
  }

  const pid_t process_;
  std::mutex calling_, mutex_;
  std::condition_variable begin_;
  std::atomic<const std::function<void()>*> work_{nullptr};
  std::atomic<uint64_t> state_{0};
  std::atomic<int> sleeping_{0};
};

// work(i) for i from 0 to n - 1, in any order, by so many threads.
template <class Work>
void in_parallel(int64_t n, int threads, const Work& work) {
  threads = static_cast<int>(std::min<int64_t>(threads, n));
  if (threads <= 1) {
    for (int64_t i = 0; i < n; ++i) work(i);
    return;
  }
  std::atomic<int64_t> next{0};
  Crew::of(threads - 1).run(threads - 1, [&] {
    for (int64_t i = next++; i < n; i = next++) work(i);
  });
}

}  // namespace nuforge
