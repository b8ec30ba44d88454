// A bounded ring of frames from one thread to one other: single producer, single consumer, frames
// of any size up to frame_size_max(), each starting at a multiple of 8 bytes. Nothing allocates
// after construction. When it is full, push() refuses and the caller counts. Frames become visible
// in batches, by publish(), which wakes the consumer only if it sleeps (reactor/doorbell.h).
//
// Memory order: the producer's store to published_ pairs with the consumer's load (release,
// acquire), and the consumer's store to released_ with the producer's load likewise. Only the store
// in publish() and the load in has_frames_before_sleep() are seq_cst, for the doorbell's handshake.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/doorbell.h"

namespace xord {

class Mailbox {
 public:
  // At least `bytes_max` bytes, rounded up to a power of two. `consumer` is the doorbell of the
  // thread that consumes; it outlives the mailbox.
  Mailbox(uint32_t bytes_max, Doorbell& consumer)
      : capacity_(std::bit_ceil(bytes_max < 64 ? 64 : bytes_max)),
        words_(std::make_unique_for_overwrite<uint64_t[]>(capacity_ / 8)),
        consumer_(consumer) {
    CHECK(bytes_max <= uint32_t{1} << 31);  // Beyond it there is no such power of two.
  }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // The largest frame that an empty mailbox accepts at any position of its ring.
  uint32_t frame_size_max() const { return static_cast<uint32_t>(capacity_ / 2 - 8); }

  // Producer: queues `header` followed by `tail`, invisible to the consumer until publish(). False,
  // with nothing queued, when there is no room.
  template <class Header>
  [[nodiscard]] bool push(const Header& header, Bytes tail) {
    static_assert(std::is_trivially_copyable_v<Header>);
    return push_parts({reinterpret_cast<const uint8_t*>(&header), sizeof header}, tail);
  }
  // Producer: the same for a frame that is already whole.
  [[nodiscard]] bool push(Bytes frame) { return push_parts(frame, {}); }

  // Producer: whether at most half of it is in use. Where droppable frames share a mailbox with
  // frames that must not be dropped, the droppable ones are pushed only while this holds, so that
  // the others find room however many there are.
  bool has_half_free() {
    if (written_ - released_seen_ <= capacity_ / 2) return true;
    released_seen_ = released_.load(std::memory_order_acquire);
    return written_ - released_seen_ <= capacity_ / 2;
  }

  // Producer: makes all pushed frames visible to the consumer, and rings if it sleeps: at most once
  // a batch. Does nothing when nothing is new.
  void publish() {
    if (written_ == published_.load(std::memory_order_relaxed)) return;
    published_.store(written_, std::memory_order_seq_cst);
    consumer_.ring_if_asleep();
  }

  // Consumer: calls visit(Bytes) for up to `frames_max` published frames, oldest first, and returns
  // how many there were. The frames lie in place and stay there until release().
  template <class Visit>
  uint32_t read(uint32_t frames_max, Visit&& visit) {
    uint32_t frames = 0;
    while (frames < frames_max) {
      if (read_ == published_seen_) {
        published_seen_ = published_.load(std::memory_order_acquire);
        if (read_ == published_seen_) break;
      }
      uint64_t size = words_[offset(read_) / 8];
      if (size == wrap_mark) {
        read_ += capacity_ - offset(read_);
        size = words_[0];
      }
      DCHECK(size <= frame_size_max() && offset(read_) + footprint(size) <= capacity_);
      const Bytes frame(byte_at(read_) + frame_header_size, static_cast<size_t>(size));
      read_ += footprint(size);
      DCHECK(read_ <= published_seen_);  // Frames are published whole.
      visit(frame);
      ++frames;
    }
    return frames;
  }
  // Consumer: returns the room of all frames read so far to the producer.
  void release() {
    DCHECK(read_ - released_.load(std::memory_order_relaxed) <= capacity_);
    released_.store(read_, std::memory_order_release);
  }
  // Consumer: read() and release() in one.
  template <class Visit>
  uint32_t consume(uint32_t frames_max, Visit&& visit) {
    const uint32_t frames = read(frames_max, visit);
    if (frames > 0) release();
    return frames;
  }
  // Consumer: whether there are frames to read. Call it after Doorbell::announce_sleep() and before
  // sleeping.
  bool has_frames_before_sleep() const {
    return read_ != published_.load(std::memory_order_seq_cst);
  }

 private:
  static constexpr uint64_t frame_header_size = 8;  // The frame's size, as one word.
  static constexpr uint64_t wrap_mark = ~uint64_t{0};
  static_assert(std::atomic<uint64_t>::is_always_lock_free);

  static uint64_t footprint(uint64_t size) {
    return frame_header_size + ((size + 7) & ~uint64_t{7});
  }
  uint64_t offset(uint64_t position) const { return position & (capacity_ - 1); }
  uint8_t* byte_at(uint64_t position) {
    return reinterpret_cast<uint8_t*>(words_.get()) + offset(position);
  }

  bool has_room(uint64_t size) {
    if (written_ + size - released_seen_ <= capacity_) return true;
    released_seen_ = released_.load(std::memory_order_acquire);
    return written_ + size - released_seen_ <= capacity_;
  }

  bool push_parts(Bytes head, Bytes tail) {
    const uint64_t size = head.size() + tail.size();
    if (size > frame_size_max()) return false;
    const uint64_t needed = footprint(size);
    const uint64_t until_end = capacity_ - offset(written_);
    // A frame is contiguous: one that does not fit before the end goes to the beginning.
    const uint64_t skipped = needed <= until_end ? 0 : until_end;
    if (!has_room(skipped + needed)) return false;
    if (skipped > 0) words_[offset(written_) / 8] = wrap_mark;
    written_ += skipped;
    words_[offset(written_) / 8] = size;
    uint8_t* at = byte_at(written_) + frame_header_size;
    if (!head.empty()) std::memcpy(at, head.data(), head.size());
    if (!tail.empty()) std::memcpy(at + head.size(), tail.data(), tail.size());
    written_ += needed;
    DCHECK(written_ - released_seen_ <= capacity_);
    return true;
  }

  // Positions count bytes since construction and never wrap in practice (2^64).
  const uint64_t capacity_;
  const std::unique_ptr<uint64_t[]> words_;
  Doorbell& consumer_;

  alignas(64) std::atomic<uint64_t> published_{0};  // Written by the producer only.
  uint64_t written_ = 0;                            // The producer's own, as is released_seen_.
  uint64_t released_seen_ = 0;

  alignas(64) std::atomic<uint64_t> released_{0};  // Written by the consumer only.
  uint64_t read_ = 0;                              // The consumer's own, as is published_seen_.
  uint64_t published_seen_ = 0;
};

}  // namespace xord
