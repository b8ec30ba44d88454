// Any bytes in place of each small file, as they are and as a payload with a matching header and
// checksum: nothing crashes, nothing grows without bound, and content that was read, then written,
// reads the same again.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "reactor/base/check.h"
#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/identity_file.h"
#include "storage/files/small_file.h"
#include "tests/fuzz/target.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

// Created once, and removed when the process ends cleanly.
class Scratch {
 public:
  Scratch() {
    auto opened = DataDirectory::open(place_.path(), NetworkFileSystem::forced);
    directory_ = std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
  }
  const DataDirectory& directory() const { return *directory_; }

 private:
  TemporaryDirectory place_;
  std::unique_ptr<DataDirectory> directory_;
};

const DataDirectory& directory() {
  static const Scratch scratch;
  return scratch.directory();
}

void put(const std::string& path, Bytes bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr);
  CHECK(bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

bool same(const NetworkIdentity& a, const NetworkIdentity& b) {
  return a == b;
}
bool same(const SavedContacts& a, const SavedContacts& b) {
  return a.network == b.network &&
         std::equal(a.contacts.begin(), a.contacts.end(), b.contacts.begin(), b.contacts.end(),
                    [](const SavedContact& one, const SavedContact& other) {
                      return one.id == other.id && one.endpoint == other.endpoint &&
                             one.last_answered == other.last_answered;
                    });
}

template <class Rows, class Read, class Write>
void try_rows(Read&& read, Write&& write) {
  const auto first = read(directory());
  const auto* rows = std::get_if<Rows>(&first);
  if (rows == nullptr || rows->empty()) return;
  CHECK(!write(directory(), *rows));
  const auto second = read(directory());
  const auto* again = std::get_if<Rows>(&second);
  CHECK(again != nullptr && again->size() == rows->size());
  for (size_t i = 0; i < rows->size(); ++i) CHECK(same((*rows)[i], (*again)[i]));
}

void try_clock() {
  const auto first = read_clock(directory());
  const auto* clock = std::get_if<std::optional<SavedClock>>(&first);
  if (clock == nullptr || !*clock) return;
  CHECK(!write_clock(directory(), **clock));
  const auto second = read_clock(directory());
  const auto& again = std::get<std::optional<SavedClock>>(second);
  CHECK(again && again->node_time == (*clock)->node_time &&
        again->wall_time == (*clock)->wall_time);
  for (const Duration wall : {(*clock)->wall_time, Duration{}, hours(24) * 365 * 100}) {
    CHECK(resume_clock(**clock, wall, hours(168)).now >= (*clock)->node_time);
  }
}

void try_all() {
  try_rows<std::vector<NetworkIdentity>>(read_identity, write_identity);
  try_rows<std::vector<SavedContacts>>(read_contacts, write_contacts);
  try_clock();
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using xord::FileKind;
  constexpr std::pair<const char*, FileKind> files[] = {{"identity", FileKind::identity},
                                                        {"contacts", FileKind::contacts},
                                                        {"clock", FileKind::clock}};
  const xord::Bytes bytes(data, size);
  for (const auto& [name, kind] : files) xord::put(xord::directory().file(name), bytes);
  xord::try_all();
  for (const auto& [name, kind] : files) {
    CHECK(!xord::write_small_file(xord::directory().file(name), kind, 1, bytes));
  }
  xord::try_all();
  return 0;
}
