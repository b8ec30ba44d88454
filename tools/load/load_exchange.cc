#include "tools/load/load_exchange.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "node/budget.h"
#include "node/client/client_id.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// One turn may queue a batch of requests, and an answer to each datagram it receives.
constexpr uint32_t receive_rounds_max = 4;
constexpr uint32_t outbox_datagrams = batch_max * (receive_rounds_max + 1);
constexpr uint32_t outbox_bytes =
    batch_max * rpcudp::request_size_max + receive_rounds_max * batch_max * 64;
static_assert(rpcudp::ping_reply_size <= 64);

// A transaction is the number of its request, followed by bytes that no other run has.
constexpr size_t tag_at = 8;
static_assert(tag_at + sizeof(uint64_t) <= transaction_size);

Transaction transaction_for(uint64_t sequence, uint64_t tag) {
  Transaction transaction{};
  store_be64(&transaction[0], sequence);
  store_be64(&transaction[tag_at], tag);
  return transaction;
}

}  // namespace

LoadExchange::LoadExchange(const ExchangeConfig& config, LoadSources& sources)
    : config_(config),
      sources_(sources),
      outbox_(outbox_datagrams, outbox_bytes),
      rows_(std::bit_ceil(config.questions_max)) {}

std::optional<IoError> LoadExchange::create(const ExchangeConfig& config, LoadSources& sources,
                                            std::unique_ptr<LoadExchange>* out) {
  std::unique_ptr<LoadExchange> exchange(new LoadExchange(config, sources));
  if (auto error = exchange->doorbell_.error()) return error;
  const std::vector<Listen> listens = sources.listens();
  std::vector<ShardSockets> shards;
  if (auto error = open_sockets(listens, {}, &shards)) return error;
  CHECK(!shards.empty());
  exchange->sockets_ = std::move(shards[0]);
  if (auto error = choose_backend(config.io, {}, exchange->sockets_, exchange->doorbell_,
                                  exchange->io_counters_, &exchange->chosen_)) {
    return error;
  }
  // A source's requests are sent one by one, as those of many peers would be. Besides, the kernel
  // steers all segments that were sent together by the first of them.
  exchange->set_coalescing(false);
  if (auto error = exchange->chosen_.backend->start()) return error;
  *out = std::move(exchange);
  return std::nullopt;
}

LoadExchange::~LoadExchange() {
  if (chosen_.backend) chosen_.backend->stop();
}

void LoadExchange::use(const KeySpace& keys, ReplyCheck& check, ExchangeListener& listener) {
  keys_ = &keys;
  check_ = &check;
  listener_ = &listener;
}

bool LoadExchange::can_ask() const {
  return next_ - oldest_ < rows_.size() && outbox_.has_room(rpcudp::request_size_max) &&
         outbox_.entries().size() < batch_max;
}

void LoadExchange::ask(const Question& question) {
  CHECK(can_ask());
  CHECK(keys_ != nullptr && check_ != nullptr && listener_ != nullptr);
  const uint64_t sequence = next_++;
  DCHECK(!row_of(sequence).is_open);
  Row& row = row_of(sequence);
  row = {question, sequence, true};
  ++open_count_;
  const Transaction transaction = transaction_for(sequence, config_.tag);
  const MutableBytes buffer = outbox_.reserve(rpcudp::request_size_max);
  const size_t size = encode(buffer, question, transaction);
  DCHECK(size > 0 && size <= buffer.size());
  row.request_size = static_cast<uint16_t>(size);
  outbox_.commit(sources_.path(question.source), size);
}

Id LoadExchange::id_of(uint32_t source) const {
  DCHECK(source < sources_.count() && keys_ != nullptr);
  if (source >= config_.own_ids) return client_id;
  return keys_->id(IdDomain::sources, sources_.id_number(source));
}

size_t LoadExchange::encode(MutableBytes out, const Question& question, Bytes transaction) const {
  const Id sender = id_of(question.source);
  if (question.kind == RequestKind::ping) {
    return rpcudp::encode_ping_request(out, transaction, sender);
  }
  Id key;
  if (question.domain == IdDomain::sources) {
    key = id_of(static_cast<uint32_t>(question.number));
    key.bytes[id_size - 1] ^= 1;
  } else {
    key = keys_->id(question.domain, question.number);
  }
  switch (question.kind) {
    case RequestKind::find_node:
      return rpcudp::encode_find_node_request(out, transaction, sender, key);
    case RequestKind::find_value_hit:
    case RequestKind::find_value_miss:
      return rpcudp::encode_find_value_request(out, transaction, sender, key);
    case RequestKind::store: {
      std::array<uint8_t, value_size_max + 64> value;
      const size_t size = keys_->write_value(question.domain, question.number, value);
      return rpcudp::encode_store_request(out, transaction, sender, key, Bytes(value).first(size),
                                          std::nullopt);
    }
    case RequestKind::ping:
    case RequestKind::count:
      break;
  }
  CHECK(false);
  return 0;
}

void LoadExchange::turn(Waiting waiting, Instant until) {
  std::optional<Duration> most = Duration{};
  if (waiting == Waiting::sleep) most = std::max(until - clock_.now(), Duration{});
  chosen_.backend->send_and_wait(outbox_, most);
  outbox_.clear();
  for (uint32_t round = 0; round < receive_rounds_max; ++round) {
    received_at_.reset();
    if (chosen_.backend->receive(*this) == 0) break;
  }
  give_up_overdue(clock_.now());
}

void LoadExchange::on_datagram(const Datagram& datagram) {
  if (rpcudp::is_reply(datagram.bytes)) {
    // The clock is read once per batch, after the system call, so that latencies err on the high
    // side.
    if (!received_at_) received_at_ = clock_.now();
    receive_reply(datagram);
  } else {
    receive_request(datagram);
  }
}

// A datagram that no question explains counts against the target only if it came from there, since
// anyone can send to our sockets.
void LoadExchange::count_unknown(const Datagram& datagram, uint64_t& of_target) {
  ++(datagram.path.remote == config_.target ? of_target : strays_.strangers);
}

void LoadExchange::receive_reply(const Datagram& datagram) {
  const Bytes transaction = rpcudp::transaction_of(datagram.bytes);
  if (transaction.size() != transaction_size) return count_unknown(datagram, strays_.malformed);
  const uint64_t sequence = load_be64(transaction.data());
  if (!equal(transaction, transaction_for(sequence, config_.tag)) || sequence >= next_) {
    return count_unknown(datagram, strays_.unknown_transaction);
  }
  Row& row = row_of(sequence);
  if (row.sequence != sequence || !row.is_open) {
    ++strays_.late;
    return;
  }
  DCHECK(received_at_.has_value() && listener_ != nullptr);
  const Path asked = sources_.path(row.question.source);
  const auto answered = sources_.source_of(datagram.path);
  if (datagram.path.remote != asked.remote || answered != row.question.source) {
    ++strays_.wrong_source;
    return;
  }
  listener_->answered(row.question, datagram.bytes);
  const Verdict verdict = check_->check(datagram.bytes, row.question.kind, row.question.number,
                                        row.request_size, *keys_);
  close(row, Ending::answered, verdict, *received_at_ - row.question.planned);
}

void LoadExchange::close(Row& row, Ending ending, Verdict verdict, Duration latency) {
  DCHECK(row.is_open && open_count_ > 0);
  row.is_open = false;
  --open_count_;
  listener_->ended(row.question, ending, verdict, latency);
}

// A node pings sources that it does not know; a source that does not answer is served little or
// nothing.
void LoadExchange::receive_request(const Datagram& datagram) {
  Request request;
  if (rpcudp::parse_request(datagram.bytes, &request) != ParseError::none) {
    return count_unknown(datagram, strays_.malformed);
  }
  if (request.method != Method::ping) {
    ++strays_.requests;
    return;
  }
  const auto source = sources_.source_of(datagram.path);
  const MutableBytes buffer = outbox_.reserve(rpcudp::ping_reply_size);
  if (config_.answer_pings == AnswerPings::no || !source || buffer.empty() || keys_ == nullptr) {
    ++strays_.pings_ignored;
    return;
  }
  outbox_.commit(datagram.path,
                 rpcudp::encode_ping_reply(buffer, request.transaction, id_of(*source)));
  ++strays_.pings_answered;
}

void LoadExchange::give_up_open() {
  const Instant now = clock_.now();
  for (; oldest_ < next_; ++oldest_) {
    Row& row = row_of(oldest_);
    if (row.is_open) close(row, Ending::lost, Verdict::count, now - row.question.planned);
  }
  CHECK(open_count_ == 0);
}

void LoadExchange::give_up_overdue(Instant now) {
  for (; oldest_ < next_; ++oldest_) {
    Row& row = row_of(oldest_);
    if (!row.is_open) continue;
    // A request is given up `timeout` after it was planned; those after it were planned later.
    if (now - row.question.planned < config_.timeout) return;
    close(row, Ending::lost, Verdict::count, now - row.question.planned);
  }
}

}  // namespace xord
