// Writes and reads the payload of a small file: little-endian integers, byte arrays and short
// names, one after another.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {

constexpr size_t network_name_max = 32;

class PayloadWriter {
 public:
  template <class Integer>
  void integer(Integer value) {
    uint8_t bytes[sizeof value];
    store_le(bytes, value);
    this->bytes(bytes);
  }
  void bytes(Bytes bytes) { payload_.insert(payload_.end(), bytes.begin(), bytes.end()); }
  void name(std::string_view name) {
    CHECK(name.size() <= network_name_max);
    integer(static_cast<uint8_t>(name.size()));
    bytes(bytes_of(name));
  }
  Bytes payload() const { return payload_; }

 private:
  std::vector<uint8_t> payload_;
};

class PayloadReader {  // After a read past the end it stays failed and returns zeros.
 public:
  explicit PayloadReader(Bytes payload) : left_(payload) {}

  template <class Integer>
  Integer integer() {
    uint8_t bytes[sizeof(Integer)] = {};
    this->bytes(bytes);
    return load_le<Integer>(bytes);
  }
  void bytes(MutableBytes out) {
    if (out.size() > left_.size()) {
      failed_ = true;
      left_ = {};
      return;
    }
    std::copy_n(left_.begin(), out.size(), out.begin());
    left_ = left_.subspan(out.size());
  }
  std::string name() {
    std::string name(std::min<size_t>(integer<uint8_t>(), network_name_max), '\0');
    bytes({reinterpret_cast<uint8_t*>(name.data()), name.size()});
    return name;
  }
  bool failed() const { return failed_; }
  // Every read succeeded and nothing is left.
  bool is_complete() const { return !failed_ && left_.empty(); }

 private:
  Bytes left_;
  bool failed_ = false;
};

}  // namespace xord
