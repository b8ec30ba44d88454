// The datagrams of one receive, kept until they are handed over together: the sink sees the whole
// batch before the first datagram is handled.
#pragma once

#include <array>
#include <cstdint>

#include "reactor/base/check.h"
#include "reactor/udp_backend.h"

namespace xord {

class DatagramBatch {
 public:
  // At most batch_max; the bytes stay borrowed until they are handed over.
  void add(const Datagram& datagram) {
    DCHECK(size_ < batch_max);
    datagrams_[size_++] = datagram;
  }
  // Leaves the batch empty.
  void hand_over_to(DatagramSink& sink) {
    sink.on_batch({datagrams_.data(), size_});
    // Handling one may send, but not receive: none is added meanwhile.
    const uint32_t size = size_;
    for (uint32_t i = 0; i < size; ++i) sink.on_datagram(datagrams_[i]);
    DCHECK(size_ == size);
    size_ = 0;
  }

 private:
  std::array<Datagram, batch_max> datagrams_;
  uint32_t size_ = 0;
};

}  // namespace xord
