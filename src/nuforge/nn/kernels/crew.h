// Threads that share the blocks of a task. Which thread takes a block never changes the result.

#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace nuforge {

// Threads that wait for work, made once: to make them for each call would take longer than small calls.
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
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      open_ = others;
      busy_ = 0;
      ++call_;
    }
    begin_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = 0;
    end_.wait(lock, [this] { return busy_ == 0; });
    work_ = nullptr;
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (uint64_t seen = 0;;) {
      begin_.wait(lock, [&] { return call_ != seen && open_ > 0; });
      seen = call_;
      --open_;
      ++busy_;
      const std::function<void()>* work = work_;
      lock.unlock();
      (*work)();
      lock.lock();
      if (--busy_ == 0) end_.notify_one();
    }
  }

  const pid_t process_;
  std::mutex calling_, mutex_;
  std::condition_variable begin_, end_;
  const std::function<void()>* work_ = nullptr;
  int open_ = 0, busy_ = 0;
  uint64_t call_ = 0;
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
