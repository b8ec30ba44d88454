#include "node/answers/waiting_answers.h"

#include <bit>

#include "reactor/base/check.h"

namespace xord {

WaitingAnswers::WaitingAnswers(uint32_t answers_max)
    : rows_(answers_max), buckets_(std::bit_ceil(answers_max)) {}

std::optional<PoolHandle> WaitingAnswers::add(const WaitingAnswer& answer) {
  const auto handle = rows_.take();
  if (!handle) return std::nullopt;
  Row& added = rows_[*handle];
  added = {};
  added.answer = answer;
  CHECK(by_age_.last == none || row(by_age_.last).answer.until <= answer.until);
  append(by_age_, handle->index, &Row::by_age);
  return handle;
}

void WaitingAnswers::wait_for(PoolHandle answer, uint64_t contact) {
  Row& waiting = rows_[answer];
  CHECK(waiting.state == State::taken);
  waiting.state = State::waiting;
  waiting.contact = contact;
  append(bucket_of(contact), answer.index, &Row::beside);
}

void WaitingAnswers::decided(Instant now, uint64_t contact) {
  for (uint32_t index = bucket_of(contact).first; index != none;) {
    const uint32_t next = row(index).beside.after;
    if (row(index).contact == contact) make_ready(now, index);
    index = next;
  }
}

void WaitingAnswers::advance(Instant now) {
  for (uint32_t index = by_age_.first; index != none && row(index).answer.until <= now;
       index = row(index).by_age.after) {
    if (row(index).state == State::waiting) make_ready(now, index);
  }
}

std::optional<PoolHandle> WaitingAnswers::take_ready() {
  if (!has_ready()) return std::nullopt;
  const uint32_t index = ready_.first;
  DCHECK(row(index).state == State::ready);
  remove(ready_, index, &Row::beside);
  row(index).state = State::taken;
  return rows_.taken_at(index);
}

void WaitingAnswers::finish(PoolHandle answer) {
  CHECK(rows_[answer].state == State::taken);
  remove(by_age_, answer.index, &Row::by_age);
  rows_.give_back(answer);
}

std::optional<Instant> WaitingAnswers::next_wakeup() const {
  if (has_ready()) return ready_since_;
  if (by_age_.first == none) return std::nullopt;
  return rows_[*rows_.taken_at(by_age_.first)].answer.until;
}

void WaitingAnswers::make_ready(Instant now, uint32_t index) {
  DCHECK(row(index).state == State::waiting);
  if (!has_ready()) ready_since_ = now;
  remove(bucket_of(row(index).contact), index, &Row::beside);
  row(index).state = State::ready;
  append(ready_, index, &Row::beside);
}

void WaitingAnswers::append(List& list, uint32_t index, Links Row::*links) {
  DCHECK((list.first == none) == (list.last == none) && list.last != index);
  row(index).*links = {list.last, none};
  (list.last == none ? list.first : (row(list.last).*links).after) = index;
  list.last = index;
}

void WaitingAnswers::remove(List& list, uint32_t index, Links Row::*links) {
  const Links leaving = row(index).*links;
  DCHECK((leaving.before == none ? list.first : (row(leaving.before).*links).after) == index);
  DCHECK((leaving.after == none ? list.last : (row(leaving.after).*links).before) == index);
  (leaving.before == none ? list.first : (row(leaving.before).*links).after) = leaving.after;
  (leaving.after == none ? list.last : (row(leaving.after).*links).before) = leaving.before;
}

template <class Visit>
uint32_t WaitingAnswers::check_list(const List& list, Links Row::*links, Visit&& visit) const {
  uint32_t count = 0;
  uint32_t before = none;
  for (uint32_t index = list.first; index != none; index = (row(index).*links).after) {
    CHECK((row(index).*links).before == before);
    ++count;
    CHECK(count <= rows_.taken_count());  // Else it is a circle.
    visit(row(index));
    before = index;
  }
  CHECK(list.last == before);
  return count;
}

void WaitingAnswers::check_invariants() const {
  Instant until = Instant::min();
  uint32_t waiting_count = 0;
  uint32_t ready_count = 0;
  const uint32_t all_count = check_list(by_age_, &Row::by_age, [&](const Row& row) {
    CHECK(until <= row.answer.until);  // Oldest first.
    until = row.answer.until;
    waiting_count += row.state == State::waiting;
    ready_count += row.state == State::ready;
  });
  CHECK(all_count == rows_.taken_count());
  const uint32_t listed_ready =
      check_list(ready_, &Row::beside, [](const Row& row) { CHECK(row.state == State::ready); });
  CHECK(listed_ready == ready_count);
  uint32_t listed_waiting = 0;
  for (const List& bucket : buckets_) {
    listed_waiting += check_list(bucket, &Row::beside, [&](const Row& row) {
      CHECK(row.state == State::waiting);
      CHECK(&buckets_[row.contact & (buckets_.size() - 1)] == &bucket);
    });
  }
  CHECK(listed_waiting == waiting_count);
}

}  // namespace xord
