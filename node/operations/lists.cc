// What a shard says of itself for reports: pages of contacts, buckets and records, and a lookup
// call by call.
#include <algorithm>
#include <array>

#include "node/operations/operations.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

template <class Row>
struct Page {
  PageHead head;
  std::array<Row, page_rows> rows;
};
static_assert(sizeof(Page<ContactRow>) <= value_size_max, "a page is one result");
static_assert(sizeof(Page<BucketRow>) <= value_size_max);
static_assert(sizeof(Page<RecordRow>) <= value_size_max);
static_assert(sizeof(PageHead) == 24 && alignof(ContactRow) <= 4, "no padding is sent");

RecordRow row_of(const ScannedRecord& scanned, NodeSeconds now) {
  DCHECK(scanned.found.presence != Presence::absent);
  const RecordTimes& times = scanned.found.times;
  RecordRow row;
  row.key = scanned.key;
  // A clock that was wrong may have left times ahead of now.
  row.published_ago = now - std::min(now, times.published);
  row.stored_ago = now - std::min(now, times.last_store);
  row.expires_in = times.expiry - std::min(now, times.expiry);
  row.value_size = static_cast<uint16_t>(scanned.value_size);
  if (scanned.found.presence == Presence::value && !scanned.found.value.empty()) {
    row.is_in_memory = 1;
    row.first_byte = scanned.found.value[0];
  }
  return row;
}

}  // namespace

template <class Page>
void Operations::emit_page(const Turn& turn, OperationId id, Page& page, size_t count,
                           const std::optional<Id>& next) {
  CHECK(count <= page.rows.size());
  page.head = {next.value_or(Id{}), next ? 0u : 1u};
  const size_t size = sizeof page.head + count * sizeof page.rows[0];
  emit(turn, {id, OperationStatus::done}, {reinterpret_cast<const uint8_t*>(&page), size});
}

void Operations::trace(const Turn& turn, OperationId id, const Id& target) {
  if (lookups_.has_trace()) {
    node_.count(NodeCounter::operations_refused);
    return emit(turn, {id, OperationStatus::refused}, {});
  }
  const auto handle = begin(turn, id, OperationTask::trace, target);
  if (!handle) return;
  if (!lookups_.start_traced(turn, LookupKind::find_node, target, LookupPurpose::find, *handle)) {
    end(turn, *handle, OperationStatus::refused);
  }
}

void Operations::emit_trace(const Turn& turn, PoolHandle handle, OperationStatus status) {
  const LookupTrace& trace = lookups_.trace();
  struct {
    TraceHead head;
    std::array<TracedCall, traced_calls_max> calls;
  } answer;
  static_assert(sizeof answer <= value_size_max);
  const auto calls = trace.calls();
  answer.head = {trace.took(), trace.left_out()};
  std::copy(calls.begin(), calls.end(), answer.calls.begin());
  const size_t size = sizeof answer.head + calls.size_bytes();
  emit(turn, result(ongoing_[handle], status), {reinterpret_cast<const uint8_t*>(&answer), size});
  give_back(handle);
}

void Operations::list_contacts(const Turn& turn, OperationId id, const Id& near, const Id& from) {
  Page<ContactRow> page;
  const auto listed = contacts_.list(near, from, turn.now, page.rows);
  emit_page(turn, id, page, listed.count, listed.next);
}

void Operations::list_buckets(const Turn& turn, OperationId id, const Id& from) {
  Page<BucketRow> page;
  const auto listed = contacts_.table().list_buckets(from, turn.now, page.rows);
  emit_page(turn, id, page, listed.count, listed.next);
}

void Operations::list_records(const Turn& turn, OperationId id, const Id& from,
                              uint32_t prefix_bits) {
  CHECK(prefix_bits <= id_bits);
  Page<RecordRow> page;
  size_t count = 0;
  std::optional<Id> next = from;
  for (uint32_t visits = 0; next && visits < page_visits_max; ++visits) {
    if (count == page.rows.size()) break;
    const auto scanned = store_.first_from(turn.now, *next);
    if (!scanned || shared_prefix(scanned->key, from) < prefix_bits) {
      next.reset();
      break;
    }
    next = next_id(scanned->key);
    // The next call continues from there, and must stay in the range.
    if (next && shared_prefix(*next, from) < prefix_bits) next.reset();
    if (scanned->found.presence == Presence::absent) continue;
    page.rows[count++] = row_of(*scanned, node_seconds(turn.now));
  }
  emit_page(turn, id, page, count, next);
}

}  // namespace xord
