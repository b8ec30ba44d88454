// Frames: short messages of varying size with a destination, collected in one arena that is
// allocated once. Through it a state machine emits messages to other shards and operations to
// storage. Its driver copies each frame into the destination's mailbox, and may leave here what the
// mailbox has no room for yet. Bounded: push() fails when it is full, and the caller refuses and
// counts.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {

constexpr size_t frame_alignment = 8;

class FrameOutbox {
 public:
  struct Entry {
    uint32_t to;
    uint32_t offset;
    uint32_t size;
  };

  // `bytes_max` counts each frame as a multiple of 8, and is itself rounded down to one.
  FrameOutbox(uint32_t frames_max, uint32_t bytes_max)
      : bytes_(std::make_unique_for_overwrite<uint64_t[]>(bytes_max / 8)),
        bytes_max_(bytes_max / 8 * 8),
        frames_max_(frames_max) {
    entries_.reserve(frames_max);
  }

  // Queues `header` followed by `tail` for destination `to`; false, with nothing queued, when full.
  template <class Header>
  [[nodiscard]] bool push(uint32_t to, const Header& header, Bytes tail = {}) {
    static_assert(std::is_trivially_copyable_v<Header> && alignof(Header) <= frame_alignment);
    const size_t size = sizeof header + tail.size();
    if (!has_room(size)) return false;
    uint8_t* at = reinterpret_cast<uint8_t*>(bytes_.get()) + used_;
    std::memcpy(at, &header, sizeof header);
    if (!tail.empty()) std::memcpy(at + sizeof header, tail.data(), tail.size());
    entries_.push_back({to, used_, static_cast<uint32_t>(size)});
    used_ += static_cast<uint32_t>((size + 7) & ~size_t{7});  // Frames start at multiples of 8.
    return true;
  }
  bool has_room(size_t size) const {
    return entries_.size() < frames_max_ && size <= bytes_max_ - used_;
  }

  std::span<const Entry> entries() const { return entries_; }
  Bytes bytes(const Entry& entry) const {
    DCHECK(entry.offset % frame_alignment == 0 && entry.offset + entry.size <= bytes_max_);
    return {reinterpret_cast<const uint8_t*>(bytes_.get()) + entry.offset, entry.size};
  }
  void clear() {
    entries_.clear();
    used_ = 0;
  }
  // Calls taken(const Entry&, Bytes) for each frame, oldest first: true removes it; the others
  // stay, in order.
  template <class Taken>
  void take(Taken&& taken) {
    uint8_t* const begin = reinterpret_cast<uint8_t*>(bytes_.get());
    size_t kept = 0;
    used_ = 0;
    for (Entry entry : entries_) {
      if (taken(entry, bytes(entry))) continue;
      DCHECK(used_ <= entry.offset);  // Frames only move towards the beginning.
      if (entry.offset != used_) std::memmove(begin + used_, begin + entry.offset, entry.size);
      entry.offset = used_;
      used_ += (entry.size + 7) & ~uint32_t{7};
      entries_[kept++] = entry;
    }
    entries_.resize(kept);
  }

 private:
  std::unique_ptr<uint64_t[]> bytes_;  // Words, so that every frame is aligned to 8.
  uint32_t bytes_max_;                 // A multiple of 8, so that `used_` never exceeds it.
  uint32_t frames_max_;
  uint32_t used_ = 0;
  std::vector<Entry> entries_;  // Reserved at construction, never grown.
};

// The header that a frame begins with, and the bytes after it.
template <class Header>
const Header* frame_header(Bytes frame) {
  static_assert(std::is_trivially_copyable_v<Header> && alignof(Header) <= frame_alignment);
  DCHECK(reinterpret_cast<uintptr_t>(frame.data()) % alignof(Header) == 0);
  return frame.size() < sizeof(Header) ? nullptr : reinterpret_cast<const Header*>(frame.data());
}
template <class Header>
Bytes frame_tail(Bytes frame) {
  DCHECK(frame.size() >= sizeof(Header));
  return frame.subspan(sizeof(Header));
}

}  // namespace xord
