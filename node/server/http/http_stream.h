// HttpStream: the body of an answer that goes on, such as server-sent events. One side pushes
// pieces, from any thread; the HTTP server sends them and holds no thread for it. A reader that is
// too slow loses pieces: at most http_stream_max bytes wait for it, a piece that does not fit is
// dropped as a whole.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace xord {

constexpr size_t http_stream_max = 32 << 10;

class HttpStream {
 public:
  // False: the piece was dropped, because the stream is over or has no room for it.
  bool push(std::string_view piece);
  // After what was pushed, the answer is complete. Harmless if called again.
  void end();
  // It was ended, or the client has gone: stop pushing.
  bool is_over() const;

  // For the server. `wake` is called, by the thread that pushes or ends, when there is something to
  // take; it must not call back into the stream. Set once.
  void attach(std::function<void()> wake);
  // Moves at most `size` bytes to `out` and returns how many; 0 and *is_finished: there will be no
  // more.
  size_t take(char* out, size_t size, bool* is_finished);
  // The client has gone: what waits is dropped, and `wake` is not called any more.
  void abandon();

 private:
  mutable std::mutex mutex_;  // Guards all members.
  std::string waiting_;
  bool is_ended_ = false;
  bool is_abandoned_ = false;
  std::function<void()> wake_;
};

}  // namespace xord
